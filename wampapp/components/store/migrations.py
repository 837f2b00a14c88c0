"""The versions of a store's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wampapp.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a component.

    Attributes:
        name: the component's name.
        versions: what makes each version of the tables of the one before; the first, of nothing.
            They are SQL statements, each ended by a semicolon, in which ``$id``, ``$int``,
            ``$blob``, ``$real`` and ``$text`` stand for the types of a generated primary key, a
            large integer, bytes, a float, and a text that is sorted by its code points.
    """

    name: str
    versions: Sequence[str]


#: What the words of a schema are in SQLite.
SQLITE: Final = {
    "$id": "integer primary key autoincrement",
    "$int": "integer",
    "$blob": "blob",
    "$real": "real",
    "$text": "text",
}

#: What they are in PostgreSQL.
POSTGRES: Final = {
    "$id": "bigint generated always as identity primary key",
    "$int": "bigint",
    "$blob": "bytea",
    "$real": "double precision",
    "$text": 'text collate "C"',
}


def statements(schema: Schema, version: int, words: Mapping[str, str], where: str) -> list[str]:
    """Return what brings tables from a version to the present one.

    Args:
        schema: the tables.
        version: the version that they have; 0 for none.
        words: what the types are in the database's own SQL.
        where: where they are, for messages.

    Raises:
        StoreError: they are of a newer version.
    """
    if version > len(schema.versions):
        raise StoreError(
            f"{where} was written by a newer wampapp (version {version} of its tables; this one "
            f"knows {len(schema.versions)}); update wampapp here, or name another store."
        )
    found = []
    for text in schema.versions[version:]:
        script = text
        for word, kind in words.items():
            script = script.replace(word, kind)
        found += [one for statement in script.split(";") if (one := statement.strip())]
    return found
