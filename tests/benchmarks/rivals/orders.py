"""How a rival's process is told what to do: a line of JSON in, a line of JSON out.

Nothing of wampapp is imported: its environment does not have it.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

READY = "READY"


async def follow(calls: Callable[[int, float], Awaitable[float]]) -> None:
    """Measure calls for each order, `[in_flight, seconds]`, and answer with their rate."""
    print(READY, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        in_flight, seconds = json.loads(line)
        print(json.dumps(await calls(in_flight, seconds)), flush=True)
