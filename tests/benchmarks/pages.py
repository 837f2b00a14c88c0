"""Web pages at the router's port, beside the servers that people would take only for them."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from tests.benchmarks.harness import WAMPAPP_READY, Process, Row, Table, in_turns
from tests.support.ports import free_port
from wampapp import connect

CONNECTIONS = 8
HERE = Path(__file__).parent
FILE = Path(__file__).name
#: The procedures that are called beside pages.
HANDLERS = {"add_on_loop": "async def", "add": "def, in a thread"}

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr notice;
events {{}}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location /static/ {{ alias {files}/; }} }}
}}
"""


def answers_per_second(url: str, seconds: float) -> float:
    """Return how often a page is answered, with some connections that ask all the time."""
    command = [sys.executable, "-m", "tests.benchmarks.page_load", url, str(seconds)]
    done = subprocess.run(
        [*command, str(CONNECTIONS)],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        cwd=HERE.parents[1],
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


def measure(rounds: int, seconds: float) -> list[Table]:
    """Measure pages, each beside its peer, and what they do to a call over WAMP."""
    with contextlib.ExitStack() as stack:
        ours = _ours(stack)
        uvicorn = {name: _uvicorn(stack, name) for name in ("bare", "starlette")}
        waitress = _waitress(stack)
        nginx = _nginx(stack)
        pairs = {
            "bare ASGI app; uvicorn alone": (f"{ours}/bare/", f"{uvicorn['bare']}/"),
            "Starlette; on uvicorn alone": (
                f"{ours}/starlette/hello",
                f"{uvicorn['starlette']}/hello",
            ),
            "Flask; on waitress": (f"{ours}/flask/hello", f"{waitress}/hello"),
            "@app.route, def; Flask on waitress": (f"{ours}/view", f"{waitress}/hello"),
            "@app.route, async def; Flask on waitress": (f"{ours}/async-view", f"{waitress}/hello"),
        }
        if nginx is not None:
            pairs["a static file; nginx, one process"] = (
                f"{ours}/static/{FILE}",
                f"{nginx}/static/{FILE}",
            )
        cells = {
            (label, side): partial(answers_per_second, url, seconds)
            for label, urls in pairs.items()
            for side, url in enumerate(urls)
        }
        found = in_turns(cells, rounds, "pages")
        rows = [Row(label, found[label, 0], found[label, 1]) for label in pairs]
        latency = in_turns(
            {
                (name, busy): partial(_p99, ours, name, seconds, busy)
                for name in HANDLERS
                for busy in (None, f"{ours}/bare/")
            },
            rounds,
            "calls beside pages",
        )
    note = f"{CONNECTIONS} connections, each asking again as soon as it has the answer."
    beside = [
        Row(f"{kind}, while pages are asked for all the time; idle", busy, idle)
        for name, kind in HANDLERS.items()
        for idle, busy in [(latency[name, None], latency[name, f"{ours}/bare/"])]
    ]
    return [
        Table("Pages answered per second", note, rows),
        Table(
            "Milliseconds of a call over WAMP, one at a time: the 99th percentile",
            "In the process that serves the pages.",
            beside,
            smaller_is_better=True,
        ),
    ]


def _p99(ours: str, name: str, seconds: float, busy: str | None) -> float:
    """Return the 99th percentile of a call's milliseconds, while a page is asked for or not."""
    load = threading.Thread(target=answers_per_second, args=(busy, seconds + 1))
    if busy is not None:
        load.start()
    taken = []
    try:
        with connect(ours.replace("http:", "rs:")) as client:
            for _ in range(100):
                client.call(f"com.benchmark.{name}", 2, 3)
            end = perf_counter() + seconds
            while (began := perf_counter()) < end:
                client.call(f"com.benchmark.{name}", 2, 3)
                taken.append(perf_counter() - began)
    finally:
        if busy is not None:
            load.join()
    return quantiles(taken, n=100)[98] * 1000


def _ours(stack: contextlib.ExitStack) -> str:
    port = free_port()
    target = str(HERE / "page_services.py")
    command = [sys.executable, "-m", "wampapp", "run", target, "--port", str(port)]
    stack.enter_context(Process(command, WAMPAPP_READY))
    return f"http://127.0.0.1:{port}"


def _uvicorn(stack: contextlib.ExitStack, name: str) -> str:
    port = free_port()
    target = f"tests.benchmarks.page_services:{name}"
    options = ("--port", str(port), "--no-access-log")
    command = [sys.executable, "-m", "uvicorn", target, *options]
    stack.enter_context(Process(command, "Uvicorn running on"))
    return f"http://127.0.0.1:{port}"


def _waitress(stack: contextlib.ExitStack) -> str:
    port = free_port()
    options = (f"--listen=127.0.0.1:{port}", "--threads=40")
    command = [sys.executable, "-m", "waitress", *options, "tests.benchmarks.page_services:flask"]
    stack.enter_context(Process(command, "Serving on"))
    return f"http://127.0.0.1:{port}"


def _nginx(stack: contextlib.ExitStack) -> str | None:
    """Start nginx, where it is installed."""
    program = shutil.which("nginx")
    if program is None:
        return None
    port = free_port()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    text = NGINX.format(folder=folder, port=port, files=HERE)
    path = Path(folder, "nginx.conf")
    path.write_text(text)
    stack.enter_context(Process([program, "-c", str(path), "-p", folder], "start worker process"))
    return f"http://127.0.0.1:{port}"
