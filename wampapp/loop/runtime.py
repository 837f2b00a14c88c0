"""The one loop of a process: asyncio's, with Twisted's reactor riding on it.

Importing this module installs nothing. The loop and the reactor come into being when something
runs (:func:`get_runtime`), in the caller's thread or, for blocking clients, in a background thread.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from wampapp.errors import NotJoined, UsageError, WrongThread
from wampapp.loop.blocking import run_and_wait
from wampapp.loop.reactor import (
    make_reactor,
    new_loop,
    release_reactor,
    running_reactor,
    start_reactor,
    stop_reactor_threads,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from twisted.internet.interfaces import IReactorTCP

T = TypeVar("T")


class Runtime:
    """The loop, the reactor on it, and the thread that runs them.

    Use :func:`get_runtime` for the process's own, or :func:`current_runtime` for the one that runs
    already.

    Args:
        loop: the asyncio event loop.
        reactor: Twisted's reactor on it; None to make one when it is first asked for.
        own: whether it is ours to run and to stop.

    Attributes:
        loop: the asyncio event loop.
        clients: how many blocking clients are open.
        on_stop: called when the program's own code stops the loop or the reactor, in place of that,
            until :meth:`run` returns; None to let it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, reactor: Any = None, *, own: bool = True
    ) -> None:
        self.loop = loop
        self._reactor = reactor
        self._thread: threading.Thread | None = None
        self._own = own
        self.clients = 0
        self.on_stop: Callable[[], None] | None = None
        self._owner: int | None = None if own else threading.get_ident()
        self._lock = threading.Lock()

    @property
    def reactor(self) -> IReactorTCP:
        """Twisted's reactor, running on :attr:`loop`."""
        if self._reactor is None:
            # Not our loop, and it runs: this is called on its thread.
            self._reactor = make_reactor(self.loop)
            self._start_reactor()
        return self._reactor  # type: ignore[no-any-return]

    @property
    def in_loop_thread(self) -> bool:
        """Whether the calling thread is the one that runs the loop."""
        return self._owner == threading.get_ident()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end in the calling thread.

        Args:
            main: the coroutine.

        Returns:
            What it returns.

        Raises:
            UsageError: the loop runs already.
        """
        if _forked:
            main.close()
            raise UsageError(_FORKED)
        if asyncio._get_running_loop() not in (None, self.loop):
            main.close()
            raise UsageError(
                "An event loop runs in this thread already, so app.run() cannot start another; "
                "use 'await app.start()' or 'async with app.running():' in it."
            )
        if sys.modules.get("twisted.internet.reactor") is not self._reactor:
            main.close()
            raise UsageError(
                f"Twisted's {type(sys.modules['twisted.internet.reactor']).__name__} is installed "
                "already, so app.run() cannot install its own on asyncio; import "
                "twisted.internet.reactor inside your handlers, not at the top of the module, or "
                "use 'await app.start()' in a program that runs its own reactor."
            )
        if self._thread is not None and not self.clients and not self.in_loop_thread:
            self.stop_background()  # left over from clients that are closed
        with self._lock:
            if self.loop.is_running() or self._thread is not None:
                main.close()
                raise UsageError(
                    "A loop runs already in this process: close the clients of "
                    "wampapp.connect() before app.run(), or run the app in a process of its own."
                )
            self._owner = threading.get_ident()
        try:
            task = self.loop.create_task(self._main(main))
            while True:
                try:
                    return self.loop.run_until_complete(task)
                except RuntimeError:
                    if task.done() or self.on_stop is None:
                        raise
                    self.on_stop()  # it goes on until it has stopped in order
        finally:
            self.on_stop = None
            self._stop_reactor_threads()
            self._owner = None

    def call(
        self, coroutine: Coroutine[Any, Any, T], on_answer: Callable[[], None] | None = None
    ) -> T:
        """Run a coroutine on the loop and wait for it, from any other thread.

        Starts the loop in a background thread if it does not run.

        Args:
            coroutine: what to run.
            on_answer: called on the loop's thread when it has ended.

        Returns:
            What it returns.

        Raises:
            WrongThread: called on the loop's own thread, where the wait could never end.
            NotJoined: the process ends, and the loop does not run any more.
        """
        if _forked or _ended:
            coroutine.close()
            raise UsageError(_FORKED) if _forked else NotJoined(_ENDED)
        running = asyncio._get_running_loop()
        if self.in_loop_thread or any(known.loop is running for known in _adopted):
            coroutine.close()
            raise WrongThread(
                "This blocking verb was called on the event loop's thread, where it would wait "
                "for ever. In an async handler use 'await app.call(…)'; blocking verbs belong in "
                "plain 'def' handlers and scripts."
            )
        if self._own:
            self._run_in_background()
        elif not self.loop.is_running():
            coroutine.close()
            raise UsageError("The event loop that the app was started in no longer runs.")
        return run_and_wait(self.loop, coroutine, on_answer)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a coroutine on the loop, from any thread, and do not wait for it.

        For what tidies up: Python may finalize an object in any thread, the loop's included, and
        when the process ends. Does nothing once the loop does not run any more.

        Args:
            coroutine: what to run.
        """
        if _forked or _ended or self.loop.is_closed():
            coroutine.close()
        else:
            self.loop.call_soon_threadsafe(self.loop.create_task, coroutine)

    def awaitable(
        self, coroutine: Coroutine[Any, Any, T], on_failure: Callable[[], None] | None = None
    ) -> Awaitable[T]:
        """Start a coroutine, and return what the calling code can await.

        Args:
            coroutine: what to run.
            on_failure: called when it has raised or was cancelled, even before its first step.

        Returns:
            An asyncio task where an asyncio task asks; else, where Twisted's code does, a
            Deferred.
        """
        task = self.loop.create_task(coroutine)
        if on_failure is not None:
            failed = on_failure
            task.add_done_callback(
                lambda done: failed() if done.cancelled() or done.exception() else None
            )
        if asyncio._get_running_loop() is self.loop and asyncio.current_task() is not None:
            return task
        from twisted.internet.defer import Deferred

        return Deferred.fromFuture(task)

    def retire(self) -> None:
        """Release what a reactor of ours holds, once its loop is closed."""
        if self._reactor is not None:
            release_reactor(self._reactor)

    async def _main(self, main: Coroutine[Any, Any, T]) -> T:
        self._start_reactor()
        return await main

    def _start_reactor(self) -> None:
        if self._reactor is not None:
            start_reactor(self._reactor, self._stop_reactor)

    def _stop_reactor(self) -> bool:
        """Stop in order, as the reactor is to be stopped; return whether that is done here."""
        if self.on_stop is not None:
            self.on_stop()
        return self.on_stop is not None

    def _run_in_background(self) -> None:
        with self._lock:
            if self._thread is not None or self._owner is not None:
                return
            _check_threads()
            started = threading.Event()
            thread = threading.Thread(
                target=self._turn, args=(started,), name="wampapp-loop", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # from 3.12 on, no thread starts when the process ends
                raise NotJoined(_ENDED) from None
            self._thread = thread
        started.wait()

    def _turn(self, started: threading.Event) -> None:
        self._owner = threading.get_ident()
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._start_reactor)
        self.loop.call_soon(started.set)
        self.loop.run_forever()

    def stop_background(self, timeout: float | None = None) -> None:
        """End the background thread, if there is one; a later :meth:`call` starts another.

        Args:
            timeout: the seconds to wait for what the loop does just now; None for as long as
                that takes.
        """
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join(timeout)
            if thread.is_alive():
                return
            self._owner = None
            self._stop_reactor_threads()

    def _stop_reactor_threads(self) -> None:
        if self._reactor is not None:
            stop_reactor_threads(self._reactor)


