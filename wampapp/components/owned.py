"""A component whose data belongs to one object: its owner, in the process that serves it."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from wampapp.components.component import Component
from wampapp.errors import UsageError


class Owner(Protocol):
    """What owns a component's data. Whatever changes it, and whatever asks, comes here."""

    async def start(self) -> None:
        """Begin; the store is open."""

    def stop(self) -> None:
        """End the calls that wait."""

    async def close(self) -> None:
        """Do what was begun; the store is closed next."""


T = TypeVar("T", bound=Owner)


class Owned(Component, Generic[T]):
    """A component whose data has an owner; a subclass says how to make it."""

    _owner: T | None = None

    def make_owner(self) -> T:
        """Return a new owner; the store is open."""
        raise NotImplementedError

    @property
    def owner(self) -> T:
        """The owner, in the process that serves the component.

        Raises:
            UsageError: this process does not.
        """
        if self._owner is None:
            raise UsageError(f"{self!r} is not served by this process.")
        return self._owner

    async def open(self) -> None:
        """Begin to own the data."""
        self._owner = self.make_owner()
        await self._owner.start()

    async def stop_serving(self) -> None:
        """End the calls that wait."""
        if self._owner is not None:  # it could not be opened
            self._owner.stop()

    async def close(self) -> None:
        """Do what was begun."""
        if self._owner is not None:
            await self._owner.close()
            self._owner = None
