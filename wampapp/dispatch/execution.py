"""One run of a handler: what stands between the handler and its reply."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from wampapp.errors import CallTimeout, Canceled, InvalidHandler
from wampapp.observe.tracing import RUNNING, Origin, making, running_for
from wampapp.protocol.payload import ATOMS
from wampapp.protocol.traceparent import CARRIER
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wampapp.dispatch.failures import Failures
    from wampapp.errors import WampError
    from wampapp.registry.context import Invocation
    from wampapp.registry.endpoint import Endpoint, Limit

#: How many items a generator in a thread may yield before the first of them is sent.
_MAX_UNSENT: Final = 64
#: What a handler returns most often, and what needs no further look.
FINAL: Final = ATOMS | {list, dict, tuple, CallResult}


class Reply(Protocol):
    """Where the outcome of a call or an event goes, on the loop's thread.

    Exactly one of ``result`` and ``error`` is called, after any number of ``progress``; but where
    one of them raises, nothing was sent, and ``error`` follows.
    """

    def result(self, value: Any) -> None:
        """Take the handler's return value; None for an event that failed, which is logged."""

    def error(self, error: WampError) -> None:
        """Take the error that the caller gets, its URI valid; never called for an event."""

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Take a progressive result."""


class Run(msgspec.Struct, eq=False):
    """One run of a handler, from its call to its outcome.

    A struct, because msgspec makes one in half the time: 0.15 µs less for each call.

    Attributes:
        endpoint: the handler.
        reply: where the outcome goes.
        failures: makes WAMP errors of exceptions.
        takes_progress: whether the caller takes progressive results.
        is_event: whether it is an event's and not a call's.
        details: the details of INVOCATION or EVENT.
        known_origin: what it runs for, where that is known already or was asked for.
        done: whether its outcome was given; a later one is ignored.
        cancelled: whether nobody waits for it any longer.
        context: what the handler sees of the call or event, where it asked.
        limit: the limit of concurrent runs that it counts towards; None for none.
        task: what runs the handler, or what it has returned to be waited for; None in a thread,
            and before the handler starts.
        timer: ends it after the handler's timeout; None without one.
        uri: the actual procedure or topic; set once the arguments fit.
    """

    endpoint: Endpoint
    reply: Reply
    failures: Failures
    takes_progress: bool
    is_event: bool
    details: Mapping[str, Any]
    known_origin: Origin | None = None
    done: bool = False
    cancelled: bool = False
    context: Invocation | None = None
    limit: Limit | None = None
    task: asyncio.Future[Any] | None = None
    timer: asyncio.TimerHandle | None = None
    uri: str = ""

    @property
    def origin(self) -> Origin:
        """What it runs for: this call or event."""
        if self.known_origin is None:
            with making:
                if self.known_origin is None:
                    self.known_origin = Origin(self.details.get(CARRIER))
        return self.known_origin

    def result(self, value: Any) -> None:
        """Give the outcome: a return value, or what is wrong with it where it cannot be sent."""
        if not self.done:
            self._end()
            try:
                self.reply.result(value)
            except BaseException as error:  # noqa: BLE001 - a model's own code may raise anything
                self._answer_failed(error)

    def error(self, error: BaseException) -> None:
        """Give the outcome: an exception. This is where it becomes a WAMP error, or is logged."""
        if self.done:
            return
        if self.known_origin is not None:
            self.known_origin.fail(error)
        self._end()
        try:
            if not self.is_event:
                self.reply.error(self.failures.error_for(self.endpoint, error))
                return
            if not (self.cancelled and isinstance(error, Canceled)):
                self.failures.log_event(self.endpoint, error)
        except BaseException as reason:  # noqa: BLE001 - its own code, as in `__str__`, may raise
            with contextlib.suppress(Exception):  # it may be frozen
                reason.__context__ = reason.__context__ or error  # so that the log shows both
            self._answer_failed(reason)
        if self.is_event:
            self.reply.result(None)

    def end_cancelled(self, why: str = "The call was cancelled.") -> None:
        """Give the outcome: nobody waits for another. It is not a failure, so no event is logged.

        Args:
            why: what a caller gets, a sentence.
        """
        self.cancelled = True
        self.error(Canceled(why))

    def _answer_failed(self, reason: BaseException) -> None:
        """Send, in place of an answer that could not be sent, one that can."""
        failed = self.failures.failed(self.endpoint, reason)
        if not self.is_event:
            self.reply.error(failed)

    def is_iterated(self, value: Any) -> bool:
        """Return whether what a handler returned yields the results, as a generator does.

        The handler itself need not look like a generator: a decorator may hide that it is one.

        Raises:
            InvalidHandler: it is a generator, but an event has no results.
        """
        if not isinstance(value, Iterator | AsyncIterator):
            return False
        if not self.is_event:
            return True
        if isinstance(value, Generator | AsyncGenerator):
            raise InvalidHandler(
                "The handler of an event returned a generator, whose body does not run; leave "
                "'yield' out."
            )
        return False

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Give a progressive result; one that cannot be sent ends the run."""
        if not self.done:
            try:
                self.reply.progress(args, kwargs)
            except BaseException as error:  # noqa: BLE001 - a model's own code may raise anything
                self.error(error)
                self.cancel()

    def _end(self) -> None:
        self.done = True
        if self.timer is not None:
            self.timer.cancel()
        if self.known_origin is not None:
            self.known_origin.end()

    def start_timer(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """End the run with :class:`CallTimeout` after so many seconds."""
        self.timer = loop.call_later(seconds, self._expire, seconds)

    def _expire(self, seconds: float) -> None:
        with running_for(self):
            self.error(CallTimeout(f"{self.endpoint.uri} took longer than its {seconds:g} s."))
        self.cancel()

    def cancel(self) -> None:
        """Cancel the run: a task is cancelled, a thread can see it in its Invocation."""
        self.cancelled = True
        if self.context is not None:
            self.context.cancelled = True
        if self.task is not None:
            self.task.cancel()


async def iterate(run: Run, items: AsyncIterator[Any]) -> Any:
    """Iterate over an asynchronous generator: progressive results, or one list."""
    values: list[Any] = []
    try:
        async for item in items:
            if run.takes_progress:
                run.progress((item,), {})
                if run.done:
                    return None  # the item could not be sent, which the caller was told
                # Others get their turn, and a cancellation takes effect, even where the
                # generator itself never waits.
                await asyncio.sleep(0)
            else:
                values.append(item)
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
    return CallResult() if run.takes_progress else values


def iterate_in_thread(
    loop: asyncio.AbstractEventLoop, run: Run, items: Iterator[Any] | AsyncIterator[Any]
) -> Any:
    """Iterate over a generator, in a worker thread: progressive results, or one list.

    An asynchronous one is returned as it is, for the loop.
    """
    if isinstance(items, AsyncIterator):
        return items
    ahead = threading.Semaphore(_MAX_UNSENT)

    def send(item: Any) -> None:
        run.progress((item,), {})
        ahead.release()

    values: list[Any] = []
    try:
        while True:
            if run.cancelled:
                raise Canceled("The call was cancelled.")
            try:
                item = next(items)
            except StopIteration as stop:
                if stop.value is not None:
                    return stop.value
                return CallResult() if run.takes_progress else values
            if run.takes_progress:
                ahead.acquire()
                loop.call_soon_threadsafe(send, item)
            else:
                values.append(item)
    finally:
        if isinstance(items, Generator):
            items.close()


def call_in_thread(loop: asyncio.AbstractEventLoop, run: Run, call: Callable[[], Any]) -> Any:
    """Call a plain handler in a worker thread, and iterate over what it yields, if it does.

    The present context is for the run by itself.
    """
    RUNNING.set(run)
    value = call()
    if type(value) not in FINAL and run.is_iterated(value):
        return iterate_in_thread(loop, run, value)
    return value
