"""A store in a SQLite file, and one in memory."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from wampapp.components.store.lock import FileLock
from wampapp.components.store.migrations import SQLITE, statements
from wampapp.components.store.writer import Writer
from wampapp.errors import StorageFailed, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from wampapp.components.store.migrations import Schema
    from wampapp.components.store.store import Transaction

T = TypeVar("T")

#: The first SQLite with RETURNING.
_OLDEST: Final = (3, 35)
#: How many prepared statements a connection keeps.
_STATEMENTS: Final = 256
#: How many connections are kept for what takes longer to read.
_SPARE: Final = 4


class SqliteConnection:
    """A connection to a SQLite database.

    Args:
        database: the file's path, or its ``file:`` URI.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)

    def __init__(self, database: str) -> None:
        self._connection = sqlite3.connect(
            database,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
            uri=database.startswith("file:"),
        )
        self._is_durable: bool | None = None

    @property
    def is_lost(self) -> bool:
        """Whether another connection is to be made: never, for one to a file does not break."""
        return False

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement; see :class:`Transaction`."""
        return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each row; see :class:`Transaction`."""
        self._connection.executemany(sql, rows)

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction."""
        if durable is not self._is_durable:
            # Without it, a commit is in the operating system's hands, and not yet on the disk.
            self.execute(f"pragma synchronous={'full' if durable else 'normal'}")
            self._is_durable = durable
        self.execute("begin immediate")

    def commit(self) -> None:
        """Commit it."""
        self.execute("commit")

    def was_committed(self, batch: int) -> bool:
        """Return whether a commit succeeded that gave no answer; here each gives one."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise an error if the connection is lost, which it never is."""

    def roll_back(self) -> None:
        """Undo it, if there is one."""
        with contextlib.suppress(sqlite3.Error):  # what failed may have undone it
            self.execute("rollback")

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def migrate(self, schema: Schema, where: str) -> None:
        """Bring the tables to the present version, or leave them as they are if that fails."""
        ((version,),) = self.execute("pragma user_version")
        todo = statements(schema, version, SQLITE, where)
        if not todo:
            return
        self.begin(durable=True)
        try:
            for statement in todo:
                self.execute(statement)
            self.execute(f"pragma user_version={len(schema.versions)}")
            self.commit()
        except BaseException:
            self.roll_back()
            raise


