"""An asyncio event loop that rides on a running Twisted reactor of any kind.

It is the reverse of Twisted's ``asyncioreactor``: in a program whose reactor is not asyncio's, it
lets code that is written with asyncio's tasks, futures and timeouts run on that reactor. Ready
callbacks and timers become the reactor's delayed calls. It has no sockets, no subprocesses and no
signals of its own; what needs them asks the reactor.

It cannot be run or stopped by itself: it runs while the reactor runs.

The file is long because it is one interface, asyncio's ``AbstractEventLoop``, method by method, and
most of it is their documentation.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import socket
import sys
import threading
import traceback
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from wampapp.errors import UsageError
from wampapp.loop.threads import DaemonExecutor

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
    from contextvars import Context
    from typing import TypeVarTuple

    Ts = TypeVarTuple("Ts")

T = TypeVar("T")

# Where asyncio's own loops report, so that a program filters one name.
logger = logging.getLogger("asyncio")

_MAX_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)  # what asyncio's default executor has

_RUN_BY_THE_REACTOR: Final = (
    "This event loop runs on Twisted's reactor and cannot be run or stopped by itself; "
    "run or stop the reactor."
)


class ReactorLoop(asyncio.AbstractEventLoop):
    """An asyncio event loop on a Twisted reactor.

    Twisted's own callbacks, such as ``dataReceived``, run with no asyncio loop set. Where they call
    code that asks for one, they must do so inside :meth:`entered`.

    What a callback raises goes to the exception handler. ``SystemExit`` and ``KeyboardInterrupt``
    go on to the reactor, as they leave asyncio's loops; Twisted's reactors log them and go on.

    Args:
        reactor: a reactor, running or not yet; it provides ``IReactorTime`` and
            ``IReactorFromThreads``. The loop is used in the reactor's thread, but for
            :meth:`call_soon_threadsafe`.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ready: deque[asyncio.Handle] = deque()
        self._wake: Any = None  # the delayed call that will drain the line, if one is made
        self._delayed: set[Any] = set()  # the timers' delayed calls; close() cancels them
        self._thread: int | None = None
        self._closed = False
        self._debug = sys.flags.dev_mode
        self._task_factory: Any = None
        self._exception_handler: Callable[[asyncio.AbstractEventLoop, Any], object] | None = None
        self._executor: concurrent.futures.Executor | None = None
        self._asyncgens: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"on {type(self._reactor).__name__}"
        return f"<{type(self).__name__} {state}>"

    # Running and closing.

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """While it is open, this is asyncio's running loop in the calling thread.

        Every callback of the loop runs inside; Twisted's callbacks that lead into code written
        with asyncio must open it themselves. It may be nested.
        """
        before = asyncio._get_running_loop()
        if before is self:
            yield
            return
        self._thread = threading.get_ident()
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._asyncgens.add, finalizer=self._finalize)
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)
            sys.set_asyncgen_hooks(*hooks)

    def run_forever(self) -> NoReturn:
        """Refuse.

        Raises:
            UsageError: the reactor is what runs.
        """
        raise UsageError(_RUN_BY_THE_REACTOR)

    def run_until_complete(self, future: Any) -> NoReturn:
        """Refuse.

        Raises:
            UsageError: the reactor is what runs.
        """
        if asyncio.iscoroutine(future):
            future.close()  # or Python would add that it was never awaited
        raise UsageError(_RUN_BY_THE_REACTOR)

    def stop(self) -> NoReturn:
        """Refuse.

        Raises:
            UsageError: the reactor is what stops.
        """
        raise UsageError(_RUN_BY_THE_REACTOR)

    def is_running(self) -> bool:
        """Whether this is the running loop of the calling thread.

        So it is false in Twisted's own callbacks: asyncio starts an eager task at once only where
        the loop runs, and there the task would find none. In another thread it says whether the
        reactor runs.
        """
        if asyncio._get_running_loop() is self:
            return True
        elsewhere = self._thread is not None and self._thread != threading.get_ident()
        return elsewhere and not self._closed and bool(getattr(self._reactor, "running", True))

    def is_closed(self) -> bool:
        """Whether the loop was closed."""
        return self._closed

    def close(self) -> None:
        """Drop everything that is pending, and end the threads of the executor without waiting.

        Raises:
            RuntimeError: called by a callback of the loop.
        """
        if asyncio._get_running_loop() is self:
            raise RuntimeError("Cannot close a running event loop")
        self._closed = True
        self._ready.clear()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while self._delayed:
            self._delayed.pop().cancel()
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")

    # Callbacks and timers.

    def time(self) -> float:
        """Return the reactor's clock, in seconds."""
        return float(self._reactor.seconds())

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call ``callback(*args)`` in one of the reactor's next turns, in the order of the calls.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._check_closed()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._schedule()
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Do as :meth:`call_soon`, from any thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._check_closed()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)  # a deque takes it from any thread
        self._reactor.callFromThread(self._drain)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call ``callback(*args)`` after ``delay`` seconds.

        Raises:
            RuntimeError: the loop is closed.
        """
        return self._call_at(self.time() + delay, delay, callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call ``callback(*args)`` at ``when`` by :meth:`time`.

        Raises:
            RuntimeError: the loop is closed.
        """
        return self._call_at(when, when - self.time(), callback, args, context)

    def _call_at(
        self,
        when: float,
        delay: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> asyncio.TimerHandle:
        self._check_closed()
        timer = _Timer(when, callback, args, self, context)
        timer.delayed = self._reactor.callLater(max(0.0, delay), self._due, timer)
        self._delayed.add(timer.delayed)
        return timer

    def _due(self, timer: _Timer) -> None:
        # In line with the others, as in asyncio: what was ready before it comes first.
        self._delayed.discard(timer.delayed)
        timer.delayed = None
        self._ready.append(timer)
        self._schedule()

    def _timer_handle_cancelled(self, timer: _Timer) -> None:
        # Part of what asyncio.TimerHandle asks of its loop.
        if timer.delayed is not None and timer.delayed in self._delayed:
            self._delayed.discard(timer.delayed)
            timer.delayed.cancel()
        timer.delayed = None

    def _schedule(self) -> None:
        if self._wake is None:
            self._wake = self._reactor.callLater(0, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._drain()

    def _drain(self) -> None:
        # What callbacks add waits for the next turn, so that the reactor gets to its sockets.
        bound = len(self._ready)
        try:
            with self.entered():
                while bound and self._ready:
                    bound -= 1
                    handle = self._ready.popleft()
                    if not handle.cancelled():
                        handle._run()
        finally:
            if self._ready:  # added meanwhile, or left behind by SystemExit
                self._schedule()

    # Futures and tasks.

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """Run a coroutine as a task.

        Args:
            coro: the coroutine.
            name: the task's name.
            context: the context it runs in, instead of a copy of the present one.
            options: more for ``asyncio.Task``, such as ``eager_start`` (Python 3.12).

        Returns:
            The task.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._check_closed()
        if context is not None:
            options["context"] = context
        if self._task_factory is None:
            return asyncio.Task(coro, loop=self, name=name, **options)
        # As in asyncio, a factory is not given the name: old ones do not take it.
        task: asyncio.Task[T] = self._task_factory(self, coro, **options)
        if name is not None:
            task.set_name(name)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """Set what makes the tasks.

        Args:
            factory: called with the loop and the coroutine; None for ``asyncio.Task``.

        Raises:
            TypeError: it cannot be called.
        """
        if factory is not None and not callable(factory):
            raise TypeError("task factory must be a callable or None")
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        """Return what makes the tasks; None stands for ``asyncio.Task``."""
        return self._task_factory

    # Asynchronous generators.

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        # Python hands over generators that nobody iterates any more, from whatever thread.
        self._asyncgens.discard(generator)
        if not self._closed:
            self.call_soon_threadsafe(self._close_generator, generator)

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.create_task(generator.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close every asynchronous generator that was begun and is not at its end."""
        closing = list(self._asyncgens)
        self._asyncgens.clear()
        for generator in closing:
            try:
                await generator.aclose()
            except Exception as error:  # noqa: BLE001 - one of them must not keep the others open
                self.call_exception_handler(
                    {
                        "message": "an error occurred during closing of asynchronous generator "
                        f"{generator!r}",
                        "exception": error,
                        "asyncgen": generator,
                    }
                )

    # Threads.

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Call ``func(*args)`` in a thread.

        Args:
            executor: whose thread; None for the loop's own, which are daemons.
            func: what to call.
            args: its arguments.

        Returns:
            A future of what it returns.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._check_closed()
        if executor is None:
            if self._executor is None:
                self._executor = DaemonExecutor(_MAX_THREADS, "wampapp-executor")
            executor = self._executor
        return asyncio.wrap_future(executor.submit(func, *args), loop=self)

    def set_default_executor(self, executor: concurrent.futures.Executor) -> None:
        """Set whose threads :meth:`run_in_executor` uses by default; the loop closes it."""
        self._executor = executor

    async def shutdown_default_executor(self) -> None:
        """End the threads of the default executor, without waiting for them."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Do as :func:`socket.getaddrinfo`, in a thread."""
        return await self.run_in_executor(
            None, socket.getaddrinfo, host, port, family, type, proto, flags
        )

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """Do as :func:`socket.getnameinfo`, in a thread."""
        return await self.run_in_executor(None, socket.getnameinfo, sockaddr, flags)

    # Exceptions.

    def set_exception_handler(
        self, handler: Callable[[asyncio.AbstractEventLoop, Any], object] | None
    ) -> None:
        """Set what is called with exceptions that nobody catches.

        Args:
            handler: called with the loop and the context; None for the log.

        Raises:
            TypeError: it cannot be called.
        """
        if handler is not None and not callable(handler):
            raise TypeError("A callable object or None is expected")
        self._exception_handler = handler

    def get_exception_handler(self) -> Callable[[asyncio.AbstractEventLoop, Any], object] | None:
        """Return what is called with exceptions that nobody catches; None stands for the log."""
        return self._exception_handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Log an exception that nobody caught, as asyncio's loops do."""
        lines = [context.get("message") or "Unhandled exception in event loop"]
        for key in sorted(context.keys() - {"message", "exception"}):
            value = context[key]
            if key in ("source_traceback", "handle_traceback"):
                made = "".join(traceback.format_list(value)).rstrip()
                lines.append(f"{key}: created at (most recent call last):\n{made}")
            else:
                lines.append(f"{key}: {value!r}")
        error = context.get("exception")
        logger.error("%s", "\n".join(lines), exc_info=error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Hand an exception that nobody caught to the exception handler; never raises by itself."""
        try:
            if self._exception_handler is None:
                self.default_exception_handler(context)
            else:
                self._call_handler(self._exception_handler, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            logger.exception(
                "Unhandled error in exception handler, called with %s",
                context.get("message"),
                exc_info=error,
            )

    def _call_handler(
        self,
        handler: Callable[[asyncio.AbstractEventLoop, Any], object],
        context: dict[str, Any],
    ) -> None:
        # The handler sees the context variables of what failed, as in asyncio.
        failed = context.get("task") or context.get("future") or context.get("handle")
        get_context = getattr(failed, "get_context", None)  # from 3.12 on
        run = functools.partial(handler, self, context)
        if get_context is None:
            run()
        else:
            get_context().run(run)

    def get_debug(self) -> bool:
        """Whether asyncio's debug mode is on."""
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        """Turn asyncio's debug mode on or off: handles and tasks remember where they were made."""
        self._debug = enabled


class _Timer(asyncio.TimerHandle):
    """A timer that knows its delayed call while it is not due."""

    # TimerHandles are equal where their time and callback are, so they cannot be keys.
    __slots__ = ("delayed",)

    delayed: Any
