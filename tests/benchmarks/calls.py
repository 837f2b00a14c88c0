"""Calls per second."""

import contextlib
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.harness import Pair, Row, Table, in_turns

IN_FLIGHT = (1, 16, 64)


def measure(pairs: Sequence[Pair], rounds: int, seconds: float) -> Table:
    """Measure calls from one process, through the router's, to one procedure in a third one."""
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
    # Nothing new is measured here: it is what somebody gets who changes no setting.
    ours, peer = pairs[0].ours, pairs[-1].peer
    rows += [
        Row(f"each by default, {n} in flight", samples[ours, n], samples[peer, n])
        for n in IN_FLIGHT
    ]
    note = "add(a: int, b: int), an async def; caller, router and callee are processes."
    return Table("Calls per second", note, rows)
