"""What is counted and measured: counters, gauges and histograms, with bounded labels."""

from __future__ import annotations

import logging
import re
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from wampapp.dispatch.metering import BUCKETS
from wampapp.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wampapp.components.telemetry.records import Kind

logger = logging.getLogger("wampapp.telemetry")

#: How many combinations of labels one metric has at most in a process.
MAX_SERIES: Final = 1000
#: How many metrics a process has at most.
MAX_METRICS: Final = 200
#: How many characters of a label's value are kept.
MAX_LABEL: Final = 200
#: The upper bounds of a histogram's buckets, where none are given: for seconds.
SECONDS: Final = tuple(bound for bound in BUCKETS if bound >= 0.001)

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED: Final = frozenset({"service", "instance", "le", "quantile"})

#: The values of a metric's labels, in the order in which they were declared.
Labels = tuple[str, ...]


class Metric:
    """What counters, gauges and histograms have in common.

    Args:
        name: its name: letters, digits and underscores.
        about: one sentence about it.
        labels: the names of its labels.

    Attributes:
        name: the same.
        about: the same.
        labels: the same.
        kind: ``counter``, ``gauge`` or ``histogram``.

    Raises:
        DeclarationError: a name is not valid.
    """

    kind: Kind

    def __init__(self, name: str, about: str, labels: Sequence[str]) -> None:
        for one in (name, *labels):
            if not isinstance(one, str) or _NAME.fullmatch(one) is None:
                raise DeclarationError(
                    f"{one!r} is not a name for a metric or a label; use letters, digits and "
                    "underscores."
                )
        if name.startswith("wampapp_"):
            raise DeclarationError(f"{name}: names that begin with wampapp_ are taken.")
        self._prepare(name, about, labels)

    def _prepare(self, name: str, about: str, labels: Sequence[str]) -> None:
        if taken := _RESERVED & set(labels) | {one for one in labels if one.startswith("__")}:
            raise DeclarationError(f"{name}: the label {min(taken)} is taken; name it otherwise.")
        if len(set(labels)) < len(labels):
            raise DeclarationError(f"{name}: two labels have the same name.")
        self.name = name
        self.about = about
        self.labels = tuple(labels)
        self._lock = threading.Lock()
        self._values: dict[Labels, Any] = {}
        self._has_complained = False

    def _key(self, labels: dict[str, object]) -> Labels | None:
        """Return the values of labels in order; None if there are too many combinations.

        Raises:
            TypeError: they are not those that were declared.
        """
        if labels.keys() != set(self.labels):
            wanted = ", ".join(self.labels) or "none"
            raise TypeError(f"The labels of {self.name} are {wanted}, not {', '.join(labels)}.")
        key = tuple(str(labels[name])[:MAX_LABEL] for name in self.labels)
        if key in self._values or len(self._values) < MAX_SERIES:
            return key
        if not self._has_complained:
            self._has_complained = True
            logger.warning(
                "%s has %d combinations of labels, and further ones are not counted; use labels "
                "with few values, such as a country, and not a customer",
                self.name,
                MAX_SERIES,
            )
        return None

    def values(self) -> Iterator[tuple[Labels, float | list[float]]]:
        """Iterate over the labels that there are, and their values."""
        with self._lock:
            found = list(self._values.items())
        yield from found


class Counter(Metric):
    """Counts what happens; it never goes back.

    ::

        orders = telemetry.counter("orders", "Orders placed", "country")
        orders.inc(country="de")

    Args:
        name: as in :class:`Metric`, without ``_total``.
        about: as there.
        labels: as there.
    """

    kind = "counter"

    def inc(self, by: float = 1, /, **labels: object) -> None:
        """Add to it; in any thread.

        Args:
            by: how much; not negative.
            labels: the values of its labels.

        Raises:
            ValueError: ``by`` is negative.
            TypeError: the labels are not those that were declared.
        """
        if not by >= 0:
            raise ValueError(f"A counter never goes back, so {self.name} cannot add {by!r}.")
        with self._lock:
            key = self._key(labels)
            if key is not None:
                self._values[key] = self._values.get(key, 0) + by


class Gauge(Metric):
    """A number that goes up and down.

    ::

        telemetry.gauge("queue", "Orders that wait", function=lambda: len(queue))

    Args:
        name: as in :class:`Metric`.
        about: as there.
        labels: as there.
        function: returns the number when it is asked for, on the loop's thread; then there are no
            labels.
    """

    kind = "gauge"

    def __init__(
        self,
        name: str,
        about: str,
        labels: Sequence[str],
        function: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(name, about, labels)
        if function is not None and labels:
            raise DeclarationError(f"{name}: a gauge with a function has no labels.")
        self._function = function

    def set(self, value: float, /, **labels: object) -> None:
        """Set it; in any thread.

        Args:
            value: the number.
            labels: the values of its labels.

        Raises:
            TypeError: the labels are not those that were declared.
        """
        number = float(value)
        with self._lock:
            key = self._key(labels)
            if key is not None:
                self._values[key] = number

    def inc(self, by: float = 1, /, **labels: object) -> None:
        """Add to it; ``by`` may be negative."""
        with self._lock:
            key = self._key(labels)
            if key is not None:
                self._values[key] = self._values.get(key, 0) + by

    def dec(self, by: float = 1, /, **labels: object) -> None:
        """Take away from it."""
        self.inc(-by, **labels)

    def values(self) -> Iterator[tuple[Labels, float | list[float]]]:
        """Iterate over the labels that there are, and their values."""
        if self._function is None:
            yield from super().values()
            return
        try:
            value = float(self._function())
        except Exception as error:  # noqa: BLE001 - it is the user's, and the others go on
            if not self._has_complained:
                self._has_complained = True
                logger.error("The gauge %s failed: %s", self.name, error)  # noqa: TRY400
            return
        self._has_complained = False
        yield (), value


class Histogram(Metric):
    """How often something took, or was, as much as each of some bounds.

    ::

        rendering = telemetry.histogram("render_seconds", "Seconds to render a page")
        rendering.observe(0.12)

    Args:
        name: as in :class:`Metric`.
        about: as there.
        labels: as there.
        buckets: the upper bounds, rising; larger values have one more bucket.

    Attributes:
        buckets: the same.
    """

    kind = "histogram"

    def __init__(
        self, name: str, about: str, labels: Sequence[str], buckets: Sequence[float] = SECONDS
    ) -> None:
        super().__init__(name, about, labels)
        self.buckets = tuple(map(float, buckets))
        rising = all(a < b for a, b in zip(self.buckets, self.buckets[1:], strict=False))
        if not self.buckets or not rising or len(self.buckets) > 50:
            raise DeclarationError(f"{name}: give buckets as up to 50 numbers that rise.")

    def observe(self, value: float, /, **labels: object) -> None:
        """Count a value; in any thread.

        Args:
            value: the value.
            labels: the values of its labels.

        Raises:
            TypeError: the labels are not those that were declared.
        """
        number = float(value)
        with self._lock:
            key = self._key(labels)
            if key is None:
                return
            counts = self._values.get(key)
            if counts is None:
                counts = self._values[key] = [0.0] * (len(self.buckets) + 2)
            counts[bisect_left(self.buckets, number)] += 1
            counts[-1] += number

    def values(self) -> Iterator[tuple[Labels, float | list[float]]]:
        """Iterate over the labels, and the counts of the buckets with the sum at their end."""
        with self._lock:
            found = [(key, list(counts)) for key, counts in self._values.items()]
        yield from found
