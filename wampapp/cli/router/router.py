"""``wampapp router``."""

from __future__ import annotations

from typing import Any

import click

from wampapp.cli.env_file import env_file_option
from wampapp.cli.options import (
    CommandGroup,
    Finite,
    exit_with_stdin_option,
    handshake_timeout_option,
    listening_options,
    log_options,
    router_config_option,
)
from wampapp.cli.router.check import check
from wampapp.cli.router.hash import hash_secret


@click.group(cls=CommandGroup, invoke_without_command=True)
@env_file_option
@listening_options
@router_config_option("--config")
@handshake_timeout_option
@click.option(
    "--stats",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="Log the router's numbers every so many seconds.",
)
@log_options
@exit_with_stdin_option
@click.pass_context
def router(
    ctx: click.Context,
    /,
    *,
    stats: float | None,
    log_level: str | None,
    log_format: str | None,
    exit_with_stdin: bool,
    **options: Any,
) -> None:
    """Run only the router, until Ctrl-C."""
    if ctx.invoked_subcommand is not None:
        return
    from wampapp.config.records import Config
    from wampapp.config.settle import override
    from wampapp.runner import standalone
    from wampapp.runner.notify import Notifier

    standalone.run_router(
        override(Config(), **options),
        Notifier.from_environment(),
        stats=stats,
        log_level=log_level,
        log_format=log_format,
        exit_with_stdin=exit_with_stdin,
    )


router.add_command(check)
router.add_command(hash_secret)
