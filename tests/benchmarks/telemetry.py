"""What it costs a service to have its logs and numbers collected, also when the collector dies."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from functools import partial

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

IN_FLIGHT = (1, 16, 64)
#: How many records a service logs in a second, and the seconds between two calls meanwhile.
RECORDS = 20_000
PAUSE = 0.002


class House:
    """A router, a collector, services with and without telemetry, and a caller."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-telemetry-"))
        self._store = f"{root}/telemetry.sqlite"
        self._stack = stack
        router = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
        self._url = router_url(stack.enter_context(Process(router, WAMPAPP_READY)))
        self.collect()
        for name in ("with", "without"):
            self._start("service", name)
        self._caller = self._start("caller", talks=True)

    def _start(self, role: str, *words: str, talks: bool = False) -> Process:
        command = [sys.executable, "-m", "tests.benchmarks.our_telemetry", role, self._url, *words]
        ready = WAMPAPP_READY if role == "collector" else READY
        return self._stack.enter_context(Process(command, ready, talks=talks))

    def collect(self) -> None:
        """Start the collector."""
        self._collector = self._start("collector", self._store)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Kill the collector, and start it again afterwards."""
        os.kill(self._collector.pid, signal.SIGKILL)
        try:
            yield
        finally:
            self.collect()

    def call(
        self, name: str, number: int, seconds: float, *, pause: float = 0, records: int = 0
    ) -> list[float]:
        """Call a service, and return calls a second, and milliseconds of a call: p50 and p99."""
        line = f"{name} {number} {pause} {seconds} {records}"
        return [float(word) for word in self._caller.ask(line, seconds + DEADLINE).split()]


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure calls with and without telemetry, and beside many log records."""
    return [_calls(rounds, seconds), _logging(rounds, seconds)]


def _calls(rounds: int, seconds: float) -> Table:
    with contextlib.ExitStack() as stack:
        house = House(stack)
        cells = {
            (name, number): partial(house.call, name, number, seconds)
            for number in IN_FLIGHT
            for name in ("with", "without")
        }
        samples = in_turns(cells, rounds, "calls with telemetry")
    rate = {key: [one[0] for one in found] for key, found in samples.items()}
    return Table(
        "Calls per second with telemetry",
        "An async def add(a: int, b: int). Its calls are counted and timed, and the numbers sent. "
        "The peer: without telemetry.",
        [Row(f"{n} in flight", rate["with", n], rate["without", n]) for n in IN_FLIGHT],
    )


def _logging(rounds: int, seconds: float) -> Table:
    with contextlib.ExitStack() as stack:
        house = House(stack)

        def call(name: str) -> list[float]:
            return house.call(name, 1, seconds, pause=PAUSE, records=RECORDS)

        def dead() -> list[float]:
            with house.alone():
                return call("with")

        cells = {
            "collected": partial(call, "with"),
            "the collector is killed": dead,
            "without": partial(call, "without"),
        }
        samples = in_turns(cells, rounds, "calls beside log records")
    rows = [
        Row(
            f"{what}, {name}",
            [one[index] for one in samples[name]],
            [one[index] for one in samples["without"]],
        )
        for index, what in ((1, "p50"), (2, "p99"))
        for name in ("collected", "the collector is killed")
    ]
    return Table(
        f"Milliseconds of a call of a service that logs {RECORDS:,} records a second",
        "It sends them to a collector; the peer does not. The collector is killed before "
        "a round, and started again after it.",
        rows,
        smaller_is_better=True,
    )
