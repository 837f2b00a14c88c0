"""The tables of the store, and what is done in them. Each function is the work of a transaction.

What must not be done is returned as an error, not raised: a work that raises has all that share its
transaction done again.
"""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.components.kv.records import Entry, Row, after_prefix
from wampapp.components.store.migrations import Schema
from wampapp.errors import Conflict, InvalidArgument

if TYPE_CHECKING:
    from wampapp.components.kv.records import Kind
    from wampapp.components.store import Transaction
    from wampapp.errors import WampError

#: A key that goes leaves its revision in ``kv_gone``, so that what changed since a revision can be
#: told. It is forgotten later; ``horizon`` is the newest revision that is. Revisions only grow, and
#: may have gaps.
SCHEMA: Final = Schema(
    "kv",
    (
        """
        create table kv_entry(
            key $text primary key, value $blob not null, revision $int not null, expires $real,
            holder text);
        create index kv_revision on kv_entry(revision);
        create index kv_expires on kv_entry(expires) where expires is not null;
        create index kv_holder on kv_entry(holder) where holder is not null;
        create table kv_gone(key $text primary key, revision $int not null, kind text not null);
        create index kv_gone_revision on kv_gone(revision);
        create table kv_state(name text not null, horizon $int not null);
        """,
    ),
)

#: How many bytes of values one answer has, unless a single one is larger.
_PAGE: Final = 1024 * 1024
#: How many keys are expired in one transaction.
_DUE: Final = 500

#: The columns of an entry.
_ENTRY: Final = "key, value, revision, expires, holder is not null"

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode


class State(NamedTuple):
    """What the store is, as a whole.

    Attributes:
        name: a text that no other store has.
        horizon: the revision up to which deletions are forgotten.
    """

    name: str
    horizon: int


class Totals(NamedTuple):
    """How much there is.

    Attributes:
        keys: how many keys.
        bytes: how many bytes their values have.
        gone: how many deletions are remembered.
        revision: the revision of the last change.
    """

    keys: int
    bytes: int
    gone: int
    revision: int


class Done(NamedTuple):
    """What a change has done.

    Attributes:
        revision: its revision.
        keys: how many keys more there are at most.
        bytes: how many bytes of values more at most.
        value: the value that was set, where it was worked out.
    """

    revision: int
    keys: int
    bytes: int
    value: Any = None


class _Found(NamedTuple):
    """What is known of a key before it is changed."""

    revision: int
    expires: float | None
    length: int


def length_of(t: Transaction, key: str) -> int | None:
    """Return how many bytes a key's value has; None if there is no such key."""
    found = _find(t, key)
    return None if found is None else found.length


def begin(t: Transaction) -> Totals:
    """Return how much there is; a new store gets its name."""
    if not t.execute("select name from kv_state"):
        t.execute("insert into kv_state values (?, 0)", (secrets.token_hex(8),))
    return totals(t)


def totals(t: Transaction) -> Totals:
    """Return how much there is. This looks at everything."""
    ((keys, size),) = t.execute("select count(*), coalesce(sum(length(value)), 0) from kv_entry")
    ((gone, last),) = t.execute("select count(*), coalesce(max(revision), 0) from kv_gone")
    ((newest,),) = t.execute("select coalesce(max(revision), 0) from kv_entry")
    revision = max(newest, last, state(t).horizon)
    return Totals(keys, int(size), gone, revision)


def state(t: Transaction) -> State:
    """Return what the store is."""
    return State(*t.execute("select name, horizon from kv_state")[0])


def next_expiry(t: Transaction) -> float | None:
    """Return when the next key expires; None if none does."""
    found: float | None = t.execute("select min(expires) from kv_entry where expires is not null")[
        0
    ][0]
    return found


def held(t: Transaction) -> list[tuple[str, str]]:
    """Return the keys that somebody holds, each with its holder."""
    rows = t.execute("select key, holder from kv_entry where holder is not null")
    return [(key, holder) for key, holder in rows]


def get(t: Transaction, key: str, now: float) -> Entry[Any] | None:
    """Return a key's entry; None if there is no such key."""
    rows = t.execute(f"select {_ENTRY} from kv_entry where key = ?", (key,))
    if not rows or (rows[0][3] is not None and rows[0][3] <= now):
        return None
    return _entry(*rows[0])


def value_of(t: Transaction, key: str, now: float, default: Any) -> Any:
    """Return a key's value, or what is to be returned if there is no such key."""
    rows = t.execute("select value, expires from kv_entry where key = ?", (key,))
    if not rows or (rows[0][1] is not None and rows[0][1] <= now):
        return default
    return decode(rows[0][0])


