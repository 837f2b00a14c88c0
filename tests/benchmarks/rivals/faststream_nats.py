"""FastStream on NATS: `python -m tests.benchmarks.rivals.faststream_nats ROLE URL`.

It is the nearest in kind: decorated functions, whose arguments pydantic checks by their types.
"""

import asyncio
import sys
from typing import Any

import uvloop
from faststream.nats import NatsBroker

from tests.benchmarks.rivals.orders import READY, calling, follow

SUBJECT = "benchmark.faststream.add"


async def callee(url: str) -> None:
    broker = NatsBroker(url, logger=None)

    @broker.subscriber(SUBJECT)
    async def add(a: int, b: int) -> int:
        return a + b

    await broker.start()
    await broker.ping(10)
    print(READY, flush=True)
    await asyncio.Event().wait()


async def caller(url: str) -> None:
    broker = NatsBroker(url, logger=None)
    await broker.start()

    async def call(subject: str, a: int, b: int) -> Any:
        answer = await broker.request({"a": a, "b": b}, subject, timeout=60)
        return await answer.decode()

    await follow(**calling(call, SUBJECT))


if __name__ == "__main__":
    uvloop.run({"callee": callee, "caller": caller}[sys.argv[1]](sys.argv[2]))
