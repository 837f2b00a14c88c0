"""``wampapp kv``: look after a key/value store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.component_client import component_options
from wampapp.cli.options import CommandGroup, Finite
from wampapp.cli.output import counted, json_line, printable, styled, table
from wampapp.cli.verbs.arguments import ArgumentsCommand, parse_value, plain_word
from wampapp.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.cli.component_client import ComponentClient, Open

kv_options = component_options("kv", "key/value store", ("touch", "scan", "changes", "hold"))
_prefix = click.argument("start", metavar="[PREFIX]", default="")
_seconds = click.option(
    "--ttl", type=Finite(0, min_open=True), metavar="SECONDS", help="The key goes after that."
)
_revision = click.option(
    "--expect",
    type=click.IntRange(0),
    metavar="REVISION",
    help="Only if the key has this revision; 0 for a key that is not there.",
)

#: How many entries are asked for at once.
_PAGE = 500


class _NoSuchKey(click.ClickException):
    exit_code = EXIT_FAILED


@click.group(cls=CommandGroup)
def kv() -> None:
    """Look after a key/value store: its keys, their values and changes."""


@kv.command()
@click.argument("key")
@kv_options
def get(open_store: Open, key: str, *, as_json: bool) -> None:
    """Print a key's value as JSON."""
    with open_store() as store:
        entry = store.call("entry", key)
    if entry is None:
        raise _NoSuchKey(f"There is no key {printable(key)!r}.")
    click.echo(json_line(entry if as_json else entry["value"]))


@kv.command("set", cls=ArgumentsCommand)
@click.argument("key")
@click.argument("value")
@_seconds
@_revision
@click.option("--keep-ttl", is_flag=True, help="The key goes when it would have gone before.")
@kv_options
def set_key(
    open_store: Open, key: str, value: str, *, as_json: bool, keep_ttl: bool, **which: Any
) -> None:
    """Set a key, and print its revision. VALUE is JSON where it parses, and a string otherwise."""
    with open_store() as store:
        key = plain_word(key)
        found = store.call("set", key, parse_value(value), keep_ttl=keep_ttl or None, **which)
    click.echo(json_line({"key": key, "revision": found}) if as_json else found)


@kv.command(cls=ArgumentsCommand)
@click.argument("key")
@click.argument("by", default="1")
@_seconds
@kv_options
def incr(open_store: Open, key: str, by: str, *, ttl: float | None, as_json: bool) -> None:
    """Add BY to a number, or 1, and print the sum."""
    with open_store() as store:
        key = plain_word(key)
        total = store.call("incr", key, parse_value(by), ttl=ttl)
    click.echo(json_line({"key": key, "value": total}) if as_json else json_line(total))


@kv.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@_revision
@kv_options
def delete(open_store: Open, keys: tuple[str, ...], *, expect: int | None, as_json: bool) -> None:
    """Remove keys."""
    with open_store() as store:
        for key in keys:
            was_there = store.call("delete", key, expect=expect)
            if as_json:
                click.echo(json_line({"key": key, "deleted": was_there}))
            else:
                what = "is deleted" if was_there else "was not there"
                click.echo(f"The key {printable(key)!r} {what}.")


@kv.command()
@click.argument("key")
@click.argument("seconds", type=Finite(0, min_open=True), required=False)
@kv_options
def touch(open_store: Open, key: str, seconds: float | None, *, as_json: bool) -> None:
    """Have a key go after SECONDS, or never if they are left out."""
    with open_store() as store:
        found = store.call("touch", key, seconds)
    if not found:
        raise _NoSuchKey(f"There is no key {printable(key)!r}.")
    if as_json:
        click.echo(json_line({"key": key, "ttl": seconds}))
    else:
        when = "stays" if seconds is None else f"goes in {seconds:g} s"
        click.echo(f"The key {printable(key)!r} {when}.")


