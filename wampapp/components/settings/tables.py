"""The tables of settings, and what is done in them. Each function is the work of a transaction."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from wampapp.components.settings.records import MAX_HISTORY, Snapshot, Version
from wampapp.components.store.migrations import Schema

if TYPE_CHECKING:
    from wampapp.components.store import Transaction

SCHEMA: Final = Schema(
    "settings",
    (
        """
        create table setting(name $text primary key, value $blob not null);
        create table setting_history(
            version $int primary key, at $real not null, by_whom text not null, why text not null,
            changes $blob not null);
        create table setting_state(name text not null, version $int not null);
        """,
    ),
)

_COLUMNS: Final = "version, at, by_whom, why, changes"

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode


def begin(t: Transaction) -> Snapshot:
    """Return what there is; a new store gets its name."""
    if not t.execute("select name from setting_state"):
        t.execute("insert into setting_state values (?, 0)", (secrets.token_hex(8),))
    ((name, version),) = t.execute("select name, version from setting_state")
    rows = t.execute("select name, value from setting")
    values = {setting: decode(value) for setting, value in rows}
    return Snapshot(store=name, version=version, values=values)


def change(t: Transaction, version: Version) -> None:
    """Store a change.

    Args:
        t: the transaction.
        version: the change.
    """
    for name, both in version.changes.items():
        if "after" not in both:
            t.execute("delete from setting where name = ?", (name,))
        else:
            t.execute(
                "insert into setting(name, value) values (?, ?)"
                " on conflict(name) do update set value = excluded.value",
                (name, encode(both["after"])),
            )
    t.execute(
        f"insert into setting_history({_COLUMNS}) values (?, ?, ?, ?, ?)",
        (version.version, version.at, version.by, version.why, encode(version.changes)),
    )
    t.execute("delete from setting_history where version <= ?", (version.version - MAX_HISTORY,))
    t.execute("update setting_state set version = ?", (version.version,))


def history(t: Transaction, before: int | None, limit: int) -> list[Version]:
    """Return versions, the newest first.

    Args:
        t: the transaction.
        before: only those with a smaller number; None for all.
        limit: how many at most.
    """
    where = "" if before is None else " where version < ?"
    values = (limit,) if before is None else (before, limit)
    rows = t.execute(
        f"select {_COLUMNS} from setting_history{where} order by version desc limit ?", values
    )
    return [
        Version(version=version, at=at, by=by, why=why, changes=decode(changes))
        for version, at, by, why, changes in rows
    ]


def since(t: Transaction, version: int) -> list[Version]:
    """Return the changes after a version, the newest first."""
    return [one for one in history(t, None, MAX_HISTORY) if one.version > version]
