"""The group of all commands. A command's module is imported when the command is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from wampapp._version import __version__
from wampapp.cli.component_commands import component_command, component_names, short_help
from wampapp.cli.pyproject import defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The commands by what they are for, each with its module.
SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Services": {
        "new": "wampapp.cli.new.new",
        "run": "wampapp.cli.run.run",
        "router": "wampapp.cli.router.router",
    },
    "Looking inside": {
        "uris": "wampapp.cli.inspect.uris",
        "docs": "wampapp.cli.docs.docs",
        "generate": "wampapp.cli.docs.generate",
        "shell": "wampapp.cli.shell.shell",
        "inspect": "wampapp.cli.inspect.inspect",
        "doctor": "wampapp.cli.doctor.doctor",
    },
    "WAMP from the shell": {
        "call": "wampapp.cli.verbs.call",
        "publish": "wampapp.cli.verbs.publish",
        "subscribe": "wampapp.cli.verbs.subscribe",
        "register": "wampapp.cli.verbs.register",
    },
    "In production": {
        "worker": "wampapp.cli.run.work",
        "deploy": "wampapp.cli.deploy.deploy",
        "crossbar": "wampapp.cli.crossbar.crossbar",
        "health": "wampapp.cli.inspect.health",
        "logs": "wampapp.cli.telemetry.logs",
        "stats": "wampapp.cli.telemetry.stats",
        "top": "wampapp.cli.telemetry.top",
    },
    "Components": {
        "kv": "wampapp.cli.kv.kv",
        "search": "wampapp.cli.search.search",
        "settings": "wampapp.cli.settings.settings",
        "tasks": "wampapp.cli.tasks.tasks",
    },
}

_COMPONENTS: Final = "Components"
#: The sections that have one line, since a screen has no room for a line each.
_BRIEF: Final = ("In production", _COMPONENTS)
#: In one line, so that all of it fits on a screen.
_EXIT_CODES: Final = "Exit codes: 1 failed, 2 usage, 3 no router, 4 refused, 5 error, 130 Ctrl-C."


class _Group(click.Group):
    """Imports a command's module when the command is asked for; lists the commands in sections.

    What is not ours is a command of a component that another distribution brings.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        own = [name for commands in SECTIONS.values() for name in commands]
        return own + [name for name in component_names() if name not in own]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        for commands in SECTIONS.values():
            if cmd_name in commands:
                found: click.Command = getattr(import_module(commands[cmd_name]), cmd_name)
                return found
        return component_command(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names; suggest a similar one if there is none."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            near = get_close_matches(args[0], [*self.list_commands(ctx), "--help"], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write commands and options without blank lines, so that everything fits a screen."""
        sections = {
            title: [
                (name, command.get_short_help_str(formatter.width))
                for name in names
                if (command := self.get_command(ctx, name)) is not None
            ]
            for title, names in SECTIONS.items()
            if title not in _BRIEF
        }
        own = [name for names in SECTIONS.values() for name in names]
        # Not imported: the list must not fail with what others bring, nor wait for it.
        others = [(name, short_help(name)) for name in component_names() if name not in own]
        for title in _BRIEF:
            brief = f"{title}: {', '.join(SECTIONS[title])}"
            sections[brief] = others if title == _COMPONENTS else []
        width = max(len(name) for rows in sections.values() for name, _ in rows)
        formatter.write("\n")
        for title, rows in sections.items():
            formatter.write(f"{title}\n" if ":" in title else f"{title}:\n")
            for name, about in rows:
                formatter.write(f"  {name:<{width}}  {about}".rstrip() + "\n")
        formatter.write(f"{_EXIT_CODES}\n")


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
    options_metavar="[--version]",
    subcommand_metavar="COMMAND [--help] [ARGS]...",
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
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
    name, table = ctx.invoked_subcommand or "", defaults(Path.cwd())
    command = cli.get_command(ctx, name)
    # A command's own commands have the same defaults.
    inner = command.list_commands(ctx) if isinstance(command, click.Group) else []
    ctx.default_map = {name: {**table, **dict.fromkeys(inner, table)}}
