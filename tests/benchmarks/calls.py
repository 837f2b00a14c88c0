"""Calls per second."""

import contextlib
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.harness import Pair, Row, Table, in_turns

IN_FLIGHT = (1, 16, 64)


def measure(pairs: Sequence[Pair], rounds: int, seconds: float) -> Table:
    """Measure calls from one process, through the router, to a procedure in a third process."""
    with contextlib.ExitStack() as processes:
        cells = {}
        for pair in pairs:
            for side in (pair.ours, pair.peer):
                processes.enter_context(side.process("callee"))
                processes.enter_context(side.process("caller"))
            for number in IN_FLIGHT:
                for side in (pair.ours, pair.peer):
                    arguments = (f"{side.prefix}.add", number, seconds)
                    cells[side, number] = partial(side.call, "calls", *arguments)
        samples = in_turns(cells, rounds, "calls")
    rows = [
        Row(f"{pair.name}, {n} in flight", samples[pair.ours, n], samples[pair.peer, n])
        for pair in pairs
        for n in IN_FLIGHT
    ]
    # These rows repeat samples: they are what you get without changing a setting.
    ours, peer = pairs[0].ours, pairs[-1].peer
    rows += [
        Row(f"each by default, {n} in flight", samples[ours, n], samples[peer, n])
        for n in IN_FLIGHT
    ]
    note = "An async def add(a: int, b: int); caller, router and callee are separate processes."
    return Table("Calls per second", note, rows)
