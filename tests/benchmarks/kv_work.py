"""What every key/value store is asked to do. It imports nothing of wampapp.

The times are of the machine's monotonic clock, which all its processes share.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Any

#: What is stored under each key.
VALUE = {"user": "ann", "items": ["apple", "pear"], "count": 12345}
#: How many keys take turns.
KEYS = [f"user.{number}.cart" for number in range(100)]
#: What the keys that are watched begin with, before a point.
WATCHED = "watched"
#: Seconds between two looks at what has been seen so far.
_LOOK = 0.005
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


class Watching:
    """What a watcher, in a process of its own, notes of the changes that it sees."""

    def __init__(self) -> None:
        self._began = asyncio.Event()
        self._delays: list[float] = []

    def begin(self) -> None:
        """Note that every change from now on is seen."""
        self._began.set()

    def seen(self, value: dict[str, Any]) -> None:
        """Note a value; the one that was there before is not a change."""
        if "sent" in value:
            self._delays.append(monotonic() - value["sent"])
        else:
            self.begin()

    async def began(self) -> None:
        """Wait until changes are seen."""
        await self._began.wait()

    async def delays(self, count: int) -> list[float]:
        """Wait until so many changes were seen; returns two percentiles, in milliseconds."""
        while len(self._delays) < count:
            await asyncio.sleep(_LOOK)
        found, self._delays = sorted(self._delays), []
        return [found[len(found) * part // 100] * 1e3 for part in (50, 99)]

    @property
    def jobs(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What a watcher can be asked."""
        return {"began": self.began, "delays": self.delays}


class User:
    """Reads and sets keys.

    Arguments: `get` returns a key's value; `put` sets it, and returns when that is acknowledged.
    """

    def __init__(
        self,
        get: Callable[[str], Awaitable[Any]],
        put: Callable[[str, Any], Awaitable[Any]],
    ) -> None:
        self._get = get
        self._put = put

    async def _check(self, key: str) -> None:
        if await self._get(key) != VALUE:
            raise ValueError(f"{key} has another value")

    async def _set(self, key: str) -> None:
        await self._put(key, VALUE)

    async def gets(self, in_flight: int, seconds: float) -> float:
        """Return how many keys are read a second."""
        for key in KEYS:
            await self._set(key)
        return await per_second(self._check, in_flight, seconds)

    async def sets(self, in_flight: int, seconds: float) -> float:
        """Return how many keys are set a second."""
        return await per_second(self._set, in_flight, seconds)

    async def time(self, count: int, rate: float) -> None:
        """Set so many keys with the time in their values, `rate` of them a second."""
        began = monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
            await self._put(f"{WATCHED}.{number}", VALUE | {"sent": monotonic()})

    async def mark(self) -> None:
        """Set a key by which a watcher knows that it watches."""
        await self._set(f"{WATCHED}.mark")

    @property
    def jobs(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What a user can be asked."""
        return {"gets": self.gets, "sets": self.sets, "time": self.time, "mark": self.mark}
