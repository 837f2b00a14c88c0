"""taskiq on a stream of Redis: `python -m tests.benchmarks.rivals.tasks_taskiq ROLE URL`."""

import asyncio
import sys

import redis.asyncio
import uvloop
from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.task_work import Producer, Runs

URL = sys.argv[2]
RESULTS = f"{URL}/1"  # a database of their own, where they are easy to count

broker = RedisStreamBroker(URL).with_result_backend(RedisAsyncResultBackend(RESULTS))
runs = Runs()


@broker.task(task_name="noop")
async def noop() -> int:
    return runs.noop()


@broker.task(task_name="timed")
async def timed(sent: float) -> int:
    return runs.timed(sent)


async def worker() -> None:
    broker.is_worker_process = True
    await broker.startup()
    receiving = asyncio.create_task(run_receiver_task(broker, max_async_tasks=32))
    await follow(**runs.jobs)
    receiving.cancel()


async def producer() -> None:
    await broker.startup()
    client = redis.asyncio.Redis.from_url(RESULTS)
    await follow(**Producer(noop.kiq, timed.kiq, client.dbsize).jobs)


if __name__ == "__main__":
    uvloop.run({"worker": worker, "producer": producer}[sys.argv[1]]())