def put(
    t: Transaction,
    key: str,
    value: bytes,
    now: float,
    revision: int,
    *,
    expires: float | None = None,
    keeps_ttl: bool = False,
    expect: int | None = None,
    holder: str | None = None,
) -> Done | WampError:
    """Set a key.

    Args:
        t: the transaction.
        key: the key.
        value: the value, as MessagePack.
        now: the time, in seconds since 1970.
        revision: the revision that it gets.
        expires: when it goes; None for never.
        keeps_ttl: whether it goes when it would have gone before.
        expect: the revision that the key must have, 0 for no such key; None for any.
        holder: who holds it; None for nobody.

    Returns:
        What was done, or a :class:`Conflict`.
    """
    if expect is None and not keeps_ttl:
        return _set(t, key, value, revision, expires, holder)
    found = _find(t, key)
    is_there = found is not None and not (found.expires is not None and found.expires <= now)
    if expect is not None and expect != (found.revision if found and is_there else 0):
        return _conflict(t, key, expect, now)
    if keeps_ttl and found and is_there:
        expires = found.expires
    return _set(t, key, value, revision, expires, holder)


def add(
    t: Transaction,
    key: str,
    by: float,
    now: float,
    revision: int,
    *,
    expires: float | None = None,
) -> Done | WampError:
    """Add to a number; one that is not there is 0, and gets the time to live.

    Returns:
        What was done, with the sum; or what is wrong with that.
    """
    entry = get(t, key, now)
    total: Any = by
    if entry is not None:
        if type(entry.value) not in (int, float):
            return InvalidArgument(f"the value of {key!r} is not a number", parameter="key")
        total, expires = entry.value + by, entry.expires
    if isinstance(total, float) and not math.isfinite(total):
        return InvalidArgument("the sum is not a finite number", parameter="by")
    try:
        value = encode(total)
    except OverflowError:
        return InvalidArgument("the sum has more than 64 bits", parameter="by")
    return _set(t, key, value, revision, expires, None)._replace(value=total)


def touch(t: Transaction, key: str, expires: float | None, now: float) -> bool:
    """Say when a key goes; returns whether there is such a key."""
    return bool(
        t.execute(
            "update kv_entry set expires = ? where key = ? and (expires is null or expires > ?)"
            " returning key",
            (expires, key, now),
        )
    )


def remove(
    t: Transaction,
    key: str,
    now: float,
    revision: int,
    *,
    expect: int | None = None,
    holder: str | None = None,
) -> Done | WampError | None:
    """Remove a key.

    Args:
        t: the transaction.
        key: the key.
        now: the time, in seconds since 1970.
        revision: the revision of its end.
        expect: the revision that it must have; None for any.
        holder: who must hold it; None for anybody.

    Returns:
        What was done, None if there is no such key, or a :class:`Conflict`.
    """
    found = _find(t, key)
    if found is None or (found.expires is not None and found.expires <= now):
        return None if expect is None else _conflict(t, key, expect, now)
    if expect is not None and expect != found.revision:
        return _conflict(t, key, expect, now)
    if holder is not None:
        ((is_holder,),) = t.execute("select holder from kv_entry where key = ?", (key,))
        if is_holder != holder:
            return None
    return _bury(t, key, found, revision, "deleted")


def due(t: Transaction, now: float) -> list[str]:
    """Return keys whose time has come, the oldest first; not more than :data:`_DUE`."""
    rows = t.execute(
        "select key from kv_entry where expires is not null and expires <= ?"
        " order by expires limit ?",
        (now, _DUE),
    )
    return [key for (key,) in rows]


def expire(t: Transaction, keys: list[str], now: float, revision: int) -> list[tuple[str, Done]]:
    """Remove keys whose time has come.

    Args:
        t: the transaction.
        keys: those that may be due; what was set again meanwhile stays.
        now: the time, in seconds since 1970.
        revision: the revision of the first; the others get those that follow.
    """
    done = []
    for number, key in enumerate(keys, start=revision):
        found = _find(t, key)
        if found is not None and found.expires is not None and found.expires <= now:
            done.append((key, _bury(t, key, found, number, "expired")))
    return done


def claim(t: Transaction, key: str, holder: str, now: float) -> int | None:
    """Return the revision of a key that a holder still has; None if it has not."""
    rows = t.execute(
        "select revision from kv_entry where key = ? and holder = ?"
        " and (expires is null or expires > ?)",
        (key, holder, now),
    )
    return rows[0][0] if rows else None


def forget(t: Transaction, keep: int) -> int:
    """Forget the oldest deletions.

    Args:
        t: the transaction.
        keep: how many are kept.

    Returns:
        How many were forgotten.
    """
    rows = t.execute(
        "select revision from kv_gone order by revision desc limit 1 offset ?", (keep,)
    )
    if not rows:
        return 0
    t.execute("update kv_state set horizon = ?", rows[0])
    return len(t.execute("delete from kv_gone where revision <= ? returning key", rows[0]))


