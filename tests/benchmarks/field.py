"""Calls per second compared with the alternatives: NATS, xconn and Autobahn on Crossbar.io.

Each contestant has its caller, callee and router in separate processes, does the same work, and has
the settings that its documentation recommends for speed.
"""

import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.harness import (
    DEADLINE,
    READY,
    WAMPAPP_READY,
    Process,
    Side,
    in_turns,
    router_url,
)
from wampapp import connect
from wampapp.crossbar import VERSION, Crossbar, Progress, cache_folder, install_once, run_installer

IN_FLIGHT = (1, 16, 64)
NATS_PY, XCONN, UVLOOP = "2.16.0", "0.5.1", "0.23.0"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contestant:
    """One of the contestants.

    Attributes: its `name`; `rate`, which measures calls per second for a number of calls in flight
    and a number of seconds; and the `processes` of its caller, callee and router, whose processor
    time is measured. Crossbar.io's is not.
    """

    name: str
    rate: Callable[[int, float], float]
    processes: dict[str, int]
    costs: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, in_flight: int, seconds: float) -> float:
        """Measure once; with most calls in flight, also record what a call costs each process."""
        before = {role: processor_seconds(pid) for role, pid in self.processes.items()}
        rate = self.rate(in_flight, seconds)
        if in_flight == IN_FLIGHT[-1]:
            for role, pid in self.processes.items():
                spent = processor_seconds(pid) - before[role]
                # The rate leaves out the calls of the warm-up, which takes 0.2 s.
                self.costs.setdefault(role, []).append(spent / (rate * (seconds + 0.2)) * 1e6)
        return rate


