"""Kinds of handlers, sizes of payloads, events and memory, over a router, between processes."""

import contextlib
import re
import sys
from collections.abc import Callable  # noqa: TC003
from functools import partial
from pathlib import Path

from tests.benchmarks.contestants import free_port
from tests.benchmarks.harness import (
    DEADLINE,
    WAMPAPP_READY,
    Process,
    Row,
    Side,
    Table,
    in_turns,
    router_url,
)
from wampapp import connect

IN_FLIGHT = 64
SIZES = {"16 bytes": 16, "1 KB": 1024, "64 KB": 65_536}
SLEEPERS = 20


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure only wampapp: its caller, callee and router are separate processes."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        command = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
        router = enter(Process(command, WAMPAPP_READY))
        url = router_url(router)
        client = enter(connect(url, timeout=DEADLINE + seconds))
        side = Side("tests.benchmarks.ours", WAMPAPP_READY, url, "com.kinds", client)
        enter(side.process("callee"))
        enter(side.process("caller"))

        def uri(name: str) -> str:
            return f"{side.prefix}.{name}"

        cells: dict[str, Callable[[], float]] = {
            f"calls of a {kind} handler": partial(side.call, "calls", uri(name), IN_FLIGHT, seconds)
            for kind, name in (
                ("typed async def", "add"),
                ("typed def, run='loop'", "add_on_loop"),
                ("typed def, in threads", "add_in_thread"),
            )
        }
        cells["calls that a handler makes, with its trace"] = partial(
            side.call, "calls_of_a_call", uri("add"), IN_FLIGHT, seconds
        )
        cells |= {
            f"calls with {label} there and back": partial(
                side.call, "echoes", uri("echo"), size, IN_FLIGHT, seconds
            )
            for label, size in SIZES.items()
        }
        cells["events published, acknowledged"] = partial(
            side.call, "published", uri("nobody"), IN_FLIGHT, seconds
        )
        cells["progressive results, 100 per call"] = partial(
            side.call, "progressive", uri("count"), 100, seconds
        )
        rates = in_turns(cells, rounds, "kinds")
        slowest = in_turns(
            {
                sleepers: partial(side.call, "slowest", uri("add"), uri("block"), sleepers, seconds)
                for sleepers in (0, SLEEPERS)
            },
            rounds,
            "latency",
        )
    memory = [resident_megabytes() for _ in range(rounds)]
    note = f"{IN_FLIGHT} in flight; caller, callee and router are separate processes."
    return [
        Table(
            "Per second, by kind", note, [Row(label, found, []) for label, found in rates.items()]
        ),
        Table(
            "Milliseconds of a fast call, 99th percentile",
            "One call at a time to an async def handler, while others of the service block.",
            [Row(f"{n} blocking handlers", found, []) for n, found in slowest.items()],
            smaller_is_better=True,
        ),
        Table(
            "Megabytes of resident memory",
            "'wampapp run examples/hello.py' with its router in the box, after the first call.",
            [Row("service and router in one process", memory, [])],
            smaller_is_better=True,
        ),
    ]


def resident_megabytes() -> float:
    """Return how much memory a service with its router takes (only on Linux)."""
    port = free_port()
    command = [sys.executable, "-m", "wampapp", "run", "examples/hello.py", "--port", str(port)]
    with Process(command, WAMPAPP_READY) as service, connect(f"rs://127.0.0.1:{port}") as client:
        client.call("com.example.add", 2, 3)
        status = Path(f"/proc/{service.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        raise RuntimeError("this system does not say how much memory a process takes")
    return int(found[1]) / 1024
