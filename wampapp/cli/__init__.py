"""The command line: ``wampapp run``, ``uris``, ``call``, ``publish``, ``subscribe``, ``router``."""

from __future__ import annotations

import os
import sys

import click

from wampapp._version import __version__
from wampapp.cli.options import sentence
from wampapp.cli.router import router
from wampapp.cli.run import run
from wampapp.cli.uris import uris
from wampapp.cli.verbs import call, publish, subscribe
from wampapp.errors import EXIT_FAILED, WampappError

__all__ = ["cli", "main"]

_INTERRUPTED = 130


@click.group(
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 router unreachable, 4 refused by the router, "
    "5 the procedure answered with an error, 130 interrupted.",
)
@click.version_option(__version__, prog_name="wampapp", message="%(prog)s %(version)s")
def cli() -> None:
    """WAMP services as easily as Flask made HTTP."""


for _command in (run, uris, call, publish, subscribe, router):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; every error ends in one sentence and an exit code of its own."""
    try:
        code = cli.main(prog_name="wampapp", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except WampappError as error:
        click.echo(f"Error: {sentence(error)}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = _INTERRUPTED
    except OSError as error:
        what = "The output cannot be written" if error.filename is None else error.filename
        click.echo(f"Error: {what}: {error.strerror}.", err=True)
        # What is left in the buffer would fail, and be told, once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_FAILED
    sys.exit(code if isinstance(code, int) else 0)
