"""Which one process owns the tables of a component in PostgreSQL, and how it stays the only one."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg

from wampapp.components.store.connection import PostgresConnection, Unreachable
from wampapp.components.store.migrations import POSTGRES, statements
from wampapp.errors import StoreError

if TYPE_CHECKING:
    from wampapp.components.store.migrations import Schema
    from wampapp.components.store.url import Place

logger = logging.getLogger("wampapp.store")

#: The first PostgreSQL that is looked after by anybody.
_OLDEST: Final = 120_000
#: Seconds between two looks at whether the owner has ended.
_LOOK: Final = 0.25
#: Seconds until a database that went away while a standby waited is asked for again.
_AGAIN: Final = 1.0
#: Seconds that our own former session may take to end.
_ZOMBIE: Final = 5.0

#: A session that is just ending may still be known by its lock only. It is left out, for it is
#: nobody's any longer.
_HOLDER: Final = """
    select l.pid, extract(epoch from a.backend_start)::text, a.application_name
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and (l.classid::bigint << 32) | l.objid::bigint = ?
"""
_SELF: Final = """
    select pg_backend_pid(), extract(epoch from backend_start)::text
    from pg_stat_activity where pid = pg_backend_pid()
"""
_TABLE: Final = """
    create table wampapp_schema(
        name text primary key, version int not null,
        owner bigint not null default 0, batch bigint not null default 0)
