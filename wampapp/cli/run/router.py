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
    from wampapp.config.settle import override
    from wampapp.runner import standalone

    standalone.run_router(override(Config(), **options), log_level=log_level, log_format=log_format)
