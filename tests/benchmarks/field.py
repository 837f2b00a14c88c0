"""Calls per second compared with the alternatives, and how long calls take under load."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from tests.benchmarks.contestants import IN_FLIGHT, Contestant, start
from tests.benchmarks.harness import in_turns
from tests.benchmarks.load import LoadTable, measure_load


@dataclass(frozen=True)
class FieldTable:
    """The result: calls per second by contestant and number in flight."""

    contestants: Sequence[Contestant]
    samples: dict[tuple[str, int], list[float]]

    title = "Calls per second, compared with others"
    note = "add(a, b), 1, 16 and 64 calls in flight; caller, callee and router are processes."

    def cells(self) -> list[tuple[str, list[float], str]]:
        """Return each contestant's name, its medians, and the microseconds per call by process."""
        rows = []
        for contestant in self.contestants:
            medians = [median(self.samples[contestant.name, n]) for n in IN_FLIGHT]
            costs = " + ".join(
                f"{median(contestant.costs[role]):.0f}" for role in ("caller", "callee", "router")
                if role in contestant.costs
            )  # fmt: skip
            rows.append((contestant.name, medians, costs))
        return rows

    def text(self) -> str:
        """Return the table for people, with the ratios of wampapp's rate in parentheses."""
        rows = self.cells()
        first = rows[0][1]
        width = max(len(name) for name, _, _ in rows)
        lines = [self.title, self.note, ""]
        heads = "  ".join(f"{f'{n} in flight':>17}" for n in IN_FLIGHT)
        lines.append(f"{'':{width}}  {heads}  µs per call: caller + callee + router")
        for name, medians, costs in rows:
            cells = "  ".join(
                f"{found:>9,.0f} ({ours / found:>4.1f}x)"
                for found, ours in zip(medians, first, strict=True)
            )
            lines.append(f"{name:{width}}  {cells}  {costs}".rstrip())
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the table for programs, with every sample."""
        rows = [
            {"name": c.name, "costs": c.costs}
            | {str(n): self.samples[c.name, n] for n in IN_FLIGHT}
            for c in self.contestants
        ]
        return {"title": self.title, "note": self.note, "rows": rows}

    def markdown(self) -> str:
        """Return the table as Markdown."""
        heads = [f"{n} in flight" for n in IN_FLIGHT]
        lines = [f"| | {' | '.join(heads)} | µs per call |", f"|---|{'---:|' * (len(heads) + 1)}"]
        first = self.cells()[0][1]
        for name, medians, costs in self.cells():
            cells = " | ".join(
                f"{found:,.0f} ({ours / found:.1f})"
                for found, ours in zip(medians, first, strict=True)
            )
            lines.append(f"| {name} | {cells} | {costs} |")
        return "\n".join(lines)


def measure(rounds: int, seconds: float) -> tuple[FieldTable, LoadTable]:
    """Start all contestants, and measure them in alternating rounds."""
    with contextlib.ExitStack() as stack:
        contestants = start(stack, seconds)
        cells = {
            (contestant.name, n): partial(contestant.measure, n, seconds)
            for n in IN_FLIGHT
            for contestant in contestants
        }
        rates = in_turns(cells, rounds, "the field")
        reached = [median(rates[contestant.name, IN_FLIGHT[-1]]) for contestant in contestants]
        load = measure_load(contestants, reached, rounds, seconds)
    return FieldTable(contestants, rates), load
