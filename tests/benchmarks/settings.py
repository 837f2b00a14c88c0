"""Live settings: what it costs to read one, and how soon many processes have a change."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from timeit import repeat
from typing import Any

from tests.benchmarks.harness import DEADLINE, WAMPAPP_READY, Process, Row, Table, router_url
from tests.benchmarks.our_settings import PREFIX, Shop
from wampapp import App, connect
from wampapp.components import Live

#: How many processes have the settings, and how many changes are made in a round.
PROCESSES = 50
CHANGES = 40
_READS = 1_000_000


def measure(rounds: int) -> list[Table]:
    """Measure reading, and the way of a change to many processes."""
    return [_reading(rounds), _changing(rounds)]


def _reading(rounds: int) -> Table:
    settings = Live(App(prefix="com.benchmark"), Shop)
    os.environ["BENCHMARK_ITEMS"] = "0"
    names = {"settings": settings, "environ": os.environ}
    ways = ("settings.max_items", "settings.now.max_items")

    def nanoseconds(way: str) -> float:
        return min(repeat(way, globals=names, number=_READS, repeat=3)) / _READS * 1e9

    samples: dict[str, list[float]] = {way: [] for way in (*ways, "environ['BENCHMARK_ITEMS']")}
    for _ in range(rounds):
        for way, found in samples.items():
            found.append(nanoseconds(way))
    peer = samples["environ['BENCHMARK_ITEMS']"]
    return Table(
        "Reading a setting",
        "Nanoseconds. The peer: reading a variable of os.environ.",
        [Row(way, samples[way], peer) for way in ways],
        smaller_is_better=True,
    )


def _changing(rounds: int) -> Table:
    times: list[float] = []
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-settings-"))

        def start(*words: str) -> Process:
            command = [sys.executable, "-m", "tests.benchmarks.our_settings", *words]
            return stack.enter_context(Process(command, WAMPAPP_READY))

        url = router_url(start("keeper", f"{root}/settings.sqlite", root))
        for number in range(1, PROCESSES + 1):
            folder = Path(root) / f"n{number}"
            folder.mkdir()
            start("service", url, str(folder))
        client = stack.enter_context(connect(url, timeout=DEADLINE))
        settings: Live[Any] = Live(client, PREFIX)
        for _ in range(rounds):
            sys.stderr.write(f"settings: {CHANGES} changes\n")
            for _ in range(CHANGES):
                wanted = len(times) + 1
                began = perf_counter()
                changed = settings.sync.change(max_items=wanted)
                times.append((perf_counter() - began) * 1e3)
                assert not changed.silent
            # When the change has returned, everybody has it.
            for number in range(1, PROCESSES + 1):
                assert client.call(f"com.benchmark.n{number}.value") == wanted
    times.sort()
    return Table(
        f"A change of a setting that {PROCESSES} processes have",
        "Milliseconds from asking for the change until every process has checked it, has it, and "
        f"has said so; {len(times)} changes.",
        [
            Row("p50", [times[len(times) // 2]], []),
            Row("p99", [times[len(times) * 99 // 100]], []),
        ],
        smaller_is_better=True,
    )
