"""The procedures of settings, for peers in every language."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator  # noqa: TC003 - annotations are read at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta

from wampapp.components.settings.records import (
    MAX_HISTORY,
    Attached,
    Changed,
    Snapshot,
    Version,
)
from wampapp.components.store.backup import back_up_beside
from wampapp.registry.context import Invocation  # noqa: TC001 - annotations are read at run time

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.settings.keeper import Keeper
    from wampapp.components.store import Store
    from wampapp.registry.blueprint import Blueprint

_Text = Annotated[str, Meta(max_length=500)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Number = Annotated[int, Meta(ge=0)]


class Procedures:
    """What peers may call. Each method is the procedure of its name, below the prefix.

    Args:
        keeper: returns what keeps the settings; it is there once the app has started.
        store: returns where they are kept; so is that.
    """

    def __init__(self, keeper: Callable[[], Keeper], store: Callable[[], Store]) -> None:
        self._get_keeper = keeper
        self._get_store = store

    @property
    def _keeper(self) -> Keeper:
        return self._get_keeper()

    async def snapshot(self) -> Snapshot:
        """Return the live values and their version; what has only its default is not there."""
        return self._keeper.snapshot

    async def services(self) -> list[Attached]:
        """Return the services that are joined, with their settings, schemas and defaults."""
        return self._keeper.attached

    async def change(
        self,
        values: dict[_Name, Any] | None = None,
        *,
        reset: list[_Name] | None = None,
        why: _Text = "",
        by: _Text | None = None,
        expect: _Number | None = None,
        strict: bool = False,
        invocation: Invocation,
    ) -> Changed:
        """Change settings, all of them or none. Every service that is joined checks the change.

        Args:
            values: the new values by name.
            reset: settings that get their defaults again.
            why: the reason.
            by: who changes them; by default what the router says of the caller, if it does.
            expect: the version that this was made for; any, by default.
            strict: whether to go back if a handler of the change raises.
            invocation: the call.

        Returns:
            The ``version`` since then; what handlers of the change raised (``failed``); and
            services that did not answer (``silent``).

        Raises:
            wampapp.error.conflict: there is another version.
            InvalidArgument: a service refuses, or nobody has such a setting.
            PayloadTooLarge: all live values together take more than 64 KiB.
            StorageFailed: it could not be stored.
        """
        return await self._keeper.change(
            values or {},
            reset or [],
            why=why,
            by=_who(by, invocation),
            expect=expect,
            strict=strict,
        )

    async def rollback(
        self,
        version: _Number,
        *,
        why: _Text = "",
        by: _Text | None = None,
        expect: _Number | None = None,
        invocation: Invocation,
    ) -> Changed:
        """Give all settings the values of an earlier version, as a new version.

        Args:
            version: the earlier version.
            why: as in ``change``.
            by: as there.
            expect: as there.
            invocation: the call.

        Returns:
            As there; settings that nobody has any longer are left out (``dropped``).
        """
        return await self._keeper.rollback(version, why=why, by=_who(by, invocation), expect=expect)

    async def history(
        self, *, before: _Number | None = None, limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    ) -> list[Version]:
        """Return the versions, the newest first.

        Args:
            before: only those with a smaller number.
            limit: how many at most.
        """
        return await self._keeper.history(before, min(limit, MAX_HISTORY))

    async def values_at(self, version: _Number) -> dict[str, Any]:
        """Return the live values of an earlier version.

        Args:
            version: the version.
        """
        return await self._keeper.values_at(version)

    async def backup(self, file: _Name) -> None:
        """Write a copy of the data into a new file, where the settings are kept.

        Args:
            file: its name, beside the keeper's own file.
        """
        await back_up_beside(self._get_store(), file)

    # What services call.

    async def attach(self, about: Attached) -> AsyncIterator[dict[str, Any]]:
        """Tell a service of every change, for as long as it holds the call."""
        told = self._keeper.attach(about)
        try:
            async for one in told:
                yield one
        finally:
            await told.aclose()  # type: ignore[attr-defined]

    async def answer(self, number: int, service: str, what: list[str]) -> None:
        """Take a service's answer to what it was asked."""
        self._keeper.answer(number, service, what)


def _who(by: str | None, invocation: Invocation) -> str:
    return by or invocation.caller_authid or "somebody"


def me() -> str:
    """Return who runs this process, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user, as in some containers
        return "somebody"


_PUBLIC: Final = (
    "snapshot",
    "services",
    "change",
    "rollback",
    "history",
    "values_at",
    "backup",
)
_INTERNAL: Final = ("attach", "answer")


def offer_procedures(
    blueprint: Blueprint, keeper: Callable[[], Keeper], store: Callable[[], Store]
) -> None:
    """Declare the procedures of settings.

    Args:
        blueprint: where.
        keeper: as in :class:`Procedures`.
        store: as there.
    """
    procedures = Procedures(keeper, store)
    for name in (*_PUBLIC, *_INTERNAL):
        blueprint.add_registration(
            getattr(procedures, name), f".{name}", invoke="single", hidden=name in _INTERNAL
        )
