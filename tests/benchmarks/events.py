"""Events per second."""

import contextlib
import sys
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.contestants import ask, rival_process, start_nats
from tests.benchmarks.harness import (
    DEADLINE,
    WAMPAPP_READY,
    Pair,
    Process,
    Row,
    Side,
    Table,
    in_turns,
    router_url,
)
from wampapp import connect

SUBSCRIBERS = (1, 10, 100)


def measure(pairs: Sequence[Pair], rounds: int, seconds: float) -> Table:
    """Measure events from one process, through the router, to the sessions of a third process."""
    with contextlib.ExitStack() as processes:
        cells = {}
        for pair in pairs:
            for side in (pair.ours, pair.peer):
                processes.enter_context(side.process("caller"))
                processes.enter_context(side.process("subscriber"))
            for number in SUBSCRIBERS:
                for side in (pair.ours, pair.peer):
                    topic = f"{side.prefix}.to_{number}"
                    side.call("subscribe", topic, number)
                    arguments = (topic, f"{side.prefix}.reached", number, seconds)
                    cells[side, number] = partial(side.call, "events", *arguments)
        samples = in_turns(cells, rounds, "events")
    rows = [
        Row(f"{pair.name}, to {n}", samples[pair.ours, n], samples[pair.peer, n])
        for pair in pairs
        for n in SUBSCRIBERS
    ]
    ours, peer = pairs[0].ours, pairs[-1].peer
    rows += [
        Row(f"each by default, to {n}", samples[ours, n], samples[peer, n]) for n in SUBSCRIBERS
    ]
    note = (
        "Deliveries of a short string, counted at the subscribers: separate sessions in one "
        "process."
    )
    return Table("Events per second", note, rows)


def measure_beside_nats(rounds: int, seconds: float) -> list[Table]:
    """Measure the same beside nats-py; nothing where nats-server is not installed."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        nats = start_nats(stack)
        if nats is None:
            return []
        timeout = DEADLINE + seconds
        command = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
        url = router_url(enter(Process(command, WAMPAPP_READY)))
        client = enter(connect(url, timeout=timeout))
        side = Side("tests.benchmarks.ours", WAMPAPP_READY, url, "com.events", client)
        enter(side.process("caller"))
        enter(side.process("subscriber"))
        publisher, subscriber = (
            enter(rival_process("nats_py", role, nats[0])) for role in ("caller", "subscriber")
        )
        cells = {}
        for number in SUBSCRIBERS:
            topic = f"{side.prefix}.to_{number}"
            side.call("subscribe", topic, number)
            ask(subscriber, timeout, "subscribe", topic, number)
            cells["ours", number] = partial(
                side.call, "events", topic, f"{side.prefix}.reached", number, seconds
            )
            cells["nats", number] = partial(
                ask, publisher, timeout, "events", topic, number, seconds
            )
        samples = in_turns(cells, rounds, "events beside NATS")
    rows = [Row(f"to {n}", samples["ours", n], samples["nats", n]) for n in SUBSCRIBERS]
    note = "As above, over RawSocket; the peer is nats-py on nats-server."
    return [Table("Events per second beside NATS", note, rows)]
