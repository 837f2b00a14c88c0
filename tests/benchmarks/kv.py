"""Key/value stores: how many keys are read and set a second, and how soon a watcher sees a change.

Each contestant has its server in one process and its user in another. Ours has the owner and the
router in one process.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from tests.benchmarks.contestants import ask, environment_of, free_port
from tests.benchmarks.harness import (
    DEADLINE,
    READY,
    WAMPAPP_READY,
    Process,
    Row,
    Table,
    in_turns,
    router_url,
)
from tests.benchmarks.tasks import redis_server
from wampapp import connect

IN_FLIGHT = (1, 16)
#: How many changes a watcher sees, one after the other.
WATCHED = 300
PACKAGES = {
    "redis": ("redis[hiredis]==8.1.0", "orjson==3.13.0", "uvloop==0.23.0"),
    "nats": ("nats-py==2.16.0", "orjson==3.13.0", "uvloop==0.23.0"),
}

#: Has a user do a job with some arguments, and returns what comes of it.
Ask = Callable[..., Any]


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure the stores in alternating rounds."""
    with contextlib.ExitStack() as stack:
        users: dict[str, Ask] = {
            "ours": start_ours(stack, "fast"),
            "durable": start_ours(stack, "durable"),
            "redis": start_redis(stack),
        }
        nats = start_nats(stack)
        if nats is None:
            print("nats-server is not installed, so NATS KV is left out.")
        else:
            users["nats"] = nats
        cells: dict[tuple[str, str, int], Callable[[], Any]] = {}
        for job in ("gets", "sets"):
            for in_flight in IN_FLIGHT:
                for name, user in users.items():
                    if (job, name) != ("gets", "durable"):  # it reads as the other one does
                        cells[name, job, in_flight] = _rate(user, job, in_flight, seconds)
        samples = in_turns(cells, rounds, "key/value stores")
        watching = in_turns(
            {name: _watched(users[name]) for name in ("ours", "nats") if name in users},
            rounds,
            "watching",
        )
    return [*_tables(samples), *_watch_table(watching)]


def _rate(user: Ask, job: str, in_flight: int, seconds: float) -> Callable[[], float]:
    return lambda: float(user(job, in_flight, seconds))


def _watched(user: Ask) -> Callable[[], list[float]]:
    return lambda: list(user("watched", WATCHED))


def _tables(samples: dict[tuple[str, str, int], list[float]]) -> list[Table]:
    note = (
        "Operations a second by one user's coroutines, on 100 keys with values of 60 bytes. Ours: "
        "SQLite, where the end of the process loses nothing and a power failure may lose the last "
        "changes; durable: each is on the disk when it is acknowledged."
    )
    peers = {"redis": "Redis (appendfsync everysec), by redis-py", "nats": "NATS KV, by nats-py"}
    found = []
    for peer, name in peers.items():
        rows = [
            Row(
                f"{job[:-1]}, {n} in flight{', durable' if ours == 'durable' else ''}",
                samples[ours, job, n],
                samples[peer, job, n],
            )
            for job in ("gets", "sets")
            for ours in ("ours", "durable")
            for n in IN_FLIGHT
            if (ours, job, n) in samples and (peer, job, n) in samples
        ]
        if rows:
            found.append(Table(f"Key/value store; the peer: {name}", note, rows))
    return found


def _watch_table(samples: dict[str, list[list[float]]]) -> list[Table]:
    rows = [
        Row(
            label,
            [sample[which] for sample in samples["ours"]],
            [sample[which] for sample in samples.get("nats", [])],
        )
        for which, label in enumerate(("p50", "p99"))
    ]
    note = "Milliseconds from asking for a change to its watcher's seeing it. The peer: NATS KV."
    return [Table("Watching a key", note, rows, smaller_is_better=True)]


def start_ours(stack: contextlib.ExitStack, kind: str) -> Ask:
    """Start our owner, with its router, and a user."""
    where = f"{_folder(stack)}/kv.sqlite"

    def process(*words: str) -> Process:
        return Process([sys.executable, "-m", "tests.benchmarks.our_kv", *words], WAMPAPP_READY)

    url = router_url(stack.enter_context(process("owner", where, kind)))
    stack.enter_context(process("user", url, kind))
    client = stack.enter_context(connect(url, timeout=DEADLINE))
    return lambda job, *args: client.call(f"com.benchmark.user.{job}", *args)


def start_redis(stack: contextlib.ExitStack) -> Ask:
    """Start Redis with an empty folder, and a user."""
    port = str(free_port())
    command = [*redis_server(), "--bind", "127.0.0.1", "--port", port, "--dir", _folder(stack)]
    settings = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    stack.enter_context(Process([*command, *settings], "Ready to accept connections"))
    return _rival(stack, "redis", port)


def start_nats(stack: contextlib.ExitStack) -> Ask | None:
    """Start nats-server with an empty folder, and a user; None where it is not installed."""
    path = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        return None
    port = str(free_port())
    command = [path, "-a", "127.0.0.1", "-p", port, "-js", "-sd", _folder(stack)]
    stack.enter_context(Process(command, "Server is ready"))
    return _rival(stack, "nats", f"nats://127.0.0.1:{port}")


def _rival(stack: contextlib.ExitStack, name: str, where: str) -> Ask:
    packages = PACKAGES[name]
    versions = "-".join(package.partition("==")[2] for package in packages)
    python = environment_of(f"rival-kv-{name}-{versions}", packages, print) / "bin" / "python"
    command = [str(python), "-m", f"tests.benchmarks.rivals.kv_{name}", where]
    process = stack.enter_context(Process(command, READY, talks=True))
    return lambda *order: ask(process, DEADLINE, *order)


def _folder(stack: contextlib.ExitStack) -> str:
    """Return a folder that goes at the end."""
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-kv-"))
