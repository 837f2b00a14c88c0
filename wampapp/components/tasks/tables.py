"""The tables of the queue, and what is done in them. Each function is the work of a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.components.store.migrations import Schema
from wampapp.components.tasks.records import MAX_CRASHES, STATES, TaskInfo
from wampapp.protocol.traceparent import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.components.store import Transaction
    from wampapp.components.tasks.records import Definition, Outcome, ScheduleInfo, State

SCHEMA: Final = Schema(
    "tasks",
    (
        """
        create table task(
            id $id, name text not null, queue text not null, state text not null,
            priority $int not null, due $real not null, payload $blob not null,
            attempt $int not null default 0, failures $int not null default 0,
            crashes $int not null default 0, worker text, progress $real, note text,
            result $blob, error text, created $real not null, started $real, finished $real,
            request_key text, unique_key text, after $int, is_last $int not null default 1,
            parent $int, place $int, remaining $int);
        create index task_ready on task(queue, priority desc, id) where state = 'ready';
        create index task_due on task(due) where state = 'scheduled';
        create index task_running on task(worker) where state = 'running';
        create index task_final on task(state, finished) where finished is not null;
        create index task_after on task(after) where after is not null;
        create index task_parent on task(parent, place) where parent is not null;
        create unique index task_key on task(request_key) where request_key is not null;
        create unique index task_unique on task(name, unique_key)
            where unique_key is not null and finished is null;
        create table definition(name text primary key, record $blob not null, seen $real not null);
        create table schedule(
            name text primary key, app text not null, spec text not null, timezone text not null,
            catch_up $int not null, next $real not null);
        create table queue(name text primary key, paused $int not null);
        """,
        "alter table task add column trace text;",
    ),
)

_COLUMNS: Final = (
    "id, name, queue, state, priority, created, due, started, finished, attempt, failures, crashes,"
    " worker, progress, note, error, request_key, unique_key, after, parent, trace, payload"
)
_FIELDS: Final = (
    "id",
    "name",
    "queue",
    "state",
    "priority",
    "created",
    "due",
    "started",
    "finished",
    "attempt",
    "failures",
    "crashes",
    "worker",
    "progress",
    "note",
    "error",
    "key",
    "unique",
    "after",
    "group",
    "trace",
)
_OF_ATTEMPT: Final = "where id = ? and attempt = ? and state = 'running'"

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode


def payload_of(args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    """Return arguments as they are kept: plain values in MessagePack."""
    return encode([args, kwargs])


def info_of(row: Sequence[Any]) -> TaskInfo:
    """Return a task of its row."""
    args, kwargs = decode(row[-1])
    fields = dict(zip(_FIELDS, row[:-1], strict=True))
    place = parsed(fields["trace"])
    fields["trace"] = None if place is None else place.trace_id
    return TaskInfo(**fields, args=args, kwargs=kwargs)


class New(NamedTuple):
    """A task that is to be enqueued.

    Attributes:
        name: its name; empty for a group.
        queue: its queue.
        state: where it stands at first.
        priority: higher ones are first.
        due: when it may start.
        payload: its arguments, in MessagePack.
        created: the time.
        key: its key.
        unique: what makes it the only one.
        is_last: whether nothing follows it: no further step, and no group.
        remaining: how many tasks a group has.
        trace: its place in the trace of what enqueued it: a ``traceparent``.
    """

    name: str
    queue: str
    state: State
    priority: int
    due: float
    payload: bytes
    created: float
    key: str | None
    unique: str | None
    is_last: bool = True
    remaining: int | None = None
    trace: str | None = None


def insert(
    do: Transaction,
    new: New,
    after: int | None = None,
    parent: int | None = None,
    place: int | None = None,
) -> tuple[int, bool]:
    """Enqueue a task, unless its key or its unique text is there already.

    Returns:
        The task's number, and whether it is new.
    """
    rows = do.execute(
        "insert into task(name, queue, state, priority, due, payload, created, request_key,"
        " unique_key, is_last, remaining, trace, after, parent, place)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning id",
        (*new[:9], int(new.is_last), new.remaining, new.trace, after, parent, place),
    )
    if rows:
        return rows[0][0], True
    found = do.execute("select id from task where request_key = ?", (new.key,))
    found = found or do.execute(
        "select id from task where name = ? and unique_key = ? and finished is null",
        (new.name, new.unique),
    )
    return found[0][0], False


def insert_plan(do: Transaction, plan: Sequence[tuple[New, Sequence[New]]]) -> tuple[int, bool]:
    """Enqueue a chain of tasks and groups.

    Args:
        do: the transaction.
        plan: the steps; each with the tasks of the group, if it is one.

    Returns:
        The number of the last step, and whether it is new.
    """
    if plan[-1][0].key is not None:
        found = do.execute("select id from task where request_key = ?", (plan[-1][0].key,))
        if found:
            return found[0][0], False
    after: int | None = None
    for step, members in plan:
        number, is_new = insert(do, step, after=after)
        if not is_new:
            return number, False
        for place, member in enumerate(members):
            insert(do, member, parent=number, place=place)
        after = number
    return number, True


class Claimed(NamedTuple):
    """A task that was claimed for a worker."""

    id: int
    attempt: int
    name: str
    payload: bytes
    failures: int
    key: str | None
    trace: str | None
    priority: int
    is_last: int


def claim(
    do: Transaction, queue: str, names: Sequence[str], worker: str, limit: int, now: float
) -> list[Claimed]:
    """Give tasks that are ready to a worker.

    Args:
        do: the transaction.
        queue: the queue.
        names: the names of the tasks.
        worker: the worker.
        limit: how many at most.
        now: the time.
    """
    marks = ", ".join("?" * len(names))
    rows = do.execute(
        "update task set state = 'running', attempt = attempt + 1, worker = ?, started = ?,"
        " progress = null, note = null where id in (select id from task where state = 'ready'"
        f" and queue = ? and name in ({marks}) order by priority desc, id limit ?)"
        " returning id, attempt, name, payload, failures, request_key, trace, priority, is_last",
        (worker, now, queue, *names, limit),
    )
    # In which order RETURNING gives them is not said.
    return sorted(map(Claimed._make, rows), key=lambda task: (-task.priority, task.id))


def reassign(do: Transaction, workers: Sequence[tuple[str, int]]) -> None:
    """Give tasks that were claimed in the same transaction to other workers."""
    if workers:
        do.execute_many("update task set worker = ? where id = ?", workers)


def finish(do: Transaction, outcomes: Sequence[Outcome], now: float) -> None:
    """Keep the results of tasks that nothing follows."""
    do.execute_many(
        "update task set state = 'done', result = ?, finished = ?, worker = null, error = null"
        f" {_OF_ATTEMPT}",
        [(one.result, now, one.id, one.attempt) for one in outcomes],
    )


class Change(NamedTuple):
    """A task that has become something else."""

    id: int
    state: State


def settle(do: Transaction, outcomes: Iterable[Outcome], now: float) -> list[Change]:
    """Take the outcomes of attempts, and what follows from them.

    Returns:
        What has changed; outcomes of attempts that count no more change nothing.
    """
    changes: list[Change] = []
    for one in outcomes:
        key = (one.id, one.attempt)
        if one.verdict == "done":
            rows = do.execute(
                "update task set state = 'done', result = ?, finished = ?, worker = null,"
                f" error = null {_OF_ATTEMPT} returning id",
                (one.result, now, *key),
            )
            if rows:
                changes += [Change(one.id, "done"), *_follow(do, one.id, one.result, now)]
        elif one.verdict == "failed":
            rows = do.execute(
                "update task set state = 'scheduled', due = ?, failures = failures + 1, error = ?,"
                f" worker = null {_OF_ATTEMPT} returning id",
                (now + one.delay, one.error, *key),
            )
            changes += [Change(one.id, "scheduled") for _ in rows]
        elif one.verdict == "released":
            rows = do.execute(
                f"update task set state = 'ready', worker = null {_OF_ATTEMPT} returning id", key
            )
            changes += [Change(one.id, "ready") for _ in rows]
        else:
            rows = do.execute(
                "update task set state = ?, finished = ?, error = ?, worker = null,"
                f" failures = failures + ? {_OF_ATTEMPT} returning id",
                (one.verdict, now, one.error or None, int(one.verdict == "dead"), *key),
            )
            if rows:
                changes += [Change(one.id, one.verdict), *_give_up(do, one.id, one.verdict, now)]
    return changes


def _follow(do: Transaction, number: int, result: bytes, now: float) -> list[Change]:
    """Make what waited for a task's result ready."""
    changes: list[Change] = []
    for follower, name, payload in do.execute(
        "select id, name, payload from task where after = ? and state = 'waiting'", (number,)
    ):
        if name:
            args, kwargs = decode(payload)
            whole = payload_of([msgspec.Raw(result), *args], kwargs)
            changes += _free(do, follower, whole, now)
            continue
        for member, inner in do.execute(
            "select id, payload from task where parent = ? and state = 'waiting' order by place",
            (follower,),
        ):
            args, kwargs = decode(inner)
            changes += _free(do, member, payload_of([msgspec.Raw(result), *args], kwargs), now)
    for (parent,) in do.execute(
        "select parent from task where id = ? and parent is not null", (number,)
    ):
        rows = do.execute(
            "update task set remaining = remaining - 1 where id = ? and state = 'waiting'"
            " returning remaining",
            (parent,),
        )
        if rows and rows[0][0] == 0:
            parts = do.execute("select result from task where parent = ? order by place", (parent,))
            whole = encode([msgspec.Raw(part) for (part,) in parts])
            do.execute(
                "update task set state = 'done', result = ?, finished = ? where id = ?",
                (whole, now, parent),
            )
            changes += [Change(parent, "done"), *_follow(do, parent, whole, now)]
    return changes