"""


class Ownership:
    """Takes possession of a component's tables, and takes them again when the connection was lost.

    Two things keep a second process out. An advisory lock says who owns the tables; it belongs to
    the session that writes, so whoever loses the one has lost the other. And the row of the tables
    in ``wampapp_schema`` counts the owners: every transaction changes the row of its own owner, so
    that one of a former owner changes nothing, even where locks got lost, as in a failover to
    another server. The same row counts transactions, which tells after a lost connection whether
    the last one was committed.

    Its methods run in threads, one at a time, but for :meth:`abandon`.

    Args:
        place: where the database is.
        schema: the component's tables.
    """

    def __init__(self, place: Place, schema: Schema) -> None:
        self._place = place
        self._schema = schema
        #: What the server calls the sessions of owners begins with this.
        self._title = f"wampapp {schema.name} "
        self._abandoned = threading.Event()
        self._key = 0
        self._owner = 0
        self._session: tuple[int, str] | None = None

    @property
    def took_over(self) -> bool:
        """Whether another process may have had them until now.

        It need not have been waited for: when a server breaks off, the lock is free, and the owner
        that had it may still be there.
        """
        return self._owner > 1

    def abandon(self) -> None:
        """Wait no longer; from any thread."""
        self._abandoned.set()

    def take(self) -> PostgresConnection:
        """Take possession, as soon as no other process has the tables; bring them up to date.

        Returns:
            The connection that holds the lock, and writes.

        Raises:
            StoreError: the database cannot be used, or its tables are newer.
        """
        try:
            connection = self._connect()
        except Unreachable as error:
            raise StoreError(f"{self._place.where} cannot be opened: {error}.") from None
        try:
            self._check(connection)
            if not self._lock(connection):
                connection = self._wait(connection)
            self._migrate(connection)
            self._note(connection)
        except (psycopg.Error, Unreachable) as error:
            connection.close()
            reason = self._place.reason(error)
            raise StoreError(f"{self._place.where} cannot be opened: {reason}.") from None
        except BaseException:
            connection.close()
            raise
        return connection

    def retake(self) -> PostgresConnection:
        """Take possession again after the connection was lost.

        Raises:
            Unreachable: the database cannot be reached now.
            StoreError: another process has the tables, or had them meanwhile.
        """
        connection = self._connect()
        try:
            self._retake(connection)
            self._note(connection)
        except psycopg.Error as error:
            connection.close()
            raise Unreachable(self._place.reason(error)) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _retake(self, connection: PostgresConnection) -> None:
        end = time.monotonic() + _ZOMBIE
        while not self._lock(connection):
            holder = self._holder(connection)
            if holder is not None and holder[:2] != self._session:
                raise self._deposed()
            if holder is not None:  # the server has not noticed the end of our own session
                connection.execute("select pg_terminate_backend(?::int)", (holder[0],))
            if time.monotonic() > end:
                raise Unreachable("the former session does not end")
            time.sleep(0.02)
        rows = connection.execute(
            "select owner from wampapp_schema where name = ?", (self._schema.name,)
        )
        if rows != [(self._owner,)]:
            raise self._deposed()

    def _deposed(self) -> StoreError:
        return StoreError(
            f"{self._place.where} is served by another process now; this one may not write there "
            "any longer, and ends."
        )

    def _connect(self) -> PostgresConnection:
        return PostgresConnection(self._place, f"{self._title}{platform.node()}:{os.getpid()}")

    def _check(self, connection: PostgresConnection) -> None:
        where = self._place.where
        if connection.server_version < _OLDEST:
            raise StoreError(f"{where} is older than PostgreSQL 12, which is needed.")
        ((schema, is_standby),) = connection.execute("select current_schema(), pg_is_in_recovery()")
        if is_standby:
            raise StoreError(f"{where} is a replica, which cannot be written to; name its primary.")
        if schema is None:
            raise StoreError(
                f"{where} has none of the schemas that its search_path names; create one."
            )
        # The same on every machine and in every version. Databases have locks of their own.
        digest = hashlib.sha256(f"wampapp\0{schema}\0{self._schema.name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], signed=True)

    def _lock(self, connection: PostgresConnection) -> bool:
        ((is_ours,),) = connection.execute("select pg_try_advisory_lock(?)", (self._key,))
        return bool(is_ours)

    def _wait(self, connection: PostgresConnection) -> PostgresConnection:
        """Wait for the lock.

        It is asked for again and again, for a statement that waits keeps the server from removing
        dead rows anywhere in the database, and a standby may wait for months.
        """
        holder = self._holder(connection)
        logger.info(
            "%s is served by another process%s; this one waits, and takes over when that ends.",
            self._place.where,
            f" ({holder[2].removeprefix(self._title)})" if holder and holder[2] else "",
        )
        is_away = False
        while True:
            if self._abandoned.wait(_AGAIN if connection.is_lost else _LOOK):
                return connection  # take() sees to the rest
            try:
                if connection.is_lost:
                    connection.close()
                    connection = self._connect()
                    if is_away:
                        is_away = False
                        logger.info("%s is back.", self._place.where)
                if self._lock(connection):
                    logger.info("%s is this process's now.", self._place.where)
                    return connection
            except (psycopg.Error, Unreachable) as error:
                if not connection.is_lost:
                    raise
                if not is_away:
                    is_away = True
                    reason = self._place.reason(error)
                    logger.warning("%s went away: %s. Waiting for it.", self._place.where, reason)

    def _holder(self, connection: PostgresConnection) -> tuple[Any, ...] | None:
        """Return process number, start and name of the session that has the lock, if any has it."""
        rows = connection.execute(_HOLDER, (self._key,))
        return rows[0] if rows else None

    def _note(self, connection: PostgresConnection) -> None:
        ((number, start),) = connection.execute(_SELF)
        self._session = number, start
        connection.own(self._schema.name, self._owner, self._deposed)

    def _migrate(self, connection: PostgresConnection) -> None:
        """Bring the tables to the present version, and be the next owner; all of it, or nothing."""
        if self._abandoned.is_set():
            raise StoreError(f"{self._place.where} is not waited for any longer.")
        name = self._schema.name
        connection.execute("begin")
        try:
            # Owners of different components may begin at the same instant.
            connection.execute("select pg_advisory_xact_lock(hashtext('wampapp_schema'))")
            if connection.execute("select to_regclass('wampapp_schema')") == [(None,)]:
                connection.execute(_TABLE)
            rows = connection.execute("select version from wampapp_schema where name = ?", (name,))
            version = rows[0][0] if rows else 0
            for statement in statements(self._schema, version, POSTGRES, self._place.where):
                connection.execute(statement)
            ((self._owner,),) = connection.execute(
                "insert into wampapp_schema as known(name, version, owner) values (?, ?, 1)"
                " on conflict(name) do update set version = excluded.version,"
                " owner = known.owner + 1 returning owner",
                (name, len(self._schema.versions)),
            )
            connection.execute("commit")
        except BaseException:
            connection.roll_back()
            raise
