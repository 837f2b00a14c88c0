"""``flask wamp``: the commands of ``wampapp``, for the Flask app that ``flask`` has found."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, ScriptInfo

from wampapp.cli.doctor.doctor import begin, examine
from wampapp.cli.inspect.inspect import show_router
from wampapp.cli.inspect.uris import echo_uris
from wampapp.cli.options import (
    give_up_after_option,
    json_option,
    listening_options,
    log_level_option,
    log_options,
    timeout_option,
)
from wampapp.cli.output import sentence
from wampapp.cli.router_options import realm_option, url_option
from wampapp.cli.shell.shell import open_prompt
from wampapp.cli.verbs.call import make_call
from wampapp.cli.verbs.connector import Connector
from wampapp.cli.verbs.publish import make_publish
from wampapp.cli.verbs.subscribe import make_subscribe
from wampapp.client.connect import ConnectedClient
from wampapp.errors import EXIT_INTERRUPTED, WampappError
from wampapp.runner import foreground as runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.flask.peer import Peer


class _Failed(click.ClickException):
    def __init__(self, error: WampappError) -> None:
        super().__init__(sentence(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # Click reads the instance's


class _Group(AppGroup):
    """Ends every error with one sentence and its own exit code, as ``wampapp`` does."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WampappError as error:
            raise _Failed(error) from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def make_group() -> click.Group:
    """Make the command group ``flask wamp``."""
    group = _Group("wamp", help="WAMP: serve, list, call, look.")

    @group.command(with_appcontext=False)
    @url_option("WAMP_URL, else its own")
    @realm_option("WAMP_REALM, else realm1")
    @listening_options
    @give_up_after_option
    @log_options
    @click.pass_context
    def run(
        ctx: click.Context, /, *, log_level: str | None, log_format: str | None, **options: Any
    ) -> None:
        """Serve what the app registers and subscribes, until Ctrl-C.

        Without a router's URL, a router is started in the same process.
        """
        app = _peer(ctx.ensure_object(ScriptInfo).load_app()).app
        runner.run(app, app.settle(**options), log_level=log_level, log_format=log_format)

    @group.command()
    @json_option
    def uris(*, as_json: bool) -> None:
        """List what the app registers and subscribes."""
        echo_uris(_peer(current_app).app.registry, as_json=as_json)

    @group.command()
    @timeout_option
    @json_option
    def inspect(*, timeout: float, as_json: bool) -> None:
        """Show the sessions, procedures and topics of the app's router."""
        show_router(_peer(current_app).client_config, timeout, as_json=as_json)

    @group.command()
    @json_option
    def doctor(*, as_json: bool) -> None:
        """Find out, step by step, why the app does not connect."""
        from wampapp.cli.doctor import local_checks

        peer = _peer(current_app)
        report = begin(as_json=as_json)
        report.found("target", local_checks.describe_app(peer.app))
        named = peer.settings.config.url is not None
        by = "given by the Flask app's configuration" if named else "the default"
        examine(report, peer.client_config, by, own=True)

    @group.command()
    @click.option("--serve", is_flag=True, help="Serve what the app registers as well.")
    @log_level_option
    @click.option(
        "--no-ipython", is_flag=True, help="Python's own prompt, even if IPython is installed."
    )
    def shell(*, serve: bool, log_level: str | None, no_ipython: bool) -> None:
        """Open a Python prompt that has joined the app's router.

        It has call, publish, subscribe, stream and app; await works, and Tab completes URIs. It
        runs inside an app context.
        """
        peer = _peer(current_app)
        open_prompt(
            peer.app,
            peer.app.settle() if serve else peer.client_config,
            current_app.import_name,
            "Start it with 'flask wamp run', or serve the app here with --serve.",
            serve=serve,
            log_level=log_level,
            no_ipython=no_ipython,
        )

    for make_verb in (make_call, make_publish, make_subscribe):
        group.add_command(make_verb(_connector_options))
    return group


def _connector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that joins; it gets them as ``connector``."""

    @timeout_option
    @functools.wraps(command)
    def wrapped(*args: Any, timeout: float, **others: Any) -> Any:
        peer = _peer(current_app)
        connector = Connector(
            lambda: ConnectedClient(peer.client_config, timeout=timeout or None),
            timeout or None,
            peer.settings.prefix,
        )
        return command(*args, connector=connector, **others)

    return wrapped


def _peer(app: Flask) -> Peer:
    peer: Peer = app.extensions["wamp"]
    return peer
