"""What is measured of a task queue: ours and its rivals run this code, each in its environment.

The times are of the machine's monotonic clock, which all its processes share.
"""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Any

from tests.benchmarks.work import WARM_UP, per_second

#: Seconds between two looks at what has been done so far.
LOOK = 0.005
#: Seconds between two timed tasks, at least and at most, so that the worker is idle.
PAUSE = 0.03, 0.1


class Runs:
    """What a worker notes of the tasks that it runs, in any thread."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._waits: list[float] = []

    def noop(self) -> int:
        """The task that does nothing; peers keep no result that is None."""
        self._starts.append(monotonic())
        return 1

    def timed(self, sent: float) -> int:
        """The task that notes how long it took to start."""
        self._waits.append(monotonic() - sent)
        return 1

    async def ran(self, count: int) -> float:
        """Wait until so many no-ops have run; returns when the first one started."""
        while len(self._starts) < count:
            await asyncio.sleep(LOOK)
        return self._starts[0]

    async def waits(self, count: int) -> list[float]:
        """Wait until so many timed tasks have run; returns two percentiles, in milliseconds."""
        while len(self._waits) < count:
            await asyncio.sleep(LOOK)
        waits, self._waits = sorted(self._waits), []
        return [waits[len(waits) * part // 100] * 1e3 for part in (50, 99)]

    @property
    def jobs(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What a worker can be asked."""
        return {"ran": self.ran, "waits": self.waits}


class Producer:
    """Enqueues tasks.

    Arguments: `noop` and `timed` enqueue a task, and return when the queue has acknowledged it;
    `results` returns how many results it has kept.
    """

    def __init__(
        self,
        noop: Callable[[], Awaitable[Any]],
        timed: Callable[[float], Awaitable[Any]],
        results: Callable[[], Awaitable[int]],
    ) -> None:
        self._noop = noop
        self._timed = timed
        self._results = results
        self._count = 0

    async def enqueue(self, in_flight: int, seconds: float) -> tuple[float, int]:
        """Enqueue no-ops; returns how many a second, and how many there are by now."""

        async def once() -> None:
            await self._noop()
            self._count += 1

        def gather(coroutines: Any) -> Any:
            return asyncio.gather(*coroutines)

        return await per_second(once, gather, in_flight, seconds), self._count

    async def settled(self) -> float:
        """Wait until there are as many results as no-ops; returns when that was."""
        while await self._results() < self._count:
            await asyncio.sleep(LOOK)
        return monotonic()

    async def time(self, count: int) -> None:
        """Enqueue so many timed tasks, one after the other, to a worker that is idle."""
        for _ in range(count):
            await asyncio.sleep(random.uniform(*PAUSE))
            await self._timed(monotonic())

    @property
    def jobs(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What a producer can be asked."""
        return {"enqueue": self.enqueue, "settled": self.settled, "time": self.time}


class BlockingProducer(Producer):
    """Enqueues tasks by functions that block, in as many threads as are in flight."""

    def __init__(
        self,
        noop: Callable[[], Any],
        timed: Callable[[float], Any],
        results: Callable[[], int],
    ) -> None:
        async def count() -> int:
            return await asyncio.to_thread(results)

        super().__init__(noop, timed, count)

    async def enqueue(self, in_flight: int, seconds: float) -> tuple[float, int]:
        rate = 0.0
        for span in (WARM_UP, seconds):
            begun = perf_counter()
            counts = await asyncio.to_thread(self._in_threads, in_flight, begun + span)
            rate = counts / (perf_counter() - begun)
            self._count += counts
        return rate, self._count

    def _in_threads(self, in_flight: int, end: float) -> int:
        counts: list[int] = []

        def until() -> None:
            count = 0
            while perf_counter() < end:
                self._noop()
                count += 1
            counts.append(count)

        threads = [threading.Thread(target=until) for _ in range(in_flight)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(counts) < in_flight:
            raise RuntimeError("a thread that enqueues has failed")
        return sum(counts)

    async def time(self, count: int) -> None:
        await asyncio.to_thread(self._time_here, count)

    def _time_here(self, count: int) -> None:
        for _ in range(count):
            time.sleep(random.uniform(*PAUSE))
            self._timed(monotonic())
