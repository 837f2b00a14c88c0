"""What many sessions cost a router: when they join at once, and while they do nothing."""

import resource
import selectors
import socket
import struct
import threading
import time
from functools import partial

import msgspec

from tests.benchmarks.harness import Row, Table, in_turns
from tests.benchmarks.sleepers import megabytes
from tests.support.process import EmbeddedRouter
from wampapp import connect

CROWD = 2_000
IDLE = 10_000
_HELLO = msgspec.msgpack.encode([1, "realm1", {"roles": {"caller": {}, "subscriber": {}}}])
_JOIN = b"\x7f\xf2\0\0" + struct.pack(">I", len(_HELLO)) + _HELLO


def measure(rounds: int) -> list[Table]:
    """Measure the calls of one session while a crowd joins, and the memory of idle sessions."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    try:
        cells = {
            "crowd": partial(slowest_calls, CROWD),
            "nobody": partial(slowest_calls, 0),
            "idle": kilobytes_of_a_session,
            "joins": joins_per_second,
        }
        samples = in_turns(cells, rounds, "crowd")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)
    return [
        Table(
            f"Milliseconds of the slowest call but one in a hundred, while {CROWD:,} join at once",
            "One call at a time over RawSocket. The peer is the same router without a crowd.",
            [Row("p99", samples["crowd"], samples["nobody"])],
            smaller_is_better=True,
        ),
        Table(
            "Joins per second",
            f"{CROWD:,} sessions that join at once, over RawSocket, without roles.",
            [Row("joins", samples["joins"], [])],
        ),
        Table(
            "Kilobytes that the router takes for an idle session",
            f"{IDLE:,} sessions over RawSocket, as the kernel counts them (VmRSS).",
            [Row("idle", samples["idle"], [])],
            smaller_is_better=True,
        ),
    ]


def slowest_calls(crowd: int) -> float:
    """Have a crowd join; return the 99th percentile of the calls meanwhile, in milliseconds."""
    with (
        EmbeddedRouter(0, "--log-level", "warning") as router,
        connect(router.rs_url) as service,
        connect(router.rs_url) as client,
    ):
        service.register("com.crowd.call", lambda: 1)
        took: list[float] = []
        done = threading.Event()

        def call() -> None:
            while not done.is_set() or len(took) < 20:
                begun = time.perf_counter()
                client.call("com.crowd.call")
                took.append(time.perf_counter() - begun)

        calling = threading.Thread(target=call)
        calling.start()
        sockets = join(router, crowd)
        done.set()
        calling.join()
        for one in sockets:
            one.close()
    return sorted(took)[int(len(took) * 0.99)] * 1000


def joins_per_second() -> float:
    """Have a crowd join, and return how many sessions a second did."""
    with EmbeddedRouter(0, "--log-level", "warning") as router:
        begun = time.perf_counter()
        sockets = join(router, CROWD)
        took = time.perf_counter() - begun
        for one in sockets:
            one.close()
    return CROWD / took


def join(router: EmbeddedRouter, count: int) -> list[socket.socket]:
    """Connect so many sessions at once, and wait until all have joined."""
    sockets = []
    with selectors.DefaultSelector() as waiting:
        for _ in range(count):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", router.port))
            waiting.register(one, selectors.EVENT_WRITE)
            sockets.append(one)
        left = count
        while left:
            for key, events in waiting.select():
                one = key.fileobj
                if not isinstance(one, socket.socket):
                    continue
                if events & selectors.EVENT_WRITE:
                    one.sendall(_JOIN)
                    waiting.modify(one, selectors.EVENT_READ)
                elif len(one.recv(4096)) > len(_JOIN):  # WELCOME, which is longer
                    waiting.unregister(one)
                    left -= 1
    return sockets


def kilobytes_of_a_session() -> float:
    """Return how much memory the router takes for each of many sessions."""
    with EmbeddedRouter(0, "--log-level", "warning") as router:
        sockets = join(router, 100)
        before = megabytes(router, "VmRSS")
        for _ in range(IDLE // 500):
            sockets += join(router, 500)
        grown = megabytes(router, "VmRSS") - before
        for one in sockets:
            one.close()
    return grown * 1024 / IDLE
