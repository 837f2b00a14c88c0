"""The option ``--env-file``: variables that are read from a file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wampapp.errors import UsageError


def _read_variables(ctx: click.Context, _option: click.Parameter, file: str | None) -> None:
    if file is None or ctx.resilient_parsing:
        return
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        with Path(file).open(encoding="utf-8-sig") as stream:
            broken = next((found for found in parse_stream(stream) if found.error), None)
        if broken is not None:
            raise UsageError(f"The env file {file}, line {broken.original.line}: write NAME=value.")
        found = dotenv_values(file, encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"The env file {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The env file {file} is not a text file.") from None
    for name, value in found.items():
        if value is not None:
            os.environ.setdefault(name, value)


#: Read before every other option, so that those find their variables.
env_file_option = click.option(
    "--env-file",
    type=click.Path(),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_read_variables,
    help="Holds variables, each as NAME=value.",
)
