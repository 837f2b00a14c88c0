"""How long nobody is answered when the active one of two routers fails, behind a real HAProxy."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.harness import Row, Table
from tests.support.failover import Calls, Pair, haproxy

#: How many calls are answered before the router fails, and after it.
_CALLS = 500


def measure(rounds: int) -> Table:
    """Measure the longest time between two answers."""
    ways = {"killed (SIGKILL)": signal.SIGKILL, "frozen (SIGSTOP)": signal.SIGSTOP}
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, how in ways.items():
            sys.stderr.write(f"failover: round {number + 1} of {rounds}\n")
            with tempfile.TemporaryDirectory(prefix="wampapp-failover-") as folder:
                samples[name].append(_gap(Path(folder), how))
    return Table(
        "Seconds without an answer when the active router fails",
        "One caller, one call after the other, through HAProxy as `wampapp deploy haproxy` has it; "
        "the service and the caller join again by themselves.",
        [Row(name, found, []) for name, found in samples.items()],
        smaller_is_better=True,
    )


def _gap(folder: Path, how: signal.Signals) -> float:
    with Pair(folder, *haproxy()) as pair:
        calls = Calls(pair.url)
        calls.start()
        try:
            _wait_for(calls, _CALLS)
            os.kill(pair.routers[0].pid, how)
            pair.routers[1].until("joined realm1")
            _wait_for(calls, len(calls.answered) + _CALLS)
        finally:
            calls.ended = True
            if how == signal.SIGSTOP:
                os.kill(pair.routers[0].pid, signal.SIGCONT)
            calls.join()
        return calls.longest


def _wait_for(calls: Calls, count: int) -> None:
    while len(calls.answered) < count:
        calls.join(0.02)