def _free(do: Transaction, number: int, payload: bytes, now: float) -> list[Change]:
    """Make a task that waited ready, or scheduled: its delay counts from now on."""
    ((state,),) = do.execute(
        "update task set payload = ?, due = due - created + ?,"
        " state = case when due > created then 'scheduled' else 'ready' end where id = ?"
        " returning state",
        (payload, now, number),
    )
    return [Change(number, state)]


def _give_up(do: Transaction, number: int, verdict: State, now: float) -> list[Change]:
    """Give up what waited for a task that is dead or cancelled."""
    changes: list[Change] = []
    why = f"Task {number}, before it, is {verdict}."
    waiting = do.execute("select id from task where after = ? and state = 'waiting'", (number,))
    groups = do.execute(
        "select g.id from task g join task m on m.parent = g.id"
        " where m.id = ? and g.state = 'waiting'",
        (number,),
    )
    for (follower,) in [*waiting, *groups]:
        do.execute(
            "update task set state = ?, finished = ?, error = ? where id = ?",
            (verdict, now, why, follower),
        )
        changes += [Change(follower, verdict), *_give_up(do, follower, verdict, now)]
    # What has not started of a group is of no use without the rest.
    for (member,) in do.execute(
        "select id from task where parent = ? and state in ('waiting', 'scheduled', 'ready')",
        (number,),
    ):
        do.execute(
            "update task set state = 'cancelled', finished = ?, error = ? where id = ?",
            (now, f"Its group, task {number}, is {verdict}.", member),
        )
        changes.append(Change(member, "cancelled"))
    return changes


