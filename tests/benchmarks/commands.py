"""The command line: several cores with ``--workers``, ``--reload``, every ``--help``, a call."""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from tests.benchmarks.harness import WAMPAPP_READY, Process, Row, Table, in_turns
from tests.benchmarks.start import LEAST_ROUNDS, cpu_seconds
from tests.benchmarks.work import calls_per_second
from wampapp import App, WampError, connect
from wampapp.cli.group import SECTIONS

#: Calls in flight, so that no worker waits for its next call.
IN_FLIGHT = 16

#: A few milliseconds of pure Python, in the worker threads that run plain functions.
SERVICE = """\
from wampapp import App

app = App(prefix="com.benchmark")


@app.register
def work(a: int, b: int) -> int:
    for number in range(250_000):
        a ^= number
    return a + b


@app.register
def version() -> int:
    return 0


if __name__ == "__main__":
    import sys
    import time

    count, end = 0, time.perf_counter() + float(sys.argv[1])
    while time.perf_counter() < end:
        count += 1
        work(2, 3)
    print(count)
"""

SITE = """\
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"0"})
"""


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure all four."""
    return [workers(rounds, seconds), reloads(rounds), helps(rounds), one_call(rounds)]


def workers(rounds: int, seconds: float) -> Table:
    """Measure calls per second of a handler that needs the processor, with one and two workers."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        app.write_text(SERVICE)
        seconds = max(seconds, 1.0)
        cells = {
            (kind, count): partial(measured, app, count, seconds)
            for kind, measured in (("workers", rate), ("alone", bare_rate))
            for count in (2, 1)
        }
        samples = in_turns(cells, rounds, "workers")
    rows = [
        Row("2 workers compared with 1", samples["workers", 2], samples["workers", 1]),
        Row("2 bare processes compared with 1", samples["alone", 2], samples["alone", 1]),
    ]
    note = (
        f"A few ms of pure Python a call, {IN_FLIGHT} in flight; caller and router share the cores."
    )
    return Table("Calls per second of handlers that need the processor", note, rows)


def rate(app: Path, count: int, seconds: float) -> float:
    """Start an app in `count` processes, and call it from this one."""
    port = free_port()
    command = [sys.executable, "-m", "wampapp", "run", str(app), "--port", str(port)]
    with Process([*command, "--workers", str(count)], WAMPAPP_READY):
        return asyncio.run(called(f"rs://127.0.0.1:{port}", seconds))


def bare_rate(app: Path, count: int, seconds: float) -> float:
    """Run only the handler's function, to show what the machine can do."""
    command = [sys.executable, str(app), str(seconds)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    return sum(float(process.communicate()[0]) for process in processes) / seconds


async def called(url: str, seconds: float) -> float:
    """Call from an app in this process."""
    caller = App(url)
    async with caller.running():
        return await calls_per_second(caller.call, gather, "com.benchmark.work", IN_FLIGHT, seconds)


async def gather(coroutines: object) -> list[int]:
    return await asyncio.gather(*coroutines)  # type: ignore[misc]


def reloads(rounds: int) -> Table:
    """Measure the time from a save to the new code's first answer, compared with uvicorn."""
    cells = {"ours": saved_service, "peer": saved_site}
    samples = in_turns(cells, rounds, "reload")
    row = Row("one file saved", samples["ours"], samples["peer"])
    note = "wampapp run --reload, and uvicorn --reload with an application of four lines."
    title = "Seconds from a save to the new code's answer"
    return Table(title, note, [row], smaller_is_better=True)


def saved_service() -> float:
    """Save an app that `wampapp run --reload` serves."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        app.write_text(SERVICE)
        command = [sys.executable, "-m", "wampapp", "run", "--reload", str(app)]
        with (
            Process([*command, "--port", str(port)], WAMPAPP_READY),
            connect(f"rs://127.0.0.1:{port}", timeout=60) as client,
        ):

            def ask() -> str:
                try:
                    return str(client.call("com.benchmark.version"))
                except WampError:
                    return ""  # between the old and the new

            return after_save(app, "return 0", "return 1", ask)


def saved_site() -> float:
    """Save an application that `uvicorn --reload` serves."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "site_app.py")
        app.write_text(SITE)
        command = [sys.executable, "-m", "uvicorn", "--reload", "--port", str(port)]
        command += ["--reload-dir", folder, "--app-dir", folder, "site_app:app"]
        with Process(command, "Application startup complete"):

            def ask() -> str:
                try:
                    with urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                        return str(answer.read().decode())
                except OSError:
                    return ""

            return after_save(app, 'b"0"', 'b"1"', ask)


def after_save(app: Path, old: str, new: str, ask: Callable[[], str]) -> float:
    """Save a change, keep asking, and return the seconds until the answer is new."""
    while ask() != "0":
        time.sleep(0.01)
    time.sleep(3.0)  # until all processes have started and watch the file
    text = app.read_text().replace(old, new)
    begun = time.perf_counter()
    app.write_text(text)
    while ask() != "1":
        time.sleep(0.002)
    return time.perf_counter() - begun


def helps(rounds: int) -> Table:
    """Measure the processor time of every command's help, compared with Flask's."""
    names = [name for commands in SECTIONS.values() for name in commands]
    cells = {
        name: partial(cpu_seconds, [sys.executable, "-m", "wampapp", name, "--help"])
        for name in names
    }
    cells["the peer"] = partial(cpu_seconds, [sys.executable, "-m", "flask", "run", "--help"])
    samples = in_turns(cells, max(rounds, LEAST_ROUNDS), "help")
    rows = [Row(f"wampapp {name} --help", samples[name], samples["the peer"]) for name in names]
    note = "User and system time of fresh processes. The peer is flask run --help."
    return Table("Processor seconds for a command's help", note, rows, smaller_is_better=True)


def one_call(rounds: int) -> Table:
    """Measure the processor time of one call from the command line, compared with Autobahn's."""
    port = free_port()
    url = f"rs://127.0.0.1:{port}"
    service = [sys.executable, "-m", "wampapp", "run", "examples/hello.py", "--port", str(port)]
    with Process(service, WAMPAPP_READY):
        call = ["call", "com.example.add", "2", "3"]
        cells = {
            "ours": partial(cpu_seconds, [sys.executable, "-m", "wampapp", *call, "--url", url]),
            "the peer": partial(
                cpu_seconds, [sys.executable, "-m", "autobahn", "--url", url, *call]
            ),
        }
        samples = in_turns(cells, max(rounds, LEAST_ROUNDS), "one call")
    note = "User and system time of fresh processes. The peer is Autobahn's wamp call."
    rows = [Row("wampapp call", samples["ours"], samples["the peer"])]
    return Table("Processor seconds for one call by command", note, rows, smaller_is_better=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
