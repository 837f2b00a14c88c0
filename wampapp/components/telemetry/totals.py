"""What all services have counted, and what they did lately. No network, no store."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.telemetry.records import BACKLOG, Backlog, Handled, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wampapp.components.telemetry.records import About, Definition, Sample

#: A metric's name, the app's name, and the values of the labels.
Series = tuple[str, str, tuple[str, ...]]
#: A counter's number; of a histogram, the counts of its buckets, with the sum at their end.
Value = float | list[float]

#: How many series there are at most, of all services together, and of one metric in one service.
MAX_SERIES: Final = 50_000
MAX_SERIES_OF_ONE: Final = 1_000
MAX_DEFINITIONS: Final = 2_000
#: "Lately" is remembered in slots of so many seconds, so many of them.
SLOT: Final = 2
_SLOTS: Final = 150

_CALLS: Final = "wampapp_call_seconds"
_EVENTS: Final = "wampapp_event_seconds"
_ERRORS: Final = {_CALLS: "wampapp_call_errors", _EVENTS: "wampapp_event_errors"}


class Live(msgspec.Struct):
    """A process that is joined, and what its gauges are.

    Attributes:
        about: the process.
        gauges: what they are, by metric and labels.
        refused: its metrics that contradict those of others.
    """

    about: About
    gauges: dict[tuple[str, tuple[str, ...]], float] = {}
    refused: set[str] = set()


class Totals:
    """Adds up what processes report.

    Attributes:
        definitions: the metrics by name.
        values: what counters and histograms have come to.
        live: the processes that are joined, by the number of the call that they hold.
        left_out: how many samples there was no room for.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}
        self.values: dict[Series, Value] = {}
        self.live: dict[int, Live] = {}
        self.left_out = 0
        self._count: dict[tuple[str, str], int] = {}
        self._slots: deque[tuple[int, dict[Series, Value]]] = deque(maxlen=_SLOTS)

    def define(self, definitions: Iterable[Definition]) -> tuple[list[Definition], dict[str, str]]:
        """Take definitions.

        Returns:
            Those that are new, or say something new; and for each that is refused, why.
        """
        new, refused = [], {}
        for one in definitions:
            known = self.definitions.get(one.name)
            if known == one:
                continue
            if known is None and len(self.definitions) >= MAX_DEFINITIONS:
                refused[one.name] = (
                    f"The metric {one.name} is left out: there are {MAX_DEFINITIONS} already."
                )
            elif known is not None and (known.kind, known.labels, known.buckets) != (
                one.kind,
                one.labels,
                one.buckets,
            ):
                refused[one.name] = (
                    f"The metric {one.name} is left out: elsewhere it is a {known.kind} with the "
                    f"labels {', '.join(known.labels) or '(none)'}; give it another name, or the "
                    "same labels and buckets."
                )
            else:
                new.append(one)
                self.definitions[one.name] = one
        return new, refused

    def load(self, values: Iterable[tuple[Series, Value]]) -> None:
        """Begin with what was kept."""
        for series, value in values:
            self._put(series, value)

    def sums(self, live: Live, added: Iterable[Sample]) -> dict[Series, Value]:
        """Return what series come to when a process adds something; nothing is changed yet."""
        found: dict[Series, Value] = {}
        for one in added:
            definition = self._definition(live, one)
            if definition is None:
                continue
            if definition.kind == "gauge":
                continue
            is_list = isinstance(one.value, list)
            if is_list != (definition.kind == "histogram"):
                continue
            if isinstance(one.value, list) and len(one.value) != len(definition.buckets) + 2:
                continue
            series = (one.metric, live.about.service, tuple(one.labels))
            before = found.get(series, self.values.get(series))
            if before is None and not self._has_room(series, len(found)):
                self.left_out += 1
                continue
            found[series] = _sum(before, one.value)
        return found

    def _definition(self, live: Live, sample: Sample) -> Definition | None:
        """Return the definition that a sample fits; None if it fits none."""
        found = self.definitions.get(sample.metric)
        if found is None or sample.metric in live.refused:
            return None
        return found if len(sample.labels) == len(found.labels) else None

    def _has_room(self, series: Series, more: int) -> bool:
        of_one = self._count.get(series[:2], 0)
        return len(self.values) + more < MAX_SERIES and of_one < MAX_SERIES_OF_ONE

    def add(self, sums: dict[Series, Value], now: float) -> None:
        """Take what series have come to.

        Args:
            sums: what :meth:`sums` returned.
            now: the time, in seconds.
        """
        slot = int(now // SLOT)
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append((slot, {}))
        lately = self._slots[-1][1]
        for series, value in sums.items():
            lately[series] = _sum(lately.get(series), _less(value, self.values.get(series)))
            self._put(series, value)

    def _put(self, series: Series, value: Value) -> None:
        if series not in self.values:
            of_one = series[0], series[1]
            self._count[of_one] = self._count.get(of_one, 0) + 1
        self.values[series] = value

    # Gauges.

    def set_gauges(self, live: Live, gauges: Sequence[Sample]) -> None:
        """Take what the gauges of a process are."""
        found: dict[tuple[str, tuple[str, ...]], float] = {}
        for one in gauges:
            definition = self._definition(live, one)
            if definition is None or definition.kind != "gauge" or isinstance(one.value, list):
                continue
            if len(found) < MAX_SERIES_OF_ONE:
                found[one.metric, tuple(one.labels)] = one.value
        live.gauges = found

    def gauges(self) -> Iterator[tuple[str, About, tuple[str, ...], float]]:
        """Iterate over the gauges of all processes that are joined."""
        for live in list(self.live.values()):
            for (metric, labels), value in live.gauges.items():
                yield metric, live.about, labels, value

    # Lately.

    def lately(self, seconds: float, now: float) -> tuple[dict[Series, Value], float]:
        """Return what was added lately, and how long that is exactly, in seconds."""
        first = int((now - seconds) // SLOT)
        found: dict[Series, Value] = {}
        for slot, added in self._slots:
            if slot >= first:
                for series, value in added.items():
                    found[series] = _sum(found.get(series), value)
        return found, now - first * SLOT

    def handled(self, seconds: float, now: float) -> list[Handled]:
        """Return what handlers did, the busiest first."""
        lately, span = self.lately(seconds, now)
        found = []
        for series, value in self.values.items():
            metric, service, labels = series
            if metric not in _ERRORS or not isinstance(value, list):
                continue
            failed = (_ERRORS[metric], service, labels)
            recent = lately.get(series)
            runs = sum(recent[:-1]) if isinstance(recent, list) else 0.0
            bounds = self.definitions[metric].buckets
            found.append(
                Handled(
                    service=service,
                    uri=labels[0],
                    is_event=metric == _EVENTS,
                    total=int(sum(value[:-1])),
                    errors=int(_number(self.values.get(failed))),
                    rate=runs / span,
                    error_rate=_number(lately.get(failed)) / span,
                    p50=_quantile(0.5, bounds, recent),
                    p99=_quantile(0.99, bounds, recent),
                )
            )
        found.sort(key=lambda one: (-one.rate, -one.total, one.service, one.uri))
        return found

    def instances(self) -> list[Instance]:
        """Return the processes that are joined."""
        found = [
            Instance(
                live.about.service,
                live.about.worker,
                live.about.host,
                live.about.pid,
                live.about.started,
                {metric: value for (metric, labels), value in live.gauges.items() if not labels},
            )
            for live in self.live.values()
        ]
        return sorted(found, key=lambda one: (one.service, one.worker, one.started))

    def backlogs(self) -> list[Backlog]:
        """Return the sessions that leave the most unread, the worst first."""
        found = [
            Backlog(*labels, value)
            for metric, _, labels, value in self.gauges()
            if metric == BACKLOG and len(labels) == 2
        ]
        return sorted(found, key=lambda one: -one.unread)


def _number(value: Any) -> float:
    return 0.0 if value is None else float(value)


def _sum(before: Value | None, added: Value) -> Value:
    if before is None:
        return added
    if isinstance(added, list):
        if not isinstance(before, list) or len(before) != len(added):
            return added  # the metric has other buckets now
        return [a + b for a, b in zip(before, added, strict=True)]
    return added if isinstance(before, list) else before + added


def _less(value: Value, before: Value | None) -> Value:
    if before is None or isinstance(value, list) != isinstance(before, list):
        return value
    if isinstance(value, list):
        if len(value) != len(before):  # type: ignore[arg-type]
            return value
        return [a - b for a, b in zip(value, before, strict=True)]  # type: ignore[arg-type]
    return value - before  # type: ignore[operator]


def _quantile(which: float, bounds: Sequence[float], counts: Any) -> float | None:
    """Return about the value that a part of those counted have at most; None without any.

    Within a bucket, they are taken to be evenly spread. Of those above the last bound, that bound
    is all that is known.
    """
    if not isinstance(counts, list):
        return None
    runs = counts[:-1]
    wanted = which * sum(runs)
    if wanted <= 0:
        return None
    reached = 0.0
    for (low, high), count in zip(pairwise([0.0, *bounds]), runs, strict=False):
        if count and reached + count >= wanted:
            return float(low + (high - low) * (wanted - reached) / count)
        reached += count
    return float(bounds[-1])
