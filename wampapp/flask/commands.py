"""``flask wamp``: the commands of ``wampapp``, for the Flask app at hand."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, ScriptInfo

from wampapp.cli.options import (
    allow_origin_option,
    give_up_after_option,
    host_option,
    json_option,
    log_format_option,
    log_level_option,
    port_option,
    sentence,
    timeout_option,
)
from wampapp.cli.uris import echo_uris
from wampapp.cli.verbs.verbs import verbs
from wampapp.cli.verbs.where import Where
from wampapp.client.connect import ConnectedClient
from wampapp.errors import EXIT_INTERRUPTED, WampappError
from wampapp.runner import foreground as runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.flask.peer import Peer


class _Failed(click.ClickException):
    def __init__(self, error: WampappError) -> None:
        super().__init__(sentence(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # Click reads it of the instance


class _Group(AppGroup):
    """Ends every error in one sentence and an exit code of its own, as ``wampapp`` does."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WampappError as error:
            raise _Failed(error) from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def _peer(app: Flask) -> Peer:
    peer: Peer = app.extensions["wamp"]
    return peer


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that joins; it gets them as ``where``."""

    @timeout_option
    @functools.wraps(command)
    def wrapped(*args: Any, timeout: float, **others: Any) -> Any:
        peer = _peer(current_app)
        where = Where(
            lambda: ConnectedClient(peer.client_config, timeout=timeout or None),
            timeout or None,
            peer.settings.prefix,
        )
        return command(*args, where=where, **others)

    return wrapped


def make_group() -> click.Group:
    """Make the command group ``flask wamp``."""
    group = _Group("wamp", help="WAMP: serve, list and call.")

    @group.command(with_appcontext=False)
    @click.option(
        "--url", metavar="URL", help="The router. Default: WAMP_URL, else one of its own."
    )
    @click.option("--realm", metavar="REALM", help="The realm. Default: WAMP_REALM, else realm1.")
    @host_option
    @port_option
    @allow_origin_option
    @give_up_after_option
    @log_level_option
    @log_format_option
    @click.pass_context
    def run(
        ctx: click.Context, /, *, log_level: str | None, log_format: str | None, **options: Any
    ) -> None:
        """Serve what the app registers and subscribes, until Ctrl-C.

        Without a router's URL, one is started in the same process.
        """
        app = _peer(ctx.ensure_object(ScriptInfo).load_app()).app
        runner.run(app, app.settle(**options), log_level=log_level, log_format=log_format)

    @group.command()
    @json_option
    def uris(*, as_json: bool) -> None:
        """List what the app registers and subscribes."""
        echo_uris(_peer(current_app).app.registry, as_json=as_json)

    for command in verbs(_where):
        group.add_command(command)
    return group