#: How long the end of a process waits for a loop that is busy.
_EXIT_SECONDS = 2.0
_FORKED = (
    "This process was forked after wampapp had started; its loop stayed behind in the parent. "
    "Start wampapp after the fork, in each process by itself."
)
_ENDED = (
    "The process ends, and wampapp's event loop has ended before it; call and publish earlier, or "
    "in a function that you give to atexit.register() after wampapp.connect()."
)

_runtime: Runtime | None = None
#: The runtimes of loops that are not ours; a closed loop's is dropped when the next one comes.
_adopted: list[Runtime] = []
_forked = False
_ended = False
_lock = threading.Lock()


def get_runtime() -> Runtime:
    """Return the process's runtime; the first call makes it and installs Twisted's reactor.

    Raises:
        UsageError: the process was forked from one that had a runtime.
    """
    global _runtime  # noqa: PLW0603 - one loop a process is what this module is for
    if _runtime is None:
        with _lock:
            if _runtime is None:
                own = new_loop()
                _runtime = Runtime(own, make_reactor(own))
    elif _forked:
        raise UsageError(_FORKED)
    return _runtime


def current_runtime() -> Runtime:
    """Return the runtime of the event loop, or Twisted reactor, that runs in the calling thread.

    Raises:
        UsageError: none runs here, or the process was forked from one that had a runtime.
    """
    if _forked:
        raise UsageError(_FORKED)
    running: Any = asyncio._get_running_loop()
    if _runtime is not None and running is _runtime.loop:
        return _runtime
    reactor = None
    if running is None:
        reactor = running_reactor()
        if reactor is None:
            raise UsageError(
                "No event loop runs in this thread: await app.start() in one, or use app.run()."
            )
    with _lock:
        for known in [known for known in _adopted if known.loop.is_closed()]:
            _adopted.remove(known)
            known.retire()
        for known in _adopted:
            if known.loop is running or (reactor is not None and known._reactor is reactor):
                return known
        if running is None:
            running = getattr(reactor, "_asyncioEventloop", None)
        if running is None:
            from wampapp.loop.reactor_loop import ReactorLoop

            running = ReactorLoop(reactor)  # type: ignore[abstract]  # it has no sockets
        _adopted.append(Runtime(running, reactor, own=False))
        return _adopted[-1]


def background_runtime(loop: asyncio.AbstractEventLoop) -> Runtime:
    """Make a runtime on the caller's own loop, which will run in a background thread.

    Args:
        loop: the loop; it does not run yet.

    Raises:
        UsageError: the process was forked from one that had a runtime.
    """
    if _forked:
        raise UsageError(_FORKED)
    runtime = Runtime(loop)
    with _lock:
        _adopted.append(runtime)
    return runtime


def _check_threads() -> None:
    """Check that threads are the system's.

    Raises:
        UsageError: gevent has replaced them, so a loop in one would stop all the others.
    """
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("threading"):
        raise UsageError(
            "gevent has replaced Python's threads, and the event loop needs a real one; use a "
            "server with threads, such as 'gunicorn --worker-class gthread'."
        )


def _after_fork() -> None:
    global _forked, _lock  # noqa: PLW0603
    _forked = _runtime is not None or bool(_adopted)
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _at_exit() -> None:
    global _ended  # noqa: PLW0603
    # A daemon thread that is inside uvloop or OpenSSL while Python shuts down may crash the
    # process. What other modules do at exit on the loop comes first: they import this one.
    if _runtime is not None and not _forked:
        _runtime.stop_background(_EXIT_SECONDS)
    # What is finalized later must not wait for a thread that Python has stopped.
    _ended = True
