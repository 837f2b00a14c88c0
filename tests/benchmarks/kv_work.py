"""What every key/value store is asked to do. It imports nothing of wampapp."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

#: What is stored under each key.
VALUE = {"user": "ann", "items": ["apple", "pear"], "count": 12345}
#: How many keys take turns.
KEYS = [f"user.{number}.cart" for number in range(100)]
#: Seconds before a rate is measured.
_WARM_UP = 0.2


async def per_second(
    work: Callable[[str], Awaitable[Any]], in_flight: int, seconds: float
) -> float:
    """Return how many operations a second are done with so many in flight."""
    await _done(work, in_flight, _WARM_UP)
    began = perf_counter()
    count = await _done(work, in_flight, seconds)
    return count / (perf_counter() - began)


async def _done(work: Callable[[str], Awaitable[Any]], in_flight: int, seconds: float) -> int:
    count = 0
    end = perf_counter() + seconds

    async def one(first: int) -> None:
        nonlocal count
        number = first
        while perf_counter() < end:
            await work(KEYS[number % len(KEYS)])
            number += in_flight
            count += 1

    await asyncio.gather(*(one(number) for number in range(in_flight)))
    return count


async def delays(
    change: Callable[[int], Awaitable[Any]], seen: asyncio.Queue[int], times: int
) -> list[float]:
    """Return two percentiles of the milliseconds from a change to its being seen by a watcher."""
    found = []
    for number in range(1, times + 1):
        began = perf_counter()
        await change(number)
        while await seen.get() != number:
            pass
        found.append((perf_counter() - began) * 1e3)
    found.sort()
    return [found[len(found) // 2], found[len(found) * 99 // 100]]
