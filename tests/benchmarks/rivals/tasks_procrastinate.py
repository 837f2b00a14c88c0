"""procrastinate: `python -m tests.benchmarks.rivals.tasks_procrastinate ROLE URL`.

It keeps no results, so its jobs that have succeeded are counted.
"""

import asyncio
import logging
import sys

import procrastinate

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.task_work import Producer, Runs

CONCURRENCY = 10
SUCCEEDED = "select count(*) as count from procrastinate_jobs where status = 'succeeded'"

# It warns of an app in the main module, whose tasks would be named for that; ours have names.
logging.getLogger("procrastinate").setLevel(logging.ERROR)
connector = procrastinate.PsycopgConnector(
    conninfo=sys.argv[2], min_size=CONCURRENCY, max_size=CONCURRENCY
)
app = procrastinate.App(connector=connector)
runs = Runs()


@app.task(name="noop")
async def noop() -> int:
    return runs.noop()


@app.task(name="timed")
async def timed(sent: float) -> int:
    return runs.timed(sent)


async def worker() -> None:
    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)
        )
        await follow(**runs.jobs)
        working.cancel()


async def producer() -> None:
    async def later(sent: float) -> None:
        await timed.defer_async(sent=sent)

    async def succeeded() -> int:
        row = await connector.execute_query_one_async(SUCCEEDED)
        return int(row["count"])

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await follow(**Producer(noop.defer_async, later, succeeded).jobs)


if __name__ == "__main__":
    asyncio.run({"worker": worker, "producer": producer}[sys.argv[1]]())
