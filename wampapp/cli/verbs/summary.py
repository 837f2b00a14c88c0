"""The summary of many calls: how many failed, and how long they took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import WampError

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUANTILES: Final[Mapping[str, float]] = {"median": 0.5, "p95": 0.95, "p99": 0.99}


class Summary:
    """Counts calls, errors and latencies, in memory that does not grow with the calls.

    Attributes:
        calls: how many were answered, with a result or an error.
        errors: how many were answered with an error, by its URI.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.errors: Counter[str] = Counter()
        self._latencies: Counter[float] = Counter()
        self._least = float("inf")
        self._most = 0.0

    @property
    def failed(self) -> int:
        """How many calls were answered with an error."""
        return self.errors.total()

    def add(self, error: BaseException | None, seconds: float) -> None:
        """Count a call.

        Args:
            error: the error that it was answered with; None for a result.
            seconds: how long it took.

        Raises:
            BaseException: the error, if it is not an answer, as when the link broke.
        """
        if error is not None:
            if not isinstance(error, WampError):
                raise error
            self.errors[error.uri] += 1
        self.calls += 1
        # Rounded to three digits, which bounds how many different numbers there are.
        self._latencies[float(f"{seconds:.3g}")] += 1
        self._least = min(self._least, seconds)
        self._most = max(self._most, seconds)

    def latencies(self) -> dict[str, float]:
        """Return the latencies' min, median, p95, p99 and max in ms; empty without calls.

        The quantiles are nearest ranks, to three digits.
        """
        if not self.calls:
            return {}
        found = {"min": self._least}
        counted = 0
        wanted = list(_QUANTILES.items())
        for latency in sorted(self._latencies):
            counted += self._latencies[latency]
            while wanted and counted >= wanted[0][1] * self.calls:
                found[wanted.pop(0)[0]] = min(max(latency, self._least), self._most)
        found["max"] = self._most
        return {name: round(seconds * 1000, 6) for name, seconds in found.items()}

    def as_json(self, seconds: float) -> dict[str, Any]:
        """Return the summary as a JSON object.

        Args:
            seconds: how long all calls took together.
        """
        return {
            "calls": self.calls,
            "failed": self.failed,
            "errors": dict(self.errors.most_common()),
            "seconds": round(seconds, 6),
            "calls_per_second": round(self.calls / seconds, 3) if seconds else 0.0,
            "latency_ms": self.latencies() or None,
        }

    def lines(self, seconds: float) -> list[str]:
        """Return the summary as lines for people: names, and numbers that are aligned.

        Args:
            seconds: how long all calls took together.
        """
        from wampapp.cli.output import printable, styled, table

        about = self.as_json(seconds)
        rows = [("calls", f"{about['calls']:,}"), ("failed", f"{about['failed']:,}")]
        rows += [(f"  {printable(uri)}", f"{count:,}") for uri, count in about["errors"].items()]
        rows += [("seconds", f"{seconds:,.3f}"), ("calls/s", f"{about['calls_per_second']:,.1f}")]
        rows += [(f"{name} ms", f"{value:,.3f}") for name, value in self.latencies().items()]
        right = max(len(number) for _, number in rows)
        cells = [(name, f"{number:>{right}}") for name, number in rows]
        bad = range(1, 2 + len(self.errors)) if self.failed else ()
        return [
            styled(plain, "bad") if row in bad else dim
            for row, (plain, dim) in enumerate(
                zip(table(cells), table(cells, ("note",)), strict=True)
            )
        ]
