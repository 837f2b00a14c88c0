"""The command line: ``wampapp COMMAND``. A command's module is imported when it is asked for."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from wampapp._version import __version__
from wampapp.errors import EXIT_FAILED, EXIT_INTERRUPTED, WampappError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["cli", "main"]

#: The commands by what they are for, each with the module that has it.
SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Services": {
        "run": "wampapp.cli.run",
        "router": "wampapp.cli.router",
    },
    "Looking inside": {
        "uris": "wampapp.cli.uris",
    },
    "WAMP from the shell": {
        "call": "wampapp.cli.verbs",
        "publish": "wampapp.cli.verbs",
        "subscribe": "wampapp.cli.verbs",
        "register": "wampapp.cli.register",
    },
}


class _Group(click.Group):
    """Imports a command's module when the command is asked for; lists them in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        for commands in SECTIONS.values():
            if cmd_name in commands:
                found: click.Command = getattr(import_module(commands[cmd_name]), cmd_name)
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, commands in SECTIONS.items():
            found = [(name, self.get_command(ctx, name)) for name in commands]
            rows = [
                (f"{name:<{width}}", command.get_short_help_str(formatter.width - width - 6))
                for name, command in found
                if command is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


def _show_versions(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(_versions())
        ctx.exit()


def _versions() -> str:
    """Return what ``--version`` prints."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "asyncio"
    rows = {
        "wampapp": __version__,
        "Autobahn": version("autobahn"),
        "Twisted": version("twisted"),
        "Python": sys.version.partition(" ")[0],
        "loop": loop,
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 router unreachable, 4 refused by the router, "
    "5 the procedure answered with an error, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_versions,
    help="Show the versions and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """WAMP services as easily as Flask made HTTP."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """Run the command line; every error ends in one sentence and an exit code of its own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal's encoding lacks is shown escaped; nothing ends because of it.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name="wampapp", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except WampappError as error:
        from wampapp.cli.options import sentence

        click.echo(f"Error: {sentence(error)}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except OSError as error:
        what = "The output cannot be written" if error.filename is None else error.filename
        click.echo(f"Error: {what}: {error.strerror}.", err=True)
        # What is left in the buffer would fail, and be told, once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_FAILED
    sys.exit(code if isinstance(code, int) else 0)
