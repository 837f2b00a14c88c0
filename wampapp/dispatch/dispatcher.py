"""Runs handlers, whatever their kind, and gives each call one outcome. No network here."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wampapp.dispatch.execution import (
    FINAL,
    Reply,
    Run,
    call_in_thread,
    iterate,
    iterate_in_thread,
)
from wampapp.dispatch.extras import extras_for
from wampapp.dispatch.failures import Failures
from wampapp.dispatch.functions import Functions, failure_for, is_cancelled, wait_for
from wampapp.dispatch.middleware import run_middleware
from wampapp.dispatch.momentary import Moments
from wampapp.dispatch.result_checks import checked
from wampapp.dispatch.spans import with_spans
from wampapp.dispatch.tasks import EAGER, first_step, start
from wampapp.errors import InvalidArgument, Overloaded
from wampapp.loop.deferreds import rest_with_deferreds, with_deferreds
from wampapp.observe.tracing import RUNNING, running_for
from wampapp.registry.endpoint import endpoint_for, never_waits
from wampapp.registry.records import Registration

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine, Sequence

    from wampapp.dispatch.metering import Meter
    from wampapp.dispatch.momentary import Momentary
    from wampapp.loop.threads import ThreadPool
    from wampapp.observe.otel import Spans
    from wampapp.observe.tracing import Origin
    from wampapp.registry.endpoint import Endpoint, Kind, Limit
    from wampapp.registry.records import Subscription

#: The most calls that wait for a handler with ``concurrency``; further ones are refused.
MAX_WAITING_CALLS: Final = 1000
_NO_DETAILS: Final[dict[str, Any]] = {}


class Dispatcher:
    """Runs handlers, and keeps account of those that run.

    All methods are called on the loop's thread.

    Args:
        loop: the event loop.
        workers: the threads for plain functions.
        logger: where a failing handler's traceback goes.
        debug: whether a caller gets the exception's type, message and traceback.
        check_results: whether results are checked against the handlers' annotations.
        surround: see :meth:`App.surround`.
        spans: makes spans of OpenTelemetry's; None where none are made.

    Attributes:
        functions: runs the app's functions that are not handlers: hooks, timers, error handlers.
        failures: turns exceptions into WAMP errors, and logs them.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: ThreadPool,
        logger: logging.Logger,
        *,
        debug: bool = False,
        check_results: bool = False,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None = None,
        spans: Spans | None = None,
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._checks_results = check_results and surround is None
        self.functions = Functions(loop, workers, surround)
        self.failures = Failures(logger, debug=debug)
        self._make_run: Callable[..., Run] = Run
        self._tasks: dict[Run, asyncio.Future[Any]] = {}
        self._in_threads: dict[Run, None] = {}
        self._idle: asyncio.Future[None] | None = None
        self._moments = Moments(loop)
        self._closed = False
        if spans is not None:
            self.call = with_spans(self.call, spans)  # type: ignore[method-assign] # else no cost

    def call(
        self,
        endpoint: Endpoint,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        reply: Reply,
        details: dict[str, Any] = _NO_DETAILS,
        *,
        publication: int | None = None,
        origin: Origin | None = None,
    ) -> Run:
        """Run a handler.

        Args:
            endpoint: the handler.
            args: the positional arguments, plain values.
            kwargs: the keyword arguments.
            reply: gets the outcome, now or later.
            details: the details of INVOCATION or EVENT.
            publication: an event's publication id; None for a call.
            origin: what it runs for, where that is known already; None for this call or event.

        Returns:
            The run; it may be done already.
        """
        progress = bool(details) and details.get("receive_progress") is True
        is_event = publication is not None
        run = self._make_run(endpoint, reply, self.failures, progress, is_event, details, origin)
        if self._closed:
            run.end_cancelled("The service stops.")
            return run
        binding = endpoint.binding
        try:
            if binding.injects:
                extras = extras_for(self._loop, run, details, publication or 0)
                args, kwargs = binding.bind(args, kwargs, extras)
            else:
                args, kwargs = binding.bind(args, kwargs)
        except InvalidArgument as error:
            self._fail(run, error.with_traceback(None))
            return run
        except BaseException as error:  # noqa: BLE001 - a dataclass's __post_init__ may raise anything
            self._fail(run, error)
            return run
        named = details and (details.get("procedure") or details.get("topic"))
        run.uri = named or endpoint.pattern.uri
        if endpoint.timeout is not None:
            run.start_timer(self._loop, endpoint.timeout)
        if endpoint.limit is not None:
            self._start_limited(endpoint.limit, run, args, kwargs)
        else:
            self._start(run, args, kwargs)
        return run

    def measure_with(self, meter: Meter) -> None:
        """Have all runs from now on counted.

        Args:
            meter: what counts them.
        """
        self._make_run = meter.run

    def prepare(self, record: Registration | Subscription) -> Endpoint:
        """Make a record's handler ready to be called."""
        endpoint = endpoint_for(record)
        function = self.functions.surrounded(endpoint.function, endpoint.kind)
        if self._checks_results and isinstance(record, Registration):
            function = checked(endpoint)
        if function is endpoint.function:
            return endpoint
        return replace(endpoint, function=function, never_waits=never_waits(function))

    # Concurrency.

    def _start_limited(
        self, limit: Limit, run: Run, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        run.limit = limit

        def start() -> None:
            if run.done or run.cancelled:
                run.end_cancelled()
                self._start_next(limit)
            else:
                self._start(run, args, kwargs)

        if limit.running < limit.most:
            limit.running += 1
            self._start(run, args, kwargs)
        elif len(limit.waiting) < MAX_WAITING_CALLS:
            # Its context goes with it, for it starts when another one ends.
            limit.waiting.append(functools.partial(contextvars.copy_context().run, start))
        else:
            run.limit = None
            uri = run.endpoint.uri
            run.error(Overloaded(f"{MAX_WAITING_CALLS} calls of {uri} wait already; try later."))

    def _start_next(self, limit: Limit) -> None:
        if limit.waiting:
            # In a later turn, or a long line of short calls would end in a RecursionError.
            self._loop.call_soon(limit.waiting.popleft())
        else:
            limit.running -= 1

    def _release(self, run: Run) -> None:
        """Give up a run's place, if it has one: its function has ended."""
        if run.limit is not None:
            self._start_next(run.limit)

    # The kinds.

    def _start(self, run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        kind = run.endpoint.kind
        if run.endpoint.wrapped:
            handler = functools.partial(self._run_handler, run)
            following = functools.partial(
                run_middleware, run, args, kwargs, handler, self.functions
            )
            self._start_task(run, following)
            return
        if kind == "task":
            at_once = run.endpoint.never_waits and not EAGER
            if not (at_once and self._moments.run(self._answer_at_once, run, args, kwargs)):
                self._start_task(run, run.endpoint.function, args, kwargs)
            return
        call = functools.partial(run.endpoint.function, *args, **kwargs)
        if kind in ("thread", "generator"):
            self._start_thread(run, call)
        else:
            self._run_on_loop(run, call)

    def _answer_at_once(
        self, moment: Momentary, run: Run, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        """Run a coroutine function that never waits, and answer; see :class:`Moments`."""
        RUNNING.set(run)  # the context is the run's own
        try:
            moment.coroutine = run.endpoint.function(*args, **kwargs)
            try:
                moment.coroutine.send(None)
            except StopIteration as stop:
                value = stop.value
            else:
                raise RuntimeError(f"{run.endpoint.uri} waits, although it has no await.")
            if type(value) not in FINAL and run.is_iterated(value):
                self._start_task(run, self._iterate, (run, value))
                return
            run.result(value)
            if run.limit is not None:
                self._release(run)
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            run.cancelled = run.cancelled or moment.cancelling() > 0
            self._fail(run, error)

    def _run_on_loop(self, run: Run, call: Callable[[], Any]) -> None:
        token = RUNNING.set(run)
        try:
            value = call()
            if isinstance(value, asyncio.Future):
                # Such as that of a call: no task is needed to wait for it.
                self._tasks[run] = run.task = value
                value.add_done_callback(functools.partial(self._future_done, run))
                return
            rest = None if type(value) in FINAL else self._rest(run, value)
            if rest is not None:
                self._start_task(run, rest)
            else:
                run.result(value)
                self._release(run)
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            self._fail(run, error)
        finally:
            RUNNING.reset(token)

    def _future_done(self, run: Run, future: asyncio.Future[Any]) -> None:
        """Take the outcome of a future that a handler has returned."""
        del self._tasks[run]
        try:
            value = future.result()
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            self._fail(run, error)
        else:
            rest = None if type(value) in FINAL else self._rest(run, value)
            if rest is not None:
                self._start_task(run, rest)
                return
            run.result(value)
            self._release(run)
        self._check_idle()

    def _rest(self, run: Run, value: Any) -> Callable[[], Coroutine[Any, Any, Any]] | None:
        """Return what is left to do for what a plain function returned; None if nothing is."""
        if hasattr(type(value), "__await__"):  # a Deferred, or a coroutine
            return functools.partial(wait_for, value)
        return functools.partial(self._iterate, run, value) if run.is_iterated(value) else None

    async def _iterate(self, run: Run, items: Any) -> Any:
        """Iterate over what a handler returned, where its kind belongs."""
        if isinstance(items, AsyncIterator):
            return await iterate(run, items)
        return await self.functions.run_in_thread(iterate_in_thread, self._loop, run, items)

    async def _answer(
        self,
        run: Run,
        call: Callable[..., Coroutine[Any, Any, Any]],
        args: Sequence[Any],
        kwargs: dict[str, Any],
    ) -> None:
        """Await a coroutine and give its outcome; the body of every handler's task."""
        if not EAGER:
            try:
                await first_step()
            except asyncio.CancelledError:
                run.end_cancelled()
                self._ended(run)
                return
        RUNNING.set(run)  # the context is the task's own
        try:
            coroutine = call(*args, **kwargs)
            try:
                # Most handlers end in their first step: 0.15 µs less than to await them.
                waited = coroutine.send(None)
            except StopIteration as stop:
                value = stop.value
            else:
                value = await rest_with_deferreds(coroutine, waited)
            if type(value) not in FINAL and run.is_iterated(value):
                value = await with_deferreds(self._iterate(run, value))
        except asyncio.CancelledError as error:
            if run.cancelled or is_cancelled():
                run.end_cancelled()
            else:
                await self._handle(run, failure_for(error))
        except BaseException as error:  # noqa: BLE001 - all of it is answered
            # Even sys.exit() in a handler is a failed call, not the end of the service.
            await self._handle(run, error)
        else:
            run.result(value)
        finally:
            self._ended(run)

    def _ended(self, run: Run) -> None:
        self._tasks.pop(run, None)
        run.task = None  # whose context has the run: a cycle would be left to the collector
        if run.limit is not None:
            self._release(run)
        if self._idle is not None:
            self._check_idle()

    async def _run_handler(self, run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run a handler of any kind, for the middleware around it."""
        kind = run.endpoint.kind
        function = functools.partial(run.endpoint.function, *args, **kwargs)
        if kind in ("thread", "generator"):
            function = functools.partial(call_in_thread, self._loop, run, function)
        value = await self.functions.run_as(kind, function)
        if type(value) not in FINAL and run.is_iterated(value):
            return await self._iterate(run, value)
        return value

    def _start_task(
        self,
        run: Run,
        call: Callable[..., Coroutine[Any, Any, Any]],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] = _NO_DETAILS,
        context: contextvars.Context | None = None,
    ) -> None:
        body = self._answer(run, call, args, kwargs)
        task = start(body, self._loop, run.endpoint.uri, context)
        if not task.done():
            self._tasks[run] = run.task = task

    def _start_thread(self, run: Run, call: Callable[[], Any]) -> None:
        def work() -> None:
            try:
                outcome, failed = context.run(call_in_thread, self._loop, run, call), None
            except BaseException as error:  # noqa: BLE001 - SystemExit too must be answered
                outcome, failed = None, error
            self._loop.call_soon_threadsafe(self._thread_done, run, outcome, failed, context)

        context = contextvars.copy_context()
        self._in_threads[run] = None
        self._workers.submit(work)

    def _thread_done(
        self,
        run: Run,
        outcome: Any,
        failed: BaseException | None,
        context: contextvars.Context,
    ) -> None:
        """Take the outcome of a run in a thread, on the loop."""
        del self._in_threads[run]
        rest = None if type(outcome) in FINAL else self._rest(run, outcome)
        if rest is not None:
            # A plain function around a coroutine function; the coroutine runs on the loop.
            self._start_task(run, rest, context=context)
            return
        if failed is None:
            run.result(outcome)
            self._release(run)
        else:
            self._fail(run, failed, context)
        self._check_idle()

    # Failures.

    def _fail(
        self, run: Run, error: BaseException, context: contextvars.Context | None = None
    ) -> None:
        """End a run whose function raised, or could not be called, outside of a task.

        An error handler runs in ``context``; None for the current one.
        """
        with running_for(run):
            self._take_failure(run, error, context)

    def _take_failure(
        self, run: Run, error: BaseException, context: contextvars.Context | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            if run.cancelled:
                run.end_cancelled()
            error = failure_for(error)
        known = isinstance(error, Exception) and not run.done
        if not known or run.endpoint.handler_for(error) is None:
            run.error(error)
            self._release(run)
        else:
            self._start_task(run, self._handle, (run, error), context=context)

    async def _handle(self, run: Run, error: BaseException) -> None:
        """Answer with an exception's error handler, or with the exception if it has none."""
        known = isinstance(error, Exception) and not run.done
        handler = run.endpoint.handler_for(error) if known else None
        if handler is None:
            run.error(error)
            return
        try:
            run.result(await self.functions.run(handler, error))
        except asyncio.CancelledError:
            run.end_cancelled()
        except BaseException as raised:  # noqa: BLE001 - all of it is answered
            run.error(raised)

    # Stopping.

    def running(self) -> list[str]:
        """Return the URIs of the plain handlers that still run in threads."""
        return [run.endpoint.uri for run in self._in_threads]

    async def drain(self, grace: float) -> list[str]:
        """Wait until no handler runs any longer, and cancel those that exceed the grace time.

        Args:
            grace: the seconds that running handlers get.

        Returns:
            The URIs of handlers in threads that still run; a thread cannot be cancelled.
        """
        await self._until_idle(grace)
        # What still waits in a queue is too late.
        self._closed = self._busy()
        for run in (*self._tasks, *self._in_threads):
            run.cancel()
        if self._tasks:
            # A handler may catch its cancellation to tidy up; it gets a moment for that.
            await asyncio.wait(self._tasks.values(), timeout=1.0)
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
