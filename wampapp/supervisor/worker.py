"""A worker process from inside: it loads the app, joins when its parent says so, and serves."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import signal
import threading
from multiprocessing.reduction import recv_handle
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import TRUSTED
from wampapp.config.settle import FINDING, JOINING, settle
from wampapp.describe.console_files import console_file
from wampapp.loop import reactor
from wampapp.loop.runtime import current_runtime, get_runtime
from wampapp.registry.web_records import OWN
from wampapp.runner import banner, foreground
from wampapp.runner.signals import complete, handle_signal
from wampapp.server.address import host_allowed
from wampapp.supervisor.pipe import Join, Left, Loaded, Up
from wampapp.transport import dial
from wampapp.transport.port_dialer import dialer_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from wampapp.config.records import Config
    from wampapp.runner.servable import Servable
    from wampapp.runner.service import Service
    from wampapp.supervisor.pipe import Start

#: How much longer than its grace time a process may take to end when its parent is gone.
_PATIENCE: Final = 5.0

#: The most seconds that running handlers get when a save ends them.
_MAX_RELOAD_GRACE: Final = 1.0


def hold_signals() -> None:
    """Leave it to the parent what Ctrl-C means: a terminal sends it to every process."""
    # Not SIG_IGN, which the programs that the app starts would inherit.
    handle_signal(signal.SIGINT, lambda: None)
    # The parent blocked it while it started this process.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def warm_up() -> None:
    """Import what a connection needs, while there is no app to run yet.

    Not a reactor: the app's own modules may install one, which is an error of its own.
    """
    reactor.warm_up()
    dial.warm_up()


class Listener:
    """Receives from the parent in a thread of its own; ends the process when the parent is gone.

    Nothing else would, for instance while the app's import hangs.

    Args:
        pipe: the pipe to the parent.

    Attributes:
        join: the parent's second message, which lets the process join.
        grace: the seconds that running handlers get.
        take: takes a connection to the service's web apps: its file descriptor, its address family,
            and what was read from it.
    """

    def __init__(self, pipe: Connection) -> None:
        self.take: Callable[[int, int, bytes], None] = lambda descriptor, *_: os.close(descriptor)
        self.join: concurrent.futures.Future[Join] = concurrent.futures.Future()
        self.grace = 0.0
        threading.Thread(target=self._listen, args=(pipe,), daemon=True).start()

    def _listen(self, pipe: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            self.join.set_result(pipe.recv())
            while True:  # until it ends with the parent
                message = pipe.recv()
                self.take(recv_handle(pipe), message.family, message.data)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(self.grace + _PATIENCE)
        os._exit(1)


def serve(app: Servable, start: Start, pipe: Connection, listener: Listener) -> None:
    """Run a loaded app until the parent stops it or is gone.

    Args:
        app: the app.
        start: the parent's first message.
        pipe: the pipe to the parent.
        listener: receives from the pipe.

    Raises:
        WampappError: it could not start, or ended for good.
    """
    app.worker = start.worker
    app.registry.freeze()
    config = settle(app.config, variables=FINDING if start.search else JOINING, **start.options)
    if start.reloads:
        config = dataclasses.replace(
            config, grace=min(config.grace, _MAX_RELOAD_GRACE), watch_loop=True
        )
    listener.grace = config.grace
    get_runtime().run(_serve(app, config, start, pipe, listener))


async def _serve(
    app: Servable, config: Config, start: Start, pipe: Connection, listener: Listener
) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        # However often it comes: stopping a whole group of processes reaches each twice.
        loop.call_soon_threadsafe(complete, stopped)

    handle_signal(signal.SIGTERM, stop)
    serves_pages = bool(app.registry.web) and not start.search
    _send(
        pipe,
        Loaded(
            config.url is None and not start.search,
            config.realm,
            None if start.search else app.registry.identifier,
            (*app.registry.web.paths, OWN) if serves_pages else (),
        ),
    )
    join = asyncio.wrap_future(listener.join)
    either: list[asyncio.Future[Any]] = [join, stopped]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not join.done():
        return
    found = join.result()
    runtime, dialer = current_runtime(), None
    if start.search:
        dialer = dialer_to(config, runtime.reactor)
    elif config.url is None:
        # A credential is for a router that is named.
        auth = None
        if found.secret is not None:
            from wampapp.protocol.credentials import Wampcra

            auth = Wampcra(TRUSTED, found.secret)
        config = dataclasses.replace(config, url=found.url, auth=auth)
    if start.reloads:
        config = dataclasses.replace(config, generation=found.generation)
    service = app.make_service(config, runtime, dialer, succeeds=start.worker.again)
    if serves_pages and found.host:
        _take_connections(service, found, listener, loop)

    def started() -> None:
        info, single = banner.service_info(app, service), banner.single_of(app, service)
        _send(pipe, Up(info, single, _log_files(), service.registry.web.folders))

    await foreground.serve([(app, service)], stopped, started, lambda: None)
    _send(pipe, Left())


def _take_connections(
    service: Service, parent: Join, listener: Listener, loop: asyncio.AbstractEventLoop
) -> None:
    """Have the service answer the requests for web pages at its parent's port."""
    realm = service.config.realm
    service.takes_pages(
        lambda host: host_allowed(host, parent.host, parent.origins),
        frozenset(parent.origins),
        (lambda path: console_file(path, realm)) if parent.console else None,
    )

    def take(descriptor: int, family: int, data: bytes) -> None:
        loop.call_soon_threadsafe(service.accept_page, descriptor, family, data)

    listener.take = take


def _send(pipe: Connection, message: Loaded | Up | Left) -> None:
    with contextlib.suppress(OSError):  # the parent is gone, which the listener notices
        pipe.send(message)


def _log_files() -> tuple[str, ...]:
    """Return the files that the process logs to by the standard library's logging."""
    known = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return tuple(
        handler.baseFilename
        for logger in known
        for handler in logger.handlers
        if isinstance(handler, logging.FileHandler)
    )
