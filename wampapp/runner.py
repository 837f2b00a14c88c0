"""Run an app in the foreground: what it prints, how signals stop it, how errors end it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import logging
import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from wampapp import config as configs
from wampapp import logs
from wampapp import loop as loops
from wampapp._version import __version__
from wampapp.binding import contexts_in, signature_of
from wampapp.config import Config
from wampapp.errors import WampappError
from wampapp.service import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wampapp.app import App
    from wampapp.auth import Credential
    from wampapp.config import Tls
    from wampapp.registry import Registration, Subscription, Worker
    from wampapp.router.server import Address, Server
    from wampapp.service import Service

logger = logging.getLogger("wampapp")

#: Set while the command line imports a target, when app.run() must not run.
_importing = False

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_STOPPED_AT_ONCE: Final = 130
JOINED_ANOTHER: Final = "it was running already; joined it"
_COLUMN: Final = 72
#: The modules in front of a name in an annotation.
_MODULES: Final = re.compile(r"\b(?:[^\W\d]\w*\.)+(?=[^\W\d])")


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
        variables = configs.run_variables()
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
    url, realm = configs.from_environment(
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
        auth=auth or configs.auth_from() or config.auth,
        tls=tls or configs.tls_from() or config.tls,
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
    runtime = loops.get()
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
    service = app.make_service(config, loops.here())

    def started() -> None:
        tell_start(overview(app, service), as_json=as_json)

    with stop_signals(at_once) as stopped:
        await serve(app, service, stopped, started, lambda: tell_stop(as_json=as_json))


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


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """What is told of a service that is up.

    Attributes:
        name: the app's name.
        realm: the realm.
        routers: the router's URLs, one for each transport.
        note: what is said of the first; may be empty.
        host: the address that a router in the box listens on; None without one.
        procedures: each URI, its signature, and its docstring's first line.
        topics: likewise.
    """

    name: str
    realm: str
    routers: tuple[str, ...]
    note: str
    host: str | None
    procedures: tuple[tuple[str, str, str], ...]
    topics: tuple[tuple[str, str, str], ...]


def overview(app: App, service: Service) -> Overview:
    """Return what is told of a service that is up."""
    address = service.address
    joined_another = address is None and service.config.url is None
    return Overview(
        app.name,
        service.config.realm,
        (service.url or "",) if address is None else urls_of(address),
        JOINED_ANOTHER if joined_another else "",
        None if address is None else address.host,
        tuple(
            (r.uri, signature_text(r, r.endpoint, returns=True), first_line(r.endpoint))
            for r in app.registry.registrations
        ),
        tuple(
            (s.uri, signature_text(s, s.handler, returns=False), first_line(s.handler))
            for s in app.registry.subscriptions
        ),
    )


def urls_of(address: Address) -> tuple[str, str]:
    """Return the URLs of a router in the box."""
    return address.websocket_url, address.rawsocket_url


def tell_start(about: Overview, *, as_json: bool, extra: Sequence[tuple[str, str]] = ()) -> None:
    """Say that a service is up, on the terminal or in the log.

    Args:
        about: what is told.
        as_json: whether the log is JSON.
        extra: further lines of the terminal's, each with its label.
    """
    if as_json:
        fields = {
            "router": about.routers[-1],
            "realm": about.realm,
            "procedures": [uri for uri, *_ in about.procedures],
            "topics": [uri for uri, *_ in about.topics],
        }
        logger.info("%s is up", about.name, extra=fields)
    else:
        say(_banner(about, extra))


def tell_stop(*, as_json: bool) -> None:
    """Say that a service stops."""
    text = "Stopping: running handlers may finish; Ctrl-C again exits now."
    if as_json:
        logger.info(text)
    else:
        say(f"\n{text}")


def _banner(about: Overview, extra: Sequence[tuple[str, str]]) -> str:
    lines = [f"wampapp {__version__}  {about.name}", ""]
    rows = [("router" if n == 0 else "", url) for n, url in enumerate(about.routers)]
    if about.note:
        rows[0] = (rows[0][0], f"{rows[0][1]}  ({about.note})")
    rows += [("realm", about.realm), *extra]
    for title, records in (("procedures", about.procedures), ("topics", about.topics)):
        width = min(
            _COLUMN, max((len(uri + arguments) for uri, arguments, _ in records), default=0)
        )
        for number, (uri, arguments, brief) in enumerate(records):
            rows.append((title if number == 0 else "", f"{uri + arguments:<{width}}  {brief}"))
    lines += [f"  {label:<10}  {text}".rstrip() for label, text in rows]
    if about.host is not None:
        lines += _exposure(about.host)
    return "\n".join([*lines, "", "Press Ctrl-C to stop.", ""])


class _Short:
    """An annotation as people write it: without the modules of its names."""

    def __init__(self, annotation: Any) -> None:
        self._text = _MODULES.sub("", inspect.formatannotation(annotation))

    def __repr__(self) -> str:
        return self._text


def signature_text(
    record: Registration | Subscription, handler: Callable[..., Any], *, returns: bool
) -> str:
    """Return what callers may send: the parameters that the handler is not given by us.

    Args:
        record: the declaration.
        handler: its function.
        returns: whether the result's annotation is part of it.
    """
    signature = signature_of(handler)
    captured = record.pattern.captured if record.pattern else ()
    empty = inspect.Signature.empty
    parameters = [
        p.replace(annotation=p.annotation if p.annotation is empty else _Short(p.annotation))
        for p in signature.parameters.values()
        if p.name not in captured and not contexts_in(p.annotation)
    ]
    result = signature.return_annotation if returns else empty
    return str(
        signature.replace(
            parameters=parameters, return_annotation=result if result is empty else _Short(result)
        )
    )


def first_line(function: object) -> str:
    """Return the first line of a docstring, empty if there is none."""
    return (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]


def _exposure(host: str) -> list[str]:
    from wampapp.router.server import is_loopback

    if is_loopback(host):
        return []
    return [
        "",
        f"  Warning: the router listens on {host}, beyond this machine. Whoever reaches the",
        "  port can call, publish and register without a password and unencrypted.",
    ]


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
    runtime = loops.get()
    runtime.run(_serve_router(runtime, config, as_json=as_json))


@contextlib.contextmanager
def routing(config: Config | None = None) -> Iterator[Address]:
    """Run a router in a background thread while a block is open.

    Args:
        config: where it listens; by default on a free port of the loopback interface.
    """
    config = config or Config(port=0)
    runtime = loops.background(asyncio.SelectorEventLoop())

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


async def _serve_router(runtime: loops.Runtime, config: Config, *, as_json: bool) -> None:
    server = make_server(config, runtime)
    with stop_signals() as stopped:
        address = server.listen(config.host, config.port)
        try:
            if as_json:
                logger.info("The router is up", extra={"router": address.rawsocket_url})
            else:
                say(_router_banner(address))
            await stopped
        finally:
            await server.close()


def say(text: str) -> None:
    """Write to standard error, where people read."""
    # A terminal that is gone must not keep the service from running, or from stopping.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _router_banner(address: Address) -> str:
    lines = [f"wampapp {__version__}  router", ""]
    lines += [f"  WebSocket   {address.websocket_url}", f"  RawSocket   {address.rawsocket_url}"]
    lines += [*_exposure(address.host), "", "Press Ctrl-C to stop.", ""]
    return "\n".join(lines)
