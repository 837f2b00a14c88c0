"""Task queues: enqueuing, a backlog of no-ops, the wait in an idle worker, and a killed worker.

Each round has new processes and an empty queue for each contestant. Its producer enqueues no-ops
for some seconds with one in flight and with many, while no worker runs; then one worker process
works on all that were enqueued. Ours has its owner and the router in one process.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import monotonic, sleep
from typing import Any

from tests.benchmarks.contestants import ask, environment_of, free_port
from tests.benchmarks.harness import (
    READY,
    WAMPAPP_READY,
    Process,
    in_turns,
    router_url,
)
from tests.support.debian import debian_folder
from tests.support.postgres import Postgres
from wampapp import connect

IN_FLIGHT = (1, 32)
#: How many tasks wait for an idle worker in a round, one after the other.
TIMED = 100
#: How many workers of ours are killed in a round.
KILLS = 5
#: Seconds that a worker has to work on what was enqueued.
PATIENCE = 300.0
#: The packages of each rival, in an environment of its own.
PACKAGES = {
    "huey": ("huey==3.5.4",),
    "dramatiq": ("dramatiq[redis]==2.2.1",),
    "taskiq": ("taskiq==0.13.0", "taskiq-redis==1.2.4", "uvloop==0.23.0"),
    "procrastinate": ("procrastinate==3.10.0", "psycopg[binary]==3.3.9"),
}

#: Has a process do a job with some arguments, and returns what comes of it.
Ask = Callable[..., Any]


@dataclass(frozen=True)
class Round:
    """What was measured of a queue in a round.

    Attributes: the tasks `enqueued` a second, by the number in flight; those `done` a second; two
    percentiles of the milliseconds from enqueuing a task to its start (`waits`); and the
    milliseconds from a worker's death to its task's next start (`rescues`), if that was measured.
    """

    enqueued: dict[int, float]
    done: float
    waits: Sequence[float]
    rescues: Sequence[float] = ()


@dataclass(frozen=True)
class Rescuers:
    """Two workers that hold a task each while they are killed.

    Attributes: `hold` enqueues one; `start` starts a worker.
    """

    hold: Callable[[], object]
    start: Callable[[int], AbstractContextManager[tuple[Process, Ask]]]

    def measure(self, kills: int) -> list[float]:
        """Kill a worker so many times, each time another; returns the milliseconds of each."""
        found = []
        with contextlib.ExitStack() as stack:
            workers = [stack.enter_context(self.start(number)) for number in (1, 2)]
            counts = [0, 0]
            for kill in range(kills):
                self.hold()
                while (now := [ask("held") for _, ask in workers]) == counts:
                    sleep(0.01)
                victim = 0 if now[0] > counts[0] else 1
                heir = 1 - victim
                os.kill(workers[victim][0].pid, signal.SIGKILL)
                killed = monotonic()
                # It gets all that the other one held, from this kill and from those before.
                began = workers[heir][1]("held_at", now[heir] + 1)
                found.append((began - killed) * 1e3)
                workers[victim] = stack.enter_context(self.start(kill + 3))
                counts = [ask("held") for _, ask in workers]
        return found


@dataclass(frozen=True)
class Started:
    """A queue that runs: what its producer does; its `worker`; what tells of a killed worker."""

    producer: Ask
    worker: Callable[[], AbstractContextManager[Ask]]
    rescuers: Rescuers | None = None


@dataclass(frozen=True)
class Queue:
    """One of the queues.

    Attributes: its `name`; how it is `start`ed, empty; and the `fate` of a killed worker's task, as
    its documentation and code have it, unless that is measured.
    """

    name: str
    start: Callable[[contextlib.ExitStack], Started]
    fate: str = ""

    def measure(self, seconds: float) -> Round:
        """Measure it once."""
        with contextlib.ExitStack() as stack:
            started = self.start(stack)
            enqueued, count = {}, 0
            for in_flight in IN_FLIGHT:
                rate, count = started.producer("enqueue", in_flight, seconds)
                enqueued[in_flight] = float(rate)
            with started.worker() as worker:
                first = worker("ran", count)
                done = count / (started.producer("settled") - first)
                started.producer("time", TIMED)
                waits = worker("waits", TIMED)
            rescues = started.rescuers.measure(KILLS) if started.rescuers else ()
        return Round(enqueued, done, waits, rescues)


@dataclass(frozen=True)
class TaskTable:
    """The result of a benchmark of task queues; the first one is what others are compared with."""

    title: str
    note: str
    queues: Sequence[Queue]
    rounds: dict[str, list[Round]] = field(repr=False)

    def figures(self, name: str) -> list[float]:
        """Return a queue's medians: enqueued by number in flight, done, and the two waits."""
        rounds = self.rounds[name]
        return [
            *(median(one.enqueued[n] for one in rounds) for n in IN_FLIGHT),
            median(one.done for one in rounds),
            *(median(one.waits[which] for one in rounds) for which in (0, 1)),
        ]

    def fate(self, queue: Queue) -> str:
        """Return what becomes of a task whose worker is killed."""
        rescues = sorted(ms for one in self.rounds[queue.name] for ms in one.rescues)
        if not rescues:
            return queue.fate
        return f"runs again after {median(rescues):.0f} ms (at most {rescues[-1]:.0f})"

    def cells(self) -> list[list[str]]:
        """Return the cells of each row: rates with how many times as many the first one has."""
        rows = []
        first = self.figures(self.queues[0].name)
        for queue in self.queues:
            *rates, p50, p99 = self.figures(queue.name)
            cells = [
                f"{rate:,.0f} ({ours / rate:.1f})" for rate, ours in zip(rates, first, strict=False)
            ]
            rows.append([queue.name, *cells, f"{p50:.1f}", f"{p99:.1f}", self.fate(queue)])
        return rows

    heads = (
        "",
        *(f"enqueued/s, {n} in flight" for n in IN_FLIGHT),
        "done/s",
        "start p50, ms",
        "p99",
        "a killed worker's task",
    )

    def text(self) -> str:
        """Return the table for people."""
        rows = [list(self.heads), *self.cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title, self.note, ""]
        for row in rows:
            first, *middle, last = zip(row, widths, strict=True)
            cells = [f"{cell:>{width}}" for cell, width in middle]
            lines.append("  ".join([f"{first[0]:{first[1]}}", *cells, last[0]]).rstrip())
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [f"| {' | '.join(self.heads)} |".replace("|  |", "| |")]
        lines.append(f"|---|{'---:|' * (len(self.heads) - 2)}---|")
        lines += [f"| {' | '.join(row)} |" for row in self.cells()]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the table for programs, with every sample."""
        rows = [
            {
                "name": queue.name,
                "fate": queue.fate,
                "rounds": [*map(vars, self.rounds[queue.name])],
            }
            for queue in self.queues
        ]
        return {"title": self.title, "note": self.note, "rows": rows}


def measure(rounds: int, seconds: float) -> list[TaskTable]:
    """Measure the queues on SQLite and Redis, and those on PostgreSQL, in alternating rounds."""
    queues = [
        Queue("wampapp, async def, 64 slots", partial(start_ours, "async def", None)),
        Queue("wampapp, def, 10 threads", partial(start_ours, "def", None)),
        Queue("huey on SQLite, 10 threads", start_huey, "is lost"),
        Queue(
            "dramatiq on Redis, 10 threads",
            partial(start_on_redis, "dramatiq"),
            "runs again after 60 s without a heartbeat, at the next maintenance",
        ),
        Queue(
            "taskiq on Redis, 32 coroutines",
            partial(start_on_redis, "taskiq"),
            "runs again after 10 min",
        ),
    ]
    found = in_turns({one.name: partial(one.measure, seconds) for one in queues}, rounds, "tasks")
    note = (
        "No-ops whose results are kept, in one worker process: what was enqueued within "
        f"{seconds:g} s with each number in flight is there when the worker starts. wampapp and "
        "huey have each task on the disk before it is acknowledged (SQLite, synchronous=full), "
        "Debian's Redis syncs once a second (appendfsync everysec). Then tasks are enqueued one at "
        "a time while the worker is idle, and workers of wampapp's are killed by SIGKILL; for the "
        "others, the last column says what their documentation and code do. In parentheses: how "
        "many times as many wampapp's first row has."
    )
    with Postgres(print) as server:
        beside = [
            Queue("wampapp, async def, 64 slots", partial(start_ours, "async def", server)),
            Queue("wampapp, def, 10 threads", partial(start_ours, "def", server)),
            Queue(
                "procrastinate, async def, concurrency 10",
                partial(start_procrastinate, server),
                "stays as running until somebody looks after it",
            ),
        ]
        others = in_turns(
            {one.name: partial(one.measure, seconds) for one in beside}, rounds, "on PostgreSQL"
        )
    return [
        TaskTable("Task queue", note, queues, found),
        TaskTable(
            "Task queue on PostgreSQL",
            "As above, in a database that syncs each commit; procrastinate keeps no results.",
            beside,
            others,
        ),
    ]


def start_ours(kind: str, server: Postgres | None, stack: contextlib.ExitStack) -> Started:
    """Start our owner, with its router, and a producer."""
    enter = stack.enter_context
    where = f"{new_folder(stack)}/tasks.sqlite" if server is None else new_place(server)

    def process(*words: str) -> Process:
        return Process([sys.executable, "-m", "tests.benchmarks.our_tasks", *words], WAMPAPP_READY)

    url = router_url(enter(process("owner", where)))
    client = enter(connect(url, timeout=PATIENCE))
    enter(process("producer", url, "producer", kind))

    def asked(name: str) -> Ask:
        return lambda job, *args: client.call(f"com.benchmark.{name}.{job}", *args)

    @contextlib.contextmanager
    def worker() -> Any:
        with process("worker", url, "worker", kind):
            yield asked("worker")

    @contextlib.contextmanager
    def rescuer(number: int) -> Any:
        with process("worker", url, f"worker{number}", kind) as started:
            yield started, asked(f"worker{number}")

    producer = asked("producer")
    return Started(producer, worker, Rescuers(lambda: producer("hold"), rescuer))


def start_huey(stack: contextlib.ExitStack) -> Started:
    """Start huey's producer, with a file of its own."""
    return start_rival("huey", new_folder(stack), stack)


