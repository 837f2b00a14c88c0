"""A service process: loads the app, joins when its parent says so, and serves."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

from wampapp.loop import reactor
from wampapp.loop.runtime import current_runtime, get_runtime
from wampapp.runner import banner
from wampapp.runner import foreground as runner
from wampapp.supervisor.channel import Join, Left, Loaded, Up
from wampapp.transport import dial

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from wampapp.app import App
    from wampapp.config.records import Config
    from wampapp.supervisor.channel import Order

#: How much longer than its grace time a process may take to end when its parent is gone.
_PATIENCE: Final = 5.0


#: The seconds that running handlers get at the most where a save ends them.
_RELOAD_GRACE: Final = 1.0


def hold_signals() -> None:
    """Let the parent alone decide what Ctrl-C means; a terminal sends it to everybody."""
    # Not SIG_IGN, which the programs that the app starts would inherit.
    runner.handle_signal(signal.SIGINT, lambda: None)
    # The parent blocked it while it started this process.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def warm_up() -> None:
    """Import what a connection needs, in the time before there is an app to run.

    No reactor: the app's own modules may install one, and are then told that they must not.
    """
    reactor.warm_up()
    dial.warm_up()


class Listener:
    """Hears the parent, in a thread of its own, and ends the process when the parent is gone.

    Nobody else would, and be it that the app's import never ends.

    Args:
        channel: the pipe to the parent.

    Attributes:
        told: the parent's second word.
        grace: the seconds that running handlers get.
    """

    def __init__(self, channel: Connection) -> None:
        self.told: concurrent.futures.Future[Join] = concurrent.futures.Future()
        self.grace = 0.0
        threading.Thread(target=self._listen, args=(channel,), daemon=True).start()

    def _listen(self, channel: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            self.told.set_result(channel.recv())
            channel.recv()  # there is no third word
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(self.grace + _PATIENCE)
        os._exit(1)


def serve(app: App, order: Order, channel: Connection, listener: Listener) -> None:
    """Run a loaded app until the parent stops it or is gone.

    Args:
        app: the app.
        order: the parent's order.
        channel: the pipe to the parent.
        listener: hears what it says.

    Raises:
        WampappError: it could not start, or ended for good.
    """
    app.worker = order.worker
    app.registry.freeze()
    config = runner.settle(app.config, **order.options)
    if order.reloads:
        config = dataclasses.replace(config, grace=min(config.grace, _RELOAD_GRACE))
    listener.grace = config.grace
    get_runtime().run(_serve(app, config, order, channel, listener))


async def _serve(
    app: App, config: Config, order: Order, channel: Connection, listener: Listener
) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        # As often as it comes: who stops a whole group of processes reaches each twice.
        loop.call_soon_threadsafe(_complete, stopped)

    runner.handle_signal(signal.SIGTERM, stop)
    _tell(channel, Loaded(config.url is None))
    told = asyncio.wrap_future(listener.told)
    first: list[asyncio.Future[Any]] = [told, stopped]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if not told.done():
        return
    if config.url is None:
        # A credential is for a router that is named.
        config = dataclasses.replace(config, url=told.result().url, auth=None)
    service = app.make_service(config, current_runtime(), succeeds=order.worker.again)

    def started() -> None:
        alone = tuple(r.uri for r in app.registry.registrations if r.invoke == "single")
        _tell(channel, Up(banner.overview(app, service), alone, _log_files()))

    await runner.serve(app, service, stopped, started, lambda: None)
    _tell(channel, Left())


def _tell(channel: Connection, message: Loaded | Up | Left) -> None:
    with contextlib.suppress(OSError):  # the parent is gone, which is heard of in another way
        channel.send(message)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _log_files() -> tuple[str, ...]:
    """Return the files that the process logs to, as far as the standard library's logging does."""
    known = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return tuple(
        handler.baseFilename
        for logger in known
        for handler in logger.handlers
        if isinstance(handler, logging.FileHandler)
    )
