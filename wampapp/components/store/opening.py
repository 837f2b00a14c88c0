"""Which store is meant: a file, a database, or the memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wampapp.components.store.sqlite import MemoryStore, SqliteStore
from wampapp.errors import UsageError
from wampapp.registry.extras import check_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.components.store.migrations import Schema
    from wampapp.components.store.store import Store

#: How a store in memory is written.
MEMORY: Final = ":memory:"
#: The folder of a project's own data, as Flask calls it.
FOLDER: Final = "instance"
_POSTGRES: Final = ("postgresql://", "postgres://")


def settle_store(
    name: str,
    declared: str | os.PathLike[str] | None,
    environ: Mapping[str, str] | None = None,
    *,
    file_only: bool = False,
) -> str:
    """Return where a component's data is kept.

    ``WAMPAPP_<NAME>_STORE`` counts most, then ``WAMPAPP_STORE``, which holds for every component
    and so is a database's URL, then what the code declares, then ``instance/<name>.sqlite``.

    Args:
        name: the component's name.
        declared: what the code says; None for nothing.
        environ: the environment; the process's own by default.
        file_only: whether it can only be kept in a file, so that ``WAMPAPP_STORE`` does not count.

    Raises:
        UsageError: ``WAMPAPP_STORE`` is not a URL.
    """
    environ = os.environ if environ is None else environ
    variable = f"WAMPAPP_{name.upper()}_STORE"
    if own := environ.get(variable):
        return own
    if not file_only and (shared := environ.get("WAMPAPP_STORE")):
        if "://" not in shared:
            raise UsageError(
                f"WAMPAPP_STORE is not a URL; a file holds one component, so name it by {variable}."
            )
        return shared
    return f"{FOLDER}/{name}.sqlite" if declared is None else os.fspath(declared)


def make_store(where: str, schema: Schema) -> Store:
    """Make a store, which is not open yet.

    Args:
        where: ``:memory:``, a file's path, or a URL such as ``postgresql://user@host/database``.
        schema: the tables.

    Raises:
        UsageError: it is a URL of something else, or psycopg is not installed.
    """
    if where == MEMORY:
        return MemoryStore(schema)
    if where.startswith(_POSTGRES):
        check_extra("A store on PostgreSQL", "psycopg", extra="postgres")
        from wampapp.components.store.postgres import PostgresStore

        return PostgresStore(where, schema)
    if "://" in where:
        raise UsageError(
            f"The store {where.partition('://')[0]}://… is not known; name a file, or a database "
            "as postgresql://user@host/database."
        )
    return SqliteStore(Path(where), schema)
