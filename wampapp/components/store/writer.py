"""The one thread that writes: what waits is done in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

from wampapp.components.store.store import Transaction
from wampapp.errors import StorageFailed, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

logger = logging.getLogger("wampapp.store")

#: How many works one transaction may hold.
MAX_BATCH: Final = 256
#: Seconds until a lost connection is asked for again while an answer depends on it.
_AGAIN: Final = 0.5


class InDoubt(Exception):
    """The connection was lost during a commit, before it was said whether it succeeded.

    Args:
        batch: what :meth:`Connection.was_committed` is asked with.
    """

    def __init__(self, batch: int) -> None:
        super().__init__("the connection was lost during a commit")
        self.batch = batch


class Connection(Transaction, Protocol):
    """A connection to a database, as the writer uses it.

    Attributes:
        failures: what its library raises.
    """

    failures: ClassVar[tuple[type[Exception], ...]]

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be done on it any longer, and another is to be made."""

    def begin(self, *, durable: bool) -> None:
        """Begin a transaction.

        Args:
            durable: whether its commit returns only when it has reached the disk.

        Raises:
            StoreError: what it writes to belongs to another process now.
        """

    def commit(self) -> None:
        """Commit it.

        Raises:
            InDoubt: the connection was lost before the answer.
        """

    def was_committed(self, batch: int) -> bool:
        """Return whether the last transaction, of a connection that was lost, was committed.

        Args:
            batch: what :class:`InDoubt` says of it.
        """

    def check(self) -> None:
        """Raise an error if it is lost."""

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


@dataclass(slots=True)
class _Doubt:
    """Works of which is not known whether they were committed.

    Attributes:
        batch: what the next connection is asked with.
        outcomes: what they get if they were.
    """

    batch: int
    outcomes: list[_Outcome]


