"""What is kept of logs and numbers: in SQLite, with full-text search."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.store.migrations import Schema
from wampapp.components.telemetry.records import Line, LogRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.components.store import Transaction
    from wampapp.components.telemetry.records import About

SCHEMA: Final = Schema(
    "telemetry",
    (
        """
        create table log (
            id $id, t $real not null, level $int not null, service $text not null,
            worker $int not null, logger $text not null, message $text not null, trace $text,
            data $text
        );
        create index log_trace on log (trace) where trace is not null;
        create virtual table log_text using fts5 (
            message, content='log', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
        );
        create table reporter (
            instance $text primary key, number $int not null, seen $real not null
        );
        create table metric (name $text primary key, definition $text not null);
        create table series (
            id $id, metric $text not null, service $text not null, labels $text not null,
            value $text not null, unique (metric, service, labels)
        );
        create table point (
            series $int not null, step $int not null, t $int not null, value $real not null,
            primary key (series, step, t)
        ) without rowid;
        create index point_age on point (step, t);
        """,
    ),
)

#: How many records one step of pruning takes away, so that what is asked meanwhile waits little.
PRUNED_AT_ONCE: Final = 5_000
_LEVELS: Final = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)
_WORD: Final = re.compile(r'"[^"]*"|\S+')
_TOKEN: Final = re.compile(r"\w")


def add_lines(transaction: Transaction, about: About, lines: Sequence[Line]) -> int:
    """Add log records; return the number of the last one."""
    ((last,),) = transaction.execute("select coalesce(max(id), 0) from log")
    ((known,),) = transaction.execute(
        "select coalesce(max(seq), 0) from sqlite_sequence where name = 'log'"
    )
    first = max(last, known) + 1
    transaction.execute_many(
        "insert into log (id, t, level, service, worker, logger, message, trace, data) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                number,
                line.t,
                line.level,
                about.service,
                about.worker,
                line.logger,
                line.message,
                line.trace,
                None if line.data is None else msgspec.json.encode(line.data).decode(),
            )
            for number, line in enumerate(lines, first)
        ),
    )
    transaction.execute_many(
        "insert into log_text (rowid, message) values (?, ?)",
        ((number, line.message) for number, line in enumerate(lines, first)),
    )
    return int(first) + len(lines) - 1


def note_report(transaction: Transaction, instance: str, number: int, now: float) -> bool:
    """Take note of a report; return whether it is new."""
    found = transaction.execute("select number from reporter where instance = ?", (instance,))
    if found and found[0][0] >= number:
        return False
    transaction.execute(
        "insert into reporter (instance, number, seen) values (?, ?, ?) "
        "on conflict (instance) do update set number = excluded.number, seen = excluded.seen",
        (instance, number, now),
    )
    return True


def find_lines(
    transaction: Transaction,
    *,
    text: str = "",
    services: Sequence[str] = (),
    level: int = 0,
    since: float | None = None,
    until: float | None = None,
    trace: str = "",
    loggers: str = "",
    after: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[LogRecord]:
    """Return log records, the oldest first.

    Args:
        transaction: where.
        text: words that the messages have; ``"in quotes"``, next to each other.
        services: the apps' names; all by default.
        level: the lowest level.
        since: the earliest time.
        until: the latest time.
        trace: what the trace's id begins with.
        loggers: what the logger's name begins with.
        after: only those with a larger number, and of these the first.
        before: only those with a smaller number.
        limit: how many at most; without ``after``, the last ones.
    """
    where: list[str] = []
    values: list[Any] = []

    def add(condition: str, *its: Any) -> None:
        where.append(condition)
        values.extend(its)

    if text:
        query = match_of(text)
        if query is None:
            return []
        add("id in (select rowid from log_text where log_text match ?)", query)
    if services:
        add(f"service in ({', '.join('?' * len(services))})", *services)
    if level > 0:
        add("level >= ?", level)
    if since is not None:
        add("t >= ?", since)
    if until is not None:
        add("t <= ?", until)
    if trace:
        add("trace >= ? and trace < ?", trace, f"{trace}~")
    if loggers:
        add("(logger = ? or logger >= ? and logger < ?)", loggers, f"{loggers}.", f"{loggers}/")
    if after is not None:
        add("id > ?", after)
    if before is not None:
        add("id < ?", before)
    order = "asc" if after is not None else "desc"
    conditions = f"where {' and '.join(where)} " if where else ""
    rows = transaction.execute(
        "select id, t, level, service, worker, logger, message, trace, data from log "
        f"{conditions}order by id {order} limit ?",
        (*values, limit),
    )
    found = [
        LogRecord(
            number,
            t,
            level_name(its_level),
            service,
            worker,
            its_logger,
            message,
            its_trace,
            None if data is None else msgspec.json.decode(data),
        )
        for number, t, its_level, service, worker, its_logger, message, its_trace, data in rows
    ]
    return found if after is not None else found[::-1]


def match_of(text: str) -> str | None:
    """Return a query of FTS5 for words that somebody has typed; None if there is none in them.

    Each word is in quotes, so that nothing in it means anything; the last one may be unfinished.
    """
    words = [word.strip('"').replace('"', " ") for word in _WORD.findall(text.replace("\0", " "))]
    words = [word for word in words if _TOKEN.search(word)]
    if not words:
        return None
    quoted = [f'"{word}"' for word in words]
    if not text.endswith(('"', " ")):
        quoted[-1] += "*"
    return " ".join(quoted)


def level_name(level: int) -> str:
    """Return the name of a level, or of the next one below it."""
    return next((name for number, name in _LEVELS if level >= number), "debug")


# Numbers.


def save_series(
    transaction: Transaction, changed: Iterable[tuple[str, str, tuple[str, ...], Any]]
) -> None:
    """Write what counters and histograms have come to: metric, service, labels and value."""
    transaction.execute_many(
        "insert into series (metric, service, labels, value) values (?, ?, ?, ?) "
        "on conflict (metric, service, labels) do update set value = excluded.value",
        (
            (
                metric,
                service,
                msgspec.json.encode(labels).decode(),
                msgspec.json.encode(value).decode(),
            )
            for metric, service, labels, value in changed
        ),
    )


def load_series(
    transaction: Transaction,
) -> list[tuple[int, str, str, tuple[str, ...], float | list[float]]]:
    """Return what all counters and histograms have come to, each with its number."""
    rows = transaction.execute("select id, metric, service, labels, value from series")
    return [
        (number, metric, service, tuple(msgspec.json.decode(labels)), msgspec.json.decode(value))
        for number, metric, service, labels, value in rows
    ]


def series_number(
    transaction: Transaction, metric: str, service: str, labels: tuple[str, ...]
) -> int | None:
    """Return the number of a series; None if it is not kept."""
    found = transaction.execute(
        "select id from series where metric = ? and service = ? and labels = ?",
        (metric, service, msgspec.json.encode(labels).decode()),
    )
    return found[0][0] if found else None


def save_definition(transaction: Transaction, name: str, definition: str) -> None:
    """Write the definition of a metric."""
    transaction.execute(
        "insert into metric (name, definition) values (?, ?) "
        "on conflict (name) do update set definition = excluded.definition",
        (name, definition),
    )


def load_definitions(transaction: Transaction) -> list[str]:
    """Return the definitions of all metrics."""
    return [row[0] for row in transaction.execute("select definition from metric")]


def add_points(
    transaction: Transaction, points: Iterable[tuple[str, str, tuple[str, ...], int, int, float]]
) -> None:
    """Write what series were at a time: metric, service, labels, step, time and value."""
    transaction.execute_many(
        "insert or replace into point (series, step, t, value) "
        "select id, ?, ?, ? from series where metric = ? and service = ? and labels = ?",
        (
            (step, t, value, metric, service, msgspec.json.encode(labels).decode())
            for metric, service, labels, step, t, value in points
        ),
    )


def find_points(
    transaction: Transaction, series: int, step: int, since: int
) -> list[tuple[int, float]]:
    """Return what a series was at the times of a step, the oldest first."""
    return [
        (t, value)
        for t, value in transaction.execute(
            "select t, value from point where series = ? and step = ? and t >= ? order by t",
            (series, step, since),
        )
    ]


# Pruning.


def prune_lines(transaction: Transaction, *, before: float | None, last: int | None = None) -> int:
    """Remove some of the oldest log records; return how many.

    Args:
        transaction: where.
        before: only those that were written before this time; None for any.
        last: how many at most; :data:`PRUNED_AT_ONCE` by default.
    """
    ((first, newest),) = transaction.execute("select min(id), max(id) from log")
    if first is None:
        return 0
    end = min(first + (last or PRUNED_AT_ONCE), newest + 1)
    if before is not None:
        # Records come in nearly the order of their times.
        young = transaction.execute(
            "select min(id) from log where id < ? and t >= ?", (end, before)
        )[0][0]
        end = end if young is None else young
    if end <= first:
        return 0
    # The index has to be told what it forgets.
    transaction.execute(
        "insert into log_text (log_text, rowid, message) "
        "select 'delete', id, message from log where id < ?",
        (end,),
    )
    ((count,),) = transaction.execute("select count(*) from log where id < ?", (end,))
    transaction.execute("delete from log where id < ?", (end,))
    return int(count)


def prune_points(transaction: Transaction, kept: Iterable[tuple[int, int]], now: int) -> None:
    """Remove what is too old: for each step, how many seconds its points are kept."""
    for step, seconds in kept:
        transaction.execute("delete from point where step = ? and t < ?", (step, now - seconds))


def prune_reporters(transaction: Transaction, before: float) -> None:
    """Forget processes that have not reported since a time."""
    transaction.execute("delete from reporter where seen < ?", (before,))


def used_bytes(transaction: Transaction) -> int:
    """Return how much of the file is in use, in bytes."""
    ((pages,),) = transaction.execute("pragma page_count")
    ((free,),) = transaction.execute("pragma freelist_count")
    ((size,),) = transaction.execute("pragma page_size")
    return int((pages - free) * size)


def count_lines(transaction: Transaction) -> int:
    """Return about how many log records there are: they are numbered one after the other."""
    ((first, last),) = transaction.execute("select min(id), max(id) from log")
    return 0 if first is None else int(last - first + 1)