def crash(do: Transaction, worker: str, now: float) -> list[Change]:
    """Take the tasks of a worker that has died away from it."""
    changes: list[Change] = []
    for number, crashes in do.execute(
        "select id, crashes + 1 from task where worker = ? and state = 'running'", (worker,)
    ):
        if crashes < MAX_CRASHES:
            do.execute(
                "update task set state = 'ready', worker = null, crashes = ?, error = ?"
                " where id = ?",
                (crashes, "Its worker died.", number),
            )
            changes.append(Change(number, "ready"))
            continue
        do.execute(
            "update task set state = 'dead', worker = null, crashes = ?, finished = ?, error = ?"
            " where id = ?",
            (crashes, now, f"{crashes} workers died while they ran it.", number),
        )
        changes += [Change(number, "dead"), *_give_up(do, number, "dead", now)]
    return changes


def cancel(do: Transaction, number: int, now: float) -> tuple[State | None, list[Change]]:
    """Cancel a task that has not started.

    Returns:
        The state that it had, None if there is no such task; and what has changed. One that runs
        is for its worker to cancel.
    """
    found = do.execute("select state from task where id = ?", (number,))
    if not found:
        return None, []
    state: State = found[0][0]
    if state in ("waiting", "scheduled", "ready"):
        do.execute("update task set state = 'cancelled', finished = ? where id = ?", (now, number))
        return state, [Change(number, "cancelled"), *_give_up(do, number, "cancelled", now)]
    return state, []