def start_on_redis(name: str, stack: contextlib.ExitStack) -> Started:
    """Start Redis with an empty folder, and a rival's producer."""
    port = str(free_port())
    command = [*redis_server(), "--bind", "127.0.0.1", "--port", port, "--dir", new_folder(stack)]
    settings = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    stack.enter_context(Process([*command, *settings], "Ready to accept connections"))
    return start_rival(name, f"redis://127.0.0.1:{port}", stack)


def start_procrastinate(server: Postgres, stack: contextlib.ExitStack) -> Started:
    """Start procrastinate's producer, with a schema of its own."""
    return start_rival("procrastinate", new_place(server), stack)


def start_rival(name: str, where: str, stack: contextlib.ExitStack) -> Started:
    """Start a rival's producer."""
    packages = PACKAGES[name]
    versions = "-".join(package.partition("==")[2] for package in packages)
    python = environment_of(f"rival-{name}-{versions}", packages, print) / "bin" / "python"
    module = f"tests.benchmarks.rivals.tasks_{name}"

    def process(role: str) -> Process:
        return Process([str(python), "-m", module, role, where], READY, talks=True)

    def asked(started: Process) -> Ask:
        return lambda *order: ask(started, PATIENCE, *order)

    @contextlib.contextmanager
    def worker() -> Any:
        with process("worker") as started:
            yield asked(started)

    return Started(asked(stack.enter_context(process("producer"))), worker)


def redis_server() -> list[str]:
    """Return the command of a Redis; one that is not installed comes from Debian, unpacked."""
    if found := shutil.which("redis-server"):
        return [found]
    folder = debian_folder("redis", ["redis-server"], print, with_all_it_needs=True)
    library = next(folder.glob("usr/lib/*-linux-gnu*"))
    return ["env", f"LD_LIBRARY_PATH={library}", str(folder / "usr" / "bin" / "redis-server")]


def new_folder(stack: contextlib.ExitStack) -> str:
    """Return a folder that goes at the end of the round."""
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-tasks-"))


def new_place(server: Postgres) -> str:
    """Return the URL of an empty schema."""
    return server.url(server.new_schema())
