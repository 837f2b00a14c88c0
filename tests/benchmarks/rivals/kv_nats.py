"""NATS KV through nats-py: `python -m tests.benchmarks.rivals.kv_nats ROLE URL`.

Its bucket is kept in files, and answers directly, as the documentation advises for fast reads.
"""

import asyncio
import sys

import nats
import orjson
import uvloop
from nats.js.api import StorageType
from nats.js.kv import KeyValue

from tests.benchmarks.kv_work import WATCHED, User, Watching
from tests.benchmarks.rivals.orders import follow

BUCKET = "benchmark"


async def user(url: str) -> None:
    client = await nats.connect(url)
    stream = client.jetstream()
    bucket = await stream.create_key_value(bucket=BUCKET, storage=StorageType.FILE, direct=True)

    async def get(key: str) -> object:
        return orjson.loads((await bucket.get(key)).value)

    async def put(key: str, value: object) -> None:
        await bucket.put(key, orjson.dumps(value))

    await follow(**User(get, put).jobs)


async def watcher(url: str) -> None:
    client = await nats.connect(url)
    bucket = await client.jetstream().key_value(BUCKET)
    watching = Watching()

    async def hear(changes: KeyValue.KeyWatcher) -> None:
        async for entry in changes:
            if entry is not None:
                watching.seen(orjson.loads(entry.value))

    hearing = asyncio.create_task(hear(await bucket.watch(f"{WATCHED}.*")))
    await follow(**watching.jobs)
    hearing.cancel()


if __name__ == "__main__":
    uvloop.run({"user": user, "watcher": watcher}[sys.argv[1]](sys.argv[2]))