class SqliteStore:
    """A store in a file, which only this process opens.

    Two connections that write or checkpoint at the same instant can corrupt the write-ahead log of
    a SQLite before 3.51.3. Here, one connection does both.

    Args:
        file: the file; its folder is made if it is missing.
        schema: the tables.
    """

    def __init__(self, file: Path, schema: Schema) -> None:
        self.where = str(file)
        self.reads_at_once = True
        self.took_over = False
        self.on_lost: Callable[[StoreError], None] | None = None
        self._file = file
        self._schema = schema
        self._lock = FileLock(Path(f"{file}.lock"))
        self._writer: Writer | None = None
        self._reader: SqliteConnection | None = None
        self._opened: SqliteConnection | None = None
        self._spare: list[SqliteConnection] = []

    async def open(self) -> None:
        """Take possession of the file; see :meth:`Store.open`."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StoreError(
                f"This Python has SQLite {sqlite3.sqlite_version}; {self.where} needs 3.35 or "
                "newer."
            )
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise StoreError(f"{self.where} cannot be opened: {error.strerror}.") from None
        connection: SqliteConnection | None = None
        try:
            connection = SqliteConnection(self.where)
            ((mode,),) = connection.execute("pragma journal_mode=wal")
            if mode != "wal":
                raise StoreError(  # noqa: TRY301
                    f"{self.where} is on a file system that SQLite cannot share."
                )
            connection.migrate(self._schema, self.where)
            self._reader = self._read_only()
        except BaseException as error:
            if connection is not None:
                connection.close()
            self._lock.release()
            if isinstance(error, sqlite3.Error):
                raise StoreError(f"{self.where} cannot be opened: {error}.") from None
            raise
        # Opened here, where what is wrong with it can be raised; used by the writer from now on.
        opened = self._opened = connection
        self._writer = Writer(lambda: opened, self.where)

    def do(self, work: Callable[[Transaction], T], *, durable: bool = True) -> Awaitable[T]:
        """Do something in a transaction; see :meth:`Store.do`."""
        if self._writer is None:
            raise StorageFailed(f"{self.where} is not open.")
        return self._writer.do(work, durable=durable)

    def read_at_once(self, work: Callable[[Transaction], T]) -> T:
        """Read what was committed; see :meth:`Store.read_at_once`."""
        if self._reader is None:
            raise StorageFailed(f"{self.where} is not open.")
        try:
            return work(self._reader)
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    async def read(self, work: Callable[[Transaction], T], *, is_long: bool = False) -> T:
        """Read what was committed; see :meth:`Store.read`."""
        if not is_long or self._reader is None:
            return self.read_at_once(work)
        try:
            return await asyncio.to_thread(self._read_apart, work)
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: sqlite3.Error) -> StorageFailed:
        return StorageFailed(f"It could not be read: {error}.")

    def _read_apart(self, work: Callable[[Transaction], T]) -> T:
        try:
            connection = self._spare.pop()
        except IndexError:
            connection = self._read_only()
        try:
            return work(connection)
        finally:
            self._spare.append(connection)
            if self._reader is None or len(self._spare) > _SPARE:
                self._close_spare()

    def _close_spare(self) -> None:
        with contextlib.suppress(IndexError):  # several threads may do this
            while True:
                self._spare.pop().close()

    def _read_only(self) -> SqliteConnection:
        return SqliteConnection(f"{self._file.absolute().as_uri()}?mode=ro")

    async def back_up(self, file: Path) -> None:
        """Write a copy; see :meth:`Store.back_up`."""
        if await asyncio.to_thread(file.exists):
            raise UsageError(f"{file} exists already; name a file that does not.")
        try:
            await asyncio.to_thread(
                self._read_apart, lambda read: read.execute("vacuum into ?", (str(file),))
            )
        except sqlite3.Error as error:
            raise StorageFailed(f"The copy could not be written: {error}.") from None

    async def close(self) -> None:
        """Do what was asked for before, and give the file up."""
        if self._reader is not None:
            # First, so that the writer can empty the log.
            self._reader.close()
            self._reader = None
            self._close_spare()
        if self._writer is not None:
            await self._writer.close()  # its connection, the last one, empties the log
            self._writer = None
        if self._opened is not None:
            self._opened.close()  # a writer that had nothing to do has never taken it
            self._opened = None
        self._lock.release()


class MemoryStore:
    """A store in memory, for tests: what is asked is done before it is awaited.

    Args:
        schema: the tables.
    """

    def __init__(self, schema: Schema) -> None:
        self.where = "the memory"
        self.reads_at_once = True
        self.took_over = False
        self.on_lost: Callable[[StoreError], None] | None = None
        self._schema = schema
        self._connection: SqliteConnection | None = None

    async def open(self) -> None:
        """Make the tables."""
        connection = SqliteConnection(":memory:")
        try:
            connection.migrate(self._schema, self.where)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    async def do(self, work: Callable[[Transaction], T], *, durable: bool = True) -> T:  # noqa: ARG002
        """Do something in a transaction; see :meth:`Store.do`."""
        connection = self._open_connection()
        connection.begin(durable=False)
        try:
            value = work(connection)
            connection.commit()
        except BaseException:
            connection.roll_back()
            raise
        return value

    def read_at_once(self, work: Callable[[Transaction], T]) -> T:
        """Read what was committed; see :meth:`Store.read_at_once`."""
        return work(self._open_connection())

    async def read(self, work: Callable[[Transaction], T], *, is_long: bool = False) -> T:  # noqa: ARG002
        """Read what was committed; see :meth:`Store.read`."""
        return self.read_at_once(work)

    async def back_up(self, file: Path) -> None:
        """Refuse: what is in memory is not worth keeping.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"The data is only in memory, so {file} would be of no use.")

    async def close(self) -> None:
        """Forget everything."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open_connection(self) -> SqliteConnection:
        if self._connection is None:
            raise StorageFailed("The store in memory is not open.")
        return self._connection
