"""Run a handler, whatever its kind, and say how it ended. No network here."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import secrets
import sys
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wampapp.dispatch.execution import Reply, Run, iterate, iterate_in_thread
from wampapp.errors import (
    Canceled,
    HandlerFailed,
    InvalidArgument,
    Overloaded,
    WampError,
)
from wampapp.loop.deferreds import with_deferreds
from wampapp.registry.context import Call, Event, Invocation
from wampapp.registry.endpoint import endpoint_for, kind_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine, Sequence

    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.endpoint import Endpoint, Kind, Limit
    from wampapp.registry.records import Registration, Subscription

_EAGER: Final = sys.version_info >= (3, 12)
#: The most calls in line for a handler with ``concurrency``; further ones are refused.
MOST_WAITING: Final = 1000
_NO_DETAILS: Final[dict[str, Any]] = {}


class Dispatcher:
    """Runs handlers, keeps account of those that run, and turns exceptions into WAMP errors.

    All methods are called on the loop's thread.

    Args:
        loop: the event loop.
        workers: the threads for plain functions.
        logger: where a failing handler's traceback goes.
        debug: whether a caller gets the exception's type, message and traceback.
        surround: see :meth:`App.surround`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: ThreadPool,
        logger: logging.Logger,
        *,
        debug: bool = False,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None = None,
    ) -> None:
        self._loop = loop
        self._surround = surround
        self._workers = workers
        self._logger = logger
        self._debug = debug
        self._tasks: dict[asyncio.Task[Any], Run] = {}
        self._in_threads: dict[Run, None] = {}
        self._idle: asyncio.Future[None] | None = None
        #: Hears of each exception that the log tells of, with its error id if a caller got one.
        self.on_failure: Callable[[BaseException, str], None] | None = None
        self._closed = False

    def call(
        self,
        endpoint: Endpoint,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        reply: Reply,
        details: dict[str, Any] = _NO_DETAILS,
        *,
        publication: int = 0,
    ) -> Run:
        """Run a handler.

        Args:
            endpoint: the handler.
            args: the positional arguments, plain values.
            kwargs: the keyword arguments.
            reply: gets the outcome, now or later.
            details: what INVOCATION or EVENT says of it.
            publication: an event's id.

        Returns:
            The run; it may be over already.
        """
        progress = bool(details) and details.get("receive_progress") is True
        run = Run(endpoint, reply, takes_progress=progress)
        if self._closed:
            run.error(Canceled("The service stops."))
            return run
        binding = endpoint.binding
        try:
            if binding.injects:
                extras = self._extras(run, details, publication)
                args, kwargs = binding.bind(args, kwargs, extras)
            else:
                args, kwargs = binding.bind(args, kwargs)
        except InvalidArgument as error:
            self._fail(run, error.with_traceback(None))
            return run
        except BaseException as error:  # noqa: BLE001 - a dataclass's __post_init__ may raise anything
            self._fail(run, error)
            return run
        run.uri = details.get("procedure") or details.get("topic") or endpoint.pattern.uri
        if endpoint.timeout is not None:
            run.start_timer(self._loop, endpoint.timeout)
        if endpoint.limit is not None:
            self._start_limited(endpoint.limit, run, args, kwargs)
        else:
            self._start(run, args, kwargs)
        return run

    def _extras(self, run: Run, details: dict[str, Any], publication: int) -> dict[str, Any]:
        """What a handler gets besides its arguments: captured components, and its context."""
        endpoint = run.endpoint
        pattern = endpoint.pattern
        actual = details.get("procedure") or details.get("topic") or pattern.uri
        extras: dict[str, Any] = dict(pattern.capture(actual)) if pattern.captured else {}
        name = endpoint.binding.context
        if name is not None:
            if endpoint.binding.context_kind is Invocation:
                run.context = Invocation(
                    actual, pattern.text, details, lambda a, k: self._progress_from_any(run, a, k)
                )
            else:
                run.context = Event(actual, pattern.text, publication, details)
            extras[name] = run.context
        return extras

    def _progress_from_any(self, run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        if asyncio._get_running_loop() is self._loop:
            run.progress(args, kwargs)
        else:
            self._loop.call_soon_threadsafe(run.progress, args, kwargs)

    def prepare(self, record: Registration | Subscription) -> Endpoint:
        """Make a record's handler ready to be called."""
        endpoint = endpoint_for(record)
        if self._surround is None:
            return endpoint
        return replace(endpoint, function=self._surround(endpoint.function, endpoint.kind))

    # Concurrency.

    def _start_limited(
        self, limit: Limit, run: Run, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        run.limit = limit

        def start() -> None:
            if run.over or run.cancelled:
                run.error(Canceled("The call was cancelled."))
                self._next(limit)
            else:
                self._start(run, args, kwargs)

        if limit.running < limit.most:
            limit.running += 1
            self._start(run, args, kwargs)
        elif len(limit.waiting) < MOST_WAITING:
            limit.waiting.append(start)
        else:
            run.limit = None
            run.error(
                Overloaded(f"{MOST_WAITING} calls of {run.endpoint.uri} wait already; try later.")
            )

    def _next(self, limit: Limit) -> None:
        if limit.waiting:
            # In a later turn, or a long line of short calls would end in a RecursionError.
            self._loop.call_soon(limit.waiting.popleft())
        else:
            limit.running -= 1

    def _done(self, run: Run) -> None:
        """Hear that a run's function has ended, whenever its outcome was given."""
        if run.limit is not None:
            self._next(run.limit)

    # The kinds.

    def _start(self, run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        kind = run.endpoint.kind
        if run.endpoint.wrapped:
            self._start_task(run, functools.partial(self._wrapped, run, args, kwargs))
            return
        if kind == "task":
            self._keep_task(run, self._answer(run, run.endpoint.function, args, kwargs))
            return
        call = functools.partial(run.endpoint.function, *args, **kwargs)
        if kind == "thread":
            self._start_thread(run, call)
        elif kind == "loop":
            self._run_on_loop(run, call)
        elif kind == "stream":
            self._start_task(run, functools.partial(iterate, run, args, kwargs))
        else:
            self._start_thread(run, functools.partial(iterate_in_thread, self._loop, run, call))

    def _run_on_loop(self, run: Run, call: Callable[[], Any]) -> None:
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            self._fail(run, error)
            return
        if hasattr(value, "__await__"):  # a Deferred, or another awaitable
            self._start_task(run, functools.partial(_wait_for, value))
        else:
            run.result(value)
            self._done(run)

    async def _answer(
        self,
        run: Run,
        call: Callable[..., Coroutine[Any, Any, Any]],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] = _NO_DETAILS,
    ) -> None:
        """Answer with what a coroutine comes to; the body of every handler's task."""
        try:
            value = await with_deferreds(call(*args, **kwargs))
        except asyncio.CancelledError:
            run.error(Canceled("The call was cancelled."))
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            # Even sys.exit() in a handler is a failed call, not the end of the service.
            await self._handle(run, error)
        else:
            run.result(value)

    async def _wrapped(self, run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run a handler inside its middleware."""
        endpoint = run.endpoint
        call = Call(run.uri, endpoint.pattern.text, args, kwargs)

        async def innermost() -> Any:
            if endpoint.kind == "stream":
                return await iterate(run, call.args, call.kwargs)
            function = functools.partial(endpoint.function, *call.args, **call.kwargs)
            if endpoint.kind == "generator":
                function = functools.partial(iterate_in_thread, self._loop, run, function)
            return await self.run_anywhere(function, kind=endpoint.kind)

        following = innermost
        for layer in endpoint.middleware():
            following = functools.partial(layer, call, following)
        return await following()

    def _start_task(self, run: Run, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._keep_task(run, self._answer(run, call))

    def _keep_task(self, run: Run, coroutine: Coroutine[Any, Any, None]) -> None:
        if _EAGER:
            task = asyncio.Task(coroutine, loop=self._loop, eager_start=True)  # type: ignore[call-arg,unused-ignore]
            if task.done():
                self._done(run)
                return
        else:
            task = self._loop.create_task(coroutine)
        self._tasks[task] = run
        run.attach(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        run = self._tasks.pop(task)
        if task.cancelled():
            # It was cancelled before its first step, so it could not answer by itself.
            run.error(Canceled("The call was cancelled."))
        self._done(run)
        self._check_idle()

    def _start_thread(self, run: Run, call: Callable[[], Any]) -> None:
        def work() -> None:
            try:
                outcome, failed = context.run(call), None
            except BaseException as error:  # noqa: BLE001 - SystemExit too must be answered
                outcome, failed = None, error
            self._loop.call_soon_threadsafe(self._finish, run, outcome, failed)

        context = contextvars.copy_context()
        self._in_threads[run] = None
        self._workers.submit(work)

    def _finish(self, run: Run, outcome: Any, failed: BaseException | None) -> None:
        """Hear, on the loop, how a run in a thread ended."""
        del self._in_threads[run]
        if hasattr(outcome, "__await__"):
            # A plain function around a coroutine function; what it returned belongs here.
            self._start_task(run, functools.partial(_wait_for, outcome))
            return
        if failed is None:
            run.result(outcome)
            self._done(run)
        else:
            self._fail(run, failed)
        self._check_idle()

    # Failures.

    def _fail(self, run: Run, error: BaseException) -> None:
        """End a run whose function raised, or could not be called, outside of a task."""
        known = isinstance(error, Exception) and not run.over
        if not known or run.endpoint.handler_for(error) is None:
            run.error(error)
            self._done(run)
        else:
            self._keep_task(run, self._handle(run, error))

    async def _handle(self, run: Run, error: BaseException) -> None:
        """Let the error handler of an exception answer, if there is one."""
        known = isinstance(error, Exception) and not run.over
        handler = run.endpoint.handler_for(error) if known else None
        if handler is None:
            run.error(error)
            return
        try:
            run.result(await self.run_anywhere(handler, error))
        except asyncio.CancelledError:
            run.error(Canceled("The call was cancelled."))
        except BaseException as raised:  # noqa: BLE001 - all of it is answered
            run.error(raised)

    async def run_anywhere(
        self, function: Callable[..., Any], *args: Any, kind: Kind | None = None
    ) -> Any:
        """Run a function: a coroutine function here, a plain one in a thread.

        Args:
            function: the function.
            args: what it is called with.
            kind: how it is run, of a handler that is prepared; None for any other function.

        Returns:
            What it returns; raises what it raises.
        """
        if kind is None:
            kind = kind_of(function, None)
            if self._surround is not None:
                function = self._surround(function, kind)
        if kind in ("task", "loop"):
            value = function(*args)
        else:
            done: asyncio.Future[Any] = self._loop.create_future()

            def finish(value: Any, error: BaseException | None) -> None:
                if done.cancelled():
                    return
                if error is None:
                    done.set_result(value)
                elif isinstance(error, StopIteration):
                    done.set_exception(RuntimeError("the function raised StopIteration"))
                else:
                    done.set_exception(error)

            def work() -> None:
                try:
                    outcome, failed = function(*args), None
                except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
                    outcome, failed = None, error
                self._loop.call_soon_threadsafe(finish, outcome, failed)

            self._workers.submit(work)
            value = await done
        return await with_deferreds(_wait_for(value)) if hasattr(value, "__await__") else value

    def failure(self, endpoint: Endpoint, error: BaseException) -> WampError:
        """Turn what a handler raised into what its caller gets.

        An exception that is no :class:`WampError` is logged with its traceback under an error
        id; the caller gets the id and, unless ``debug`` is on, nothing internal.
        """
        if isinstance(error, WampError):
            return error
        if (defined := endpoint.uri_for(error)) is not None:
            public = {n: v for n, v in vars(error).items() if not n.startswith("_")}
            return WampError(defined, *error.args, **public)
        error_id = secrets.token_hex(4)
        own = without_our_frames(error)
        self.noticed(own, error_id)
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

    def noticed(self, error: BaseException, error_id: str = "") -> None:
        """Tell whoever listens of an exception that was logged.

        Args:
            error: the exception, its traceback without our frames.
            error_id: the id that its caller got; empty where nobody gets an answer.
        """
        if self.on_failure is not None:
            self.on_failure(error, error_id)

    def log_failure(self, endpoint: Endpoint, error: BaseException) -> None:
        """Log what an event's handler raised: nobody else would hear of it."""
        if isinstance(error, InvalidArgument) and error.__traceback__ is None:
            # The event never reached the handler, so a traceback would show our code alone.
            self._logger.error("%s: an event does not fit: %s", endpoint.uri, error.message)
            self.noticed(error)
            return
        own = without_our_frames(error)
        self.noticed(own)
        self._logger.error(
            "%s failed on an event",
            endpoint.uri,
            exc_info=(type(own), own, own.__traceback__),
        )

    # Stopping.

    def running(self) -> list[str]:
        """Return the URIs of the plain handlers that still run in threads."""
        return [run.endpoint.uri for run in self._in_threads]

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
        for run in (*self._tasks.values(), *self._in_threads):
            run.cancel()
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


async def _wait_for(awaitable: Any) -> Any:
    return await awaitable


def without_our_frames(error: BaseException) -> BaseException:
    """Cut the frames of this package off the top of a traceback: it starts in user code."""
    here = __name__.partition(".")[0]
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        module = tb.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != here:
            break
        tb = tb.tb_next
    return error.with_traceback(tb)
