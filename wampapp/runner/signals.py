"""Which signals stop a run, and how."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


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
    count = 0

    def stop() -> None:
        # A handler of Python's own, not the loop's: it runs even while a handler blocks the loop.
        nonlocal count
        count += 1
        if count > 1:
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
            signal.signal(number, handler)


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
