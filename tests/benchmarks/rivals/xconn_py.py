"""xconn: `python -m tests.benchmarks.rivals.xconn_py ROLE URL`, with its faster serializer."""

import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

import uvloop
from xconn import AsyncClient, JSONSerializer, MsgPackSerializer, Router, Server
from xconn.types import Invocation, Result

from tests.benchmarks.rivals.orders import READY, calling, follow

PROCEDURE = "com.benchmark.xconn.add"


async def join(url: str) -> Any:
    serializer = JSONSerializer() if url.startswith("ws") else MsgPackSerializer()
    return await AsyncClient(serializer=serializer).connect(url, "realm1")


async def router(url: str) -> None:
    router = Router()
    router.add_realm("realm1")
    await Server(router).start("127.0.0.1", urlsplit(url).port)
    print(READY, flush=True)
    await asyncio.Event().wait()


async def callee(url: str) -> None:
    session = await join(url)

    async def add(invocation: Invocation) -> Result:
        return Result([invocation.args[0] + invocation.args[1]])

    await session.register(PROCEDURE, add)
    print(READY, flush=True)
    await asyncio.Event().wait()


async def caller(url: str) -> None:
    session = await join(url)

    async def call(procedure: str, a: int, b: int) -> Any:
        return (await session.call(procedure, [a, b])).args[0]

    await follow(**calling(call, PROCEDURE))


if __name__ == "__main__":
    uvloop.run({"router": router, "callee": callee, "caller": caller}[sys.argv[1]](sys.argv[2]))
