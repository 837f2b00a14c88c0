"""Redis through redis-py: `python -m tests.benchmarks.rivals.kv_redis PORT`."""

import sys

import orjson
import redis.asyncio as redis
import uvloop

from tests.benchmarks.kv_work import VALUE, per_second
from tests.benchmarks.rivals.orders import follow


async def main(port: int) -> None:
    client = redis.Redis(port=port, max_connections=64)

    async def get(key: str) -> object:
        return orjson.loads(await client.get(key))

    async def put(key: str) -> None:
        await client.set(key, orjson.dumps(VALUE))

    async def gets(in_flight: int, seconds: float) -> float:
        await per_second(put, 8, 0.1)
        return await per_second(get, in_flight, seconds)

    async def sets(in_flight: int, seconds: float) -> float:
        return await per_second(put, in_flight, seconds)

    await follow(gets=gets, sets=sets)
    await client.aclose()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
