"""``wampapp generate``: typed clients of an app, in Python and TypeScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wampapp.cli.options import Command, output_option, was_typed
from wampapp.cli.output import write_out
from wampapp.cli.target.argument import target_argument
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.describe.api import Api


@click.command(cls=Command)
@click.argument("language", type=click.Choice(["python", "typescript"]))
@target_argument
@output_option
@click.option(
    "--blocking", is_flag=True, help="Python: methods that wait, for scripts and threads."
)
def generate(language: str, target: str, output: str | None, *, blocking: bool) -> None:
    """Write a typed client of an app.

    TARGET names the app as in 'wampapp run', or is a file that 'wampapp docs' wrote. FILE is left
    as it is if nothing has changed.
    """
    if language != "python" and was_typed("blocking"):
        raise UsageError("--blocking is for Python; in JavaScript, nothing can wait.")
    api = _described(target)
    if language == "python":
        from wampapp.describe.clients.python import python_client

        text = python_client(api, blocking=blocking)
    else:
        from wampapp.describe.clients.typescript import typescript_client

        text = typescript_client(api)
    write_out(text, output)


def _described(target: str) -> Api:
    from wampapp.describe import files

    if files.FORMATS.get(Path(target).suffix.lower()) in ("json", "yaml"):
        return files.read(target)
    from wampapp.cli.target.loading import load
    from wampapp.describe.describing import describe_app

    return describe_app(load(target))
