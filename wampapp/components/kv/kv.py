"""The key/value store as users see it: its verbs, watches, handlers and locks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

import msgspec

from wampapp.components.kv import tables
from wampapp.components.kv.blocking import BlockingKV
from wampapp.components.kv.handlers import Handlers
from wampapp.components.kv.holding import Holding
from wampapp.components.kv.lock import Lock, holder_here
from wampapp.components.kv.owner import Owner
from wampapp.components.kv.procedures import offer_procedures
from wampapp.components.kv.records import MAX_BYTES, MAX_KEYS, Change, Entry
from wampapp.components.kv.watcher import watch
from wampapp.components.measured import Measured
from wampapp.components.owned import Owned
from wampapp.errors import Conflict, InvalidResult, NoSuchProcedure, UsageError
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert, convertible_type
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    import os

    from wampapp.client.blocking import Client
    from wampapp.components.component import Host

T = TypeVar("T")
D = TypeVar("D")
F = TypeVar("F", bound=Callable[..., Any])

#: How many entries are asked for at once.
_PAGE = 500


class KV(Owned[Owner]):
    """A key/value store for development: keys that expire, changes that can be watched, locks.

    ::

        kv = KV(app)
        app.include(kv)             # the store lives here

        await kv.set("user.7.cart", cart, ttl=3600)
        cart = await kv.get("user.7.cart", type=Cart)

    One process owns the store, so all changes have one order: what was acknowledged is seen by
    everybody who asks afterwards. ``kv.sync`` has the same verbs for plain functions.

    Args:
        app: as in :class:`~wampapp.components.component.Component`.
        prefix: as there; by default the app's prefix and ``kv``.
        store: as there; by default ``instance/kv.sqlite``.
        durable: whether a change has reached the disk when it is acknowledged. Otherwise, a power
            failure may undo the last changes; the end of the process never does.
        max_keys: how many keys there may be.
        max_bytes: how many bytes of values.
    """

    NAME = "kv"
    SCHEMA = tables.SCHEMA
    COMMANDS: ClassVar[str | None] = "wampapp.cli.kv.kv:kv"
    CONSOLE: ClassVar[Path | None] = Path(__file__).parent / "console"

    def __init__(
        self,
        app: Host | Client | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
        durable: bool = False,
        max_keys: int = MAX_KEYS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._durable = durable
        self._max_keys, self._max_bytes = max_keys, max_bytes
        self._held: dict[str, Holding] = {}
        self._handlers = Handlers(self)
        self._handles_changes = False
        super().__init__(app, prefix, store=store)
        self.registry.add_hook(Hook("join", self._owner_joined))
        self.registry.add_hook(Hook("leave", self._owner_left))
        offer_procedures(self, lambda: self.owner, lambda: self.store)

    @cached_property
    def sync(self) -> BlockingKV:
        """The blocking verbs, for plain functions, other threads and scripts."""
        return BlockingKV(self)

    # Reading.

    # What a blueprint has of these names is for pages, which a store has none of.
    @overload  # type: ignore[override]
    async def get(self, key: str, *, type: Callable[..., T]) -> T | None: ...
    @overload
    async def get(self, key: str, *, type: Callable[..., T], default: D) -> T | D: ...
    @overload
    async def get(self, key: str, *, type: None = None, default: Any = None) -> Any: ...
    async def get(self, key: str, *, type: Any = None, default: Any = None) -> Any:
        """Return a key's value.

        Args:
            key: the key.
            type: the type that it is converted to; None leaves it as it is.
            default: what is returned if there is no such key.

        Raises:
            InvalidResult: the value does not fit the type.
            InvalidArgument: the key is not valid.
            NoSuchProcedure: nobody serves the store.
            StorageFailed: it cannot be read.
        """
        if type is None:
            return await self._ask("get", *((key,) if default is None else (key, default)))
        found = await self._ask("entry", key)
        return default if found is None else _converted(key, found["value"], type)

    @overload
    async def entry(self, key: str, *, type: Callable[..., T]) -> Entry[T] | None: ...
    @overload
    async def entry(self, key: str, *, type: None = None) -> Entry[Any] | None: ...
    async def entry(self, key: str, *, type: Any = None) -> Entry[Any] | None:
        """Return a key's value with its revision and its time; None if there is no such key.

        Args:
            key: the key.
            type: as in :meth:`get`.

        Raises:
            InvalidResult: the value does not fit the type.
            InvalidArgument: the key is not valid.
            NoSuchProcedure: nobody serves the store.
        """
        found = await self._ask("entry", key)
        return None if found is None else _entry(found, type)

    @overload
    def scan(
        self, prefix: str = "", *, type: Callable[..., T]
    ) -> AsyncGenerator[Entry[T], None]: ...
    @overload
    def scan(self, prefix: str = "", *, type: None = None) -> AsyncGenerator[Entry[Any], None]: ...
    async def scan(self, prefix: str = "", *, type: Any = None) -> AsyncGenerator[Entry[Any], None]:
        """Iterate over entries in the order of their keys.

        They are read page by page. What changes meanwhile may be seen or not.

        Args:
            prefix: what their keys begin with.
            type: as in :meth:`get`.
        """
        after: str | None = None
        while True:
            found = await self._ask("scan", prefix, after=after, limit=_PAGE)
            for one in found["entries"]:
                entry = _entry(one, type)
                after = entry.key
                yield entry
            if not found["more"]:
                return

    @overload
    def watch(
        self, prefix: str = "", *, type: Callable[..., T], initial: bool = True
    ) -> AsyncGenerator[Change[T], None]: ...
    @overload
    def watch(
        self, prefix: str = "", *, type: None = None, initial: bool = True
    ) -> AsyncGenerator[Change[Any], None]: ...
    def watch(
        self, prefix: str = "", *, type: Any = None, initial: bool = True
    ) -> AsyncGenerator[Change[Any], None]:
        """Iterate over the entries that there are, and then over every change, without an end.

        Nothing is missed: after an interruption it goes on where it was. Of a key that changes
        faster than this is read, only the last value is told. If it was away for longer than
        deletions are remembered (10,000 of them), a change of the kind ``reset`` says that all is
        to be forgotten, and what there is follows.

        Args:
            prefix: what the keys begin with.
            type: as in :meth:`get`.
            initial: whether the entries that there are come first.

        Raises:
            InvalidResult: a value does not fit the type.
            InvalidArgument: the prefix is not valid.
        """
        return watch(
            self.procedure_of_mine("changes"),
            prefix,
            self.nobody_serves,
            kind=None if type is None else _type(type),
            initial=initial,
        )

    # Changing.

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        expect: int | None = None,
        keep_ttl: bool = False,
        session: bool = False,
    ) -> int:
        """Set a key.

        Args:
            key: the key.
            value: its value: whatever a WAMP call can carry.
            ttl: the seconds after which it goes; None for never.
            expect: the revision that the key must have, 0 for no such key; None for any.
            keep_ttl: whether it goes when it would have gone before.
            session: whether it goes with the session of this process. While the process lives, it
                comes back with the next session.

        Returns:
            The revision, which is larger than every one before.

        Raises:
            Conflict: the key is not at that revision; ``current`` is its entry, or None.
            InvalidArgument: the key is not valid, or the value cannot be stored.
            PayloadTooLarge: the value takes more than 1 MiB.
            Overloaded: the store is full.
            StorageFailed: it could not be stored.
            NoSuchProcedure: nobody serves the store.
        """
        if session:
            if keep_ttl:
                raise UsageError("A key that goes with a session cannot keep its time to live.")
            return await self._hold(key, value, ttl=ttl, expect=expect)
        options: dict[str, Any] = {}
        if ttl is not None:
            options["ttl"] = ttl
        if expect is not None:
            options["expect"] = expect
        if keep_ttl:
            options["keep_ttl"] = True
        return await self._change("set", key, to_plain(value), **options)  # type: ignore[no-any-return]

    async def create(
        self, key: str, value: Any, *, ttl: float | None = None, session: bool = False
    ) -> int:
        """Set a key that is not there yet; as :meth:`set` with ``expect=0``."""
        return await self.set(key, value, ttl=ttl, expect=0, session=session)

    async def delete(self, key: str, *, expect: int | None = None) -> bool:  # type: ignore[override]
        """Remove a key.

        Args:
            key: the key.
            expect: the revision that it must have; None for any.

        Returns:
            Whether there was such a key.

        Raises:
            Conflict: the key is not at that revision; ``current`` is its entry, or None.
        """
        options = {} if expect is None else {"expect": expect}
        return await self._change("delete", key, **options)  # type: ignore[no-any-return]

    async def incr(self, key: str, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add to a number; one that is not there is 0.

        Args:
            key: the key.
            by: what is added; it may be negative.
            ttl: the seconds after which a new number goes; an old one keeps its time.

        Returns:
            The sum.

        Raises:
            InvalidArgument: the value is not a number, or the sum has more than 64 bits.
        """
        options = {} if ttl is None else {"ttl": ttl}
        return await self._change("incr", key, by, **options)

    async def touch(self, key: str, ttl: float | None) -> bool:
        """Say when a key goes; its value and its revision stay.

        Args:
            key: the key.
            ttl: the seconds after which it goes; None for never.

        Returns:
            Whether there is such a key.
        """
        return await self._change("touch", key, ttl)  # type: ignore[no-any-return]

    # Holding.

    def lock(self, name: str, *, ttl: float | None = None, timeout: float | None = None) -> Lock:
        """Return a lock, for ``async with``. Those who wait for it get it in their order.

        It is the key ``lock.<name>``, and goes with the session of its holder. What is held is
        cancelled if it is lost, and ends with :class:`LockLost`. A holder that hangs may notice too
        late, so what must be safe compares the lock's ``revision``, which grows each time.

        Args:
            name: its name.
            ttl: the seconds after which it is lost in any case; None for no limit.
            timeout: the seconds to wait for it at most; None for no limit.

        Raises:
            CallTimeout: it was not free in time.
        """
        return Lock(lambda: self.lock_holding(name, ttl), name, timeout)

    def lock_holding(self, name: str, ttl: float | None) -> Holding:
        """Return the hold of a lock's key."""
        options = {} if ttl is None else {"ttl": ttl}
        return self._holding(f"lock.{name}", holder_here(), wait=True, **options)

    async def _hold(self, key: str, value: Any, *, ttl: float | None, expect: int | None) -> int:
        options: dict[str, Any] = {} if ttl is None else {"ttl": ttl}
        if expect is not None:
            options["expect"] = expect
        holding = self._holding(key, to_plain(value), **options)
        try:
            revision = await holding.begin()
        except Conflict as error:
            raise _with_entry(error) from None
        except NoSuchProcedure:
            raise self.nobody_serves() from None
        # The former one of this process notices that it has lost the key.
        self._held[key] = holding
        holding.on_lost = lambda: self._forget(key, holding)
        return revision

    def _forget(self, key: str, holding: Holding) -> None:
        if self._held.get(key) is holding:
            del self._held[key]

    def _holding(self, key: str, value: Any, **options: Any) -> Holding:
        return Holding(
            self.procedure_of_mine("hold"),
            self.procedure_of_mine("delete"),
            key,
            value,
            **options,
        )

    # Handling changes.

    def on_change(
        self, keys: str, *, every_worker: bool = False, concurrency: int | None = None
    ) -> Callable[[F], F]:
        """Run a function for each change of certain keys; a decorator.

        ::

            @kv.on_change("user.<id>.cart")
            async def changed(cart: Cart | None, id: str) -> None: ...

        It gets the value, None if the key has gone, and what is captured. Changes come in their
        order, one at a time, from when the app has joined; those of an interruption come after it.

        Args:
            keys: the keys, as a topic is written: ``<name>`` stands for a component, and
                ``<path:name>`` at the end for all that follow.
            every_worker: whether each worker of ``wampapp run --workers`` runs it, or one.
            concurrency: how many changes are handled at the same time; None for one.

        Raises:
            InvalidUri: ``keys`` is not valid.
            InvalidHandler: the function cannot be called so.
        """
        options: dict[str, Any] = {"every_worker": every_worker}
        if concurrency is not None:
            options["concurrency"] = concurrency

        def decorate(function: F) -> F:
            self._handlers.add(function, keys, **options)
            return function

        return decorate

    # Calling.

    async def _ask(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call what changes nothing, so that it can be called again when the link breaks."""
        try:
            return await self.procedure_of_mine(name, idempotent=True)(*args, **kwargs)
        except NoSuchProcedure:
            raise self.nobody_serves() from None

    async def _change(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return await self.procedure_of_mine(name)(*args, **kwargs)
        except NoSuchProcedure:
            raise self.nobody_serves() from None
        except Conflict as error:
            raise _with_entry(error) from None

    # Using.

    def attached(self) -> None:
        """Have the app watch what its handlers are for."""
        self.host.registry.add_hook(Hook("join", self._joined))
        self.host.registry.add_hook(Hook("stopping", self._stop_using))

    async def _joined(self) -> None:
        if not self._handles_changes:
            self._handles_changes = True
            self._handlers.start(self.service.dispatcher, is_first=self.host.worker.number == 1)

    async def _stop_using(self) -> None:
        self._handles_changes = False
        await self._handlers.stop()
        for holding in self._held.values():
            holding.give_up()
        self._held.clear()

    # Owning.

    def make_owner(self) -> Owner:
        """Return what owns the store."""
        return Owner(
            self.store,
            self.clock,
            lambda: self.is_joined,
            durable=self._durable,
            max_keys=self._max_keys,
            max_bytes=self._max_bytes,
        )

    async def _owner_joined(self) -> None:
        if self._owner is not None:
            self._owner.holds.joined()

    async def _owner_left(self) -> None:
        if self._owner is not None:
            self._owner.holds.left()

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        count = self._handlers.count
        parts = [f"{count} handler{'' if count == 1 else 's'} of changes"] if count else []
        return ", ".join([*parts, super().summary()])

    async def measure(self) -> list[Measured]:
        """Return how much is stored, for telemetry."""
        if self._owner is None:
            return []
        found = await self._owner.stats()
        return [
            Measured("kv_keys", "Keys", found["keys"]),
            Measured("kv_bytes", "Bytes of values", found["bytes"]),
            Measured("kv_held", "Keys that sessions hold", found["held"]),
        ]

    def tester(self, client: Any) -> Any:
        """Return what tests ask of the store, as ``client.kv``: its blocking verbs."""
        del client
        return self.sync


@lru_cache(maxsize=256)
def _type(given: Any) -> Any:
    try:
        return convertible_type(given)
    except (TypeError, NameError) as error:
        raise UsageError(f"type is {given!r}, which is not a type: {error}.") from None


def _converted(key: str, value: Any, kind: Any) -> Any:
    try:
        return convert(value, _type(kind))
    except msgspec.ValidationError as error:
        raise InvalidResult(f"The value of {key!r} does not fit: {error}.") from None


def _entry(found: dict[str, Any], kind: Any) -> Entry[Any]:
    entry = msgspec.convert(found, Entry)
    if kind is None:
        return entry
    return msgspec.structs.replace(entry, value=_converted(entry.key, entry.value, kind))


def _with_entry(error: Conflict) -> Conflict:
    """Return a conflict whose ``current`` is an entry."""
    if isinstance(error.current, dict):
        error.current = _entry(error.current, None)
    return error
