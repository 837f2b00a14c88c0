"""The work that is measured. Both sides run this code, so that both do exactly the same.

An asyncio future and a Twisted Deferred are awaited in the same way; what differs is an argument.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

#: Seconds of the same work before the measurement, for caches, buffers and the processor's clock.
WARM_UP = 0.2

#: Seconds to wait for the last answers of a steady load.
PATIENCE = 30.0

#: Seconds between the moments at which calls of a steady load are due.
TICK = 0.001

#: Half the number of deliveries that the publisher may be ahead of the subscribers.
AHEAD = 512

TEXT = "a short string"

Call = Callable[..., Awaitable[Any]]
Gather = Callable[[Sequence[Coroutine[Any, Any, int]]], Awaitable[Sequence[int]]]


async def calls_per_second(
    call: Call, gather: Gather, procedure: str, in_flight: int, seconds: float
) -> float:
    """Call `procedure`, which adds two numbers, from `in_flight` coroutines at the same time."""
    rate = 0.0
    for span in (WARM_UP, seconds):
        begun = perf_counter()
        counts = await gather(
            [_call_until(begun + span, call, procedure) for _ in range(in_flight)]
        )
        rate = sum(counts) / (perf_counter() - begun)
    return rate


async def _call_until(end: float, call: Call, procedure: str) -> int:
    count = 0
    while perf_counter() < end:
        if await call(procedure, 2, 3) != 5:
            raise ValueError("2 + 3 is not 5")
        count += 1
    return count


async def events_per_second(
    call: Call,
    publish: Callable[[int], Awaitable[object]],
    reached: str,
    subscribers: int,
    seconds: float,
) -> float:
    """Have `publish` publish so many events, and return the deliveries per second.

    The router's acknowledgement does not show that slow subscribers keep up, and what they have not
    read would pile up in its memory. So the flow control is end to end: the procedure `reached` of
    the subscribers' process answers when they have received a given number of events.
    """
    rate = 0.0
    window = max(1, AHEAD // subscribers)
    count = await call(reached, 0)
    for span in (WARM_UP, seconds):
        begun, before, expected = perf_counter(), count, count
        pending: Awaitable[Any] | None = None
        while perf_counter() < begun + span:
            await publish(window)
            expected += window * subscribers
            answer = call(reached, expected)
            if pending is not None:
                await pending
            pending = answer
        if pending is not None:
            count = await pending
        rate = (count - before) / (perf_counter() - begun)
    return rate


class Deliveries:
    """Counts the events of all subscribers of a process, and reports when a number is reached."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: deque[tuple[int, Callable[[int], object]]] = deque()

    def add(self) -> None:
        """Count one event."""
        self.count += 1
        if self._waiting and self.count >= self._waiting[0][0]:
            self._waiting.popleft()[1](self.count)

    def when(self, count: int, tell: Callable[[int], object]) -> None:
        """Call `tell` with the number once it is `count`. Successive counts must increase."""
        if self.count >= count:
            tell(self.count)
        else:
            self._waiting.append((count, tell))


async def per_second(
    do: Callable[[], Awaitable[Any]], gather: Gather, in_flight: int, seconds: float
) -> float:
    """Return how often a second `in_flight` coroutines do something."""
    rate = 0.0
    for span in (WARM_UP, seconds):
        begun = perf_counter()

        async def until(end: float) -> int:
            count = 0
            while perf_counter() < end:
                await do()
                count += 1
            return count

        counts = await gather([until(begun + span) for _ in range(in_flight)])
        rate = sum(counts) / (perf_counter() - begun)
    return rate


async def echoes_per_second(
    call: Call, gather: Gather, procedure: str, size: int, in_flight: int, seconds: float
) -> float:
    """Call `procedure`, which returns its argument, with a string of `size` characters."""
    data = "x" * size

    async def once() -> None:
        if len(await call(procedure, data)) != size:
            raise ValueError("the echo differs")

    return await per_second(once, gather, in_flight, seconds)


async def answer_times(
    call: Call,
    start: Callable[[Coroutine[Any, Any, None]], object],
    sleep: Callable[[float], Awaitable[object]],
    procedure: str,
    rate: float,
    seconds: float,
) -> list[float]:
    """Call `procedure` so often a second, whatever the answers take.

    Each answer's time counts from the moment at which its call was due: a caller that is late
    itself hides nothing.

    Returns:
        The 50th and the 99th percentile, in milliseconds.
    """
    took: list[float] = []
    answered = made = tick = 0
    begun = perf_counter()

    async def once(due: float) -> None:
        nonlocal answered
        if await call(procedure, 2, 3) != 5:
            raise ValueError("2 + 3 is not 5")
        answered += 1
        if due >= WARM_UP:
            took.append(perf_counter() - begun - due)

    ticks = round((WARM_UP + seconds) / TICK)
    while tick < ticks:
        await sleep(TICK)
        now = perf_counter() - begun
        while tick < ticks and tick * TICK <= now:
            wanted = int((tick + 1) * TICK * rate)
            for _ in range(wanted - made):
                start(once(tick * TICK))
            made = wanted
            tick += 1
    end = perf_counter() + PATIENCE
    while answered < made:
        if perf_counter() > end:
            raise TimeoutError(f"{made - answered} calls were not answered")
        await sleep(TICK)
    took.sort()
    return [took[len(took) * part // 100] * 1e3 for part in (50, 99)]


async def call_times(call: Call, procedure: str, seconds: float) -> list[float]:
    """Call `procedure` repeatedly, and return the seconds that each call took."""
    took = []
    end = perf_counter() + seconds
    while (begun := perf_counter()) < end:
        await call(procedure, 2, 3)
        took.append(perf_counter() - begun)
    return took
