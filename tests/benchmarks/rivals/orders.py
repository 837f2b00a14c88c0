"""How a rival's process gets its orders: a line of JSON in, a line of JSON out.

It imports nothing of wampapp, which is not installed in its environment.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.benchmarks.work import answer_times, calls_per_second

READY = "READY"


async def follow(**jobs: Callable[..., Awaitable[Any]]) -> None:
    """Do the job that each order, `[job, *arguments]`, names, and print what comes of it."""
    print(READY, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job, *arguments = json.loads(line)
        print(json.dumps(await jobs[job](*arguments)), flush=True)


def calling(call: Callable[..., Awaitable[Any]], procedure: str) -> dict[str, Any]:
    """Return the jobs of a caller: how many calls a second, and how long they take under load."""

    async def calls(in_flight: int, seconds: float) -> float:
        return await calls_per_second(
            call, lambda coroutines: asyncio.gather(*coroutines), procedure, in_flight, seconds
        )

    async def steady(rate: float, seconds: float) -> list[float]:
        start = asyncio.get_running_loop().create_task
        return await answer_times(call, start, asyncio.sleep, procedure, rate, seconds)

    return {"calls": calls, "steady": steady}
