"""``wampapp settings``: look after live settings."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.component_client import component_options
from wampapp.cli.options import CommandGroup
from wampapp.cli.output import json_line, printable, say, table, write_out
from wampapp.cli.verbs.arguments import parse_payload
from wampapp.components.settings.procedures import me
from wampapp.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.cli.component_client import ComponentClient, Open

settings_options = component_options(
    "settings", "keeper of settings", ("values_at", "rollback", "attach", "snapshot")
)
_why = click.option("--why", default="", metavar="TEXT", help="The reason, for the history.")
_expect = click.option(
    "--expect",
    type=click.IntRange(0),
    metavar="VERSION",
    help="Only if this is the version. Default: the one that there is when the command begins.",
)


class _NoSuchSetting(click.ClickException):
    exit_code = EXIT_FAILED


@click.group(cls=CommandGroup)
def settings() -> None:
    """Look after live settings: what they are, who changed them, and back."""


@settings.command("list")
@settings_options
def list_settings(open_keeper: Open, *, as_json: bool) -> None:
    """List the settings of the services that are joined."""
    from wampapp.cli.settings.showing import HEADER, setting_rows

    with open_keeper() as keeper:
        snapshot, services = keeper.call("snapshot"), keeper.call("services")
    rows = setting_rows(snapshot, services)
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    cells = [
        (printable(row["name"]), row["shown"], row["from"], printable(row["about"])) for row in rows
    ]
    for line in table(cells, ("name",), header=HEADER):
        click.echo(line)
    if not rows:
        say("Nobody who has settings is joined.")


@settings.command()
@click.argument("name")
@settings_options
def get(open_keeper: Open, name: str, *, as_json: bool) -> None:
    """Print a setting as JSON."""
    from wampapp.cli.settings.showing import setting_rows

    with open_keeper() as keeper:
        snapshot, services = keeper.call("snapshot"), keeper.call("services")
    for row in setting_rows(snapshot, services):
        if row["name"] == name:
            click.echo(json_line(row if as_json else row["value"]))
            return
    raise _NoSuchSetting(f"No service that is joined has a setting {printable(name)!r}.")


@settings.command("set")
@click.argument("words", metavar="NAME=VALUE...", nargs=-1, required=True)
@_why
@_expect
@click.option("--strict", is_flag=True, help="Go back if a handler of the change fails.")
@settings_options
def set_settings(
    open_keeper: Open,
    words: tuple[str, ...],
    *,
    why: str,
    expect: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Change settings, all or none. VALUE is JSON where it parses, and a string otherwise."""
    args, values = parse_payload(words)
    if args:
        raise click.UsageError(f"Write NAME=VALUE instead of {words[0]!r}.")
    _change(
        open_keeper,
        lambda keeper, **how: keeper.call("change", values, strict=strict, **how),
        why,
        expect,
        as_json=as_json,
    )


@settings.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_why
@_expect
@settings_options
def reset(
    open_keeper: Open, names: tuple[str, ...], *, why: str, expect: int | None, as_json: bool
) -> None:
    """Give settings their defaults again."""
    _change(
        open_keeper,
        lambda keeper, **how: keeper.call("change", {}, reset=list(names), **how),
        why,
        expect,
        as_json=as_json,
    )


@settings.command()
@click.argument("version", type=click.IntRange(0))
@_why
@_expect
@settings_options
def rollback(
    open_keeper: Open, version: int, *, why: str, expect: int | None, as_json: bool
) -> None:
    """Give all settings the values of VERSION, as a new version."""
    _change(
        open_keeper,
        lambda keeper, **how: keeper.call("rollback", version, **how),
        why,
        expect,
        as_json=as_json,
    )


def _change(
    open_keeper: Open,
    change: Callable[..., Any],
    why: str,
    expect: int | None,
    *,
    as_json: bool,
) -> None:
    with open_keeper() as keeper:
        if expect is None:
            expect = keeper.call("snapshot")["version"]
        changed = change(keeper, why=why, by=f"{me()}@{platform.node()}", expect=expect)
    if as_json:
        click.echo(json_line(changed))
        return
    is_new = changed["version"] != expect
    click.echo(
        f"The settings have version {changed['version']} now."
        if is_new
        else f"Nothing has changed; the settings have version {changed['version']}."
    )
    for sentence in changed["failed"]:
        say(f"A handler failed: {printable(sentence)}")
    for service in changed["silent"]:
        say(f"No answer came from {printable(service)}, which was not waited for.")
    for name in changed["dropped"]:
        say(f"Nobody has {printable(name)} any longer; it was left out.")


@settings.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many.",
)
@settings_options
def history(open_keeper: Open, *, limit: int, as_json: bool) -> None:
    """List the versions, the newest first."""
    from wampapp.cli.settings.showing import HISTORY_HEADER, version_row

    with open_keeper() as keeper:
        versions = keeper.call("history", limit=limit)
    if as_json:
        for version in versions:
            click.echo(json_line(version))
        return
    rows = [version_row(version) for version in versions]
    for line in table(rows, ("name",), header=HISTORY_HEADER):
        click.echo(line)
    if not rows:
        say("Nothing was ever changed.")


@settings.command()
@click.argument("first", type=click.IntRange(0))
@click.argument("second", type=click.IntRange(0), required=False)
@settings_options
def diff(open_keeper: Open, first: int, second: int | None, *, as_json: bool) -> None:
    """Show what differs between two versions; the second is the present one by default."""
    from wampapp.cli.settings.showing import DIFF_HEADER, differences

    with open_keeper() as keeper:
        before = keeper.call("values_at", first)
        after = _values(keeper, second)
    rows = differences(before, after)
    if as_json:
        for name, old, new in rows:
            click.echo(json_line({"name": name, "before": old, "after": new}))
        return
    cells = [(printable(name), *map(printable, both)) for name, *both in rows]
    for line in table(cells, ("name",), header=DIFF_HEADER):
        click.echo(line)
    if not rows:
        say("There is no difference.")


def _values(keeper: ComponentClient, version: int | None) -> Any:
    return (
        keeper.call("snapshot")["values"] if version is None else keeper.call("values_at", version)
    )


@settings.command()
@click.option("--output", metavar="FILE", help="Write into FILE, as a whole or not at all.")
@settings_options
def export(open_keeper: Open, *, output: str | None, as_json: bool) -> None:  # noqa: ARG001
    """Print what was changed as JSON, without the defaults."""
    with open_keeper() as keeper:
        snapshot = keeper.call("snapshot")
    found = {"version": snapshot["version"], "values": snapshot["values"]}
    write_out(json_line(found) + "\n", output)


@settings.command()
@click.argument("file")
@settings_options
def backup(open_keeper: Open, file: str, *, as_json: bool) -> None:
    """Have the keeper write a copy of its data, beside its own file."""
    with open_keeper() as keeper:
        keeper.call("backup", file)
    click.echo(json_line({"file": file}) if as_json else f"The copy is in {printable(file)}.")
