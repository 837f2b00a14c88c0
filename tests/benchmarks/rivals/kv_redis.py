"""Redis through redis-py: `python -m tests.benchmarks.rivals.kv_redis ROLE PORT`.

A notification of a change does not have the value, so the watcher reads it.
"""

import asyncio
import sys

import orjson
import redis.asyncio as redis
import uvloop

from tests.benchmarks.kv_work import WATCHED, User, Watching
from tests.benchmarks.rivals.orders import follow

KEYSPACE = "__keyspace@0__:"


async def user(port: str) -> None:
    client = redis.Redis(port=int(port), max_connections=64)

    async def get(key: str) -> object:
        return orjson.loads(await client.get(key))

    async def put(key: str, value: object) -> None:
        await client.set(key, orjson.dumps(value))

    await follow(**User(get, put).jobs)
    await client.aclose()


async def watcher(port: str) -> None:
    client = redis.Redis(port=int(port))
    # Not before, as it takes time of those that set keys.
    await client.config_set("notify-keyspace-events", "K$")
    watching = Watching()

    async def hear() -> None:
        async with client.pubsub() as changes:
            await changes.psubscribe(f"{KEYSPACE}{WATCHED}.*")
            async for message in changes.listen():
                if message["type"] == "psubscribe":
                    watching.begin()
                else:
                    key = message["channel"].decode().removeprefix(KEYSPACE)
                    watching.seen(orjson.loads(await client.get(key)))

    hearing = asyncio.create_task(hear())
    await follow(**watching.jobs)
    hearing.cancel()
    await client.aclose()


if __name__ == "__main__":
    uvloop.run({"user": user, "watcher": watcher}[sys.argv[1]](sys.argv[2]))
