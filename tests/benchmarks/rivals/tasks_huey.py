"""huey on SQLite: `python -m tests.benchmarks.rivals.tasks_huey ROLE FOLDER`.

By default it leaves SQLite its own setting, which syncs each commit to the disk.
"""

import asyncio
import sys
from pathlib import Path

from huey import SqliteHuey

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.task_work import BlockingProducer, Runs

huey = SqliteHuey(filename=str(Path(sys.argv[2]) / "huey.db"))
runs = Runs()


@huey.task()
def noop() -> int:
    return runs.noop()


@huey.task()
def timed(sent: float) -> int:
    return runs.timed(sent)


def worker() -> None:
    huey.create_consumer(workers=10, worker_type="thread").start()
    asyncio.run(follow(**runs.jobs))


def producer() -> None:
    asyncio.run(follow(**BlockingProducer(noop, timed, huey.result_count).jobs))


if __name__ == "__main__":
    {"worker": worker, "producer": producer}[sys.argv[1]]()
