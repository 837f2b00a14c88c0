"""Who is compared: wampapp, NATS, FastStream, xconn and Autobahn on Crossbar.io.

Each has its caller, callee and router in separate processes, does the same work, and has the
settings that its documentation recommends for speed.
"""

import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import (
    DEADLINE,
    READY,
    WAMPAPP_READY,
    Process,
    Side,
    router_url,
)
from tests.benchmarks.work import WARM_UP
from wampapp import connect
from wampapp.crossbar import Crossbar, Progress, cache_folder, install_once, run_installer

IN_FLIGHT = (1, 16, 64)
#: The rivals' packages. FastStream uses orjson where it is installed.
PACKAGES = (
    *("nats-py==2.16.0", "faststream[nats]==0.7.8", "orjson==3.13.0"),
    *("xconn==0.5.1", "uvloop==0.23.0"),
)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contestant:
    """One of the contestants.

    Attributes: its `name`; `ask`, which has its caller do a job with some arguments, and returns
    what comes of it; and the `processes` of its caller, callee and router, whose processor time is
    measured. Crossbar.io's is not.
    """

    name: str
    ask: Callable[..., Any]
    processes: dict[str, int]
    costs: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, in_flight: int, seconds: float) -> float:
        """Return the calls per second with so many in flight, after as long a time of the same.

        The system may begin with all processes on one core, and takes its time to spread them.
        With most calls in flight, also record what a call costs each process.
        """
        self.ask("calls", in_flight, seconds)
        before = {role: processor_seconds(pid) for role, pid in self.processes.items()}
        rate = float(self.ask("calls", in_flight, seconds))
        if in_flight == IN_FLIGHT[-1]:
            for role, pid in self.processes.items():
                spent = processor_seconds(pid) - before[role]
                # The rate leaves out the calls of the job's own warm-up.
                calls = rate * (seconds + WARM_UP)
                self.costs.setdefault(role, []).append(spent / calls * 1e6)
        return rate

    def under_load(self, rate: float, seconds: float) -> list[float]:
        """Return two percentiles of a call's time with so many calls a second."""
        return list(self.ask("steady", rate, seconds))


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken (only on Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


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
            name, lambda job, *args: side.call(job, f"{side.prefix}.add", *args), processes
        )

    def rival(name: str, module: str, url: str, server: Process | None) -> Contestant:
        callee = enter(rival_process(module, "callee", url))
        caller = enter(rival_process(module, "caller", url))
        processes = {"caller": caller.pid, "callee": callee.pid}
        if server is not None:
            processes["router"] = server.pid
        return Contestant(name, lambda *order: ask(caller, timeout, *order), processes)

    ours_module, component = "tests.benchmarks.ours", "tests.benchmarks.component"
    contestants = [
        wamp("wampapp, its own router", ours_module, rs_url, 1, ours),
        wamp("wampapp, its own router, WebSocket", ours_module, ws_url, 2, ours),
        wamp("wampapp on Crossbar.io, RawSocket", ours_module, crossbar.rs_url, 3, theirs),
    ]
    nats = start_nats(stack)
    if nats is None:
        print("nats-server is not installed, so NATS and FastStream are left out.")
    else:
        url, server = nats
        contestants += [
            rival("nats-py on nats-server", "nats_py", url, server),
            rival("FastStream on nats-server", "faststream_nats", url, server),
        ]
    url = f"ws://127.0.0.1:{free_port()}/ws"
    server = enter(rival_process("xconn_py", "router", url))
    return [
        *contestants,
        rival("xconn, its own router, WebSocket", "xconn_py", url, server),
        rival("xconn on Crossbar.io, RawSocket", "xconn_py", crossbar.rs_url, None),
        wamp("Autobahn on Crossbar.io, its defaults", component, crossbar.ws_url, 4, theirs),
        wamp("Autobahn on Crossbar.io, RawSocket", component, crossbar.rs_url, 5, theirs),
    ]


def start_nats(stack: contextlib.ExitStack) -> tuple[str, Process] | None:
    """Start nats-server, and return its URL and its process; None where it is not installed.

    Debian puts it in /usr/sbin.
    """
    path = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        return None
    port = free_port()
    command = [path, "-a", "127.0.0.1", "-p", str(port)]
    server = stack.enter_context(Process(command, "Server is ready"))
    return f"nats://127.0.0.1:{port}", server


def rival_process(module: str, role: str, url: str) -> Process:
    """Return a process of a rival, not started yet; only a callee and a router take no orders."""
    python = str(environment(print) / "bin" / "python")
    command = [python, "-m", f"tests.benchmarks.rivals.{module}", role, url]
    return Process(command, READY, talks=role not in ("callee", "router"))


def ask(process: Process, timeout: float, *order: Any) -> Any:
    """Have a rival's process do a job, and return what comes of it."""
    return json.loads(process.ask(json.dumps(order), timeout))


def environment(progress: Progress | None = None) -> Path:
    """Return the rivals' environment; the first use installs it."""
    versions = "-".join(package.partition("==")[2] for package in PACKAGES)
    return environment_of(f"rivals-{versions}", PACKAGES, progress)


def environment_of(name: str, packages: Sequence[str], progress: Progress | None = None) -> Path:
    """Return an environment of the cache folder with some packages; the first use installs it."""

    def build(path: Path) -> None:
        run_installer([sys.executable, "-m", "venv", "."], path)
        run_installer(["bin/python", "-m", "pip", "install", *packages], path)

    folder = cache_folder() / f"{name}-py{sys.version_info[0]}{sys.version_info[1]}"
    return install_once(folder, ", ".join(packages), "bin/python", build, progress)


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
