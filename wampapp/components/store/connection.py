"""A connection to a PostgreSQL database."""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psycopg
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrDumperUnknown

from wampapp.components.store.writer import InDoubt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wampapp.components.store.url import Place
    from wampapp.errors import StoreError

#: How many prepared statements a connection keeps, and after how many uses one is prepared.
_STATEMENTS: Final = 256
_PREPARED_AFTER: Final = 2

#: What a session is set to: a statement, a lock and a transaction that nobody goes on with do not
#: hold up others for ever; and a commit is on the disk when it returns, whatever the server's file
#: says.
_SETTINGS: Final = """
    set statement_timeout = '30s';
    set lock_timeout = '10s';
    set idle_in_transaction_session_timeout = '60s';
    select set_config('synchronous_commit', 'on', false)
        where current_setting('synchronous_commit') = 'off'
"""
#: What it is set to where the server knows it. The server frees the lock of an owner whose machine
#: has vanished after 20 seconds, instead of two hours.
_WISHES: Final = (
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "2"),
    ("tcp_user_timeout", "20000"),
    ("idle_session_timeout", "0"),
)

#: Strings, names and comments, in which a question mark stands for itself; and those that do not.
_MARKS: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\?""", re.DOTALL)


class Unreachable(Exception):
    """The database cannot be reached now; the text says why, without a secret."""


@lru_cache(maxsize=1024)
def translated(sql: str) -> str:
    """Return a statement with ``$1``, ``$2``, … instead of its question marks.

    Args:
        sql: the statement.
    """
    count = 0

    def number(mark: re.Match[str]) -> str:
        nonlocal count
        if mark[0] != "?":
            return mark[0]
        count += 1
        return f"${count}"

    return _MARKS.sub(number, sql)


class _TextDumper(StrDumperUnknown):
    """Sends a text. PostgreSQL has no NUL in texts; the symbol for it stands in its place."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "␀") if "\0" in obj else obj)


class PostgresConnection:
    """A connection to a PostgreSQL database, as the writer and the readers use it.

    Args:
        place: where the database is.
        name: what the server calls its session.
        read_only: whether it only reads.

    Attributes:
        server_version: the server's, as in 150018.

    Raises:
        Unreachable: there is none.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)

    def __init__(self, place: Place, name: str, *, read_only: bool = False) -> None:
        settings = {"application_name": name[:63], **place.settings, "client_encoding": "utf8"}
        try:
            self._connection = psycopg.connect(
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                prepare_threshold=_PREPARED_AFTER,
                **settings,
            )
        except psycopg.Error as error:
            raise Unreachable(place.reason(error)) from None
        try:
            self._connection.prepared_max = _STATEMENTS
            # One type for all integers, so that a statement is prepared once.
            self._connection.adapters.register_dumper(int, Int8BinaryDumper)
            self._connection.adapters.register_dumper(str, _TextDumper)
            self._cursor = self._connection.cursor()
            self._set_up(read_only=read_only)
        except psycopg.Error as error:
            self.close()
            raise Unreachable(place.reason(error)) from None
        self.server_version = self._connection.info.server_version
        self._begin = ""
        self._name = ""
        self._owner = 0
        self._batch = 0

    def _set_up(self, *, read_only: bool) -> None:
        self._connection.execute(_SETTINGS)
        for setting, value in _WISHES:
            with contextlib.suppress(psycopg.DataError, psycopg.ProgrammingError):
                self.execute("select set_config(?, ?, false)", (setting, value))
        if read_only:
            self._connection.execute("set default_transaction_read_only = on")

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be done on it any longer."""
        return self._connection.closed

    def own(self, name: str, owner: int, deposed: Callable[[], StoreError]) -> None:
        """Have every transaction check who owns a component's tables.

        Args:
            name: the component's name.
            owner: which of their owners this process is.
            deposed: makes what is raised if there is another.
        """
        # In one message with BEGIN, so that it takes no time of its own.
        quoted = name.replace("'", "''")
        self._begin = (
            f"update wampapp_schema set batch = batch + 1 where name = '{quoted}'"  # noqa: S608
            f" and owner = {owner} returning batch"
        )
        self._name, self._owner = name, owner
        self._deposed = deposed

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement; see :class:`Transaction`."""
        cursor = self._cursor
        cursor.execute(translated(sql), values or None, binary=True)
        return cursor.fetchall() if cursor.description is not None else []

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each row; see :class:`Transaction`."""
        self._cursor.executemany(translated(sql), rows)

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction.

        Raises:
            StoreError: another process owns the tables.
        """
        sql = "begin; " if durable else "begin; set local synchronous_commit = off; "
        cursor = self._cursor
        try:
            cursor.execute(sql + self._begin, prepare=False)
        except psycopg.errors.ReadOnlySqlTransaction:  # it is a replica now; look for the primary
            self._connection.close()
            raise
        while cursor.nextset():
            pass
        found = cursor.fetchall()
        if not found:
            raise self._deposed()
        self._batch = found[0][0]

    def commit(self) -> None:
        """Commit it.

        Raises:
            InDoubt: the connection was lost before the answer.
        """
        try:
            self._cursor.execute("commit", prepare=False)
        except psycopg.Error:
            if self.is_lost:
                raise InDoubt(self._batch) from None
            raise
        if self._cursor.statusmessage != "COMMIT":  # a work has caught an error of the database's
            raise psycopg.errors.InFailedSqlTransaction("a statement before had failed")

    def was_committed(self, batch: int) -> bool:
        """Return whether a transaction of this process was committed, of which no other came after.

        Args:
            batch: its number.
        """
        ((last,),) = self.execute(
            "select batch from wampapp_schema where name = ? and owner = ?",
            (self._name, self._owner),
        )
        return bool(last >= batch)

    def check(self) -> None:
        """Raise an error if the connection is lost."""
        self.execute("select 1")

    def roll_back(self) -> None:
        """Undo it, if there is one."""
        with contextlib.suppress(psycopg.Error):
            self._connection.execute("rollback")

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            if not self.is_lost:
                # The server takes a moment to notice the end of a session.
                self._connection.execute("select pg_advisory_unlock_all()")
        with contextlib.suppress(psycopg.Error):
            self._connection.close()
