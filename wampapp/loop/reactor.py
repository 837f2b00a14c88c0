"""Twisted's reactor on an asyncio loop: how it is made, started and given back.

A process has one reactor that modules import. Importing this module installs none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.logger import ILogObserver

#: The process's reactor, if it was us who installed it.
_installed_reactor: Any = None


def warm_up() -> None:
    """Import what :func:`make_reactor` will need, and install nothing."""
    import_module("twisted.internet.asyncioreactor")
    with contextlib.suppress(ImportError):
        import_module("uvloop")


def new_loop() -> asyncio.AbstractEventLoop:
    """Make an asyncio event loop that a reactor can ride on: uvloop's where it is installed."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop()  # type: ignore[no-any-return]
    return asyncio.SelectorEventLoop()


def make_reactor(loop: asyncio.AbstractEventLoop) -> Any:
    """Make a reactor on a loop; it becomes the process's if there is none yet."""
    global _installed_reactor  # noqa: PLW0603 - a process has one
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    installed = sys.modules.get("twisted.internet.reactor")
    if installed is None:
        from twisted.internet.main import installReactor
        from twisted.logger import STDLibLogObserver, globalLogBeginner

        # What Twisted and Autobahn log goes where the application's own log goes.
        globalLogBeginner.beginLoggingTo(
            [cast("ILogObserver", STDLibLogObserver("twisted"))],
            redirectStandardIO=False,
            discardBuffer=True,
        )
        _installed_reactor = AsyncioSelectorReactor(loop)
        _read_links_directly(_installed_reactor)
        installReactor(_installed_reactor)
        return _installed_reactor
    if getattr(installed, "_asyncioEventloop", None) is loop:
        return installed
    # A process has one reactor that modules import; further ones are only passed as arguments,
    # and their thread is not the one that Twisted's own tools take for the reactor's.
    further = AsyncioSelectorReactor(loop)
    further._registerAsIOThread = False
    _read_links_directly(further)
    return further


def _read_links_directly(reactor: Any) -> None:
    """Have a reactor read our own links outside of Twisted's log context.

    The context takes 1.2 µs for each read, and is there for a name that our log does not show.
    """
    read = getattr(reactor, "_readOrWrite", None)
    if read is None:
        return  # another version of Twisted
    add_any_reader = reactor.addReader

    def add_reader(reader: Any) -> None:
        if getattr(getattr(reader, "protocol", None), "is_link", False):
            if reader not in reactor._readers:
                number = reader.fileno()
                reactor._asyncioEventloop.add_reader(number, read, reader, True)
                reactor._readers[reader] = number
        else:
            add_any_reader(reader)

    reactor.addReader = add_reader


def running_reactor() -> Any:
    """Return the reactor that the program installed and that runs, or will run, in this thread.

    None where there is none, or where it is ours: ours runs where its asyncio loop does.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if reactor is None or reactor is _installed_reactor:
        return None
    from twisted.python import threadable

    # Before it runs, which is when task.react() calls the program, it has no thread yet.
    return reactor if threadable.ioThread is None or threadable.isInIOThread() else None


def start_reactor(reactor: Any, on_stop: Callable[[], bool]) -> None:
    """Start a reactor whose loop runs; nothing happens where it runs already.

    Args:
        reactor: the reactor.
        on_stop: called when the program's code stops it; returns whether that is done elsewhere.
    """
    if not reactor.running:
        # Our own signal handling stays in charge.
        reactor.startRunning(installSignalHandlers=False)
    stop = type(reactor).stop

    def stop_in_order() -> None:
        # Twisted would close all connections, the router's as well, before anybody has left.
        if not on_stop():
            stop(reactor)

    reactor.stop = stop_in_order


def stop_reactor_threads(reactor: Any) -> None:
    """End the threads of a reactor; it makes new ones when they are asked for.

    Twisted's threads are not daemons: one that is left keeps the process from ending.
    """
    pool = reactor.threadpool
    if pool is not None:
        reactor.removeSystemEventTrigger(reactor.threadpoolShutdownID)
        reactor.threadpoolShutdownID = None
        reactor.threadpool = None
        pool.stop()


def release_reactor(reactor: Any) -> None:
    """Close what a reactor of ours holds, once its loop is closed."""
    if reactor is not sys.modules.get("twisted.internet.reactor"):
        reactor.waker.connectionLost(None)
