"""Run a handler, whatever its kind, and say how it ended. No network here."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import sys
import traceback
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from wampapp.binding import Binding
from wampapp.errors import Canceled, HandlerFailed, InvalidArgument, WampError
from wampapp.loop import driven

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine, Sequence

    from wampapp.registry import Registration, Run, Subscription
    from wampapp.workers import Workers

Kind = Literal["task", "thread", "loop"]

_EAGER: Final = sys.version_info >= (3, 12)


class Reply(Protocol):
    """Where the outcome of a call goes. Exactly one of the two is called, on the loop's thread."""

    def result(self, value: Any) -> None:
        """Take the handler's return value."""

    def error(self, error: BaseException) -> None:
        """Take what the handler raised, or the :class:`InvalidArgument` that kept it away."""


class CallResult:
    """A result of several values: positional ones, named ones, or both.

    A handler returns one to answer with more than one value; a caller gets one when the answer
    has not exactly one positional value.

    Attributes:
        args: the positional values, a tuple.
        kwargs: the named values, a dictionary.
    """

    __slots__ = ("args", "kwargs")

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CallResult):
            return NotImplemented
        return self.args == other.args and self.kwargs == other.kwargs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.kwargs.items())]
        return f"CallResult({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler, ready to be run.

    Attributes:
        uri: the procedure or topic it serves, for the log.
        function: the handler.
        binding: the converter of its arguments.
        kind: ``"task"`` for a coroutine function, ``"thread"`` or ``"loop"`` for a plain one.
    """

    uri: str
    function: Callable[..., Any]
    binding: Binding
    kind: Kind


def endpoint_for(record: Registration | Subscription) -> Endpoint:
    """Prepare a record's handler.

    Raises:
        InvalidHandler: it has no signature that can be served.
    """
    from wampapp.registry import Registration

    function = record.endpoint if isinstance(record, Registration) else record.handler
    return Endpoint(record.uri, function, Binding(function), kind_of(function, record.run))


def kind_of(function: Callable[..., Any], run: Run | None) -> Kind:
    """Tell how a handler is run.

    Args:
        function: the handler.
        run: what its declaration says; None for the default, a worker thread.
    """
    call = getattr(function, "__call__", None)  # noqa: B004 - for objects with an async __call__
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        return "task"
    return run or "thread"


class Dispatcher:
    """Runs handlers, keeps account of those that run, and turns exceptions into WAMP errors.

    All methods are called on the loop's thread.

    Args:
        loop: the event loop.
        workers: the threads for plain functions.
        logger: where a failing handler's traceback goes.
        debug: whether a caller gets the exception's type, message and traceback.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        logger: logging.Logger,
        *,
        debug: bool = False,
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._logger = logger
        self._debug = debug
        self._tasks: dict[asyncio.Task[Any], Reply] = {}
        self._closed = False
        self._in_threads: dict[int, str] = {}
        self._thread_calls = 0
        self._idle: asyncio.Future[None] | None = None

    def call(
        self, endpoint: Endpoint, args: Sequence[Any], kwargs: dict[str, Any], reply: Reply
    ) -> None:
        """Run the handler of a procedure.

        Args:
            endpoint: the handler.
            args: the call's positional arguments, plain values.
            kwargs: its keyword arguments.
            reply: gets the outcome, now or later.
        """
        if self._closed:
            reply.error(Canceled("The service stops."))
            return
        try:
            args, kwargs = endpoint.binding.bind(args, kwargs)
        except InvalidArgument as error:
            reply.error(error.with_traceback(None))
            return
        if endpoint.kind == "task":
            self._start_task(self._answer(endpoint, args, kwargs, reply), reply)
        elif endpoint.kind == "thread":
            self._start_thread(endpoint, args, kwargs, reply)
        else:
            try:
                value = endpoint.function(*args, **kwargs)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - all of it is answered
                reply.error(error)
            else:
                reply.result(value)

    async def _answer(
        self, endpoint: Endpoint, args: Sequence[Any], kwargs: dict[str, Any], reply: Reply
    ) -> None:
        try:
            value = await driven(endpoint.function(*args, **kwargs))
        except asyncio.CancelledError:
            reply.error(Canceled("The service cancelled the call."))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - all of it is answered
            # sys.exit() in a handler is a failed call, not the end of the service.
            reply.error(error)
        else:
            reply.result(value)

    def _start_task(self, coroutine: Coroutine[Any, Any, None], reply: Reply) -> None:
        if _EAGER:
            task = asyncio.Task(coroutine, loop=self._loop, eager_start=True)  # type: ignore[call-arg,unused-ignore]
            if task.done():
                return
        else:
            task = self._loop.create_task(coroutine)
        self._tasks[task] = reply
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        reply = self._tasks.pop(task)
        if task.cancelled():
            # It was cancelled before its first step, so it could not answer by itself.
            reply.error(Canceled("The service cancelled the call."))
        self._check_idle()

    def _start_thread(
        self, endpoint: Endpoint, args: Sequence[Any], kwargs: dict[str, Any], reply: Reply
    ) -> None:
        self._thread_calls += 1
        number = self._thread_calls
        self._in_threads[number] = endpoint.uri

        def work() -> None:
            try:
                outcome, failed = endpoint.function(*args, **kwargs), None
            except BaseException as error:  # noqa: BLE001 - SystemExit too must be answered
                outcome, failed = None, error
            self._loop.call_soon_threadsafe(finish, outcome, failed)

        def finish(outcome: Any, failed: BaseException | None) -> None:
            del self._in_threads[number]
            if failed is None:
                reply.result(outcome)
            else:
                reply.error(failed)
            self._check_idle()

        self._workers.submit(work)

    def failure(self, endpoint: Endpoint, error: BaseException) -> WampError:
        """Turn what a handler raised into what its caller gets.

        An exception that is no :class:`WampError` is logged with its traceback under an error
        id; the caller gets the id and, unless ``debug`` is on, nothing internal.
        """
        if isinstance(error, WampError):
            return error
        error_id = secrets.token_hex(4)
        own = _without_our_frames(error)
        self._logger.error(
            "%s failed (error id %s)",
            endpoint.uri,
            error_id,
            exc_info=(type(own), own, own.__traceback__),
        )
        if self._debug:
            return HandlerFailed(
                f"{type(error).__name__}: {error}",
                error_id=error_id,
                traceback="".join(traceback.format_exception(own)),
            )
        return HandlerFailed(
            f"The procedure failed; the service's log says why, under the error id {error_id}.",
            error_id=error_id,
        )

    def log_failure(self, endpoint: Endpoint, error: BaseException) -> None:
        """Log what an event's handler raised: nobody else would hear of it."""
        if isinstance(error, InvalidArgument) and error.__traceback__ is None:
            # The event never reached the handler, so a traceback would show our code alone.
            self._logger.error("%s: an event does not fit: %s", endpoint.uri, error.message)
            return
        own = _without_our_frames(error)
        self._logger.error(
            "%s failed on an event",
            endpoint.uri,
            exc_info=(type(own), own, own.__traceback__),
        )

    def running(self) -> list[str]:
        """Return the URIs of the plain handlers that still run in threads."""
        return list(self._in_threads.values())

    async def drain(self, grace: float) -> list[str]:
        """Wait until no handler runs any more, and cancel what runs longer.

        Args:
            grace: the seconds that running handlers get.

        Returns:
            The URIs of handlers in threads that still run; a thread cannot be cancelled.
        """
        await self._until_idle(grace)
        # What still stands in line now is too late.
        self._closed = self._busy()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            # A handler may catch its cancellation to tidy up; give it a moment, not for ever.
            await asyncio.wait(self._tasks, timeout=1.0)
        return self.running()

    async def _until_idle(self, grace: float) -> None:
        if not self._busy():
            return
        self._idle = self._loop.create_future()
        try:
            async with asyncio.timeout(grace):
                await self._idle
        except TimeoutError:
            pass
        finally:
            self._idle = None

    def _busy(self) -> bool:
        return bool(self._tasks or self._in_threads)

    def _check_idle(self) -> None:
        if self._idle is not None and not self._idle.done() and not self._busy():
            self._idle.set_result(None)


