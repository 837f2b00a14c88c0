"""How a rival's process gets its orders: a line of JSON in, a line of JSON out.

It imports nothing of wampapp, which is not installed in its environment.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

READY = "READY"


async def follow(calls: Callable[[int, float], Awaitable[float]]) -> None:
    """Measure calls for each order, `[in_flight, seconds]`, and print their rate."""
    print(READY, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        in_flight, seconds = json.loads(line)
        print(json.dumps(await calls(in_flight, seconds)), flush=True)