@dataclass(frozen=True)
class FieldTable:
    """The result: calls per second by contestant and number in flight."""

    contestants: Sequence[Contestant]
    samples: dict[tuple[str, int], list[float]]

    title = "Calls per second, compared with others"
    note = "add(a, b), 1, 16 and 64 calls in flight; caller, callee and router are processes."

    def cells(self) -> list[tuple[str, list[float], str]]:
        """Return each contestant's name, its medians, and the microseconds per call by process."""
        rows = []
        for contestant in self.contestants:
            medians = [median(self.samples[contestant.name, n]) for n in IN_FLIGHT]
            costs = " + ".join(
                f"{median(contestant.costs[role]):.0f}" for role in ("caller", "callee", "router")
                if role in contestant.costs
            )  # fmt: skip
            rows.append((contestant.name, medians, costs))
        return rows

    def text(self) -> str:
        """Return the table for people, with the ratios of wampapp's rate in parentheses."""
        rows = self.cells()
        first = rows[0][1]
        width = max(len(name) for name, _, _ in rows)
        lines = [self.title, self.note, ""]
        heads = "  ".join(f"{f'{n} in flight':>17}" for n in IN_FLIGHT)
        lines.append(f"{'':{width}}  {heads}  µs per call: caller + callee + router")
        for name, medians, costs in rows:
            cells = "  ".join(
                f"{found:>9,.0f} ({ours / found:>4.1f}x)"
                for found, ours in zip(medians, first, strict=True)
            )
            lines.append(f"{name:{width}}  {cells}  {costs}".rstrip())
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the table for programs, with every sample."""
        rows = [
            {"name": c.name, "costs": c.costs}
            | {str(n): self.samples[c.name, n] for n in IN_FLIGHT}
            for c in self.contestants
        ]
        return {"title": self.title, "note": self.note, "rows": rows}

    def markdown(self) -> str:
        """Return the table as Markdown."""
        heads = [f"{n} in flight" for n in IN_FLIGHT]
        lines = [f"| | {' | '.join(heads)} | µs per call |", f"|---|{'---:|' * (len(heads) + 1)}"]
        first = self.cells()[0][1]
        for name, medians, costs in self.cells():
            cells = " | ".join(
                f"{found:,.0f} ({ours / found:.1f})"
                for found, ours in zip(medians, first, strict=True)
            )
            lines.append(f"| {name} | {cells} | {costs} |")
        return "\n".join(lines)


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken (only on Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(rounds: int, seconds: float) -> FieldTable:
    """Start all contestants, and measure them in alternating rounds."""
    with contextlib.ExitStack() as stack:
        contestants = start(stack, seconds)
        cells = {
            (contestant.name, n): partial(contestant.measure, n, seconds)
            for n in IN_FLIGHT
            for contestant in contestants
        }
        return FieldTable(contestants, in_turns(cells, rounds, "the field"))


def start(stack: contextlib.ExitStack, seconds: float) -> list[Contestant]:
    """Start every contestant's processes."""
    enter = stack.enter_context
    router = enter(
        Process([sys.executable, "-m", "wampapp", "router", "--port", "0"], WAMPAPP_READY)
    )
    rs_url = router_url(router)
    ws_url = f"{rs_url.replace('rs:', 'ws:', 1)}/ws"
    crossbar = enter(Crossbar(progress=print))
    timeout = DEADLINE + seconds
    ours, theirs = (enter(connect(url, timeout=timeout)) for url in (rs_url, crossbar.rs_url))

    def wamp(name: str, module: str, url: str, number: int, client: Any) -> Contestant:
        ready = WAMPAPP_READY if module.endswith("ours") else READY
        side = Side(module, ready, url, f"com.field.n{number}", client)
        callee, caller = enter(side.process("callee")), enter(side.process("caller"))
        processes = {"caller": caller.pid, "callee": callee.pid}
        if client is ours:
            processes["router"] = router.pid
        return Contestant(
            name,
            lambda n, span: float(side.call("calls", f"{side.prefix}.add", n, span)),
            processes,
        )

    python = str(environment(print) / "bin" / "python")

    def rival(name: str, module: str, url: str, server: Process | None) -> Contestant:
        command = [python, "-m", f"tests.benchmarks.rivals.{module}"]
        callee = enter(Process([*command, "callee", url], READY))
        caller = enter(Process([*command, "caller", url], READY, talks=True))
        processes = {"caller": caller.pid, "callee": callee.pid}
        if server is not None:
            processes["router"] = server.pid
        return Contestant(
            name, lambda n, span: float(caller.ask(json.dumps([n, span]), timeout)), processes
        )

    ours_module, component = "tests.benchmarks.ours", "tests.benchmarks.component"
    contestants = [
        wamp("wampapp, its own router", ours_module, rs_url, 1, ours),
        wamp("wampapp, its own router, WebSocket", ours_module, ws_url, 2, ours),
        wamp("wampapp on Crossbar.io, RawSocket", ours_module, crossbar.rs_url, 3, theirs),
    ]
    nats = nats_server()
    if nats is None:
        print("nats-server is not installed, so NATS is left out.")
    else:
        port = free_port()
        server = enter(Process([nats, "-a", "127.0.0.1", "-p", str(port)], "Server is ready"))
        contestants.append(
            rival("nats-py on nats-server", "nats_py", f"nats://127.0.0.1:{port}", server)
        )
    url = f"ws://127.0.0.1:{free_port()}/ws"
    server = enter(
        Process([python, "-m", "tests.benchmarks.rivals.xconn_py", "router", url], READY)
    )
    return [
        *contestants,
        rival("xconn, its own router, WebSocket", "xconn_py", url, server),
        rival("xconn on Crossbar.io, RawSocket", "xconn_py", crossbar.rs_url, None),
        wamp("Autobahn on Crossbar.io, its defaults", component, crossbar.ws_url, 4, theirs),
        wamp("Autobahn on Crossbar.io, RawSocket", component, crossbar.rs_url, 5, theirs),
    ]


def environment(progress: Progress | None = None) -> Path:
    """Return the rivals' environment; the first use installs it."""

    def build(path: Path) -> None:
        run_installer([sys.executable, "-m", "venv", "."], path)
        wanted = [f"nats-py=={NATS_PY}", f"xconn=={XCONN}", f"uvloop=={UVLOOP}"]
        run_installer(["bin/python", "-m", "pip", "install", *wanted], path)

    what = f"nats-py {NATS_PY}, xconn {XCONN} and uvloop {UVLOOP}"
    name = f"rivals-{NATS_PY}-{XCONN}-{UVLOOP}-py{sys.version_info[0]}{sys.version_info[1]}"
    return install_once(cache_folder() / name, what, "bin/python", build, progress)


def nats_server() -> str | None:
    """Return the path of nats-server, which Debian puts in /usr/sbin; None without one."""
    return shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def about() -> str:
    """Return the versions of the contestants."""
    return f"nats-py {NATS_PY}, xconn {XCONN}, Crossbar.io {VERSION}"
