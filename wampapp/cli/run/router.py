"""``wampapp router``."""

from __future__ import annotations

from typing import Any

import click

from wampapp.cli.env_file import env_file_option
from wampapp.cli.options import Command, handshake_timeout_option, listening_options, log_options


@click.command(cls=Command)
@env_file_option
@listening_options
@handshake_timeout_option
@log_options
def router(*, log_level: str | None, log_format: str | None, **options: Any) -> None:
    """Run only the router, until Ctrl-C."""
    from wampapp.config.records import Config
    from wampapp.runner import foreground as runner

    runner.run_router(
        runner.settle(Config(), **options), log_level=log_level, log_format=log_format
    )
