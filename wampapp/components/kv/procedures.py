"""The procedures of the store, for peers in every language."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - annotations are read at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta

from wampapp.components.kv.records import Changes, Entry, check_key
from wampapp.components.store.backup import back_up_beside

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.kv.owner import Owner
    from wampapp.components.store import Store
    from wampapp.registry.blueprint import Blueprint

#: How many entries one answer has at most.
MAX_LISTED: Final = 1000

_Seconds = Annotated[float, Meta(gt=0, le=1e10)]
_Revision = Annotated[int, Meta(ge=0)]
_Text = Annotated[str, Meta(min_length=1, max_length=100)]
_Count = Annotated[int, Meta(ge=1, le=MAX_LISTED)]


class Procedures:
    """What peers may call. Each method is the procedure of its name, below the store's prefix.

    Args:
        owner: returns what owns the store; it is there once the app has started.
        store: returns where the keys are kept; so is that.
    """

    def __init__(self, owner: Callable[[], Owner], store: Callable[[], Store]) -> None:
        self._get_owner = owner
        self._get_store = store

    @property
    def _owner(self) -> Owner:
        return self._get_owner()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a key's value.

        Args:
            key: the key.
            default: what is returned if there is no such key.
        """
        return self._owner.get(check_key(key), default)

    async def entry(self, key: str) -> Entry[Any] | None:
        """Return a key's value with its revision and its time; None if there is no such key.

        Args:
            key: the key.
        """
        return await self._owner.entry(check_key(key))

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: _Seconds | None = None,
        expect: _Revision | None = None,
        keep_ttl: bool = False,
    ) -> Any:
        """Set a key.

        Args:
            key: the key.
            value: its value.
            ttl: the seconds after which it goes; never, by default.
            expect: the revision that it must have, 0 for no such key; any, by default.
            keep_ttl: whether it goes when it would have gone before.

        Returns:
            The revision.

        Raises:
            wampapp.error.conflict: the key is not at that revision; ``current`` is its entry.
            InvalidArgument: the key is not valid, or the value cannot be stored.
            PayloadTooLarge: the value takes more than 1 MiB.
            Overloaded: the store is full.
            StorageFailed: it could not be stored.
        """
        return self._owner.set(check_key(key), value, ttl=ttl, expect=expect, keeps_ttl=keep_ttl)

    async def delete(self, key: str, *, expect: _Revision | None = None) -> bool:
        """Remove a key.

        Args:
            key: the key.
            expect: the revision that it must have; any, by default.

        Returns:
            Whether there was such a key.

        Raises:
            wampapp.error.conflict: the key is not at that revision; ``current`` is its entry.
        """
        return await self._owner.delete(check_key(key), expect=expect)

    async def incr(
        self,
        key: str,
        by: int | float = 1,  # noqa: PYI041 - an int stays one
        *,
        ttl: _Seconds | None = None,
    ) -> int | float:
        """Add to a number; one that is not there is 0.

        Args:
            key: the key.
            by: what is added; it may be negative.
            ttl: the seconds after which a new number goes; an old one keeps its time.

        Returns:
            The sum.

        Raises:
            InvalidArgument: the value is not a number, or the sum is too large.
        """
        return await self._owner.incr(check_key(key), by, ttl)

    async def touch(self, key: str, ttl: _Seconds | None = None) -> bool:
        """Say when a key goes; its value and revision stay.

        Args:
            key: the key.
            ttl: the seconds after which it goes; never, by default.

        Returns:
            Whether there is such a key.
        """
        return await self._owner.touch(check_key(key), ttl)

    async def scan(
        self, prefix: str = "", *, after: str | None = None, limit: _Count = 100
    ) -> dict[str, Any]:
        """Return entries in the order of their keys.

        Args:
            prefix: what their keys begin with.
            after: the key that they come after, for the next page.
            limit: how many at most. There are fewer if they take more than 1 MiB.

        Returns:
            The ``entries``, and whether there are ``more``.
        """
        entries, more = await self._owner.scan(check_key(prefix, is_prefix=True), after, limit)
        return {"entries": entries, "more": more}

    async def changes(
        self,
        prefix: str = "",
        *,
        since: _Revision | None = None,
        store: _Text | None = None,
        began: _Revision | None = None,
        initial: bool = True,
        wait: Annotated[float, Meta(ge=0, le=60)] = 25.0,
    ) -> Changes:
        """Return what has changed since a revision; if nothing has, wait for it.

        To watch, ask again and again with what the last answer says of ``revision``, ``store`` and
        ``began``. Nothing is missed, whatever happens in between, and of a key that changes fast
        only the last value is told.

        Args:
            prefix: what the keys begin with.
            since: the revision; all entries that there are, by default.
            store: the store that the revision is of.
            began: when the entries that there are began to be asked for.
            initial: whether these entries are wanted; otherwise only what changes from now on.
            wait: the seconds to wait at most.
        """
        check_key(prefix, is_prefix=True)
        return await self._owner.changes(prefix, since, store, began, wait, initial=initial)

    async def watch(self, prefix: str = "") -> AsyncIterator[dict[str, Any]]:
        """Give the entries that there are, ``current``, and then every change.

        Args:
            prefix: what the keys begin with.

        Returns:
            The ``kind`` of change, ``set``, ``deleted``, ``expired``, ``reset`` or ``current``, the
            ``key``, the ``value``, the ``revision``, and when it ``expires``.
        """
        changes = self._owner.watch(check_key(prefix, is_prefix=True))
        try:
            async for change in changes:
                yield change
        finally:
            await changes.aclose()  # type: ignore[attr-defined]

    async def hold(
        self,
        key: str,
        value: Any = None,
        *,
        holder: _Text,
        ttl: _Seconds | None = None,
        expect: _Revision | None = None,
        wait: bool = False,
        again: bool = False,
    ) -> AsyncIterator[dict[str, Any]]:
        """Set a key for as long as this call goes on: it goes with the session that calls.

        Args:
            key: the key.
            value: its value.
            holder: a text of the caller's, which nobody else has.
            ttl: the seconds after which the key goes all the same.
            expect: the revision that it must have, 0 for no such key; any, by default.
            wait: whether to wait, in line, until there is no such key.
            again: whether to go on with a hold that was interrupted, and do nothing else.

        Returns:
            The ``revision``, once the key is set. The call ends if somebody else sets or removes
            the key.

        Raises:
            wampapp.error.conflict: the key is not at that revision, or no longer the holder's.
        """
        holds = self._owner.holds.hold(
            check_key(key),
            value,
            holder=holder,
            ttl=ttl,
            expect=expect,
            wait=wait,
            again=again,
        )
        try:
            async for told in holds:
                yield told
        finally:
            await holds.aclose()  # type: ignore[attr-defined]

    async def stats(self) -> dict[str, Any]:
        """Return how many keys and bytes there are, the revision, and where they are kept."""
        return await self._owner.stats()

    async def backup(self, file: Annotated[str, Meta(min_length=1, max_length=500)]) -> None:
        """Write a copy of the data into a new file, where the store is kept.

        Args:
            file: its name, beside the store's own file.

        Raises:
            InvalidArgument: it is not a plain name, or there is such a file.
            StorageFailed: it could not be written.
        """
        await back_up_beside(self._get_store(), file)


_NAMES: Final = (
    "entry",
    "delete",
    "incr",
    "touch",
    "scan",
    "changes",
    "watch",
    "hold",
    "stats",
    "backup",
)


def offer_procedures(
    blueprint: Blueprint, owner: Callable[[], Owner], store: Callable[[], Store]
) -> None:
    """Declare the procedures of a store.

    Args:
        blueprint: where.
        owner: as in :class:`Procedures`.
        store: as there.
    """
    procedures = Procedures(owner, store)
    # What these return is waited for without a task, which would take longer than they do.
    for name in ("get", "set"):
        function = getattr(procedures, name)
        blueprint.add_registration(function, f".{name}", invoke="single", run="loop")
    for name in _NAMES:
        blueprint.add_registration(getattr(procedures, name), f".{name}", invoke="single")