def retry(do: Transaction, number: int, now: float) -> tuple[State | None, str | None]:
    """Make a task that is dead or cancelled ready again, with all its retries.

    Returns:
        The state that it had, None if there is no such task; only the two are changed. And its
        unique text if it stays as it was because another task has that now.
    """
    found = do.execute("select state, name, unique_key from task where id = ?", (number,))
    if not found:
        return None, None
    state, name, unique = found[0]
    if state not in ("dead", "cancelled"):
        return state, None
    if unique is not None and do.execute(
        "select id from task where name = ? and unique_key = ? and finished is null", (name, unique)
    ):
        return state, unique
    do.execute(
        "update task set state = 'ready', due = ?, finished = null, failures = 0, crashes = 0,"
        " error = null where id = ?",
        (now, number),
    )
    return state, None


def promote(do: Transaction, now: float) -> tuple[list[Change], float | None]:
    """Make ready what is due.

    Returns:
        What has changed, and when the next task is due.
    """
    rows = do.execute(
        "update task set state = 'ready' where state = 'scheduled' and due <= ? returning id",
        (now,),
    )
    ((following,),) = do.execute("select min(due) from task where state = 'scheduled'")
    return [Change(number, "ready") for (number,) in rows], following


def report(do: Transaction, reports: Iterable[tuple[int, int, float, str]]) -> None:
    """Keep how far running tasks are."""
    do.execute_many(
        f"update task set progress = ?, note = ? {_OF_ATTEMPT}",
        [(progress, note, number, attempt) for number, attempt, progress, note in reports],
    )


def prune(do: Transaction, done_before: float, dead_before: float, limit: int) -> int:
    """Remove final tasks that are old; those that others wait for, with them.

    Returns:
        How many there were; if it is ``limit``, there may be more.
    """
    removed = 0
    for states, before in (("'done'", done_before), ("'dead', 'cancelled'", dead_before)):
        rows = do.execute(
            f"delete from task where id in (select id from task where state in ({states})"
            " and finished < ? limit ?) returning id",
            (before, limit),
        )
        removed += len(rows)
    return removed


def purge(do: Transaction, state: State, queue: str | None) -> int:
    """Remove the tasks of a state, of one queue or of all.

    Returns:
        How many there were.
    """
    which, values = ("", (state,)) if queue is None else (" and queue = ?", (state, queue))
    return len(do.execute(f"delete from task where state = ?{which} returning id", values))


def running(read: Transaction) -> list[tuple[int, int, str, bool, str]]:
    """Return number, attempt, worker, whether nothing follows, and queue of each task that runs."""
    rows = read.execute(
        "select id, attempt, worker, is_last, queue from task where state = 'running'"
    )
    return [(*row[:3], bool(row[3]), row[4]) for row in rows]


def one(read: Transaction, number: int) -> TaskInfo | None:
    """Return a task; None if there is none of this number."""
    rows = read.execute(f"select {_COLUMNS} from task where id = ?", (number,))
    return info_of(rows[0]) if rows else None


