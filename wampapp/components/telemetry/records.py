"""What is told of logs and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypedDict

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["counter", "gauge", "histogram"]

#: The error of a report by a process that does not hold the call ``attach``.
NOT_ATTACHED: Final = "wampapp.error.telemetry.not_attached"
#: How many log records one report has at most, and how many series.
MAX_RECORDS: Final = 1000
MAX_SAMPLES: Final = 5000
#: How many numbers a process tells of counters and histograms at once.
MAX_ELEMENTS: Final = 20_000

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Words = Annotated[str, Meta(max_length=500)]


#: The gauge of what a session leaves unread, labelled with the session and its app.
BACKLOG: Final = "wampapp_router_session_unread"


class About(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A process that sends its logs and numbers.

    Attributes:
        instance: a text that no other process has.
        service: the app's name.
        worker: which of several processes that run the app.
        host: the machine.
        pid: the process.
        started: when it started, in seconds since 1970.
    """

    instance: _Name
    service: _Name
    worker: int = 1
    host: _Words = ""
    pid: int = 0
    started: float = 0.0


class Definition(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A metric.

    Attributes:
        name: its name, without ``_total``.
        kind: what it is.
        help: one sentence about it.
        labels: the names of its labels.
        buckets: the upper bounds of a histogram's buckets.
    """

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=200)]
    kind: Kind
    help: _Words = ""
    labels: Annotated[list[_Name], Meta(max_length=20)] = []
    buckets: Annotated[list[float], Meta(max_length=50)] = []


class Sample(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What was added to a counter or histogram, or what a gauge is.

    Attributes:
        metric: the metric's name.
        labels: the values of its labels.
        value: a number; of a histogram, the counts of its buckets, with the sum at their end.
    """

    metric: str
    labels: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=20)]
    value: float | Annotated[list[float], Meta(max_length=52)]


class Line(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A log record on its way.

    Attributes:
        t: when it was written, in seconds since 1970.
        level: its level, as a number of the standard library's.
        logger: the logger's name.
        message: its text.
        trace: the id of the trace that it belongs to; None for none.
        data: what else it has.
    """

    t: float
    level: int
    logger: str
    message: str
    trace: str | None = None
    data: dict[str, Any] | None = None


class Report(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a process tells at once.

    Attributes:
        instance: which process.
        number: which of its reports this is; one that is sent again has the same number.
        lines: log records.
        definitions: the metrics that were not told before.
        added: what was added to counters and histograms since the last report.
        gauges: what all gauges are; None if they are not told.
    """

    instance: _Name
    number: Annotated[int, Meta(ge=1)]
    lines: Annotated[list[Line], Meta(max_length=MAX_RECORDS)] = []
    definitions: Annotated[list[Definition], Meta(max_length=500)] = []
    added: Annotated[list[Sample], Meta(max_length=MAX_SAMPLES)] = []
    gauges: Annotated[list[Sample], Meta(max_length=MAX_SAMPLES)] | None = None


class LogRecord(msgspec.Struct, omit_defaults=True):
    """A log record that was kept.

    Attributes:
        id: its number; later ones have larger numbers.
        t: when it was written, in seconds since 1970.
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        service: the app's name.
        worker: which of several processes that run the app.
        logger: the logger's name.
        message: its text.
        trace: the id of the trace that it belongs to; None for none.
        data: what else it has: what ``extra=`` added, and ``exception``.
    """

    id: int
    t: float
    level: str
    service: str
    worker: int
    logger: str
    message: str
    trace: str | None = None
    data: dict[str, Any] | None = None


class LogOptions(TypedDict, total=False):
    """Which log records are asked for.

    Attributes:
        services: the apps' names; all by default.
        level: the lowest level, such as ``warning``.
        since: the earliest time, in seconds since 1970.
        until: the latest time.
        trace: what the trace's id begins with.
        limit: how many at most, 1,000 or fewer: the last ones; 100 by default.
    """

    services: Sequence[str]
    level: str
    since: float | None
    until: float | None
    trace: str
    limit: int


class Handled(msgspec.Struct):
    """What a handler did lately.

    Attributes:
        service: the app's name.
        uri: the procedure or topic, as it was declared.
        is_event: whether it handles events and not calls.
        total: how many runs there were, ever.
        errors: how many of those failed.
        rate: runs a second, lately.
        error_rate: failures a second, lately.
        p50: the seconds that half of the runs took at most, lately; None without any.
        p99: the seconds that all but one in a hundred took at most.
    """

    service: str
    uri: str
    is_event: bool
    total: int
    errors: int
    rate: float
    error_rate: float
    p50: float | None
    p99: float | None


class Instance(msgspec.Struct):
    """A process that is joined.

    Attributes:
        service: the app's name.
        worker: which of several processes that run the app.
        host: the machine.
        pid: the process.
        started: when it started, in seconds since 1970.
        gauges: its gauges by name; those with labels are left out.
    """

    service: str
    worker: int
    host: str
    pid: int
    started: float
    gauges: dict[str, float]


class Backlog(msgspec.Struct):
    """What a session leaves unread.

    Attributes:
        session: the session's id.
        app: what it calls itself; empty for nothing.
        unread: how many bytes wait for it.
    """

    session: str
    app: str
    unread: float


class Stats(msgspec.Struct):
    """What all services did lately.

    Attributes:
        seconds: how long "lately" is.
        handled: what their handlers did, the busiest first.
        instances: the processes.
        backlogs: the sessions that leave the most unread, the worst first.
        records: how many log records are kept.
        dropped: how many there was no room for, ever.
        bytes: how much the store takes.
    """

    seconds: float
    handled: list[Handled]
    instances: list[Instance]
    backlogs: list[Backlog]
    records: int
    dropped: int
    bytes: int
