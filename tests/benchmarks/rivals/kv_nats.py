"""NATS KV through nats-py: `python -m tests.benchmarks.rivals.kv_nats URL`."""

import asyncio
import sys

import nats
import orjson
import uvloop

from tests.benchmarks.kv_work import VALUE, delays, per_second
from tests.benchmarks.rivals.orders import follow


async def main(url: str) -> None:
    client = await nats.connect(url)
    bucket = await client.jetstream().create_key_value(bucket="benchmark")

    async def get(key: str) -> object:
        return orjson.loads((await bucket.get(key)).value)

    async def put(key: str) -> None:
        await bucket.put(key, orjson.dumps(VALUE))

    async def gets(in_flight: int, seconds: float) -> float:
        await per_second(put, 8, 0.1)
        return await per_second(get, in_flight, seconds)

    async def sets(in_flight: int, seconds: float) -> float:
        return await per_second(put, in_flight, seconds)

    async def watched(times: int) -> list[float]:
        seen: asyncio.Queue[int] = asyncio.Queue()
        watcher = await bucket.watch("watched")

        async def hear() -> None:
            async for entry in watcher:
                if entry is not None:
                    seen.put_nowait(orjson.loads(entry.value))

        hearing = asyncio.create_task(hear())
        try:
            return await delays(
                lambda number: bucket.put("watched", orjson.dumps(number)), seen, times
            )
        finally:
            hearing.cancel()
            await watcher.stop()

    await follow(gets=gets, sets=sets, watched=watched)
    await client.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
