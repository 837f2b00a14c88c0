"""What owns the store: one order of all changes, keys that expire, keys that are held."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from wampapp.components.kv import tables
from wampapp.components.kv.holds import Holds
from wampapp.components.kv.records import MAX_GONE, MAX_VALUE, Change, Changes
from wampapp.components.kv.tail import Tail
from wampapp.errors import (
    Canceled,
    InvalidArgument,
    Overloaded,
    PayloadTooLarge,
    StorageFailed,
    WampError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wampapp.components.kv.records import Entry, Row
    from wampapp.components.kv.tables import Done, State
    from wampapp.components.store import Store, Transaction

logger = logging.getLogger("wampapp.kv")

#: Seconds after which the clock is looked at again, as it may have been set.
_LOOK: Final = 60.0
#: Seconds until what could not be stored is tried again.
_AGAIN: Final = 5.0
#: How many entries are read without a thread.
_SHORT: Final = 100
#: How many deletions too many there may be until the oldest are forgotten.
_SLACK: Final = 1000


class Owner:
    """Does what peers ask for. It runs on the loop's thread.

    Args:
        store: where the keys are kept, open.
        now: returns the time, in seconds since 1970.
        is_joined: returns whether the app has a session.
        durable: whether a change has reached the disk when it is acknowledged.
        max_keys: how many keys there may be.
        max_bytes: how many bytes of values.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], float],
        is_joined: Callable[[], bool],
        *,
        durable: bool,
        max_keys: int,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._now = now
        self._durable = durable
        self._max_keys, self._max_bytes = max_keys, max_bytes
        self._keys = self._bytes = self._gone = 0
        self._revision = 0
        self._timer: asyncio.TimerHandle | None = None
        self._next = float("inf")
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._tail = Tail(store, 0)
        self.holds = Holds(self, is_joined)

    async def start(self) -> None:
        """Find out what there is."""
        self._keys, self._bytes, self._gone, self._revision = await self._store.do(tables.begin)
        self._tail = Tail(self._store, self._revision)
        for key, holder in await self._store.read(tables.held):
            self.holds.unclaimed[key] = holder
        self._plan(await self._store.read(tables.next_expiry))

    def stop(self) -> None:
        """End the calls that wait."""
        self._tail.end()
        self.holds.stop()

    async def close(self) -> None:
        """Do what was begun, and no more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self.holds.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def start_soon(self, work: Any) -> None:
        """Run a coroutine beside what is asked for; it is waited for at the end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Reading.

    async def entry(self, key: str) -> Entry[Any] | None:
        """Return a key's entry; None if there is no such key."""
        now = self._now()
        return await self._store.read(lambda t: tables.get(t, key, now))

    def get(self, key: str, default: Any) -> Any:
        """Return a key's value, or what gives it when it is awaited."""
        now = self._now()
        if self._store.reads_at_once:
            return self._store.read_at_once(lambda t: tables.value_of(t, key, now, default))
        return self._store.read(lambda t: tables.value_of(t, key, now, default))

    async def scan(
        self, prefix: str, after: str | None, limit: int
    ) -> tuple[list[Entry[Any]], bool]:
        """Return entries in the order of their keys, and whether there are more."""
        work = partial(tables.scan, prefix=prefix, after=after, limit=limit, now=self._now())
        return await self._store.read(work, is_long=limit > _SHORT)

    async def stats(self) -> dict[str, Any]:
        """Return how much there is."""
        totals = await self._store.read(tables.totals, is_long=True)
        return {
            "keys": totals.keys,
            "bytes": totals.bytes,
            "held": self.holds.count,
            "revision": self._tail.newest,
            "store": self._store.where,
        }

    async def changes(
        self,
        prefix: str,
        since: int | None,
        store: str | None,
        began: int | None,
        wait: float,
        *,
        initial: bool = True,
    ) -> Changes:
        """Return what has changed since a revision; if nothing has, wait for it.

        Args:
            prefix: what the keys begin with.
            since: the revision; None for what there is.
            store: the name of the store that the revision is of; None for this one.
            began: the store's revision when what there was began to be asked for, page by page.
            wait: the seconds to wait at most.
            initial: whether what there is is wanted if no revision is given.
        """
        state: State = await self._store.read(tables.state)
        is_reset = since is not None and (
            store not in (None, state.name) or not state.horizon <= since <= self._tail.newest
        )
        if since is None and not initial:
            since, wait = self._tail.newest, 0  # from where to go on is told at once
        if since is None or is_reset:
            since, began = 0, self._tail.newest
        elif began is None:
            began = since
        # As long as what there was is asked for, what has gone is skipped; so nothing may be told
        # that has gone since.
        rows, since, more = await self._tail.changes(prefix, since, only_last=since < began)
        if not rows and wait and not is_reset:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    while not rows and not self._tail.ended:
                        await self._tail.news(since)
                        rows, since, more = await self._tail.changes(prefix, since)
        if not rows and self._tail.ended:
            raise Canceled("The owner of the store stops.")
        return Changes(
            # What went before anybody asked has not been seen by whoever asks.
            changes=[_told(row) for row in rows if row.kind == "set" or row.revision > began],
            revision=since,
            began=began,
            store=state.name,
            reset=is_reset,
            more=more,
        )

    async def watch(self, prefix: str) -> AsyncIterator[dict[str, Any]]:
        """Give what is there, and then each change."""
        found = await self.changes(prefix, None, None, None, 0)
        is_current = False
        while True:
            for change in found.changes:
                yield _plain(change)
            if not found.more and not is_current:
                is_current = True
                yield {"kind": "current", "revision": found.revision}
            if self._tail.ended:
                return
            found = await self.changes(
                prefix, found.revision, found.store, found.began, 0 if found.more else _LOOK
            )
            if found.reset:
                is_current = False
                yield {"kind": "reset", "revision": found.revision}

    # Changing.

    def packed(self, value: Any) -> bytes:
        """Return a value as it is stored.

        Raises:
            InvalidArgument: it cannot be stored.
            PayloadTooLarge: it is too large.
        """
        try:
            found = tables.encode(value)
        except (TypeError, OverflowError, ValueError) as error:
            raise InvalidArgument(
                f"the value cannot be stored: {error}", parameter="value"
            ) from None
        if _NOT_FINITE.search(found) is not None and not _is_finite(value):
            raise InvalidArgument("a number in the value is not finite", parameter="value")
        if len(found) > MAX_VALUE:
            raise PayloadTooLarge(f"the value has {len(found):,} bytes; {MAX_VALUE:,} is the most")
        return found

    def until(self, ttl: float | None) -> float | None:
        """Return when something goes that lives for some seconds."""
        return None if ttl is None else self._now() + ttl

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        keeps_ttl: bool = False,
        expect: int | None = None,
        holder: str | None = None,
    ) -> Awaitable[int]:
        """Set a key; await what this returns for the revision.

        Raises:
            Conflict: the key is not at the revision that is expected.
            InvalidArgument: the value cannot be stored.
            PayloadTooLarge: it is too large.
            Overloaded: the store is full.
            StorageFailed: it could not be stored.
        """
        packed = self.packed(value)
        now = self._now()
        expires = None if ttl is None else now + ttl
        revision = 0

        def begin() -> Awaitable[int]:
            nonlocal revision
            revision = self._take()
            self._plan(expires)
            return self._change(key, put, _revision_of)

        def put(t: Transaction) -> Done | WampError:
            return tables.put(
                t,
                key,
                packed,
                now,
                revision,
                expires=expires,
                keeps_ttl=keeps_ttl,
                expect=expect,
                holder=holder,
            )

        if not self._has_room(len(packed)):
            return self._made_room(key, len(packed), begin)
        return begin()

    async def incr(self, key: str, by: float, ttl: float | None) -> float:
        """Add to a number, and return the sum."""
        await self._make_room(key, 9)
        now, expires, revision = self._now(), self.until(ttl), self._take()
        self._plan(expires)
        total: float = await self._change(
            key, lambda t: tables.add(t, key, by, now, revision, expires=expires), _value_of
        )
        return total

    async def touch(self, key: str, ttl: float | None) -> bool:
        """Say when a key goes, and return whether there is such a key."""
        now, expires = self._now(), self.until(ttl)
        found = await self._store.do(
            lambda t: tables.touch(t, key, expires, now), durable=self._durable
        )
        self._plan(expires)
        return found

    async def delete(
        self, key: str, *, expect: int | None = None, holder: str | None = None
    ) -> bool:
        """Remove a key, and return whether there was such a key.

        Raises:
            Conflict: the key is not at the revision that is expected.
        """
        now, revision = self._now(), self._take()
        found: bool = await self._change(
            key,
            lambda t: tables.remove(t, key, now, revision, expect=expect, holder=holder),
            _is_done,
        )
        return found

    async def claim(self, key: str, holder: str) -> int | None:
        """Return the revision of a key that a holder has; None if it has it no longer."""
        now = self._now()
        return await self._store.do(lambda t: tables.claim(t, key, holder, now))

    def _take(self, count: int = 1) -> int:
        """Return the next revision, of several the first. Works are done in the order of theirs."""
        revision = self._revision + 1
        self._revision += count
        return revision

    def _has_room(self, size: int) -> bool:
        return self._keys < self._max_keys and self._bytes + size <= self._max_bytes

    async def _made_room(self, key: str, size: int, work: Callable[[], Awaitable[int]]) -> int:
        await self._make_room(key, size)
        return await work()

    async def _make_room(self, key: str, size: int) -> None:
        """Refuse what there is no room for.

        Raises:
            Overloaded: the store is full.
        """
        if self._has_room(size):
            return
        # What was counted is too much, since a key that was set again was counted again.
        totals = await self._store.read(tables.totals, is_long=True)
        self._keys, self._bytes = totals.keys, totals.bytes
        former = await self._store.read(partial(tables.length_of, key=key))
        is_new = former is None
        if self._keys + is_new > self._max_keys or self._bytes + size > self._max_bytes + (
            former or 0
        ):
            raise Overloaded(
                f"The store is full: it has {self._keys:,} keys and {self._bytes:,} bytes, of "
                f"{self._max_keys:,} and {self._max_bytes:,}; delete some, or give keys a ttl."
            )

    def _change(
        self,
        key: str,
        work: Callable[[Transaction], Done | WampError | None],
        outcome: Callable[[Any], Any],
    ) -> asyncio.Future[Any]:
        """Do a change, and tell those who watch.

        Args:
            key: the key.
            work: does it.
            outcome: makes what whoever has asked gets of what was done.
        """
        # What was committed is counted and told even if whoever has asked has gone meanwhile.
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        doing = asyncio.ensure_future(self._store.do(work, durable=self._durable))
        doing.add_done_callback(partial(self._changed, key, answer, outcome))
        return answer

    def _changed(
        self,
        key: str,
        answer: asyncio.Future[Any],
        outcome: Callable[[Any], Any],
        doing: asyncio.Future[Done | WampError | None],
    ) -> None:
        error = doing.exception()
        done = None if error is not None else doing.result()
        if isinstance(done, WampError):
            error = done
        elif done is not None:
            self._count(key, done)
        if answer.done():
            return
        if error is None:
            answer.set_result(outcome(done))
        else:
            answer.set_exception(error)

    def _count(self, key: str, done: Done) -> None:
        self._keys += done.keys
        self._bytes += done.bytes
        self._gone += done.keys < 0
        self._tail.changed(done.revision)
        self.holds.changed(key, done.revision, is_gone=done.keys < 0)
        if self._gone > MAX_GONE + _SLACK and not self._is_closed:
            self._gone = MAX_GONE
            self.start_soon(self._forget())

    async def _forget(self) -> None:
        try:
            await self._store.do(partial(tables.forget, keep=MAX_GONE), durable=False)
        except StorageFailed as error:
            logger.warning("Old deletions could not be forgotten: %s", error.message)

    # Expiring.

    def _plan(self, when: float | None) -> None:
        """Have the keys looked at that expire by some time."""
        if when is None or when >= self._next or self._is_closed:
            return
        self._next = when
        if self._timer is not None:
            self._timer.cancel()
        delay = min(max(0.0, when - self._now()), _LOOK)
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        self._timer = None
        self.start_soon(self._expire())

    async def _expire(self) -> None:
        self._next = float("inf")
        try:
            while True:
                now = self._now()
                keys = await self._store.read(partial(tables.due, now=now))
                if not keys:
                    break
                revision = self._take(len(keys))
                work = partial(tables.expire, keys=keys, now=now, revision=revision)
                for key, done in await self._store.do(work, durable=self._durable):
                    self._count(key, done)
            self._plan(await self._store.read(tables.next_expiry))
        except StorageFailed as error:
            logger.warning("Keys could not be expired: %s", error.message)
            self._plan(self._now() + _AGAIN)


#: Where MessagePack may have a float that is infinite, or not a number: JSON has no such numbers,
#: and who speaks JSON could not read the value.
_NOT_FINITE: Final = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list | tuple) else True


_revision_of: Final = attrgetter("revision")
_value_of: Final = attrgetter("value")


def _is_done(done: Done | None) -> bool:
    return done is not None


def _told(row: Row) -> Change[Any]:
    return Change(
        kind=row.kind,
        key=row.key,
        value=None if row.value is None else tables.decode(row.value),
        revision=row.revision,
        expires=row.expires,
    )


def _plain(change: Change[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": change.kind, "key": change.key, "revision": change.revision}
    if change.kind == "set":
        told |= {"value": change.value, "expires": change.expires}
    return told
