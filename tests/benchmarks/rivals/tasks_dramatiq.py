"""dramatiq on Redis: `python -m tests.benchmarks.rivals.tasks_dramatiq ROLE URL`."""

import asyncio
import sys

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.task_work import BlockingProducer, Runs

URL = sys.argv[2]
RESULTS = f"{URL}/1"  # a database of their own, where they are easy to count

broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=RESULTS), store_results=True))
dramatiq.set_broker(broker)
runs = Runs()


@dramatiq.actor
def noop() -> int:
    return runs.noop()


@dramatiq.actor
def timed(sent: float) -> int:
    return runs.timed(sent)


def worker() -> None:
    dramatiq.Worker(broker, worker_threads=10).start()
    asyncio.run(follow(**runs.jobs))


def producer() -> None:
    client = redis.Redis.from_url(RESULTS)
    asyncio.run(follow(**BlockingProducer(noop.send, timed.send, client.dbsize).jobs))


if __name__ == "__main__":
    {"worker": worker, "producer": producer}[sys.argv[1]]()
