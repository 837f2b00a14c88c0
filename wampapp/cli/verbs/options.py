"""Options that ``call`` and ``publish`` share."""

from __future__ import annotations

import click

from wampapp.cli.options import Finite

repeat_option = click.option(
    "--repeat", type=click.IntRange(min=1), metavar="N", help="Do it N times."
)


rate_option = click.option(
    "--rate",
    type=Finite(min=0, min_open=True),
    metavar="R",
    help="R times a second; without --repeat, until Ctrl-C.",
)
