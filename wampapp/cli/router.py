"""``wampapp router``."""

from __future__ import annotations

import click

from wampapp.cli.options import allow_origin_option, host_option, port_option
from wampapp.config import DEFAULT_HOST, DEFAULT_PORT


@click.command()
@host_option
@port_option
@allow_origin_option
def router(host: str | None, port: int | None, allow_origins: tuple[str, ...]) -> None:
    """Run the router alone, until Ctrl-C."""
    from wampapp import runner

    runner.run_router(
        DEFAULT_HOST if host is None else host,
        DEFAULT_PORT if port is None else port,
        allow_origins,
    )
