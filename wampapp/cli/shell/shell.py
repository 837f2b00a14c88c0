"""``wampapp shell``: join a router, then run what is typed or piped in."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import click

from wampapp._version import __version__
from wampapp.cli.options import (
    VARIABLES,
    Command,
    handshake_timeout_option,
    log_level_option,
    port_option,
    was_typed,
)
from wampapp.cli.output import styled, table
from wampapp.cli.router_options import router_options
from wampapp.cli.target.argument import optional_target_argument
from wampapp.config.records import DEFAULT_ROUTER
from wampapp.errors import EXIT_FAILED, RouterUnreachable, UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from wampapp.app import App
    from wampapp.cli.router_options import RouterOptions
    from wampapp.cli.shell.console import Screen
    from wampapp.cli.shell.verbs import Verbs
    from wampapp.config.records import Config
    from wampapp.runner.service import Service

#: The seconds that running handlers get when the prompt is left.
_GRACE: Final = 1.0
_VERBS: Final = (
    ("call(uri, …)", "calls a procedure; so does await call(uri, …)"),
    ("publish(uri, …)", "publishes an event"),
    ("subscribe(uri)", "prints events; subscribe(uri, handler) handles them"),
    ("stream(uri, …)", "gives the results of a procedure one by one"),
    ("describe(uri)", "prints what its app says of a procedure or a topic"),
)


@click.command(cls=Command, epilog=VARIABLES)
@optional_target_argument
@router_options(f"App(url=…), else {DEFAULT_ROUTER}")
@handshake_timeout_option
@click.option(
    "--serve", is_flag=True, help="Run the app as well, with a router if no URL is given."
)
@port_option
@log_level_option
@click.option(
    "--no-ipython", is_flag=True, help="Python's own prompt, even if IPython is installed."
)
def shell(
    target: str | None,
    router: RouterOptions,
    handshake_timeout: float | None,
    serve: bool,
    port: int | None,
    log_level: str | None,
    no_ipython: bool,
) -> None:
    """Open a Python prompt that has joined a router.

    It has call, publish, subscribe, stream and app; await works, and Tab completes URIs. TARGET
    is as in 'wampapp run': URIs are relative to its app's prefix, and the app uses the prompt's
    session. A script that is piped in runs without a prompt.
    """
    if serve and target is None:
        if was_typed("serve"):
            raise UsageError("--serve runs an app; say which: wampapp shell --serve module:app.")
        serve = False
    if not serve and was_typed("port"):
        raise UsageError(
            "--port is for the router that --serve starts; to join another one, use --url."
        )
    from wampapp.app import App
    from wampapp.cli.target.loading import load
    from wampapp.config.settle import settle

    app = load(target) if target is not None else App(name="shell")
    config = settle(app.config, **vars(router), port=port, handshake_timeout=handshake_timeout)
    hint = "Start one with 'wampapp router'."
    if target is not None:
        hint = f"Start it with 'wampapp run {target}', or run the app here with --serve."
    open_prompt(app, config, target, hint, serve=serve, log_level=log_level, no_ipython=no_ipython)


def open_prompt(
    app: App,
    config: Config,
    target: str | None,
    hint: str,
    *,
    serve: bool,
    log_level: str | None,
    no_ipython: bool,
) -> None:
    """Join the router, and open the prompt or run what is piped in.

    Args:
        app: the app whose prefix counts.
        config: the settled configuration.
        target: what names the app to the user; None without an app.
        hint: what to do where there is no router.
        serve: whether the app runs as well.
        log_level: the level of the log; None for the default.
        no_ipython: whether Python's own prompt is wanted.
    """
    from wampapp.cli.shell.console import Screen
    from wampapp.cli.shell.verbs import Verbs
    from wampapp.observe import logs

    screen = Screen()
    logs.configure(log_level or "info", stream=cast("TextIO", screen))
    if not serve:
        # With debug, an error names the nearest procedures.
        config = dataclasses.replace(config, grace=_GRACE, debug=True)
    service = _joined(app, config, hint, serve=serve)
    try:
        _interact(Verbs(app, service, screen.line), target, screen, no_ipython=no_ipython)
    finally:
        service.runtime.call(service.stop())
        app.attach(None)


def _joined(app: App, config: Config, hint: str, *, serve: bool) -> Service:
    """Join the router, and with ``serve`` announce what the app declares.

    Raises:
        RouterUnreachable: there is none; the message says how to start one.
    """
    from wampapp.loop.runtime import get_runtime
    from wampapp.registry.registry import Registry
    from wampapp.runner.service import Service
    from wampapp.transport.port_dialer import dialer_to

    runtime = get_runtime()
    if serve:
        service = app.make_service(config, runtime)
    else:
        service = Service(
            Registry(),
            config,
            runtime,
            app.logger,
            threads=app.threads,
            dialer=dialer_to(config, runtime.reactor),
        )
    app.attach(service)
    try:
        runtime.call(service.start(patient=False))
    except RouterUnreachable as error:
        raise RouterUnreachable(f"{error}{'' if serve else f' {hint}'}") from None
    return service


def _interact(verbs: Verbs, target: str | None, screen: Screen, *, no_ipython: bool) -> None:
    """Run what is typed or piped in.

    Raises:
        SystemExit: the code ended the process, or a script that was piped in failed.
    """
    from wampapp.cli.shell.console import Console
    from wampapp.cli.shell.interpreter import Interpreter, LoopRunner, run_script
    from wampapp.cli.shell.uri_completion import UriCompleter

    loop_runner = LoopRunner(verbs.service.runtime)
    own = ("app", "call", "publish", "subscribe", "stream", "describe")
    names = {name: getattr(verbs, name) for name in own}
    interpreter = Interpreter(names, loop_runner)
    if sys.stdin is None or not sys.stdin.isatty():
        if sys.stdin is not None and not run_script(sys.stdin.buffer.read(), interpreter):
            sys.exit(EXIT_FAILED)
        sys.stdout.flush()
        return
    ipython = None if no_ipython else _ipython()
    click.echo(_banner(verbs, target, ipython and ipython.VERSION), err=True)
    completer = UriCompleter(verbs.app, verbs.service)
    if ipython is not None:
        ipython.interact(interpreter, loop_runner, completer)
    else:
        Console(interpreter, completer, screen).run()


def _ipython() -> Any:
    """Return the module for IPython's prompt; None if IPython is not installed."""
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
