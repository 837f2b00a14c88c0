"""The blocking verbs of settings, for plain functions, other threads and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager

    from wampapp.client.blocking import Client
    from wampapp.components.settings.records import Changed, Version

T = TypeVar("T")


class _Verbs(Protocol):
    """The verbs that are awaited."""

    @property
    def client_here(self) -> Client:
        """The blocking client."""

    async def change(
        self,
        *,
        why: str = "",
        expect: int | None = None,
        strict: bool = False,
        by: str | None = None,
        **values: Any,
    ) -> Changed:
        """Change settings."""

    async def reset(self, *names: str, why: str = "", expect: int | None = None) -> Changed:
        """Give settings their defaults again."""

    async def rollback(self, version: int, *, why: str = "", expect: int | None = None) -> Changed:
        """Give all settings the values of an earlier version."""

    async def history(self, limit: int = 50, before: int | None = None) -> list[Version]:
        """Return the versions."""

    def override(self, **values: Any) -> AbstractContextManager[None]:
        """Have settings have other values for a while."""


class BlockingLive:
    """The blocking verbs of settings: ``settings.sync``.

    Each takes, returns and raises what the verb of its name of
    :class:`~wampapp.components.settings.Live` does, and :class:`~wampapp.WrongThread` on the event
    loop's thread.

    Args:
        live: the settings.
    """

    def __init__(self, live: _Verbs) -> None:
        self._live = live

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._live.client_here.on_loop(lambda _: work())

    def change(
        self,
        *,
        why: str = "",
        expect: int | None = None,
        strict: bool = False,
        by: str | None = None,
        **values: Any,
    ) -> Changed:
        """Change settings, all of them or none."""
        return self._wait(
            lambda: self._live.change(why=why, expect=expect, strict=strict, by=by, **values)
        )

    def reset(self, *names: str, why: str = "", expect: int | None = None) -> Changed:
        """Give settings their defaults again."""
        return self._wait(lambda: self._live.reset(*names, why=why, expect=expect))

    def rollback(self, version: int, *, why: str = "", expect: int | None = None) -> Changed:
        """Give all settings the values of an earlier version, as a new version."""
        return self._wait(lambda: self._live.rollback(version, why=why, expect=expect))

    def history(self, limit: int = 50, before: int | None = None) -> list[Version]:
        """Return the versions, the newest first."""
        return self._wait(lambda: self._live.history(limit, before))

    def override(self, **values: Any) -> AbstractContextManager[None]:
        """Have settings here have other values for a while, in tests; nobody is told."""
        return self._live.override(**values)
