"""``wampapp shell``."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from wampapp._version import __version__
from wampapp.cli.options import (
    VARIABLES,
    Command,
    handshake_timeout_option,
    insisted,
    log_level_option,
    port_option,
    router_options,
)
from wampapp.cli.project import any_target_argument
from wampapp.cli.terminal import styled, table
from wampapp.config.records import DEFAULT_URL
from wampapp.errors import EXIT_FAILED, NotJoined, RouterUnreachable, UsageError
from wampapp.registry.context import Event  # noqa: TC001 - a handler's annotation is read

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TextIO

    from wampapp.app import App
    from wampapp.cli.options import Router
    from wampapp.cli.shell.prompt import Screen
    from wampapp.config.records import Config
    from wampapp.runner.service import Service

T = TypeVar("T")

#: Handlers of the prompt get no longer to finish when it is left.
_GRACE: Final = 1.0
_VERBS: Final = (
    ("call(uri, …)", "calls a procedure; so does await call(uri, …)"),
    ("publish(uri, …)", "publishes an event"),
    ("subscribe(uri)", "prints events; subscribe(uri, handler) handles them"),
    ("stream(uri, …)", "gives the results of a procedure one by one"),
)


@click.command(cls=Command, epilog=VARIABLES)
@any_target_argument
@router_options(f"App(url=…), else {DEFAULT_URL}")
@handshake_timeout_option
@click.option(
    "--serve", is_flag=True, help="Run the app as well, with a router if no URL is given."
)
@port_option
@log_level_option
@click.option("--no-ipython", is_flag=True, help="Python's own prompt, even if there is IPython.")
def shell(
    target: str | None,
    router: Router,
    handshake_timeout: float | None,
    serve: bool,
    port: int | None,
    log_level: str | None,
    no_ipython: bool,
) -> None:
    """Open a Python prompt that has joined a router.

    There are call, publish, subscribe, stream and app, await works, and Tab completes URIs.
    TARGET is as in 'wampapp run'; its app's prefix counts, and its verbs use the prompt's
    session. What is piped in is run, without a prompt.
    """
    if serve and target is None:
        if insisted("serve"):
            raise UsageError("--serve runs an app; say which: wampapp shell --serve module:app.")
        serve = False
    if not serve and insisted("port"):
        raise UsageError(
            "--port is that of the router which --serve starts; to join one, use --url."
        )
    from wampapp.app import App
    from wampapp.cli.shell.prompt import Screen
    from wampapp.cli.target import load
    from wampapp.config.settle import settle
    from wampapp.observe import logs

    app = load(target) if target is not None else App(name="shell")
    config = settle(app.config, **vars(router), port=port, handshake_timeout=handshake_timeout)
    screen = Screen()
    logs.configure(log_level or "info", stream=cast("TextIO", screen))
    if not serve:
        config = dataclasses.replace(config, url=config.url or DEFAULT_URL, grace=_GRACE)
    service = _joined(app, config, target, serve=serve)
    try:
        _talk(Verbs(app, service, screen.line), target, screen, no_ipython=no_ipython)
    finally:
        service.runtime.call(service.stop())
        app.attach(None)


def _joined(app: App, config: Config, target: str | None, *, serve: bool) -> Service:
    """Join the router: with what the app declares where it is to be served, else with nothing.

    Raises:
        RouterUnreachable: there is none; the sentence says how to start one.
    """
    from wampapp.loop.runtime import get_runtime
    from wampapp.registry.registry import Registry
    from wampapp.runner.service import Service

    runtime = get_runtime()
    if serve:
        service = app.make_service(config, runtime)
    else:
        service = Service(Registry(), config, runtime, app.logger, threads=app.threads)
    app.attach(service)
    try:
        runtime.call(service.start(patient=False))
    except RouterUnreachable as error:
        hint = "Start one with 'wampapp router'."
        if target is not None:
            hint = f"Start it with 'wampapp run {target}', or run the app here with --serve."
        raise RouterUnreachable(f"{error}{'' if serve else f' {hint}'}") from None
    return service


class Verbs:
    """What the prompt's variables do: on the loop they are awaited, and off it they wait.

    Args:
        app: whose session is used, and whose prefix counts.
        service: has the session.
        show: shows a line.
    """

    def __init__(self, app: App, service: Service, show: Callable[[str], None]) -> None:
        self.app = app
        self.service = service
        self._show = show

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and return its result; in a line with 'await', await it."""
        return self._do(self.app.procedure(uri)(*args, **kwargs))

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Publish an event and wait until the router has taken it; can be awaited."""
        topic = self.app.topic(uri, acknowledge=True)

        async def publish() -> None:
            await topic.publish(*args, **kwargs)

        return self._do(publish())

    def subscribe(
        self, uri: str, handler: Callable[..., Any] | None = None, /, **options: Any
    ) -> Any:
        """Print the events of a topic as they come, or let a handler have them; can be awaited."""
        from wampapp.registry.blueprint import Blueprint

        record = Blueprint(self.app.prefix).add_subscription(
            handler or self._printer(), uri, **options
        )

        async def subscribe() -> None:
            connection = self.service.connection
            if connection is None:
                raise NotJoined("The prompt has been left.")
            await connection.announce(record, self.service.dispatcher.prepare(record))

        return self._do(subscribe())

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Iterate over the progressive results of a procedure, with 'for' or 'async for'."""
        verbs: Any = self.app if self.service.runtime.in_loop_thread else self.app.sync
        return verbs.stream(uri, *args, **kwargs)

    def _printer(self) -> Callable[..., None]:
        def show_event(event: Event, /, *args: Any, **kwargs: Any) -> None:
            words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
            # Whoever publishes may have chosen the topic: nothing of it commands the terminal.
            self._show(f"{repr(event.topic)[1:-1]}({', '.join(words)})")

        return show_event

    def _do(self, work: Coroutine[Any, Any, T]) -> Any:
        """Do it on the loop; off it, wait for the end."""
        import asyncio

        from wampapp.loop.threads import blocking_wait

        runtime = self.service.runtime
        if runtime.in_loop_thread:
            return asyncio.ensure_future(work)
        with blocking_wait() as on_answer:
            return runtime.call(work, on_answer)


