"""A process of our key/value store: `python -m tests.benchmarks.our_kv ROLE WHERE [DURABLE]`.

The owner has the router in its process, and WHERE is its store; for the user, WHERE is the router's
URL. The parent calls the user's procedures.
"""

import asyncio
import sys

from tests.benchmarks.kv_work import VALUE, delays, per_second
from wampapp import App
from wampapp.components import KV

PREFIX = "com.benchmark.kv"


def owner(where: str, durable: str) -> None:
    app = App(prefix="com.benchmark", name="owner")
    app.include(KV(app, store=where, durable=durable == "durable"))
    app.run(port=0)


def user(where: str, _durable: str) -> None:
    app = App(prefix="com.benchmark.user", name="user")
    kv = KV(app, PREFIX)

    @app.register
    async def gets(in_flight: int, seconds: float) -> float:
        await per_second(lambda key: kv.set(key, VALUE), 8, 0.1)
        return await per_second(kv.get, in_flight, seconds)

    @app.register
    async def sets(in_flight: int, seconds: float) -> float:
        return await per_second(lambda key: kv.set(key, VALUE), in_flight, seconds)

    @app.register
    async def watched(times: int) -> list[float]:
        seen: asyncio.Queue[int] = asyncio.Queue()

        async def follow() -> None:
            async for change in kv.watch("watched"):
                seen.put_nowait(change.value)

        await kv.set("watched", 0)
        following = asyncio.create_task(follow())
        while await seen.get() != 0:
            pass
        try:
            return await delays(lambda number: kv.set("watched", number), seen, times)
        finally:
            following.cancel()
            await asyncio.wait([following])

    app.run(where)


if __name__ == "__main__":
    {"owner": owner, "user": user}[sys.argv[1]](*sys.argv[2:])
