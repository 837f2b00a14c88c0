"""A loop whose time can be moved forward, and the background thread that runs it."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from wampapp.config.records import check_seconds
from wampapp.loop.runtime import Runtime, background_runtime
from wampapp.loop.threads import DaemonExecutor, blocking_wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from wampapp.loop.threads import ThreadPool

#: Enough iterations of the loop for a call and what follows from it.
_TURNS: Final = 30
#: Seconds of real time between two looks at the worker threads, and the most in all, before the
#: clock goes on without them.
_PAUSE: Final = 0.001
_PATIENCE: Final = 2.0


class HasPools(Protocol):
    """What runs on the clock's loop, and has worker threads that the clock waits for."""

    @property
    def pools(self) -> list[ThreadPool]:
        """The pools of worker threads."""


class ClockLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop with a clock that can be moved forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._frozen: float | None = None
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        super().__init__()

    def time(self) -> float:
        """Return the real time plus what it was moved by, or the time at which it stands still."""
        return super().time() + self._ahead if self._frozen is None else self._frozen

    def call_at(  # type: ignore[override]  # mypy misses that *args are the callback's
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback, and remember when it is due."""
        handle = super().call_at(when, callback, *args, context=context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def next_time(self) -> float | None:
        """Return when the next timer is due; None if there is none."""
        while self._timers and (
            self._timers[0][2].cancelled() or self._timers[0][0] <= self.time()
        ):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def stand_at(self, when: float) -> None:
        """Move the clock forward, never back, and stop it there."""
        self._frozen = max(when, self.time())

    def go_on(self) -> None:
        """Start the clock again from where it stands."""
        if self._frozen is not None:
            self._ahead, self._frozen = self._frozen - super().time(), None


class Clock:
    """The time of all apps under test. It runs like any clock, and can be moved forward."""

    def __init__(self) -> None:
        self.harnesses: set[HasPools] = set()
        self._loop: ClockLoop
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()
        # Pauses take real time while the loop's own stands still.
        self._sleeper = DaemonExecutor(1, "wampapp-clock")

    def runtime(self) -> Runtime:
        """Return the loop of the apps under test, which runs in a background thread of its own."""
        with self._lock:
            if self._runtime is None:
                self._loop = ClockLoop()
                self._runtime = background_runtime(self._loop)
            return self._runtime

    def advance(self, seconds: float) -> None:
        """Move the time forward. What becomes due meanwhile happens in order, before this returns.

        That covers timers, timeouts and delays of the apps under test and of their clients, but
        not a thread's ``time.sleep()``.

        Args:
            seconds: by how much.

        Raises:
            UsageError: it is not a number of seconds.
        """
        seconds = check_seconds(seconds, "seconds")
        runtime = self.runtime()
        with blocking_wait() as on_answer:  # a worker thread that calls this is not waited for
            runtime.call(self._advance(self._loop, seconds), on_answer)

    async def _advance(self, loop: ClockLoop, seconds: float) -> None:
        # The clock stands still meanwhile: otherwise each timer would be late by what the earlier
        # ones took.
        loop.stand_at(loop.time())
        try:
            end = loop.time() + seconds
            await self._settle()
            while (when := loop.next_time()) is not None and when <= end:
                loop.stand_at(when)
                await self._settle()
            loop.stand_at(end)
            await self._settle()
        finally:
            loop.go_on()

    async def _settle(self) -> None:
        """Wait until everything has happened that needs no more time."""
        limit = time.monotonic() + _PATIENCE
        while time.monotonic() < limit:
            moves, working = self._moves(), self._working()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._working():
                await asyncio.get_running_loop().run_in_executor(self._sleeper, time.sleep, _PAUSE)
            elif not working and moves == self._moves():
                return

    def _working(self) -> bool:
        return any(pool.working for harness in self.harnesses for pool in harness.pools)

    def _moves(self) -> int:
        return sum(pool.moves for harness in self.harnesses for pool in harness.pools)


#: The clock of every :meth:`~wampapp.App.test_client` and :class:`TestRealm` of the process.
clock: Final = Clock()
