"""What stops a run, and how: signals, and the end of the standard input."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

#: Seconds after a signal in which another is the same once more: what signals a whole group of
#: processes reaches a process in it directly, and again through its parent, which passes it on.
ECHO: Final = 0.3

#: When the signal came that stopped the last run, by the clock of :func:`time.monotonic`.
_stopped_at = -ECHO


def handle_signal(number: int, handler: Callable[[], None]) -> Any:
    """Set the handler of a signal in this process; processes forked from it do not run it.

    There SIGTERM ends the process, as multiprocessing expects. SIGINT does so the second time: at
    the first, which a terminal sends to all, handlers that need the process may yet finish.

    Args:
        number: the signal.
        handler: called in the main thread.

    Returns:
        The handler before.
    """
    own = os.getpid()

    def handle(*_signal: object) -> None:
        if os.getpid() == own:
            handler()
            return
        signal.signal(number, signal.SIG_DFL)
        if number == signal.SIGTERM:
            os.kill(os.getpid(), number)

    return signal.signal(number, handle)


@contextlib.contextmanager
def stop_signals(at_once: Callable[[], None] | None = None) -> Iterator[asyncio.Future[None]]:
    """While it is open, SIGINT and SIGTERM complete the future; the second one exits at once.

    A signal that comes within :data:`ECHO` seconds of the first is not a second one, even if the
    run has stopped meanwhile.

    In a thread other than the main one it changes nothing: Python runs signal handlers only in
    the main thread.

    Args:
        at_once: called in the signal handler before that exit.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    first: float | None = None

    def stop() -> None:
        # A handler of Python's own, not the loop's: it runs even while a handler blocks the loop.
        nonlocal first
        now = time.monotonic()
        if first is None:
            first = now
        elif now - first >= ECHO:
            if at_once is not None:
                at_once()
            # Not through sys.stderr: the signal may have come while it was being written to.
            with contextlib.suppress(OSError):
                os.write(2, b"\nStopped at once.\n")
            if at_once is not None:
                at_once()
            os._exit(EXIT_INTERRUPTED)
        loop.call_soon_threadsafe(complete, stopped)

    before = {number: handle_signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            if first is None:
                signal.signal(number, handler)
            else:
                _restore(number, handler, first)


def _restore(number: int, handler: Any, stopped_at: float) -> None:
    """Set a handler from before a run, for signals that are not an echo of the one that ended it.

    Args:
        number: the signal.
        handler: the handler.
        stopped_at: when the signal came that ended the run.
    """
    global _stopped_at  # noqa: PLW0603 - signals are the process's, and so is this
    _stopped_at = stopped_at

    own = os.getpid()

    def late(*_signal: object) -> None:
        if time.monotonic() - stopped_at >= ECHO or os.getpid() != own:
            signal.signal(number, handler)
            signal.raise_signal(number)

    signal.signal(number, late)


@atexit.register
def _ignore_echo() -> None:
    """Ignore an echo while Python exits, when it has taken our handlers away."""
    if time.monotonic() - _stopped_at < ECHO:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def stop_with_stdin(stopped: asyncio.Future[None]) -> None:
    """Have the end of the standard input complete a future of the running loop.

    What comes before that end is thrown away.

    Args:
        stopped: the future.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone: that is its end
            while True:
                try:
                    if not os.read(0, 65536):
                        break
                except BlockingIOError:  # its other end may have made it so
                    select.select([0], [], [])
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(complete, stopped)

    # A loop cannot watch a file, and a thread can read anything.
    threading.Thread(target=read, daemon=True, name="wampapp-stdin").start()


def complete(stopped: asyncio.Future[None]) -> None:
    """Say that a run is to stop, however often."""
    if not stopped.done():
        stopped.set_result(None)


@contextlib.contextmanager
def reload_signal(reload: Callable[[], None] | None) -> Iterator[None]:
    """While it is open, SIGHUP calls a function on the loop.

    In a thread other than the main one it changes nothing.

    Args:
        reload: the function; None leaves the signal as it is.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if reload is None or not is_main or not hasattr(signal, "SIGHUP"):
        yield
        return
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        loop.call_soon_threadsafe(reload)

    before = handle_signal(signal.SIGHUP, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
