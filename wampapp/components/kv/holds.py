"""Keys that go with the session that holds them: presence, and locks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from wampapp.components.kv.records import GRACE
from wampapp.errors import Canceled, Conflict, StorageFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

logger = logging.getLogger("wampapp.kv")


class _Owner(Protocol):
    """What owns the store."""

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        expect: int | None = None,
        holder: str | None = None,
    ) -> Awaitable[int]:
        """Set a key."""

    async def delete(self, key: str, *, holder: str | None = None) -> bool:
        """Remove a key."""

    async def claim(self, key: str, holder: str) -> int | None:
        """Return the revision of a key that a holder has."""

    def start_soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside what is asked for."""


@dataclass(eq=False, slots=True)
class _Hold:
    """A call that holds a key, or wants to.

    Attributes:
        holder: a text that no other hold has.
        revision: the revision at which it has set the key; 0 as long as it has not.
        newest: the key's newest revision that is known of.
        lost: done when somebody else has set or removed the key, or the owner stops.
    """

    holder: str
    revision: int = 0
    newest: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self) -> None:
        """Find out whether it has lost the key."""
        if self.revision and self.newest > self.revision:
            self.lost.set()


@dataclass(eq=False, slots=True)
class _Line:
    """Those who wait for a key to be free, in the order in which they came.

    Attributes:
        lock: the first in line has it.
        freed: set when the key may be free.
        length: how many there are.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    length: int = 0


class Holds:
    """The keys that are held. An open call is the hold: it ends with the session that made it.

    If it is the owner that loses its session, or ends, nobody knows whether the holders live. They
    have some seconds then to claim their keys again.

    Args:
        owner: what owns the store.
        is_joined: returns whether the owner has a session.

    Attributes:
        unclaimed: the keys whose holders may have gone while the owner was away, each with its
            holder.
    """

    def __init__(self, owner: _Owner, is_joined: Callable[[], bool]) -> None:
        self._owner = owner
        self._is_joined = is_joined
        self._holds: dict[str, list[_Hold]] = {}
        self._lines: dict[str, _Line] = {}
        self.unclaimed: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopping = False

    @property
    def count(self) -> int:
        """How many keys are held by calls."""
        return sum(any(one.revision for one in holds) for holds in self._holds.values())

    async def hold(
        self,
        key: str,
        value: Any,
        *,
        holder: str,
        ttl: float | None = None,
        expect: int | None = None,
        wait: bool = False,
        again: bool = False,
    ) -> AsyncIterator[dict[str, Any]]:
        """Set a key, and remove it when this ends.

        Args:
            key: the key.
            value: its value.
            holder: a text that no other hold has.
            ttl: the seconds after which the key goes, whoever holds it; None for no limit.
            expect: the revision that the key must have, 0 for no such key; None for any.
            wait: whether to wait until there is no such key.
            again: whether the holder should have it already, and wants nothing else.

        Returns:
            The revision, once the key is set. This ends when somebody else sets or removes it.

        Raises:
            Conflict: the key is not at the revision that is expected, or no longer the holder's.
            Canceled: the owner stops.
        """
        hold = _Hold(holder)
        self._holds.setdefault(key, []).append(hold)
        try:
            hold.revision = await self._owner.claim(key, holder) or 0
            if not hold.revision:
                if again:
                    raise Conflict(f"{key!r} is not held any longer")  # noqa: TRY301
                hold.revision = await self._take(key, value, hold, ttl, expect, wait=wait)
            self.unclaimed.pop(key, None)
            hold.see()
            yield {"revision": hold.revision}
            await hold.lost.wait()
            if self._is_stopping:
                raise Canceled("The owner of the store stops.")
        except Conflict:
            hold.lost.set()
            raise
        finally:
            self._end(key, hold)

    def _end(self, key: str, hold: _Hold) -> None:
        """Forget a hold; a key that it still has goes with it."""
        holds = self._holds[key]
        holds.remove(hold)
        if not holds:
            del self._holds[key]
        elif any(other.holder == hold.holder for other in holds):
            return  # the holder has come back before its former session was known to have ended
        if self._is_stopping or not self._is_joined():
            if hold.revision:
                self.unclaimed[key] = hold.holder
        elif not hold.lost.is_set():
            # It may have been set although the call was given up before that was said.
            self._owner.start_soon(self._release(key, hold.holder))

    async def _take(
        self,
        key: str,
        value: Any,
        hold: _Hold,
        ttl: float | None,
        expect: int | None,
        *,
        wait: bool,
    ) -> int:
        if not wait:
            return await self._owner.set(key, value, ttl=ttl, expect=expect, holder=hold.holder)
        line = self._lines.setdefault(key, _Line())
        line.length += 1
        try:
            async with line.lock:
                while not self._is_stopping:
                    line.freed.clear()
                    with contextlib.suppress(Conflict):
                        return await self._owner.set(
                            key, value, ttl=ttl, expect=0, holder=hold.holder
                        )
                    await line.freed.wait()
            raise Canceled("The owner of the store stops.")
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[key]

    async def _release(self, key: str, holder: str) -> None:
        try:
            await self._owner.delete(key, holder=holder)
        except StorageFailed as error:
            logger.warning("The key %r could not be released: %s", key, error.message)
            self.unclaimed[key] = holder
            self._plan()

    def changed(self, key: str, revision: int, *, is_gone: bool) -> None:
        """Take note that a key was set or removed.

        Args:
            key: the key.
            revision: the revision at which it was.
            is_gone: whether it was removed.
        """
        for hold in self._holds.get(key, ()):
            hold.newest = revision
            hold.see()
        if is_gone and key in self._lines:
            self._lines[key].freed.set()

    def joined(self) -> None:
        """Take note that the owner can be called: holders may claim their keys from now on."""
        self._plan()

    def left(self) -> None:
        """Take note that the owner cannot be called any longer."""
        self.close()

    def _plan(self) -> None:
        if self.unclaimed and self._timer is None and not self._is_stopping:
            self._timer = asyncio.get_running_loop().call_later(GRACE, self._sweep)

    def _sweep(self) -> None:
        """Remove the keys that nobody has claimed."""
        self._timer = None
        unclaimed, self.unclaimed = self.unclaimed, {}
        for key, holder in unclaimed.items():
            self._owner.start_soon(self._release(key, holder))

    def stop(self) -> None:
        """End the calls that hold or wait; the keys stay, for the next owner."""
        self._is_stopping = True
        for holds in self._holds.values():
            for hold in holds:
                hold.lost.set()
        for line in self._lines.values():
            line.freed.set()

    def close(self) -> None:
        """Wait for nobody any longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
