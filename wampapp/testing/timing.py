"""A loop whose time can be moved forward, and the background thread that turns it."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import check_seconds
from wampapp.loop.runtime import Runtime, background_runtime
from wampapp.loop.threads import DaemonExecutor, blocking_wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from wampapp.testing.bench import Bench

#: Turns of the loop in which a call and what it leads to have gone to and fro.
_TURNS: Final = 30
_PAUSE: Final = 0.001
#: How long worker threads are waited for, in real time, before time goes on without them.
_PATIENCE: Final = 2.0


class ClockLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop with a clock that can be moved forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._frozen: float | None = None
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        super().__init__()

    def time(self) -> float:
        """The real clock, and by how much it was moved; or where it stands still."""
        return super().time() + self._ahead if self._frozen is None else self._frozen

    def call_at(  # type: ignore[override]  # mypy misses that *args are the callback's
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at a time, and remember when."""
        handle = super().call_at(when, callback, *args, context=context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def next_time(self) -> float | None:
        """When the next timer is due; None if there is none."""
        while self._timers and (
            self._timers[0][2].cancelled() or self._timers[0][0] <= self.time()
        ):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def stand_at(self, when: float) -> None:
        """Move the clock forward, never back, and let it stand there."""
        self._frozen = max(when, self.time())

    def go_on(self) -> None:
        """Let the clock run on from where it stands."""
        if self._frozen is not None:
            self._ahead, self._frozen = self._frozen - super().time(), None


class Clock:
    """The time of all apps under test: it runs as ever, and can be moved forward."""

    def __init__(self) -> None:
        self.benches: set[Bench] = set()
        self._loop: ClockLoop
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()
        # Pauses take real time while the loop's own stands still.
        self._sleeper = DaemonExecutor(1, "wampapp-clock")

    def runtime(self) -> Runtime:
        """The loop of apps under test, which turns in a background thread of its own."""
        with self._lock:
            if self._runtime is None:
                self._loop = ClockLoop()
                self._runtime = background_runtime(self._loop)
            return self._runtime

    def advance(self, seconds: float) -> None:
        """Move the time forward; what becomes due meanwhile happens, in order, before it returns.

        Timers, timeouts and delays of apps under test and their clients; not the threads' own
        ``time.sleep()``.

        Args:
            seconds: by how much.

        Raises:
            UsageError: that is no number of seconds.
        """
        seconds = check_seconds(seconds, "seconds")
        runtime = self.runtime()
        with blocking_wait() as on_answer:  # a worker that asks is not waited for
            runtime.call(self._advance(self._loop, seconds), on_answer)

    async def _advance(self, loop: ClockLoop, seconds: float) -> None:
        # Standing still meanwhile, or a timer would be late by what its forerunners took.
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
        """Let everything happen that needs no more time."""
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
        return any(pool.working for bench in self.benches for pool in bench.pools)

    def _moves(self) -> int:
        return sum(pool.moves for bench in self.benches for pool in bench.pools)


#: The clock of every :meth:`~wampapp.App.test_client` and :class:`TestRealm` of the process.
clock: Final = Clock()
