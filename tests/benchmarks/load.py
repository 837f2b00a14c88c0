"""How long a call takes while the caller makes a steady number of calls a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.harness import in_turns

#: What share of the calls that a contestant can answer it gets.
SHARE = 0.6


@dataclass(frozen=True)
class LoadTable:
    """The result, by contestant: the calls a second, and the percentiles of each round."""

    rates: dict[str, float]
    samples: dict[str, list[list[float]]]

    title = "Milliseconds of a call under load"
    note = (
        "Each gets 60 % of the calls that it answered with 64 in flight in the same run, steadily, "
        "whether it has answered the ones before or not."
    )

    def cells(self) -> list[tuple[str, float, float, float]]:
        """Return each contestant's name, its rate, and the medians of both percentiles."""
        return [
            (
                name,
                self.rates[name],
                median(p50 for p50, _ in found),
                median(p99 for _, p99 in found),
            )
            for name, found in self.samples.items()
        ]

    def text(self) -> str:
        """Return the table for people."""
        width = max(map(len, self.samples))
        lines = [self.title, self.note, ""]
        lines.append(f"{'':{width}}  {'calls a second':>14}  {'p50':>8}  {'p99':>8}")
        lines += [
            f"{name:{width}}  {rate:>14,.0f}  {p50:>8.2f}  {p99:>8.2f}"
            for name, rate, p50, p99 in self.cells()
        ]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the table for programs, with every sample."""
        rows = [
            {"name": name, "rate": self.rates[name], "percentiles": found}
            for name, found in self.samples.items()
        ]
        return {"title": self.title, "note": self.note, "rows": rows}

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = ["| | calls a second | p50 | p99 |", "|---|---:|---:|---:|"]
        lines += [
            f"| {name} | {rate:,.0f} | {p50:.2f} | {p99:.2f} |"
            for name, rate, p50, p99 in self.cells()
        ]
        return "\n".join(lines)


def measure_load(
    contestants: Sequence[Contestant], reached: Sequence[float], rounds: int, seconds: float
) -> LoadTable:
    """Measure under a share of the calls a second that each contestant has `reached`."""
    rates = {c.name: SHARE * most for c, most in zip(contestants, reached, strict=True)}
    cells = {c.name: partial(c.under_load, rates[c.name], seconds) for c in contestants}
    return LoadTable(rates, in_turns(cells, rounds, "under load"))
