"""Events per second."""

import contextlib
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.harness import Pair, Row, Table, in_turns

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
