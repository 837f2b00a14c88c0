"""``wampapp kv``."""

from __future__ import annotations

import click

from wampapp.cli.options import CommandGroup


@click.group(cls=CommandGroup)
def kv() -> None:
    """Not there yet."""
