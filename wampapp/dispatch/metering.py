"""Counts and times the runs of handlers, for those who want to know; others pay nothing for it."""

from __future__ import annotations

from bisect import bisect_left
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.dispatch.execution import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.dispatch.execution import Reply
    from wampapp.dispatch.failures import Failures
    from wampapp.observe.tracing import Origin
    from wampapp.registry.endpoint import Endpoint

#: The upper bounds of the buckets that runs are counted in, in seconds. Longer ones have one more.
BUCKETS: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)


#: How many handlers are counted each by itself; all others are counted together.
MAX_HANDLERS: Final = 900
OTHERS: Final = "(others)"


class HandlerNumbers:
    """What is counted of one handler.

    Attributes:
        uri: its procedure or topic, as it was declared.
        is_event: whether it handles events and not calls.
        running: the runs that have begun and not ended; the only number that goes down.
        errors: the runs that failed.
        seconds: how long all runs took, together.
        buckets: the runs that took as long as each of :data:`BUCKETS`, and longer.
    """

    __slots__ = ("buckets", "errors", "is_event", "running", "seconds", "uri")

    def __init__(self, uri: str, *, is_event: bool) -> None:
        self.uri = uri
        self.is_event = is_event
        self.running = 0
        self.errors = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)


class Meter:
    """Counts the runs of a dispatcher, which begins them by :meth:`run`.

    Attributes:
        handlers: the numbers of each handler that has run.
    """

    def __init__(self) -> None:
        self.handlers: dict[tuple[str, bool], HandlerNumbers] = {}

    def run(
        self,
        endpoint: Endpoint,
        reply: Reply,
        failures: Failures,
        takes_progress: bool,
        is_event: bool,
        details: Mapping[str, Any],
        origin: Origin | None,
    ) -> Run:
        """Make a run that is counted."""
        numbers = endpoint.numbers  # looked up here, which takes less than in a dictionary
        if numbers is None:
            numbers = endpoint.numbers = self._add(endpoint.uri, is_event)
        numbers.running += 1
        return _MeteredRun(
            endpoint, reply, failures, takes_progress, is_event, details, origin, numbers=numbers
        )

    def _add(self, uri: str, is_event: bool) -> HandlerNumbers:
        if (uri, is_event) not in self.handlers and len(self.handlers) >= MAX_HANDLERS:
            # An app may register and subscribe without an end while it runs.
            uri = OTHERS
        return self.handlers.setdefault((uri, is_event), HandlerNumbers(uri, is_event=is_event))


class _MeteredRun(Run):
    """A run that is counted when it has its outcome."""

    numbers: HandlerNumbers | None = None
    began: float = msgspec.field(default_factory=perf_counter)
    has_failed: bool = False

    def error(self, error: BaseException) -> None:
        """Give the outcome, an exception, and count it."""
        if not self.done and not self.cancelled:
            self._count_error()
        super().error(error)

    def _answer_failed(self, reason: BaseException) -> None:
        self._count_error()
        super()._answer_failed(reason)

    def _count_error(self) -> None:
        if self.numbers is not None and not self.has_failed:
            self.has_failed = True
            self.numbers.errors += 1

    def _end(self) -> None:
        super()._end()
        took = perf_counter() - self.began
        numbers = self.numbers
        if numbers is not None:
            numbers.running -= 1
            numbers.seconds += took
            numbers.buckets[bisect_left(BUCKETS, took)] += 1
