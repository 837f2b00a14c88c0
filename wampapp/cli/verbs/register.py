"""``wampapp register``: a command answers the calls of a procedure."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import click

from wampapp.cli.options import (
    Command,
    Finite,
    give_up_after_option,
    handshake_timeout_option,
    log_options,
    match_option,
)
from wampapp.cli.router_options import router_options
from wampapp.config.records import DEFAULT_ROUTER
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.cli.router_options import RouterOptions
    from wampapp.protocol.patterns import Match
    from wampapp.registry.records import Invoke


class _WithCommand(Command):
    """A command that takes the words of another one as arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as Click does; say that an unknown option may belong to COMMAND."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"{error.format_message()} If it belongs to COMMAND, write -- before COMMAND.",
                ctx,
            ) from None


@click.command(
    cls=_WithCommand,
    epilog="The command finds the procedure in WAMP_PROCEDURE, and the caller's session in "
    "WAMP_CALLER.",
)
@click.argument("uri")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Commands that run at once. Default: 1.",
)
@click.option(
    "--timeout",
    type=Finite(min=0),
    metavar="SECONDS",
    help="Kill a command after this long; 0 for never. Default: 0.",
)
@click.option(
    "--invoke",
    type=click.Choice(["single", "first", "last", "roundrobin", "random"]),
    default="single",
    metavar="HOW",
    help="Share it: first, last, roundrobin or random.",
)
@match_option
@router_options(DEFAULT_ROUTER)
@handshake_timeout_option
@give_up_after_option
@log_options
@click.option("--debug", is_flag=True, help="Show callers a failed command's standard error.")
def register(
    uri: str,
    command: tuple[str, ...],
    concurrency: int,
    timeout: float | None,
    invoke: Invoke,
    match: Match | None,
    router: RouterOptions,
    handshake_timeout: float | None,
    give_up_after: float | None,
    log_level: str | None,
    log_format: str | None,
    debug: bool,
) -> None:
    """Register the procedure URI, and run COMMAND for each call.

    COMMAND reads {"args": [...], "kwargs": {...}} from standard input. What it prints is the
    result: JSON, else text, and null for nothing. An exit code other than 0 is an error.
    """
    if shutil.which(command[0]) is None:
        raise UsageError(
            f"There is no command {command[0]!r} that can be run; check its name, its path and "
            "its permissions."
        )
    from wampapp.app import App
    from wampapp.cli.verbs.command_handler import CommandHandler
    from wampapp.config.settle import FINDING, settle
    from wampapp.runner import foreground as runner

    app = App(name=uri)
    handler = CommandHandler(command, app.logger, timeout=timeout or None, debug=debug)
    app.add_registration(handler, uri, concurrency=concurrency, invoke=invoke, match=match)
    runner.run(
        app,
        settle(
            app.config,
            variables=FINDING,
            **vars(router),
            debug=debug,
            handshake_timeout=handshake_timeout,
            give_up_after=give_up_after,
        ),
        log_level=log_level,
        log_format=log_format,
        at_once=handler.kill,
        search=True,
    )
