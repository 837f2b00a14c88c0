"""What a router has counted since it began. Sans-I/O."""

from __future__ import annotations

from collections import Counter


class Numbers:
    """Counts that only grow.

    Attributes:
        joins: the sessions that joined.
        refusals: the connections and sessions that were refused, by reason: the URI of an ABORT, or
            what the server says.
        calls: the calls that came, also those that failed.
        errors: the errors that callers were answered with.
        events: the events that were published.
    """

    __slots__ = ("calls", "errors", "events", "joins", "refusals")

    def __init__(self) -> None:
        self.joins = 0
        self.refusals: Counter[str] = Counter()
        self.calls = 0
        self.errors = 0
        self.events = 0