def _talk(verbs: Verbs, target: str | None, screen: Screen, *, no_ipython: bool) -> None:
    """Run what is typed, or piped in.

    Raises:
        SystemExit: the lines ended the process, or one that was piped in failed.
    """
    from wampapp.cli.shell.live_uris import LiveUris
    from wampapp.cli.shell.prompt import Console, Driver, Lines, run_script

    drive = Driver(verbs.service.runtime)
    names = {
        name: getattr(verbs, name) for name in ("app", "call", "publish", "subscribe", "stream")
    }
    lines = Lines(names, drive)
    if sys.stdin is None or not sys.stdin.isatty():
        if sys.stdin is not None and not run_script(sys.stdin.buffer.read(), lines):
            sys.exit(EXIT_FAILED)
        sys.stdout.flush()
        return
    ipython = None if no_ipython else _ipython()
    click.echo(_banner(verbs, target, ipython and ipython.VERSION), err=True)
    uris = LiveUris(verbs.app, verbs.service)
    if ipython is not None:
        ipython.talk(lines, drive, uris)
    else:
        Console(lines, uris, screen).talk()


def _ipython() -> Any:
    """Return the module that speaks to IPython; None where that is not installed."""
    try:
        from wampapp.cli.shell import ipython
    except ImportError:
        return None
    return ipython


def _banner(verbs: Verbs, target: str | None, ipython: str | None) -> str:
    service, app = verbs.service, verbs.app
    versions = [f"wampapp {__version__}", f"Python {sys.version.partition(' ')[0]}"]
    versions += [f"IPython {ipython}"] if ipython is not None else []
    address = service.address
    rows = [
        ("  router", service.url or (address.rawsocket_url if address is not None else "")),
        ("  realm", service.config.realm),
    ]
    if target is not None:
        rows.append(("  app", f"{target}{f', relative to {app.prefix}' if app.prefix else ''}"))
    lines = [styled("  ".join(versions), "title"), "", *table(rows, ("note",)), ""]
    lines += table([(f"  {verb}", about) for verb, about in _VERBS], ("name", "note"))
    return "\n".join([*lines, "", "Tab completes URIs; Ctrl-D leaves."])