def scan(
    t: Transaction, prefix: str, after: str | None, limit: int, now: float
) -> tuple[list[Entry[Any]], bool]:
    """Return entries in the order of their keys, and whether there are more.

    Args:
        t: the transaction.
        prefix: what their keys begin with.
        after: the key that they come after; None for the first.
        limit: how many at most.
        now: the time, in seconds since 1970.
    """
    where, values = _range(prefix)
    if after is not None:
        where, values = f"{where} and key > ?", [*values, after]
    where, values = f"{where} and (expires is null or expires > ?)", [*values, now]
    sizes = t.execute(
        f"select key, length(value) from kv_entry where {where} order by key limit ?",
        [*values, limit + 1],
    )
    taken = _fitting([size for _, size in sizes[:limit]])
    if not taken:
        return [], False
    rows = t.execute(
        f"select {_ENTRY} from kv_entry where {where} and key <= ? order by key",
        [*values, sizes[taken - 1][0]],
    )
    return [_entry(*row) for row in rows], taken < len(sizes)


def changes(
    t: Transaction, prefix: str, since: int, newest: int, limit: int
) -> tuple[list[Row], int, bool]:
    """Return what has changed since a revision, the oldest first; of each key only the last.

    Args:
        t: the transaction.
        prefix: what the keys begin with.
        since: the revision.
        newest: a revision up to which everything is known to be there.
        limit: how many at most.

    Returns:
        The changes; the revision up to which they are complete; and whether there are more.
    """
    where, values = _range(prefix)
    sizes = t.execute(
        f"select revision, length(value) from kv_entry where {where} and revision > ?"
        f" union all select revision, 0 from kv_gone where {where} and revision > ?"
        " order by 1 limit ?",
        [*values, since, *values, since, limit + 1],
    )
    taken = _fitting([size for _, size in sizes[:limit]])
    if not taken:
        return [], max(since, newest), False
    last = sizes[taken - 1][0]
    rows = t.execute(
        "select 'set', key, value, revision, expires from kv_entry"
        f" where {where} and revision > ? and revision <= ?"
        " union all select kind, key, null, revision, null from kv_gone"
        f" where {where} and revision > ? and revision <= ? order by 4",
        [*values, since, last, *values, since, last],
    )
    more = taken < len(sizes)
    return [Row(*row) for row in rows], last if more else max(last, newest), more


def _range(prefix: str) -> tuple[str, list[Any]]:
    """Return the condition that a key begins with a prefix, and its values."""
    end = after_prefix(prefix)
    return ("key >= ?", [prefix]) if end is None else ("key >= ? and key < ?", [prefix, end])


def _fitting(sizes: list[int]) -> int:
    """Return how many of the first values fit into an answer; one always does."""
    total = 0
    for number, size in enumerate(sizes):
        total += size
        if total > _PAGE and number:
            return number
    return len(sizes)


def _find(t: Transaction, key: str) -> _Found | None:
    rows = t.execute("select revision, expires, length(value) from kv_entry where key = ?", (key,))
    return _Found(*rows[0]) if rows else None


def _set(
    t: Transaction,
    key: str,
    value: bytes,
    revision: int,
    expires: float | None,
    holder: str | None,
) -> Done:
    # In one statement, which does not say what was there before: a key that was deleted is left in
    # `kv_gone`, as what has happened to it, and counted as a new one.
    t.execute(
        "insert into kv_entry(key, value, revision, expires, holder) values (?, ?, ?, ?, ?)"
        " on conflict(key) do update set value = excluded.value, revision = excluded.revision,"
        " expires = excluded.expires, holder = excluded.holder",
        (key, value, revision, expires, holder),
    )
    return Done(revision, 1, len(value))


def _bury(t: Transaction, key: str, found: _Found, revision: int, kind: Kind) -> Done:
    t.execute("delete from kv_entry where key = ?", (key,))
    t.execute(
        "insert into kv_gone(key, revision, kind) values (?, ?, ?)"
        " on conflict(key) do update set revision = excluded.revision, kind = excluded.kind",
        (key, revision, kind),
    )
    return Done(revision, -1, -found.length)


def _conflict(t: Transaction, key: str, expect: int, now: float) -> Conflict:
    entry = get(t, key, now)
    if entry is None:
        return Conflict(f"{key!r} is not there, and not at revision {expect}", current=None)
    wanted = "is there already" if expect == 0 else f"is not at revision {expect}"
    return Conflict(
        f"{key!r} {wanted}, but at {entry.revision}", current=msgspec.structs.asdict(entry)
    )


def _entry(
    key: str, value: bytes, revision: int, expires: float | None, is_held: object
) -> Entry[Any]:
    return Entry(
        key=key, value=decode(value), revision=revision, expires=expires, held=bool(is_held)
    )
