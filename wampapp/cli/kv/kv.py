"""``wampapp kv``: read, change and watch a key/value store."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.component_client import component_options
from wampapp.cli.kv.showing import (
    ENTRY_HEADER,
    change_line,
    entry_row,
    pages,
)
from wampapp.cli.kv.showing import (
    as_json as json_of,
)
from wampapp.cli.options import CommandGroup, Finite, output_option
from wampapp.cli.output import counted, json_line, printable, say, styled, table, write_out
from wampapp.cli.verbs.arguments import ArgumentsCommand, parse_value, plain_word
from wampapp.errors import EXIT_FAILED
from wampapp.protocol.codec import text_to_bytes

if TYPE_CHECKING:
    from wampapp.cli.component_client import Open

store_options = component_options(
    "kv", "key/value store", ("scan", "changes", "touch", "entry", "hold")
)
_PREFIX_HELP = "PREFIX is what the keys begin with. Default: all keys."
_VALUE_HELP = (
    "VALUE is JSON where it parses and a string otherwise. Put a string that looks like JSON in "
    "double quotes: '\"3\"'."
)


class _NoSuchKey(click.ClickException):
    exit_code = EXIT_FAILED


@click.group(cls=CommandGroup)
def kv() -> None:
    """Read, change and watch a key/value store."""


@kv.command(cls=ArgumentsCommand)
@click.argument("key", type=click.UNPROCESSED)
@store_options
def get(open_store: Open, key: str, *, as_json: bool) -> None:
    """Print a key's value as JSON.

    With --json, print its revision and when it expires too.
    """
    key = plain_word(key)
    with open_store() as store:
        entry = store.call("entry", key)
    if entry is None:
        raise _NoSuchKey(f"There is no key '{printable(key)}'.")
    click.echo(json_of(entry if as_json else entry["value"]))


@kv.command("set", cls=ArgumentsCommand, epilog=_VALUE_HELP)
@click.argument("key", type=click.UNPROCESSED)
@click.argument("value", type=click.UNPROCESSED)
@click.option(
    "--ttl",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="Remove it after so many seconds.",
)
@click.option(
    "--expect",
    type=click.IntRange(0),
    metavar="REVISION",
    help="Only if it is at this revision; 0: not there.",
)
@click.option("--keep-ttl", is_flag=True, help="Remove it when it would have gone before.")
@store_options
def set_key(
    open_store: Open,
    key: str,
    value: str,
    ttl: float | None,
    expect: int | None,
    *,
    keep_ttl: bool,
    as_json: bool,
) -> None:
    """Set a key, and print its revision."""
    if ttl is not None and keep_ttl:
        raise click.UsageError("--ttl and --keep-ttl exclude each other; leave one out.")
    key, parsed = plain_word(key), text_to_bytes(parse_value(value))
    with open_store() as store:
        revision = store.call("set", key, parsed, ttl=ttl, expect=expect, keep_ttl=keep_ttl or None)
    click.echo(json_line({"key": key, "revision": revision}) if as_json else revision)


@kv.command(cls=ArgumentsCommand)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, type=click.UNPROCESSED)
@store_options
def delete(open_store: Open, keys: tuple[str, ...], *, as_json: bool) -> None:
    """Remove keys."""
    with open_store() as store:
        for key in map(plain_word, keys):
            was_there = store.call("delete", key)
            if as_json:
                click.echo(json_line({"key": key, "deleted": was_there}))
            elif was_there:
                click.echo(f"The key '{printable(key)}' is deleted.")
            else:
                click.echo(f"There is no key '{printable(key)}'.")


@kv.command(cls=ArgumentsCommand)
@click.argument("key", type=click.UNPROCESSED)
@click.argument("by", type=click.UNPROCESSED, default="1")
@store_options
def incr(open_store: Open, key: str, by: str, *, as_json: bool) -> None:
    """Add BY to a number, and print the sum; BY is 1 by default."""
    key, number = plain_word(key), parse_value(by)
    if type(number) not in (int, float):
        raise click.UsageError(f"{plain_word(by)!r} is not a number.")
    with open_store() as store:
        total = store.call("incr", key, number)
    click.echo(json_line({"key": key, "value": total} if as_json else total))


@kv.command("list", epilog=_PREFIX_HELP)
@click.argument("beginning", default="", metavar="[PREFIX]")
@store_options
def list_keys(open_store: Open, beginning: str, *, as_json: bool) -> None:
    """List keys, with their values, in the order of the keys."""
    rows = []
    is_empty = True
    with open_store() as store:
        for entries in pages(store, beginning):
            for entry in entries:
                is_empty = False
                if as_json:
                    click.echo(json_of(entry))
                else:
                    rows.append(entry_row(entry))
    for line in table(rows, ("name",), header=ENTRY_HEADER):
        click.echo(line)
    if is_empty:
        click.echo("There are no such keys.", err=True)


@kv.command(epilog=_PREFIX_HELP)
@click.argument("beginning", default="", metavar="[PREFIX]")
@store_options
def watch(open_store: Open, beginning: str, *, as_json: bool) -> None:
    """Print the keys that there are, and each change, until Ctrl-C."""
    from wampapp.components.kv import KV

    with open_store() as store:
        store.call("scan", beginning, limit=1)  # what is wrong is said at once
        changes = KV(store.client, store.prefix).sync.watch(beginning)
        say(f"Watching {printable(store.prefix)}; Ctrl-C ends it.")
        with contextlib.closing(changes):  # type: ignore[type-var]
            for change in changes:
                if as_json:
                    click.echo(json_of(_change(change)))
                else:
                    click.echo(
                        change_line(
                            change.kind, change.key, change.value, change.revision, change.expires
                        )
                    )


def _change(change: Any) -> dict[str, Any]:
    told = {"kind": change.kind, "key": change.key, "revision": change.revision}
    if change.kind == "set":
        told |= {"value": change.value, "expires": change.expires}
    return told


@kv.command(epilog=_PREFIX_HELP)
@click.argument("beginning", default="", metavar="[PREFIX]")
@output_option
@store_options
def dump(open_store: Open, beginning: str, output: str | None, *, as_json: bool) -> None:
    """Write keys as JSON Lines, which `load` reads."""
    from wampapp.cli.kv.dumping import dumped

    del as_json  # it is JSON in any case
    with open_store() as store:
        if output is None:
            for text in dumped(store, beginning):
                click.echo(text, nl=False)
        else:
            write_out("".join(dumped(store, beginning)), output)


@kv.command()
@click.argument("file", required=False)
@click.option("--replace", is_flag=True, help="Set keys that are there already, too.")
@store_options
def load(open_store: Open, file: str | None, *, replace: bool, as_json: bool) -> None:
    """Set the keys of a dump: of FILE, or of standard input.

    Keys that are there already stay as they are, unless --replace is given. If a line is wrong, no
    key is set.
    """
    from wampapp.cli.kv.dumping import load as load_lines

    with open_store() as store:
        done, kept = load_lines(store, None if file == "-" else file, replace=replace)
    if as_json:
        click.echo(json_line({"set": done, "kept": kept}))
    else:
        click.echo(f"{counted(done, 'key')} set, {kept:,} kept.")


@kv.command()
@store_options
def stats(open_store: Open, *, as_json: bool) -> None:
    """Show how many keys and bytes there are, and where they are kept."""
    with open_store() as store:
        found = store.call("stats")
        prefix = store.prefix
    if as_json:
        click.echo(json_line({"prefix": prefix, **found}))
        return
    click.echo(styled(printable(prefix), "title"))
    facts = {
        "keys": f"{found['keys']:,}",
        "bytes": f"{found['bytes']:,}",
        "held": f"{found['held']:,}",
        "revision": f"{found['revision']:,}",
        "store": printable(found["store"]),
    }
    for name, text in facts.items():
        click.echo(f"  {name:<8}  {text}")


@kv.command()
@click.argument("file")
@store_options
def backup(open_store: Open, file: str, *, as_json: bool) -> None:
    """Have the owner write a copy of its data, beside its own file."""
    with open_store() as store:
        store.call("backup", file)
    click.echo(json_line({"file": file}) if as_json else f"The copy is in {printable(file)}.")
