"""What the programs that embed an app share: an app with a handler of each kind, and its use."""

import asyncio
import collections
import contextlib
import gc
import logging
import os
import queue
import signal
import socket
import sys
import threading
from pathlib import Path

from wampapp import App

signal.alarm(50)  # seconds; the end of a program that hangs
WORDS = sys.argv[1:]
MINE = f"com.embed.p{os.getpid()}"
# Importing Autobahn takes longer than what asyncio finds right in its debug mode.
logging.getLogger("asyncio").addFilter(lambda record: " took " not in record.getMessage())


def make(prefix=MINE, **options):
    """An app with a handler of each kind."""
    app = App(prefix=prefix, **options)
    app.heard = collections.deque()
    app.news = queue.SimpleQueue()

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register
    async def through(a: int, b: int) -> int:
        return await app.call(".add", a, b)

    @app.register
    def blocking(a: int, b: int) -> int:
        return app.sync.call(".through", a, b)

    @app.register(run="loop")
    def at_once(a: int, b: int) -> int:
        return a + b

    @app.register
    def count(most: int):
        yield from range(most)

    @app.register
    async def count_async(most: int):
        for number in range(most):
            yield number

    @app.subscribe(".event")
    def on_event(item):
        app.news.put(item)
        return

    return app


async def use(app):
    """Call each handler, and publish."""
    for name in (".add", ".through", ".blocking", ".at_once"):
        assert await app.call(name, 2, 3) == 5, name
    for name in (".count", ".count_async"):
        assert [item async for item in app.stream(name, 3)] == [0, 1, 2], name
    await app.topic(".event", acknowledge=True, exclude_me=False).publish("to all")
    assert await asyncio.to_thread(app.news.get, timeout=20) == "to all"


def runner(kind):
    """What runs a new event loop of this kind: asyncio's own, or uvloop's."""
    if kind == "uvloop":
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)


def run(main, kind="asyncio"):
    with runner(kind) as runs:
        return runs.run(main)


def others():
    """The tasks of the running loop besides the calling one."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def fails(kind, work):
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


async def afails(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_free(port):
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def threads():
    """The threads besides the main one, when those that are about to end have ended."""
    for thread in threading.enumerate():
        if thread.name == "wampapp":  # a worker, whose pool is closed
            thread.join(20)
    main = threading.main_thread()
    return [thread.name for thread in threading.enumerate() if thread is not main]


def descriptors():
    """How many file descriptors are open."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def connections(url):
    """How many connections with the router at the URL are open, or about to close."""
    port = f":{int(url.split(':')[2].partition('/')[0]):04X}"
    rows = [row.split() for row in Path("/proc/self/net/tcp").read_text().splitlines()][1:]
    held = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(descriptor.readlink()))
    return len([row for row in rows if row[2].endswith(port) and f"socket:[{row[9]}]" in held])


def holding(app):
    """Add a handler `.hold`; return the events that it has begun, and that it may end."""
    began, release = asyncio.Event(), asyncio.Event()

    @app.register
    async def hold():
        began.set()
        await release.wait()
        return "released"

    return began, release
