"""What peers that stop reading cost the others at the router, and its memory."""

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks.harness import Row, Table, in_turns
from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw

SLEEPERS = 200
EVENTS = 10_000
PAYLOAD = "x" * 1000
SUBSCRIBE, PUBLISH = 32, 16


def measure(rounds: int) -> list[Table]:
    """Measure a healthy subscriber without and with 200 others, all of whom stop reading."""
    grown: list[float] = []
    samples = in_turns(
        {
            "with": partial(events_per_second, SLEEPERS, grown.append),
            "without": partial(events_per_second, 0, lambda _: None),
        },
        rounds,
        "sleepers",
    )
    title = f"Events per second to one subscriber, beside {SLEEPERS} that do not read"
    note = f"{EVENTS:,} events of 1 kB each. The peer is the same router without the others."
    rate = Row("RawSocket, MessagePack", samples["with"], samples["without"])
    memory = Row(f"{SLEEPERS} that do not read", grown, [])
    return [
        Table(title, note, [rate]),
        Table(
            "Megabytes by which the router grew meanwhile, at its peak",
            "As the kernel counts them (VmHWM); the budget for all that is unread is 256 MiB.",
            [memory],
            smaller_is_better=True,
        ),
    ]


def events_per_second(sleepers: int, grown: Callable[[float], None]) -> float:
    """Publish to a subscriber that reads and to those that do not; return its rate."""
    with EmbeddedRouter() as router:
        others = [subscriber(router) for _ in range(sleepers)]
        healthy, publisher = subscriber(router), Raw(router)
        publisher.join(MSGPACK)
        before = megabytes(router, "VmRSS")
        heard: list[int] = []
        reading = threading.Thread(
            target=lambda: heard.extend(healthy.receive()[4][0] for _ in range(EVENTS))
        )
        begun = time.perf_counter()
        reading.start()
        for number in range(EVENTS):
            publisher.send([PUBLISH, number + 1, {}, "com.flood", [number, PAYLOAD]])
        reading.join()
        took = time.perf_counter() - begun
        if heard != list(range(EVENTS)):
            raise RuntimeError("the healthy subscriber has lost events, or their order")
        grown(megabytes(router, "VmHWM") - before)
        for raw in (*others, healthy, publisher):
            raw.close()
        router.stop()
    return EVENTS / took


def subscriber(router: EmbeddedRouter) -> Raw:
    """Join and subscribe to the topic."""
    raw = Raw(router)
    raw.join(MSGPACK)
    raw.send([SUBSCRIBE, 1, {}, "com.flood"])
    raw.receive()
    return raw


def megabytes(router: EmbeddedRouter, kind: str) -> float:
    """Return how much memory a router takes, or has taken at most (only on Linux)."""
    found = re.search(rf"{kind}:\s+(\d+)", Path(f"/proc/{router.pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")