@kv.command("list")
@_prefix
@kv_options
def list_keys(open_store: Open, start: str, *, as_json: bool) -> None:
    """List the keys that begin with PREFIX, and their values, in the order of the keys."""
    from wampapp.cli.kv.showing import HEADER, entry_row

    with open_store() as store:
        is_empty = True
        for page in pages(store, start):
            is_empty = False
            if as_json:
                for entry in page:
                    click.echo(json_line(entry))
                continue
            for line in table([entry_row(one) for one in page], ("name",), header=HEADER):
                click.echo(line)
    if is_empty:
        click.echo("There are no such keys.", err=True)


@kv.command()
@_prefix
@kv_options
def watch(open_store: Open, start: str, *, as_json: bool) -> None:
    """Print the keys that begin with PREFIX, and then each change, until Ctrl-C."""
    from wampapp.cli.kv.showing import change_line
    from wampapp.components.kv import KV

    with open_store() as store:
        for change in KV(store.client, store.prefix).sync.watch(start):
            click.echo(json_line(change) if as_json else change_line(change))
            sys.stdout.flush()


@kv.command()
@_prefix
@click.option("--output", metavar="FILE", help="Write into FILE, as a whole or not at all.")
@kv_options
def dump(open_store: Open, start: str, *, output: str | None, as_json: bool) -> None:  # noqa: ARG001
    """Write the keys that begin with PREFIX as lines of JSON, which `load` reads."""
    from wampapp.cli.kv.saving import lines_of
    from wampapp.cli.output import write_out

    with open_store() as store:
        lines = lines_of(entry for page in pages(store, start) for entry in page)
        if output is None:
            for line in lines:
                click.echo(line, nl=False)
        else:
            write_out("".join(lines), output)


@kv.command()
@click.argument("file", default="-")
@click.option("--replace", is_flag=True, help="Replace keys that are there; otherwise they stay.")
@kv_options
def load(open_store: Open, file: str, *, replace: bool, as_json: bool) -> None:
    """Set the keys of a FILE that `dump` has written, or of standard input."""
    from wampapp.cli.kv.saving import read_saved
    from wampapp.errors import Conflict

    entries = read_saved(file)
    stayed = 0
    with open_store() as store:
        for entry in entries:
            try:
                store.call(
                    "set", entry.key, entry.value, ttl=entry.ttl, expect=None if replace else 0
                )
            except Conflict:
                stayed += 1
    done = len(entries) - stayed
    if as_json:
        click.echo(json_line({"set": done, "stayed": stayed}))
        return
    there = f" {counted(stayed, 'key')} stayed, being there already." if stayed else ""
    click.echo(f"{counted(done, 'key')} set.{there}")


@kv.command()
@kv_options
def stats(open_store: Open, *, as_json: bool) -> None:
    """Show how much there is, and where it is kept."""
    with open_store() as store:
        found = store.call("stats")
        prefix = store.prefix
    if as_json:
        click.echo(json_line({"prefix": prefix, **found}))
        return
    click.echo(styled(printable(prefix), "title"))
    rows = [
        ("keys", f"{found['keys']:,}"),
        ("bytes", f"{found['bytes']:,}"),
        ("held", f"{found['held']:,}"),
        ("revision", f"{found['revision']:,}"),
        ("kept in", printable(found["store"])),
    ]
    for line in table(rows, ("name",)):
        click.echo(f"  {line}")


@kv.command()
@click.argument("file")
@kv_options
def backup(open_store: Open, file: str, *, as_json: bool) -> None:
    """Have the owner write a copy of its data, beside its own file."""
    with open_store() as store:
        store.call("backup", file)
    click.echo(json_line({"file": file}) if as_json else f"The copy is in {printable(file)}.")


def pages(store: ComponentClient, prefix: str) -> Iterator[list[dict[str, Any]]]:
    """Return the entries whose keys begin with a prefix, page by page."""
    after: str | None = None
    more = True
    while more:
        found = store.call("scan", prefix, after=after, limit=_PAGE)
        more = found["more"]
        if found["entries"]:
            yield found["entries"]
            after = found["entries"][-1]["key"]
