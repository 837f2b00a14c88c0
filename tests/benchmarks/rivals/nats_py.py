"""nats-py: `python -m tests.benchmarks.rivals.nats_py ROLE URL`, with JSON payloads."""

import asyncio
import json
import sys
from typing import Any

import nats
import uvloop

from tests.benchmarks.rivals.orders import READY, calling, follow
from tests.benchmarks.work import TEXT, Deliveries, events_per_second

SUBJECT = "benchmark.add"
REACHED = "benchmark.reached"


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
    """Calls, and publishes."""
    client = await nats.connect(url)

    async def call(subject: str, *args: Any) -> Any:
        answer = await client.request(subject, json.dumps(args).encode(), timeout=60)
        return json.loads(answer.data)

    async def events(topic: str, subscribers: int, seconds: float) -> float:
        async def publish(count: int) -> None:
            for _ in range(count):
                await client.publish(topic, json.dumps(TEXT).encode())

        return await events_per_second(call, publish, REACHED, subscribers, seconds)

    await follow(**calling(call, SUBJECT), events=events)


async def subscriber(url: str) -> None:
    """Subscribes with as many connections as it is asked to."""
    deliveries = Deliveries()
    client = await nats.connect(url)

    async def on_event(message: Any) -> None:
        json.loads(message.data)
        deliveries.add()

    async def reached(message: Any) -> None:
        [count] = json.loads(message.data)
        answer = asyncio.get_running_loop().create_future()
        deliveries.when(count, answer.set_result)
        await message.respond(json.dumps(await answer).encode())

    async def subscribe(topic: str, connections: int) -> None:
        for _ in range(connections):
            another = await nats.connect(url)
            await another.subscribe(topic, cb=on_event)
            await another.flush()

    await client.subscribe(REACHED, cb=reached)
    await client.flush()
    await follow(subscribe=subscribe)


if __name__ == "__main__":
    roles = {"callee": callee, "caller": caller, "subscriber": subscriber}
    uvloop.run(roles[sys.argv[1]](sys.argv[2]))
