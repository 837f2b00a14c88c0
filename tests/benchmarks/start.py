"""What starting costs: processor time of the import and the command, and time to the first call."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from tests.benchmarks.harness import (
    READY,
    ROOT,
    WAMPAPP_READY,
    Process,
    Row,
    Table,
    environ,
    in_turns,
)
from wampapp import connect
from wampapp.crossbar import Crossbar, environment

#: The processor time of a short process is noisy and cheap to measure.
LEAST_ROUNDS = 7


def measure(rounds: int) -> list[Table]:
    """Measure the import, the command's help, and a start."""
    crossbar = str(environment() / "bin" / "crossbar")
    python = sys.executable
    commands: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "the import": ([python, "-c", "import wampapp"],
                       [python, "-c", "import autobahn.twisted.component"]),
        "the command's --help": ([python, "-m", "wampapp", "--help"], [crossbar, "--help"]),
        "only an interpreter": ([python, "-c", "pass"], []),
    }  # fmt: skip
    cells = {
        (label, number): partial(cpu_seconds, command)
        for label, both in commands.items()
        for number, command in enumerate(both)
        if command
    }
    samples = in_turns(cells, max(rounds, LEAST_ROUNDS), "processor time")
    rows = [Row(label, samples[label, 0], samples.get((label, 1), [])) for label in commands]
    note = "User and system time of new processes. The peers: autobahn's Component, crossbar."
    tables = [Table("Processor seconds to start", note, rows, smaller_is_better=True)]
    first_call_of_ours()  # the first connection of this process imports what it needs
    first = in_turns({0: first_call_of_ours, 1: first_call_of_peer}, rounds, "first call")
    row = Row("from nothing to the first answer", first[0], first[1])
    note = "'wampapp run examples/hello.py' with its router; Crossbar.io, then a Component."
    tables.append(Table("Seconds to the first answered call", note, [row], smaller_is_better=True))
    return tables


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a command, and return the processor time that it took."""
    child = subprocess.Popen(command, cwd=ROOT, env=environ(), stdout=subprocess.DEVNULL)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        child.wait()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def first_call_of_ours() -> float:
    """Start an app with the router in the box, and call it; return the seconds."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "wampapp", "run", "examples/hello.py", "--port", str(port)]
    begun = perf_counter()
    with Process(command, WAMPAPP_READY):
        return _call(f"rs://127.0.0.1:{port}", "com.example.add", begun)


def first_call_of_peer() -> float:
    """Start Crossbar.io, then a Component, and call it; return the seconds."""
    begun = perf_counter()
    with Crossbar() as router:
        command = [sys.executable, "-m", "tests.benchmarks.component"]
        with Process([*command, "callee", router.ws_url, "com.example"], READY):
            return _call(router.rs_url, "com.example.add", begun)


def _call(url: str, procedure: str, begun: float) -> float:
    with connect(url) as client:
        if client.call(procedure, 2, 3) != 5:
            raise ValueError("2 + 3 is not 5")
        return perf_counter() - begun
