"""What a store is asked, whatever it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from wampapp.errors import StoreError

T = TypeVar("T")


class Transaction(Protocol):
    """An open transaction. Its statements are SQL with ``?`` for each value."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement.

        Args:
            sql: the statement.
            values: what its question marks stand for.

        Returns:
            The rows that it gives; none for a statement that gives none.
        """

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement that gives no rows once for each row of values."""


class Store(Protocol):
    """What one process keeps its data in. It is the only one that opens it.

    Its methods are called on the loop's thread.

    Attributes:
        where: what it is kept in, for messages; without a password.
        reads_at_once: whether it can be read without waiting.
        took_over: whether another process may have served it until :meth:`open` returned.
        on_lost: called once if another process takes possession of it while it is open. Every work
            fails from then on, so the component is to end.
    """

    where: str
    reads_at_once: bool
    took_over: bool
    on_lost: Callable[[StoreError], None] | None

    async def open(self) -> None:
        """Take possession of it, and bring its tables to the present version.

        If another process has it, and the store is a database, this waits until that one ends.

        Raises:
            StoreError: another process has it, it is of a newer version, or it cannot be opened.
        """

    def do(self, work: Callable[[Transaction], T], *, durable: bool = True) -> Awaitable[T]:
        """Do something in a transaction; await what this returns.

        Works are done in the order in which they are asked for. What several ask for at the same
        time is done in one transaction. If one of them fails, all are done again, each in a
        transaction of its own. So ``work`` changes nothing but the store.

        Args:
            work: what is done. It runs in another thread.
            durable: whether it has reached the disk when this returns. Otherwise, a power failure
                may undo it; the end of the process never does.

        Returns:
            What ``work`` returns, after the commit; raises what it raises.

        Raises:
            StorageFailed: nothing was changed.
        """

    def read_at_once(self, work: Callable[[Transaction], T]) -> T:
        """Read what was committed, without waiting, if :attr:`reads_at_once`.

        Args:
            work: what reads, within a millisecond; it changes nothing.

        Raises:
            StorageFailed: it cannot be read.
        """

    async def read(self, work: Callable[[Transaction], T], *, is_long: bool = False) -> T:
        """Read what was committed.

        Args:
            work: what reads; it changes nothing.
            is_long: whether it may take longer than a millisecond; it runs in a thread then.

        Returns:
            What ``work`` returns; raises what it raises.

        Raises:
            StorageFailed: it cannot be read.
        """

    async def back_up(self, file: Path) -> None:
        """Write a copy, as it is at this instant, into a file that does not exist yet.

        Raises:
            StorageFailed: it cannot be written.
            UsageError: the file exists, or this kind of store has tools of its own for that.
        """

    async def close(self) -> None:
        """Do what was asked for before, and give the store up."""
