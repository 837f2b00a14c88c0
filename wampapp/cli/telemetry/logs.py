"""``wampapp logs``: what all services log, in one place."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import Command
from wampapp.cli.output import json_line
from wampapp.cli.telemetry.options import Moment, telemetry_options
from wampapp.observe.logs import LEVELS

if TYPE_CHECKING:
    from wampapp.cli.component_client import ComponentClient, Open

#: The seconds after which one that waits for records is answered without any, and some more.
_PATIENCE: Final = 40.0
#: The seconds between two attempts while nobody collects.
_PAUSE: Final = 0.5


@click.command(cls=Command)
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Print new ones as they come, until Ctrl-C.")
@click.option("--service", "services", metavar="NAME", multiple=True, help="Only of this service.")
@click.option(
    "--level",
    type=click.Choice(list(LEVELS), case_sensitive=False),
    help="Only from this level on.",
)
@click.option("--since", type=Moment(), metavar="TIME", help="Only from then on: 1h, 14:30, …")
@click.option("--until", type=Moment(), metavar="TIME", help="Only until then.")
@click.option("--trace", metavar="ID", help="Only of this trace, whose id begins like this.")
@click.option("--logger", metavar="NAME", help="Only from this logger, and those below it.")
@click.option(
    "-n",
    "--lines",
    "limit",
    type=click.IntRange(1, 1000),
    default=50,
    metavar="N",
    help="How many: the last ones. Default: 50.",
)
@telemetry_options
def logs(
    open_telemetry: Open,
    words: tuple[str, ...],
    *,
    follow: bool,
    limit: int,
    as_json: bool,
    services: tuple[str, ...],
    **which: Any,
) -> None:
    """Print what all services have logged, the oldest first. TEXT is words of the messages."""
    given = {
        "services": list(services) or None,
        **{name: value for name, value in which.items() if value is not None},
    }
    text = " ".join(words)
    with open_telemetry() as telemetry:
        found = telemetry.call("logs", text, limit=limit, **given)
        _show(found, as_json=as_json)
        if follow:
            _follow(telemetry, text, found[-1]["id"] if found else 0, given, as_json=as_json)
        elif not found:
            click.echo("There are no such log records.", err=True)


def _follow(
    telemetry: ComponentClient, text: str, last: int, given: dict[str, Any], *, as_json: bool
) -> None:
    """Print records as they come; a collector that is away for a while is waited for."""
    from wampapp.components.patience import is_away
    from wampapp.errors import ConnectionLost, WampError

    logs_of = telemetry.client.procedure(f"{telemetry.prefix}.logs", timeout=_PATIENCE)
    which = {name: value for name, value in given.items() if value is not None}
    while True:
        try:
            found = logs_of(text, after=last, wait=True, limit=500, **which)
        except (WampError, ConnectionLost) as error:
            if not is_away(error):
                raise
            time.sleep(_PAUSE)
            continue
        _show(found, as_json=as_json)
        if found:
            last = found[-1]["id"]


def _show(records: list[dict[str, Any]], *, as_json: bool) -> None:
    from wampapp.cli.telemetry.showing import record_lines

    for record in records:
        for line in [json_line(record)] if as_json else record_lines(record):
            click.echo(line)
    sys.stdout.flush()
