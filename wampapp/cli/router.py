"""``wampapp router``."""

from __future__ import annotations

import click

from wampapp.cli.options import (
    Command,
    allow_origin_option,
    handshake_timeout_option,
    host_option,
    log_format_option,
    log_level_option,
    port_option,
)
from wampapp.cli.project import env_file_option


@click.command(cls=Command)
@env_file_option
@host_option
@port_option
@allow_origin_option
@handshake_timeout_option
@log_level_option
@log_format_option
def router(
    host: str | None,
    port: int | None,
    allow_origins: tuple[str, ...],
    handshake_timeout: float | None,
    log_level: str | None,
    log_format: str | None,
) -> None:
    """Run the router alone, until Ctrl-C."""
    from wampapp.config.records import Config
    from wampapp.config.settle import override
    from wampapp.runner import standalone

    standalone.run_router(
        override(
            Config(),
            host=host,
            port=port,
            allow_origins=allow_origins,
            handshake_timeout=handshake_timeout,
        ),
        log_level=log_level,
        log_format=log_format,
    )
