"""What an enqueued task is asked through."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import msgspec

from wampapp.components.tasks.context import TaskFailed
from wampapp.components.tasks.records import TaskInfo
from wampapp.errors import (
    NO_AVAILABLE_CALLEE,
    CallTimeout,
    Canceled,
    ConnectionLost,
    InvalidResult,
    NoSuchProcedure,
    NotJoined,
    WampError,
)
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wampapp.components.tasks.queue import BlockingQueue, Queue

R = TypeVar("R")

#: The URI of what a dead or cancelled task answers.
FAILED: Final = "wampapp.error.task_failed"
#: Seconds between two questions while the owner is away.
_PAUSE: Final = 0.2


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a task is.

    Attributes:
        state: where it stands.
        progress: how much is done, from 0 to 1; None if it has not said.
        note: what it says about that.
    """

    state: str
    progress: float | None = None
    note: str | None = None


class Handle(Generic[R]):
    """A task that was enqueued.

    Attributes:
        id: its number.
    """

    def __init__(self, tasks: Queue, id: int, returns: Any = None) -> None:  # noqa: A002
        self._tasks = tasks
        self.id = id
        self._returns = returns

    def __repr__(self) -> str:
        return f"<Handle of task {self.id}>"

    async def result(self, *, timeout: float | None = None) -> R:
        """Wait for the task's result.

        Args:
            timeout: the seconds to wait; None for no limit. The task goes on if they are over.

        Raises:
            TaskFailed: the task has failed for good, or was cancelled.
            CallTimeout: the result did not come in time.
            InvalidResult: it does not fit what the function says that it returns.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    try:
                        value = await self._tasks.call("result", self.id)
                        return cast("R", converted(value, self._returns))
                    except WampError as error:
                        check_failure(self.id, error)
                    except (ConnectionLost, NotJoined):
                        pass
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise CallTimeout(f"Task {self.id} had no result within {timeout:g} s.") from None

    async def progress(self) -> AsyncIterator[Progress]:
        """Follow the task: how far it is now, and whenever that changes, until it is final."""
        procedure = self._tasks.host.procedure(f"{self._tasks.prefix}.follow", returns=Progress)
        async for one in procedure.stream(self.id):
            yield one

    async def info(self) -> TaskInfo:
        """Return what is known of the task.

        Raises:
            InvalidArgument: it is not known any more.
        """
        return msgspec.convert(await self._tasks.call("show", self.id), TaskInfo)

    async def cancel(self) -> bool:
        """Cancel the task.

        One that waits never starts. One that runs is told: an ``async def`` function is cancelled,
        a plain one may look with ``task.check()``.

        Returns:
            False if it was final already.
        """
        return bool(await self._tasks.call("cancel", self.id))


class BlockingHandle(Generic[R]):
    """A task that was enqueued, for plain functions and other threads; as :class:`Handle`."""

    def __init__(self, tasks: BlockingQueue, id: int, returns: Any = None) -> None:  # noqa: A002
        self._tasks = tasks
        self.id = id
        self._returns = returns

    def __repr__(self) -> str:
        return f"<BlockingHandle of task {self.id}>"

    def result(self, *, timeout: float | None = None) -> R:
        """Wait for the task's result; as :meth:`Handle.result`."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.001, end - time.monotonic())
            try:
                value = self._tasks.call("result", self.id, _within=left)
                return cast("R", converted(value, self._returns))
            except CallTimeout:
                if end is None or time.monotonic() < end:
                    continue
                raise CallTimeout(f"Task {self.id} had no result within {timeout:g} s.") from None
            except WampError as error:
                check_failure(self.id, error)
            except (ConnectionLost, NotJoined):
                pass
            if end is not None and time.monotonic() >= end:
                raise CallTimeout(f"Task {self.id} had no result within {timeout:g} s.")
            time.sleep(_PAUSE)

    def progress(self) -> Iterator[Progress]:
        """Follow the task; as :meth:`Handle.progress`."""
        for one in self._tasks.stream("follow", self.id):
            yield msgspec.convert(one, Progress)

    def info(self) -> TaskInfo:
        """Return what is known of the task; as :meth:`Handle.info`."""
        return msgspec.convert(self._tasks.call("show", self.id), TaskInfo)

    def cancel(self) -> bool:
        """Cancel the task; as :meth:`Handle.cancel`."""
        return bool(self._tasks.call("cancel", self.id))


def converted(value: Any, returns: Any) -> Any:
    """Return a result as what its function says that it returns.

    Raises:
        InvalidResult: it does not fit.
    """
    if returns is None:
        return value
    try:
        return convert(value, returns)
    except msgspec.ValidationError as error:
        raise InvalidResult(f"The task's result does not fit: {error}.") from None
    except TypeError:  # what it returns is not something that could be converted to
        return value


def check_failure(number: int, error: WampError) -> None:
    """Raise what a task's failure is; return if it is only the owner that is away for a moment.

    Raises:
        TaskFailed: the task has failed for good, or was cancelled.
        WampError: something else is wrong.
    """
    if error.uri == FAILED:
        raise TaskFailed(number, str(error.kwargs.get("state", "dead")), error.message) from None
    if not isinstance(error, NoSuchProcedure | Canceled) and error.uri != NO_AVAILABLE_CALLEE:
        raise error
