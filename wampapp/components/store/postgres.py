"""A store in a PostgreSQL database."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import psycopg

from wampapp.components.store.connection import PostgresConnection, Unreachable
from wampapp.components.store.ownership import Ownership
from wampapp.components.store.url import Place
from wampapp.components.store.writer import Writer
from wampapp.errors import StorageFailed, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from wampapp.components.store.migrations import Schema
    from wampapp.components.store.store import Transaction

T = TypeVar("T")

logger = logging.getLogger("wampapp.store")

#: Seconds without anything to write after which the connection is looked at: an owner that has lost
#: it is to notice, for another process may serve the component by then.
_CHECK: Final = 2.0


class PostgresStore:
    """A store in a database, whose tables only this process writes to.

    A second process that opens it waits until the first one ends. It needs a session of its own at
    the server, so a pooler between them has to pool sessions, and not transactions.

    Args:
        url: ``postgresql://user:password@host:port/database``. ``?options=-csearch_path%3Dname``
            after it names another schema than ``public``.
        schema: the tables.

    Raises:
        UsageError: the URL is not valid.
    """

    def __init__(self, url: str, schema: Schema) -> None:
        self._place = Place.of(url)
        self._schema = schema
        self._writer: Writer | None = None
        self._readers: tuple[_Reader, ...] = ()
        self.where = self._place.where
        self.reads_at_once = False
        self.took_over = False
        self.on_lost: Callable[[StoreError], None] | None = None

    async def open(self) -> None:
        """Take possession, once no other process has it; see :meth:`Store.open`."""
        ownership = Ownership(self._place, self._schema)
        first: PostgresConnection | None = await _in_thread(ownership)
        self.took_over = ownership.took_over

        def connect() -> PostgresConnection:
            nonlocal first
            connection, first = first, None
            return connection or ownership.retake()

        self._writer = Writer(connect, self.where, on_lost=self._lost, check_after=_CHECK)
        name = f"wampapp {self._schema.name} {platform.node()}:{os.getpid()} reads"
        self._readers = _Reader(self._place, name), _Reader(self._place, name)

    def _lost(self, error: StoreError) -> None:
        if self.on_lost is not None:
            self.on_lost(error)
        else:
            logger.error("%s", error)

    def do(self, work: Callable[[Transaction], T], *, durable: bool = True) -> Awaitable[T]:
        """Do something in a transaction; see :meth:`Store.do`."""
        if self._writer is None:
            raise StorageFailed(f"{self.where} is not open.")
        return self._writer.do(work, durable=durable)

    def read_at_once(self, work: Callable[[Transaction], T]) -> T:
        """Refuse: a database is waited for.

        Raises:
            UsageError: always.
        """
        del work
        raise UsageError(f"{self.where} is to be waited for.")

    async def read(self, work: Callable[[Transaction], T], *, is_long: bool = False) -> T:
        """Read what was committed, in a thread; see :meth:`Store.read`."""
        if not self._readers:
            raise StorageFailed(f"{self.where} is not open.")
        try:
            return await self._readers[is_long].read(work)
        except (psycopg.Error, Unreachable) as error:
            # Who asks may be anybody, and need not know where it is kept.
            logger.warning("%s cannot be read: %s.", self.where, self._place.reason(error))
            raise StorageFailed("It could not be read. Try again later.") from None

    async def back_up(self, file: Path) -> None:
        """Refuse: PostgreSQL has tools of its own.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"The data is in {self.where}, so {file} is not written; copy it with pg_dump."
        )

    async def close(self) -> None:
        """Do what was asked for before, and let another process have it."""
        readers, self._readers = self._readers, ()
        await asyncio.gather(*(reader.close() for reader in readers))
        if self._writer is not None:
            await self._writer.close()
            self._writer = None


class _Reader:
    """Reads in a thread of its own, on a connection that is made when it is needed.

    Args:
        place: where the database is.
        name: what the server calls its sessions.
    """

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._thread = ThreadPoolExecutor(1, "wampapp-store-reader")
        self._connection: PostgresConnection | None = None

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Read; returns what the work returns, and raises what it raises.

        Raises:
            Unreachable: there is no connection.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        connection = self._connection
        if connection is not None:
            try:
                return work(connection)
            except psycopg.Error:
                if not connection.is_lost:
                    raise
                connection.close()  # the server was started anew, perhaps long ago
        connection = self._connection = PostgresConnection(self._place, self._name, read_only=True)
        return work(connection)

    async def close(self) -> None:
        """Wait for what reads, and close the connection."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


async def _in_thread(ownership: Ownership) -> PostgresConnection:
    """Take possession without holding up the loop; a cancellation ends the wait at once.

    Not with the loop's own threads, whose end Python waits for: a connection to a host that does
    not answer takes its time.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[PostgresConnection] = loop.create_future()

    def deliver(connection: PostgresConnection | None, error: BaseException | None) -> None:
        if done.cancelled():
            if connection is not None:
                connection.close()
        elif error is not None:
            done.set_exception(error)
        elif connection is not None:
            done.set_result(connection)

    def take() -> None:
        connection, error = None, None
        try:
            connection = ownership.take()
        except BaseException as raised:  # noqa: BLE001 - who waits is told
            error = raised
        try:
            loop.call_soon_threadsafe(deliver, connection, error)
        except RuntimeError:  # the loop has ended
            if connection is not None:
                connection.close()

    threading.Thread(target=take, name="wampapp-store-opening", daemon=True).start()
    try:
        return await done
    except asyncio.CancelledError:
        ownership.abandon()
        if done.done() and not done.cancelled() and done.exception() is None:
            done.result().close()  # it came at the very instant
        raise