class Writer:
    """Does works in a thread of its own, as many as wait in one transaction.

    A failed transaction is undone as a whole, and its works are done again one by one, so that one
    that fails takes no other with it. If the connection is lost in a transaction, another is made,
    and they are done again on that. If it is lost in the commit, the next connection is asked what
    came of it; whoever asked for these works waits until that is known, and for others, nothing is
    done.

    Args:
        connect: opens a connection; called in the thread, and again when one was lost. It raises a
            :class:`StoreError` if there never will be one.
        where: what is written to, for messages.
        on_lost: called on the loop's thread when there never will be a connection; every work fails
            from then on.
        check_after: the seconds without a work after which the connection is looked at; None if it
            cannot be lost.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        where: str,
        *,
        on_lost: Callable[[StoreError], None] | None = None,
        check_after: float | None = None,
    ) -> None:
        self._connect = connect
        self._where = where
        self._on_lost = on_lost
        self._check_after = check_after
        self._loop = asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._doubt: _Doubt | None = None
        self._lost: StoreError | None = None
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
            is_last = False
            while not is_last:
                batch, is_last = self._next()
                self._tell(self._done(batch) if batch else self._looked_after())
        finally:
            if self._doubt is not None:
                self._tell(self._unknown(self._doubt))
            if self._connection is not None:
                self._connection.close()
            self._on_loop(self._ended.set_result, None)

    def _next(self) -> tuple[list[_Asked], bool]:
        """Wait for works; return them and whether it is the end, or none after a while."""
        batch: list[_Asked] = []
        wait = self._check_after if self._doubt is None else _AGAIN
        while len(batch) < MAX_BATCH:
            try:
                following = self._asked.get_nowait() if batch else self._asked.get(timeout=wait)
            except queue.Empty:
                break
            if following is None:
                return batch, True
            batch.append(following)
        return batch, False

    def _tell(self, outcomes: list[_Outcome]) -> None:
        if outcomes:
            self._on_loop(_tell, outcomes)

    def _on_loop(self, function: Callable[..., object], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody waits
            self._loop.call_soon_threadsafe(function, *args)

    # The connection.

    def _connected(self) -> Connection:
        """Return the connection; raises what keeps there from being one."""
        if self._lost is not None:
            raise self._lost.with_traceback(None)
        if self._connection is None:
            self._connection = self._connect()
        if (doubt := self._doubt) is not None:
            was_committed = self._connection.was_committed(doubt.batch)
            self._doubt = None
            if was_committed:
                self._tell(doubt.outcomes)
            else:
                self._tell(self._done([asked for asked, *_ in doubt.outcomes]))
        if self._connection is None:  # it was lost once more
            raise ConnectionError("the connection was lost")
        return self._connection

    def _looked_after(self) -> list[_Outcome]:
        """Look whether the connection is still there, and make it again if it is not."""
        if self._lost is not None or (self._check_after is None and self._doubt is None):
            return []
        try:
            if self._connection is not None:
                self._connection.check()
        except Exception:  # noqa: BLE001 - only the loss counts
            self._drop_lost()
        is_new = self._connection is None
        try:
            self._connected()
        except Exception as error:  # noqa: BLE001 - it is logged
            return self._without_connection([], error)
        if is_new:
            self._is_whole()
        return []

    def _drop_lost(self) -> bool:
        """Forget the connection if it is lost; returns whether it was."""
        if self._connection is None or not self._connection.is_lost:
            return False
        self._connection.close()
        self._connection = None
        return True

    def _without_connection(self, batch: list[_Asked], error: Exception) -> list[_Outcome]:
        self._drop_lost()
        if isinstance(error, StoreError) and self._lost is None:
            self._lost = error
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._on_lost is not None:
                self._on_loop(self._on_lost, error)
        outcomes = []
        if self._lost is not None and self._doubt is not None:
            outcomes = self._unknown(self._doubt)
            self._doubt = None
        failed = self._storage_failed(error)
        return [*outcomes, *((asked, None, failed) for asked in batch)]

    # Works.

    def _done(self, batch: list[_Asked], *, is_again: bool = False) -> list[_Outcome]:
        """Do works in one transaction; if that fails, each in one of its own."""
        try:
            connection = self._connected()
            connection.begin(durable=any(asked.durable for asked in batch))
        except Exception as error:  # noqa: BLE001 - who asked is told
            if self._connection is not None:
                self._connection.roll_back()
            if self._drop_lost() and not is_again:  # perhaps long ago, when nobody looked
                return self._done(batch, is_again=True)
            return self._without_connection(batch, error)
        values: list[Any] = []
        try:
            for asked in batch:
                values.append(asked.work(connection))  # noqa: PERF401 - it is looked at below
            connection.commit()
        except InDoubt as error:
            self._drop_lost()
            outcomes: list[_Outcome] = [
                (asked, value, None) for asked, value in zip(batch, values, strict=True)
            ]
            self._doubt = _Doubt(error.batch, outcomes)
            return self._looked_after()
        except BaseException as error:  # noqa: BLE001 - who asked is told
            connection.roll_back()
            if self._drop_lost():
                if not is_again:
                    return self._done(batch, is_again=True)
                return self._without_connection(batch, ConnectionError("the connection was lost"))
            if len(batch) == 1:
                is_ours = isinstance(error, connection.failures)
                return [(batch[0], None, self._storage_failed(error) if is_ours else error)]
            return [outcome for asked in batch for outcome in self._done([asked])]
        self._is_whole()
        return [(asked, value, None) for asked, value in zip(batch, values, strict=True)]

    def _is_whole(self) -> None:
        if self._is_broken:
            self._is_broken = False
            logger.info("%s can be written to again.", self._where)

    def _storage_failed(self, error: BaseException) -> StorageFailed:
        text = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        if not self._is_broken and not isinstance(error, StoreError):
            self._is_broken = True
            logger.error("%s cannot be written to: %s.", self._where, text)
        # Who asks may be anybody: where it is kept, and what the library says, is in the log.
        return StorageFailed("It could not be stored; nothing was changed. Try again later.")

    def _unknown(self, doubt: _Doubt) -> list[_Outcome]:
        logger.error("%s was lost during a commit; what came of it is not known.", self._where)
        failed = StorageFailed("It is not known whether it was stored. Look before trying again.")
        return [(asked, None, failed) for asked, *_ in doubt.outcomes]


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
