"""nats-py: `python -m tests.benchmarks.rivals.nats_py ROLE URL`, with JSON payloads."""

import asyncio
import json
import sys
from typing import Any

import nats
import uvloop

from tests.benchmarks.rivals.orders import READY, follow
from tests.benchmarks.work import calls_per_second

SUBJECT = "benchmark.add"


async def callee(url: str) -> None:
    client = await nats.connect(url)

    async def add(message: Any) -> None:
        a, b = json.loads(message.data)
        await message.respond(json.dumps(a + b).encode())

    await client.subscribe(SUBJECT, cb=add)
    await client.flush()
    print(READY, flush=True)
    await asyncio.Event().wait()


async def caller(url: str) -> None:
    client = await nats.connect(url)

    async def call(subject: str, a: int, b: int) -> Any:
        answer = await client.request(subject, json.dumps([a, b]).encode(), timeout=60)
        return json.loads(answer.data)

    async def calls(in_flight: int, seconds: float) -> float:
        return await calls_per_second(
            call, lambda coroutines: asyncio.gather(*coroutines), SUBJECT, in_flight, seconds
        )

    await follow(calls)


if __name__ == "__main__":
    uvloop.run({"callee": callee, "caller": caller}[sys.argv[1]](sys.argv[2]))
