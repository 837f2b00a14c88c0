"""The one thread that writes: what waits is done in one transaction."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

from wampapp.components.store.store import Transaction
from wampapp.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

logger = logging.getLogger("wampapp.store")

#: How many works one transaction may hold.
MAX_BATCH: Final = 256


class Connection(Transaction, Protocol):
    """A connection to a database, as the writer uses it.

    Attributes:
        failures: what its library raises.
    """

    failures: ClassVar[tuple[type[Exception], ...]]

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction.

        Args:
            durable: whether its commit returns only when it has reached the disk.
        """

    def commit(self) -> None:
        """Commit it."""

    def roll_back(self) -> None:
        """Undo it, if there is one; raises nothing."""

    def close(self) -> None:
        """Close the connection; raises nothing."""


@dataclass(slots=True)
class _Asked:
    """Something that is to be done.

    Attributes:
        work: what does it.
        durable: whether it is to have reached the disk.
        answer: gets the outcome.
    """

    work: Callable[[Transaction], Any]
    durable: bool
    answer: asyncio.Future[Any]


#: An outcome: what asked, what came of it, and what it raised.
_Outcome = tuple[_Asked, Any, BaseException | None]


class Writer:
    """Does works in a thread of its own, as many as wait in one transaction.

    A failed transaction is undone as a whole, and its works are done again one by one, so that one
    that fails takes no other with it.

    Args:
        connect: opens a connection; called in the thread, and again when one was lost.
        where: what is written to, for messages.
    """

    def __init__(self, connect: Callable[[], Connection], where: str) -> None:
        self._connect = connect
        self._where = where
        self._loop = asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._is_broken = False
        self._ended = self._loop.create_future()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="wampapp-store", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[Transaction], T], *, durable: bool) -> asyncio.Future[T]:
        """Have something done; see :meth:`Store.do`."""
        answer: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            answer.set_exception(StorageFailed(f"{self._where} is closed."))
        else:
            self._asked.put(_Asked(work, durable, answer))
        return answer

    async def close(self) -> None:
        """Do what was asked for before, and end the thread."""
        if not self._closed:
            self._closed = True
            self._asked.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _run(self) -> None:
        try:
            while (first := self._asked.get()) is not None:
                batch = [first]
                is_last = False
                while len(batch) < MAX_BATCH:
                    try:
                        following = self._asked.get_nowait()
                    except queue.Empty:
                        break
                    if following is None:
                        is_last = True
                        break
                    batch.append(following)
                outcomes = self._done(batch)
                self._loop.call_soon_threadsafe(_tell, outcomes)
                if is_last:
                    break
        finally:
            if self._connection is not None:
                self._connection.close()
            self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _done(self, batch: list[_Asked]) -> list[_Outcome]:
        """Do works in one transaction; if that fails, each in one of its own."""
        try:
            connection = self._connection = self._connection or self._connect()
        except Exception as error:  # noqa: BLE001 - who asked is told
            failed = self._storage_failed(error)
            return [(asked, None, failed) for asked in batch]
        try:
            connection.begin(durable=any(asked.durable for asked in batch))
            values = [asked.work(connection) for asked in batch]
            connection.commit()
        except BaseException as error:  # noqa: BLE001 - who asked is told
            connection.roll_back()
            if len(batch) == 1:
                return [(batch[0], None, self._as_told(connection, error))]
            return [outcome for asked in batch for outcome in self._done([asked])]
        if self._is_broken:
            self._is_broken = False
            logger.info("%s can be written to again.", self._where)
        return [(asked, value, None) for asked, value in zip(batch, values, strict=True)]

    def _as_told(self, connection: Connection, error: BaseException) -> BaseException:
        if not isinstance(error, connection.failures):
            return error
        failed = self._storage_failed(error)
        if getattr(connection, "is_lost", False):
            connection.close()
            self._connection = None
        return failed

    def _storage_failed(self, error: BaseException) -> StorageFailed:
        text = str(error).strip().rstrip(".") or type(error).__name__
        if not self._is_broken:
            self._is_broken = True
            logger.error("%s cannot be written to: %s.", self._where, text)
        # Who asks may be anybody: where it is kept, and what the library says, is in the log.
        return StorageFailed("It could not be stored; nothing was changed. Try again later.")


def _tell(outcomes: list[_Outcome]) -> None:
    for asked, value, error in outcomes:
        if asked.answer.done():
            continue
        if error is None:
            asked.answer.set_result(value)
        elif isinstance(error, StopIteration | asyncio.CancelledError):  # a future cannot have them
            asked.answer.set_exception(RuntimeError(f"the work raised {type(error).__name__}"))
        else:
            asked.answer.set_exception(error)
