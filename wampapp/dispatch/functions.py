"""Runs a function where its kind belongs: a coroutine function on the loop, others in a thread."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from wampapp.errors import InvalidHandler
from wampapp.loop.deferreds import with_deferreds
from wampapp.registry.endpoint import kind_of
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.endpoint import Kind

T = TypeVar("T")


class Functions:
    """Runs the functions of an app, each inside what :meth:`App.surround` puts around it.

    Its methods are called on the loop's thread.

    Args:
        loop: the event loop.
        workers: the threads for plain functions.
        surround: that method; None to leave functions as they are.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: ThreadPool,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None = None,
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._surround = surround
        # By the function's id, for a callable object need not be hashable. The function itself is
        # kept as well, so that no other object can get its id.
        self._surrounded: dict[tuple[int, Kind], tuple[Callable[..., Any], Callable[..., Any]]] = {}

    def surrounded(self, function: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
        """Return a function inside what surrounds it. Each is wrapped once, however often it runs.

        Args:
            function: a function of the app, as it was declared.
            kind: how it is run.
        """
        if self._surround is None:
            return function
        key = id(function), kind
        if key not in self._surrounded:
            self._surrounded[key] = function, self._surround(function, kind)
        return self._surrounded[key][1]

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function of the app that is not a handler: a hook, a timer, an error handler.

        Args:
            function: the function, as it was declared.
            args: what it is called with.

        Returns:
            What it returns; raises what it raises, which is a cancellation only if this task is
            cancelled.
        """
        kind = kind_of(function, None)
        value = await not_cancelled(self.run_as(kind, self.surrounded(function, kind), *args))
        if inspect.isgenerator(value) or inspect.isasyncgen(value):
            # A decorator hid that it is one when it was declared.
            raise InvalidHandler(
                f"{name_of(function)} returned a generator, whose body does not run; leave 'yield' "
                "out."
            )
        return value

    async def run_as(self, kind: Kind, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function whose kind is known, and which is surrounded already.

        Args:
            kind: how it is run.
            function: the function.
            args: what it is called with.

        Returns:
            What it returns, which may be a generator; raises what it raises.
        """
        if kind in ("task", "loop", "stream"):
            value = function(*args)
        else:
            value = await self.run_in_thread(function, *args)
        return await with_deferreds(wait_for(value)) if hasattr(type(value), "__await__") else value

    async def run_in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a plain function, the app's or ours, in a worker thread, in the caller's context.

        Args:
            function: the function; it is called just as it is.
            args: what it is called with.

        Returns:
            What it returns; raises what it raises.
        """
        done: asyncio.Future[Any] = self._loop.create_future()

        def finish(value: Any, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(value)
            elif isinstance(error, StopIteration | asyncio.CancelledError):
                # A future cannot have the one, and the other would look like our own.
                done.set_exception(RuntimeError(f"the function raised {type(error).__name__}"))
            else:
                done.set_exception(error)

        context = contextvars.copy_context()

        def work() -> None:
            try:
                outcome, failed = context.run(function, *args), None
            except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
                outcome, failed = None, error
            self._loop.call_soon_threadsafe(finish, outcome, failed)

        self._workers.submit(work)
        return await done


async def not_cancelled(awaitable: Awaitable[T]) -> T:
    """Await what a function of the app does, and take a cancellation of its own for a failure.

    Args:
        awaitable: what is awaited.

    Returns:
        Its result.

    Raises:
        RuntimeError: it awaited something that was cancelled, and nobody has cancelled this task.
    """
    try:
        return await awaitable
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise failure_for(error) from None


def is_cancelled() -> bool:
    """Return whether somebody has cancelled the task that runs, rather than what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def failure_for(error: asyncio.CancelledError) -> RuntimeError:
    """Return what a cancellation is that nobody asked for: a failure, at the same place."""
    return RuntimeError("it awaited something that was cancelled").with_traceback(
        error.__traceback__
    )


async def wait_for(awaitable: Any) -> Any:
    """Await any awaitable: it makes a coroutine of a Deferred or a future."""
    return await awaitable
