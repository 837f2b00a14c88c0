"""What is known of a task, and what travels between who asks, the owner and the workers."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

#: Where a task stands. ``waiting``: for the tasks before it, or of its group. ``scheduled``: for
#: its time. ``ready``: for a worker. The last three are final.
State = Literal["waiting", "scheduled", "ready", "running", "done", "dead", "cancelled"]

STATES: Final[tuple[State, ...]] = (
    "waiting",
    "scheduled",
    "ready",
    "running",
    "done",
    "dead",
    "cancelled",
)
FINAL: Final[frozenset[str]] = frozenset({"done", "dead", "cancelled"})

#: The largest that the arguments of a task, or its result, may be, in bytes of MessagePack.
MAX_PAYLOAD: Final = 2**20
#: How many tasks may be in a queue that are not final yet.
MAX_LENGTH: Final = 1_000_000
#: How many workers may die with a task before it is taken for what kills them.
MAX_CRASHES: Final = 3
#: Seconds that a worker has to come back after the owner was away; then its tasks are ready again.
LEASE: Final = 30.0
#: Seconds after which final tasks are removed.
KEEP_DONE: Final = 24 * 3600.0
KEEP_DEAD: Final = 30 * 24 * 3600.0


class TaskInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task, as the owner knows it.

    Attributes:
        id: its number.
        name: the task's name; empty for a group.
        queue: its queue.
        state: where it stands.
        priority: higher ones are first.
        created: when it was enqueued, in seconds since 1970; so are the other times.
        due: when it may start.
        started: when its last attempt started.
        finished: when it became final.
        attempt: how often it was started.
        failures: how many attempts failed.
        crashes: how many workers died with it.
        worker: which worker runs it.
        progress: how far it is, from 0 to 1.
        note: what it says about that.
        error: what its last failed attempt raised.
        key: the key of its enqueuing; a second enqueuing with it gives the same task.
        unique: what makes it the only one of its kind that is not final.
        after: the task before it in a chain.
        group: the group that it belongs to.
        trace: the id of the trace that it belongs to, that of what enqueued it.
        args: its positional arguments.
        kwargs: its named arguments.
    """

    id: int
    name: str
    queue: str
    state: State
    priority: int = 0
    created: float
    due: float
    started: float | None = None
    finished: float | None = None
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    worker: str | None = None
    progress: float | None = None
    note: str | None = None
    error: str | None = None
    key: str | None = None
    unique: str | None = None
    after: int | None = None
    group: int | None = None
    trace: str | None = None
    args: list[Any] = []
    kwargs: dict[str, Any] = {}

    @property
    def is_final(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state in FINAL


class QueueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A queue.

    Attributes:
        name: its name.
        paused: whether its tasks are kept from starting.
        workers: how many workers take tasks from it.
        waiting: how many tasks wait for others, and so on for each state.
    """

    name: str
    paused: bool
    workers: int
    waiting: int = 0
    scheduled: int = 0
    ready: int = 0
    running: int = 0
    done: int = 0
    dead: int = 0
    cancelled: int = 0


class Step(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is to be enqueued: a task, or a group of tasks.

    Attributes:
        name: the task's name; empty for a group.
        args: positional arguments; after another step, its result comes before them.
        kwargs: named arguments.
        delay: the seconds after which it may start.
        at: when it may start, in seconds since 1970.
        priority: higher ones are first; None for the task's own.
        queue: its queue; None for the task's own.
        unique: no second task of this name with the same text is enqueued while one is not final.
        key: no second task with the same key is ever enqueued.
        checked: whether the arguments were checked already.
        group: the tasks of a group.
    """

    name: str = ""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    delay: float = 0.0
    at: float | None = None
    priority: int | None = None
    queue: str | None = None
    unique: str | None = None
    key: str | None = None
    checked: bool = False
    group: list[Step] = []


class Definition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A kind of task, as the owner knows it.

    Attributes:
        name: its name.
        queue: the queue of its tasks.
        priority: their priority.
        rate: how many may start in so many seconds; None for no limit.
        description: its arguments, for those who enqueue without its code: a procedure of an
            AsyncAPI document, and the schemas that it refers to.
    """

    name: str
    queue: str = "default"
    priority: int = 0
    rate: tuple[int, float] | None = None
    description: dict[str, Any] = {}


class ScheduleInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a task is enqueued again and again.

    Attributes:
        name: the task's name.
        spec: a cron expression, or a number of seconds.
        timezone: the time zone of the expression.
        catch_up: whether all the times are made up for at which the owner was away, or the last.
        next: when it is enqueued next.
    """

    name: str
    spec: str
    timezone: str = "UTC"
    catch_up: bool = False
    next: float | None = None


class Assignment(msgspec.Struct, array_like=True):
    """A task that a worker is to run.

    Attributes:
        id: its number.
        attempt: which attempt this is; it tells this one's outcome from that of others.
        name: the task's name.
        payload: its arguments, in MessagePack.
        failures: how many attempts have failed.
        key: its key.
        trace: its place in the trace of what enqueued it: a ``traceparent``.
    """

    id: int
    attempt: int
    name: str
    payload: bytes
    failures: int
    key: str | None
    trace: str | None = None


#: What became of an attempt. ``failed``: it is tried again after a delay. ``released``: the worker
#: gave it back, and it does not count.
Verdict = Literal["done", "failed", "dead", "cancelled", "released"]


class Outcome(msgspec.Struct, array_like=True):
    """What became of an attempt.

    Attributes:
        id: the task's number.
        attempt: which attempt it was.
        verdict: what became of it.
        result: its result, in MessagePack; empty unless it is done.
        error: what it raised, for those who look after the queue.
        delay: the seconds until the next attempt, if it failed.
    """

    id: int
    attempt: int
    verdict: Verdict
    result: bytes = b""
    error: str = ""
    delay: float = 0.0
