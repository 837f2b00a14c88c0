"""``wampapp stats``: what all services did lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wampapp.cli.options import Command, Finite
from wampapp.cli.output import json_line
from wampapp.cli.telemetry.options import telemetry_options

if TYPE_CHECKING:
    from wampapp.cli.component_client import Open


@click.command(cls=Command)
@click.option(
    "--seconds",
    type=Finite(2, 300),
    default=60,
    metavar="SECONDS",
    help="How far back to look. Default: 60.",
)
@telemetry_options
def stats(open_telemetry: Open, *, seconds: float, as_json: bool) -> None:
    """Print how much all services are called, how often they fail, and how long they take."""
    from wampapp.cli.telemetry.showing import stats_lines

    with open_telemetry() as telemetry:
        found = telemetry.call("stats", seconds)
    click.echo(json_line(found) if as_json else "\n".join(stats_lines(found)))
