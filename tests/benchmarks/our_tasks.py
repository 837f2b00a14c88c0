"""A process of our task queue: `python -m tests.benchmarks.our_tasks ROLE WHERE [NAME KIND]`.

The owner has the router in its process, and WHERE is its store; for others, WHERE is the router's
URL. The parent calls the procedures under NAME.
"""

import asyncio
import sys
from collections.abc import Callable
from time import monotonic

from tests.benchmarks.task_work import LOOK, Producer, Runs
from wampapp import App
from wampapp.components import Tasks

PREFIX = "com.benchmark.tasks"
#: How many tasks a worker runs at the same time, by the kind of its functions.
SLOTS = {"async def": 64, "def": 10}


class Functions:
    """The tasks, which a worker runs and a producer enqueues."""

    def __init__(self, app: App, kind: str, slots: int) -> None:
        self.runs = Runs()
        self.held: list[float] = []
        self.tasks = Tasks(app, PREFIX, slots=slots)
        noop, timed = self.runs.noop, self.runs.timed
        if kind == "async def":
            noop, timed = self._noop, self._timed  # type: ignore[assignment]
        self.noop = self.tasks.task(name="noop")(noop)
        self.timed = self.tasks.task(name="timed")(timed)
        self.hold = self.tasks.task(name="hold")(self._hold)

    async def _noop(self) -> int:
        return self.runs.noop()

    async def _timed(self, sent: float) -> int:
        return self.runs.timed(sent)

    async def _hold(self) -> None:
        """The task during which a worker is killed."""
        self.held.append(monotonic())
        await asyncio.Event().wait()


def owner(where: str) -> None:
    app = App(prefix="com.benchmark", name="owner")
    app.include(Tasks(app, store=where))
    app.run(port=0)


def worker(where: str, name: str, kind: str) -> None:
    app = App(prefix=f"com.benchmark.{name}", name=name)
    functions = Functions(app, kind, SLOTS[kind])
    app.register(functions.runs.ran)
    app.register(functions.runs.waits)

    @app.register
    async def held() -> int:
        """Return how many tasks have begun to hold this worker."""
        return len(functions.held)

    @app.register
    async def held_at(count: int) -> float:
        """Wait until so many have; returns when the last one did."""
        while len(functions.held) < count:
            await asyncio.sleep(LOOK)
        return functions.held[-1]

    app.run(where)


def producer(where: str, name: str, kind: str) -> None:
    app = App(prefix=f"com.benchmark.{name}", name=name)
    functions = Functions(app, kind, 0)

    async def results() -> int:
        return sum(queue["done"] for queue in await app.call(f"{PREFIX}.queues"))

    for job in Producer(functions.noop.enqueue, functions.timed.enqueue, results).jobs.values():
        app.register(job)

    @app.register
    async def hold() -> None:
        await functions.hold.enqueue()

    app.run(where)


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]]
    roles = {"owner": owner, "worker": worker, "producer": producer}
    roles[sys.argv[1]](*sys.argv[2:])
