"""``wampapp deploy``: write the files of a process manager; run nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import Command, CommandGroup
from wampapp.cli.output import printable, styled
from wampapp.cli.target.argument import targets_argument
from wampapp.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.cli.deploy.plan import Plan


class _Edited(click.ClickException):
    exit_code = EXIT_FAILED


@click.group(cls=CommandGroup)
def deploy() -> None:
    """Write the files by which a process manager runs services in production."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all of them."""
    for option in reversed(
        (
            targets_argument,
            click.option(
                "--name", metavar="NAME", help="Of the whole. Default: the current folder's."
            ),
            click.option(
                "--directory",
                metavar="PATH",
                help="Where the project is on its machine. Default: /srv/NAME.",
            ),
            # Not --url: what a developer's project or environment has there is not meant.
            click.option("--join", "url", metavar="URL", help="Join this router, and deploy none."),
            click.option(
                "--port",
                type=click.IntRange(1, 65535),
                default=8080,
                show_default=True,
                help="The port of the router.",
            ),
            click.option(
                "--router-config", metavar="FILE", help="Who may join the router, and do what."
            ),
            click.option(
                "--workers",
                type=click.IntRange(1),
                default=1,
                metavar="N",
                help="Serve each target in N processes.",
            ),
            click.option(
                "--task-workers",
                type=click.IntRange(0),
                default=0,
                metavar="N",
                help="Further processes for the tasks of each target that has some.",
            ),
            click.option("--output", metavar="FOLDER", help="Where to write. Default: deploy."),
            click.option("--force", is_flag=True, help="Overwrite what was changed by hand, too."),
        )
    ):
        command = option(command)
    return command


_user = click.option("--user", metavar="NAME", help="Who the processes run as.")


@deploy.command(cls=Command)
@_options
@_user
def systemd(*, user: str | None, **given: Any) -> None:
    """Write units of systemd: a target, and a service for each process."""
    from wampapp.cli.deploy.systemd import units

    plan = _plan(**_for_plan(given))
    _write(units(plan, user=user), given, "systemd")
    name = plan.name
    click.echo(
        f"Copy them to /etc/systemd/system, and run 'systemctl enable --now {name}.target'; what "
        f"is secret goes to /etc/{name}.env."
    )


@deploy.command(cls=Command)
@_options
@_user
def supervisord(*, user: str | None, **given: Any) -> None:
    """Write a file for supervisord, with a program for each process."""
    from wampapp.cli.deploy.supervisord import configuration

    plan = _plan(**_for_plan(given))
    _write(configuration(plan, user=user), given, "supervisord")
    click.echo(f"Copy {plan.name}.conf to /etc/supervisor/conf.d, and run 'supervisorctl update'.")


@deploy.command(cls=Command)
@_options
def compose(**given: Any) -> None:
    """Write a compose file, with a container for each process, and a Dockerfile."""
    from wampapp.cli.deploy.compose import files

    plan = _plan(**_for_plan(given))
    _write(files(plan), {**given, "output": given["output"] or "."}, "")
    click.echo(f"Run 'docker compose up --build'; what is secret goes to {plan.name}.env.")


@deploy.command(cls=Command)
@click.argument("first")
@click.argument("second")
@click.option(
    "--bind",
    metavar="HOST:PORT",
    default="127.0.0.1:8080",
    show_default=True,
    help="Where services and clients find them.",
)
@click.option("--output", metavar="FOLDER", help="Where to write. Default: deploy.")
@click.option("--force", is_flag=True, help="Overwrite what was changed by hand, too.")
def haproxy(first: str, second: str, *, bind: str, **given: Any) -> None:
    """Write a file for HAProxy, with two routers of which one is active.

    FIRST and SECOND are their hosts and ports, such as 10.0.0.1:8080.
    """
    from wampapp.cli.deploy.haproxy import configuration

    _write(configuration(first, second, bind=bind), given, "haproxy")
    click.echo(f"Services and clients join at rs://{bind}; check it with 'haproxy -c -f FILE'.")


def _for_plan(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("output", "force")}


def _plan(
    *, targets: tuple[str, ...], name: str | None, directory: str | None, **given: Any
) -> Plan:
    from wampapp.cli.deploy.plan import describe, make_plan
    from wampapp.cli.pyproject import defaults

    named = name or re.sub(r"[^a-z0-9]+", "-", Path.cwd().name.lower()).strip("-") or "app"
    guests = defaults(Path()).get("deploy", {}).get("guests", {})
    return make_plan(
        named,
        (directory or f"/srv/{named}").rstrip("/"),
        [describe(target) for target in targets],
        guests=guests,
        **given,
    )


def _write(files: dict[str, str], given: dict[str, Any], kind: str) -> None:
    write_files(files, Path(given["output"] or "deploy") / kind, force=given["force"])


def write_files(files: dict[str, str], folder: Path, *, force: bool) -> None:
    """Write what has changed, and say so; nothing at all if that would undo somebody's work.

    Args:
        files: what they are to hold, by name.
        folder: where they are.
        force: whether to undo it all the same.

    Raises:
        click.ClickException: somebody has changed one of them by hand.
        UsageError: one cannot be read or written.
    """
    from wampapp.cli.deploy.writing import changes, write

    found = changes(folder, files)
    for one in found:
        for line in one.difference:
            style = {"+": "good", "-": "bad"}.get(line[:1])
            click.echo(styled(printable(line), style) if style else printable(line))
    edited = [one for one in found if one.is_edited and one.difference]
    if edited and not force:
        names = ", ".join(str(one.path) for one in edited)
        raise _Edited(
            f"Changed by hand: {printable(names)}; nothing was written. Overwrite them with "
            "--force, or write elsewhere."
        )
    for one in found:
        if one.is_new or one.difference:
            write(one)
            click.echo(f"{'wrote' if one.is_new else 'changed'}  {printable(str(one.path))}")
        else:
            click.echo(f"as it was  {printable(str(one.path))}")
