"""Run an app in the foreground: its settings, how signals stop it, how errors end it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.environment import auth_from, from_environment, run_variables, tls_from
from wampapp.config.records import Config
from wampapp.errors import WampappError
from wampapp.loop.runtime import Runtime, background_runtime, current_runtime, get_runtime
from wampapp.observe import logs
from wampapp.runner import banner
from wampapp.runner.service import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.app import App
    from wampapp.config.records import Tls
    from wampapp.protocol.credentials import Credential
    from wampapp.registry.records import Worker
    from wampapp.runner.service import Service
    from wampapp.server.door import Address, Server

logger = logging.getLogger("wampapp")

#: Set while the command line imports a target, when app.run() must not run.
_importing = False

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_STOPPED_AT_ONCE: Final = 130


class importing:  # noqa: N801 - a context manager, used like a function
    """While it is open, ``app.run()`` does nothing: the command line imports the module."""

    def __enter__(self) -> None:
        global _importing  # noqa: PLW0603 - a module's import is global, and so is its being on
        _importing = True

    def __exit__(self, *_exception: object) -> None:
        global _importing  # noqa: PLW0603
        _importing = False


def run_from_script(app: App, **options: Any) -> None:
    """Run an app for ``app.run()``; errors end the process with a sentence and an exit code.

    Args:
        app: the app.
        options: see :func:`settle`.

    Raises:
        SystemExit: on an error.
    """
    if _importing:
        return
    try:
        variables = run_variables()
        asked = {name: value for name, value in options.items() if value is not None}
        run(app, settle(app.config, **variables | asked))
    except WampappError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(error.exit_code) from None


def settle(
    config: Config,
    *,
    url: str | None = None,
    realm: str | None = None,
    host: str | None = None,
    port: int | None = None,
    debug: bool | None = None,
    allow_origins: tuple[str, ...] = (),
    handshake_timeout: float | None = None,
    give_up_after: float | None = None,
    auth: Credential | None = None,
    tls: Tls | None = None,
) -> Config:
    """Settle a run's configuration: what was asked for, then ``WAMPAPP_*``, then the app's own.

    Args:
        config: the app's own.
        url: the router.
        realm: the realm.
        host: the embedded router's address.
        port: the embedded router's port.
        debug: whether callers see exceptions.
        allow_origins: web origins that may open a WebSocket at the embedded router.
        handshake_timeout: seconds for connecting and joining.
        give_up_after: seconds without a router after which the run ends.
        auth: the credential.
        tls: how TLS is spoken.

    Raises:
        UsageError: a value is not valid.
    """
    url, realm = from_environment(
        url=url, realm=realm, default_url=config.url, default_realm=config.realm
    )
    return dataclasses.replace(
        config,
        url=url,
        realm=realm,
        host=config.host if host is None else host,
        port=config.port if port is None else port,
        debug=config.debug if debug is None else debug,
        allow_origins=allow_origins or config.allow_origins,
        handshake_timeout=(
            config.handshake_timeout if handshake_timeout is None else handshake_timeout
        ),
        give_up_after=config.give_up_after if give_up_after is None else give_up_after,
        auth=auth or auth_from() or config.auth,
        tls=tls or tls_from() or config.tls,
    )


def run(
    app: App,
    config: Config,
    *,
    log_level: str | None = None,
    log_format: str | None = None,
    at_once: Callable[[], None] | None = None,
) -> None:
    """Run an app in the calling thread until a signal stops it.

    Args:
        app: the app.
        config: its settled configuration.
        log_level: the lowest level that is logged; ``info`` by default.
        log_format: ``text``, the default, or ``json``.
        at_once: called in a signal handler when the second signal ends the process at once.

    Raises:
        WampappError: it could not start, or ended for good.
    """
    as_json = configure_logs(log_level, log_format)
    runtime = get_runtime()
    runtime.run(_serve(app, config, as_json=as_json, at_once=at_once))


def handle_signal(number: int, handler: Callable[[], None]) -> Any:
    """Set the handler of a signal, for this process and for none that is forked from it.

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

    Args:
        at_once: called before that exit.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # Python delivers signals to the main thread alone
        return
    came = 0

    def stop() -> None:
        # A handler of Python's own, not the loop's: it runs even while a handler blocks the loop.
        nonlocal came
        came += 1
        if came > 1:
            if at_once is not None:
                at_once()
            # Not through sys.stderr: the signal may have come while it was being written to.
            with contextlib.suppress(OSError):
                os.write(2, b"\nStopped at once.\n")
            if at_once is not None:
                at_once()
            os._exit(_STOPPED_AT_ONCE)
        loop.call_soon_threadsafe(stopped.set_result, None)

    before = {number: handle_signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _serve(
    app: App, config: Config, *, as_json: bool, at_once: Callable[[], None] | None = None
) -> None:
    service = app.make_service(config, current_runtime())

    def started() -> None:
        banner.tell_start(banner.overview(app, service), as_json=as_json)

    with stop_signals(at_once) as stopped:
        await serve(app, service, stopped, started, lambda: banner.tell_stop(as_json=as_json))


async def serve(
    app: App,
    service: Service,
    stopped: asyncio.Future[None],
    on_start: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Run a service until it is told to stop, or ends for good.

    Args:
        app: the app, which gets its verbs from the service meanwhile.
        service: what :meth:`App.make_service` made.
        stopped: done when it is to stop.
        on_start: called when it has joined.
        on_stop: called when it begins to stop.

    Raises:
        WampappError: it could not start, or ended for good.
    """

    async def start_and_wait() -> None:
        await service.start()
        on_start()
        await service.wait()

    app.attach(service)
    main = asyncio.create_task(start_and_wait())
    try:
        await asyncio.wait([main, stopped], return_when=asyncio.FIRST_COMPLETED)
        if main.done():
            await main
        else:
            on_stop()
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)
    finally:
        await service.stop()
        app.attach(None)


def configure_logs(level: str | None, form: str | None, worker: Worker | None = None) -> bool:
    """Set up the log as it was asked for; tell whether that is as JSON."""
    form = form or os.environ.get("WAMPAPP_LOG_FORMAT") or "text"
    logs.configure(
        level or os.environ.get("WAMPAPP_LOG_LEVEL") or "info",
        form=form,
        worker=worker.number if worker is not None and worker.count > 1 else None,
    )
    return form == "json"


def run_router(
    config: Config, *, log_level: str | None = None, log_format: str | None = None
) -> None:
    """Run the router alone, in the calling thread, until a signal stops it.

    Args:
        config: where it listens, and how patiently.
        log_level: as in :func:`run`.
        log_format: as in :func:`run`.

    Raises:
        UsageError: it cannot listen there.
    """
    as_json = configure_logs(log_level, log_format)
    runtime = get_runtime()
    runtime.run(_serve_router(runtime, config, as_json=as_json))


@contextlib.contextmanager
def routing(config: Config | None = None) -> Iterator[Address]:
    """Run a router in a background thread while a block is open.

    Args:
        config: where it listens; by default on a free port of the loopback interface.
    """
    config = config or Config(port=0)
    runtime = background_runtime(asyncio.SelectorEventLoop())

    async def listen() -> tuple[Server, Address]:
        server = make_server(config, runtime)
        return server, server.listen(config.host, config.port)

    server, address = runtime.call(listen())
    try:
        yield address
    finally:
        runtime.call(server.close())
        runtime.stop_background()
        runtime.loop.close()


async def _serve_router(runtime: Runtime, config: Config, *, as_json: bool) -> None:
    server = make_server(config, runtime)
    with stop_signals() as stopped:
        address = server.listen(config.host, config.port)
        try:
            if as_json:
                logger.info("The router is up", extra={"router": address.rawsocket_url})
            else:
                banner.say(banner.router_banner(address))
            await stopped
        finally:
            await server.close()