class EventLane:
    """The events of one subscription: delivered one at a time, in order.

    Args:
        dispatcher: what runs the handler.
        endpoint: the handler.
    """

    def __init__(self, dispatcher: Dispatcher, endpoint: Endpoint) -> None:
        self._dispatcher = dispatcher
        self._endpoint = endpoint
        self._waiting: deque[tuple[Sequence[Any], dict[str, Any]]] = deque()
        self._busy = False
        self._pumping = False

    def push(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Deliver an event, after those that came before it.

        Args:
            args: its positional arguments, plain values.
            kwargs: its keyword arguments.
        """
        self._waiting.append((args, kwargs))
        self._pump()

    def _pump(self) -> None:
        # A handler may be done before call() returns, which comes back here through _next():
        # the loop goes on then, or a long backlog would end in a RecursionError.
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._waiting and not self._busy:
                args, kwargs = self._waiting.popleft()
                self._busy = True
                self._dispatcher.call(self._endpoint, args, kwargs, self)
        finally:
            self._pumping = False

    def _next(self) -> None:
        self._busy = False
        self._pump()

    # The lane is its own Reply: the end of one event starts the next.

    def result(self, value: Any) -> None:  # noqa: ARG002 - nobody waits for it
        """Go on with the next event."""
        self._next()

    def error(self, error: BaseException) -> None:
        """Log the error, and go on with the next event."""
        if not isinstance(error, Canceled):
            self._dispatcher.log_failure(self._endpoint, error)
        self._next()


def _without_our_frames(error: BaseException) -> BaseException:
    """Cut the frames of this package off the top of a traceback: it starts in user code."""
    here = __name__.partition(".")[0]
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        module = tb.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != here:
            break
        tb = tb.tb_next
    return error.with_traceback(tb)
