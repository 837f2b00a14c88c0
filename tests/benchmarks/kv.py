"""Key/value stores: how many keys are read and set a second, and how soon a watcher sees a change.

Each contestant has its server in one process and its user in another. Ours has the owner and the
router in one process.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

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
from wampapp import connect

IN_FLIGHT = (1, 16)
#: How many changes a watcher sees in a round, and how many a second.
CHANGES = 400
RATE = 200.0
PACKAGES = {
    "redis": ("redis[hiredis]==8.1.0", "orjson==3.13.0", "uvloop==0.23.0"),
    "nats": ("nats-py==2.16.0", "orjson==3.13.0", "uvloop==0.23.0"),
}

PEERS = {
    "redis": "Redis (appendfsync everysec), by redis-py with hiredis",
    "nats": "NATS KV (file storage, direct gets), by nats-py",
}

#: Our stores: one whose changes reach the disk soon, and one where that is waited for.
OURS = ("ours", "durable")

#: Has a process do a job with some arguments, and returns what comes of it.
Ask = Callable[..., Any]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Started:
    """A store that runs: what its user does, and how its watcher is started."""

    user: Ask
    watcher: Callable[[], Ask]


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure the stores in alternating rounds."""
    with contextlib.ExitStack() as stack:
        stores: dict[str, Started] = {
            "ours": start_ours(stack, "fast"),
            "durable": start_ours(stack, "durable"),
        }
        absent = []
        for name, program, start in (
            ("redis", "redis-server", start_redis),
            ("nats", "nats-server", start_nats),
        ):
            # Debian has it in /usr/sbin.
            path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
            if path is None:
                absent.append(f"{program} is not installed, so it is left out.")
            else:
                stores[name] = start(stack, path)
        cells: dict[tuple[str, str, int], Callable[[], Any]] = {}
        for job in ("gets", "sets"):
            for in_flight in IN_FLIGHT:
                for name, store in stores.items():
                    cells[name, job, in_flight] = partial(store.user, job, in_flight, seconds)
        samples = in_turns(cells, rounds, "key/value stores")
        # Watchers come when the rates are known, which they would slow down.
        watchers = {}
        for name, store in stores.items():
            store.user("mark")
            watchers[name] = store.watcher()
            watchers[name]("began")
        watching = in_turns(
            {name: partial(_watched, store.user, watchers[name]) for name, store in stores.items()},
            rounds,
            "watching",
        )
    return [*_tables(samples, absent), *_watch_tables(watching, absent)]


def _watched(user: Ask, watcher: Ask) -> list[float]:
    user("time", CHANGES, RATE)
    return list(watcher("delays", CHANGES))


def _tables(
    samples: dict[tuple[str, str, int], list[float]], absent: Sequence[str] = ()
) -> list[Table]:
    note = (
        "Operations a second by one user's coroutines, on 100 keys with values of 60 bytes, which "
        "each user encodes and decodes. Ours: the owner with the router in one process, SQLite, "
        "where the end of the process loses nothing and a power failure may lose the last "
        "changes; durable: each is on the disk when it is acknowledged, and the peer is as before."
    )
    found = []
    for peer in _present(samples, lambda key: key[0]):
        rows = [
            Row(
                f"{job[:-1]}, {n} in flight{_kind(ours)}",
                samples[ours, job, n],
                samples.get((peer, job, n), []),
            )
            for job in ("gets", "sets")
            for ours in OURS
            for n in IN_FLIGHT
            if (ours, job, n) in samples
        ]
        title = f"Key/value store{_beside(peer)}"
        found.append(Table(title, " ".join([note, *absent]), rows))
    return found


def _watch_tables(samples: dict[str, list[list[float]]], absent: Sequence[str] = ()) -> list[Table]:
    found = []
    for peer in _present(samples, lambda key: key):
        rows = [
            Row(
                f"{label}{_kind(ours)}",
                [sample[which] for sample in samples[ours]],
                [sample[which] for sample in samples.get(peer, [])],
            )
            for ours in OURS
            for which, label in enumerate(("p50", "p99"))
        ]
        note = (
            "Milliseconds from asking for a change to its being seen, with its value, by a watcher "
            f"in another process; {RATE:g} changes a second, each of another key."
        )
        if peer == "redis":
            note += " Redis tells which key has changed, and the watcher reads it."
        title = f"Watching keys{_beside(peer)}"
        found.append(Table(title, " ".join([note, *absent]), rows, smaller_is_better=True))
    return found


def _present(samples: Mapping[Key, object], name: Callable[[Key], str]) -> list[str]:
    """Return the peers that were measured; an empty name if there are none."""
    names = {name(key) for key in samples}
    return [peer for peer in PEERS if peer in names] or [""]


def _beside(peer: str) -> str:
    return f"; the peer: {PEERS[peer]}" if peer else ""


def _kind(ours: str) -> str:
    return ", durable" if ours == "durable" else ""


def start_ours(stack: contextlib.ExitStack, kind: str) -> Started:
    """Start our owner, with its router, and a user."""
    where = f"{_folder(stack)}/kv.sqlite"

    def start(*words: str) -> Process:
        command = [sys.executable, "-m", "tests.benchmarks.our_kv", *words]
        return stack.enter_context(Process(command, WAMPAPP_READY))

    url = router_url(start("owner", where, kind))
    client = stack.enter_context(connect(url, timeout=DEADLINE))

    def role(name: str) -> Ask:
        start(name, url)
        return lambda job, *args: client.call(f"com.benchmark.{name}.{job}", *args)

    return Started(role("user"), partial(role, "watcher"))


def start_redis(stack: contextlib.ExitStack, path: str) -> Started:
    """Start Redis with an empty folder, and a user."""
    port = str(free_port())
    command = [path, "--bind", "127.0.0.1", "--port", port, "--dir", _folder(stack)]
    settings = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    stack.enter_context(Process([*command, *settings], "Ready to accept connections"))
    return _rival(stack, "redis", port)


def start_nats(stack: contextlib.ExitStack, path: str) -> Started:
    """Start nats-server with an empty folder, and a user."""
    port = str(free_port())
    command = [path, "-a", "127.0.0.1", "-p", port, "-js", "-sd", _folder(stack)]
    stack.enter_context(Process(command, "Server is ready"))
    return _rival(stack, "nats", f"nats://127.0.0.1:{port}")


def _rival(stack: contextlib.ExitStack, name: str, where: str) -> Started:
    packages = PACKAGES[name]
    versions = "-".join(package.partition("==")[2] for package in packages)
    python = environment_of(f"rival-kv-{name}-{versions}", packages, print) / "bin" / "python"

    def role(role: str) -> Ask:
        command = [str(python), "-m", f"tests.benchmarks.rivals.kv_{name}", role, where]
        process = stack.enter_context(Process(command, READY, talks=True))
        return lambda *order: ask(process, DEADLINE, *order)

    return Started(role("user"), partial(role, "watcher"))


def _folder(stack: contextlib.ExitStack) -> str:
    """Return a folder that goes at the end."""
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-kv-"))