def several(
    read: Transaction,
    *,
    state: State | None = None,
    queue: str | None = None,
    name: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[TaskInfo]:
    """Return tasks, the newest first.

    Args:
        read: the transaction.
        state: only those in this state.
        queue: only those in this queue.
        name: only those of this name.
        before: only those with a smaller number.
        limit: how many at most.
    """
    conditions = {"state = ?": state, "queue = ?": queue, "name = ?": name, "id < ?": before}
    given = {text: value for text, value in conditions.items() if value is not None}
    where = f"where {' and '.join(given)}" if given else ""
    rows = read.execute(
        f"select {_COLUMNS} from task {where} order by id desc limit ?", (*given.values(), limit)
    )
    return [info_of(row) for row in rows]


def result(read: Transaction, number: int) -> tuple[State, str, bytes | None, str | None] | None:
    """Return the state, name, result and error of a task; None if there is none of this number."""
    rows = read.execute("select state, name, result, error from task where id = ?", (number,))
    return rows[0] if rows else None


def counts(read: Transaction) -> dict[tuple[str, State], int]:
    """Return how many tasks there are in each queue and state."""
    rows = read.execute("select queue, state, count(*) from task group by queue, state")
    return {(queue, state): count for queue, state, count in rows}


def live(read: Transaction) -> dict[str, int]:
    """Return how many tasks in each queue are not final."""
    states = ", ".join(f"'{state}'" for state in STATES[:4])
    rows = read.execute(
        f"select queue, count(*) from task where state in ({states}) group by queue"
    )
    return dict(rows)


# Definitions, schedules and queues.


def define(do: Transaction, definitions: Iterable[Definition], now: float) -> None:
    """Keep the kinds of tasks that an app has."""
    for one in definitions:
        do.execute(
            "insert into definition(name, record, seen) values (?, ?, ?) on conflict(name)"
            " do update set record = excluded.record, seen = excluded.seen",
            (one.name, encode(one), now),
        )


def definitions(read: Transaction) -> list[bytes]:
    """Return the kinds of tasks, as they were encoded."""
    return [record for (record,) in read.execute("select record from definition")]


def paused(read: Transaction) -> set[str]:
    """Return the queues that are paused."""
    return {name for (name,) in read.execute("select name from queue where paused = 1")}


def pause(do: Transaction, queue: str, is_paused: bool) -> None:
    """Keep whether a queue is paused."""
    do.execute(
        "insert into queue(name, paused) values (?, ?) on conflict(name)"
        " do update set paused = excluded.paused",
        (queue, int(is_paused)),
    )


def schedules(read: Transaction) -> list[tuple[str, str, str, str, bool, float]]:
    """Return name, app, expression, time zone, whether it catches up, and the next time of each."""
    rows = read.execute("select name, app, spec, timezone, catch_up, next from schedule")
    return [(*row[:4], bool(row[4]), row[5]) for row in rows]


def schedule(do: Transaction, app: str, wanted: Sequence[ScheduleInfo]) -> None:
    """Keep the schedules of an app; those that it has no more are removed.

    The next time of one that has not changed stays as it is.
    """
    names = [one.name for one in wanted]
    for (name,) in do.execute("select name from schedule where app = ?", (app,)):
        if name not in names:
            do.execute("delete from schedule where name = ?", (name,))
    for one in wanted:
        do.execute(
            "insert into schedule(name, app, spec, timezone, catch_up, next)"
            " values (?, ?, ?, ?, ?, ?) on conflict(name) do update set app = excluded.app,"
            " catch_up = excluded.catch_up, spec = excluded.spec, timezone = excluded.timezone,"
            " next = case when schedule.spec = excluded.spec and"
            " schedule.timezone = excluded.timezone then schedule.next else excluded.next end",
            (one.name, app, one.spec, one.timezone, int(one.catch_up), one.next),
        )


def fire(do: Transaction, name: str, following: float, due: Sequence[New]) -> list[int]:
    """Enqueue what a schedule has due, and keep when it is due next.

    Returns:
        The numbers of the new tasks.
    """
    do.execute("update schedule set next = ? where name = ?", (following, name))
    return [number for number, is_new in (insert(do, new) for new in due) if is_new]
