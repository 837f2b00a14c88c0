"""``wampapp search``: ask indexes, and build them anew."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.component_client import component_options
from wampapp.cli.options import CommandGroup
from wampapp.cli.output import counted, json_line, printable, styled, table
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.cli.component_client import Open

search_options = component_options("search", "search engine", ("query", "live", "rebuild"))
_index = click.argument("index")

_CONDITION: Final = re.compile(r"([A-Za-z0-9_]+)(<=|>=|!=|=|<|>)(.*)", re.DOTALL)


class _SearchGroup(CommandGroup):
    """What is not a command is an index, which is asked."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first words name."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            args = ["query", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_SearchGroup)
def search() -> None:
    """Ask indexes, and build them anew: `wampapp search INDEX QUERY`."""


@search.command()
@_index
@click.argument("text", metavar="[QUERY]", default="")
@click.option(
    "--filter",
    "wanted",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only these; also FIELD<VALUE and so on. One field several times means any of its values.",
)
@click.option("--facet", "facets", multiple=True, metavar="FIELD", help="Count its values.")
@click.option("--sort", metavar="FIELD", help="Sort by FIELD; --sort=-FIELD for the largest first.")
@click.option("--limit", type=click.IntRange(0, 1000), default=10, show_default=True)
@click.option("--offset", type=click.IntRange(0, 100_000), help="Skip as many.")
@click.option("--no-typos", is_flag=True, help="Find words only as they are written.")
@search_options
def query(
    open_store: Open,
    index: str,
    text: str,
    *,
    wanted: tuple[str, ...],
    facets: tuple[str, ...],
    no_typos: bool,
    as_json: bool,
    **which: Any,
) -> None:
    """Find documents. An empty QUERY finds all."""
    from wampapp.cli.search.showing import found_lines

    chosen = conditions(wanted)
    with open_store() as store:
        found = store.call(
            "query",
            index,
            text,
            filter=chosen or None,
            facets=list(facets) or None,
            typos=False if no_typos else None,
            **which,
        )
    if as_json:
        click.echo(json_line(found))
        return
    for line in found_lines(found):
        click.echo(line)


@search.command()
@_index
@search_options
def rebuild(open_store: Open, index: str, *, as_json: bool) -> None:
    """Build an index anew from its source, or from its own documents if it has none."""
    done: dict[str, Any] = {"documents": 0}
    is_shown = sys.stderr.isatty() and not as_json
    with open_store() as store:
        for done in store.stream("rebuild", index):
            if is_shown:
                click.echo(f"\r{counted(done['documents'], 'document')} ", err=True, nl=False)
    if is_shown:
        click.echo("\r\x1b[K", err=True, nl=False)
    if as_json:
        click.echo(json_line(done))
    else:
        what = counted(done["documents"], "document")
        click.echo(f"The index {printable(index)!r} has {what}, built in {done['seconds']:.2f} s.")


@search.command()
@_index
@search_options
def check(open_store: Open, index: str, *, as_json: bool) -> None:
    """Compare what an index finds with its documents."""
    with open_store() as store:
        store.call("check", index)
    good = f"The index {printable(index)!r} finds what it has."
    click.echo(json_line({"index": index, "good": True}) if as_json else good)


@search.command()
@search_options
def stats(open_store: Open, *, as_json: bool) -> None:
    """Show the indexes, what they have, and where they are kept."""
    from wampapp.cli.search.showing import HEADER, index_row

    with open_store() as store:
        found = store.call("stats")
        prefix = store.prefix
    if as_json:
        click.echo(json_line({"prefix": prefix, **found}))
        return
    click.echo(f"{styled(printable(prefix), 'title')}, kept in {printable(found['store'])}")
    rows = [index_row(one) for one in found["indexes"]]
    for line in table(rows, ("name",), header=HEADER):
        click.echo(f"  {line}")


def conditions(wanted: tuple[str, ...]) -> dict[str, Any]:
    """Return the filter of what was typed.

    Args:
        wanted: conditions such as ``tag=python`` and ``stars>=3``.

    Raises:
        UsageError: one is not a condition.
    """
    values: dict[str, list[str]] = {}
    compared: dict[str, dict[str, str]] = {}
    for text in wanted:
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise UsageError(f"The filter {text!r} is not a condition such as tag=python.")
        name, sign, value = found.groups()
        if sign == "=":
            values.setdefault(name, []).append(value)
        else:
            compared.setdefault(name, {})[sign] = value
    if both := values.keys() & compared.keys():
        raise UsageError(f"The filter of {min(both)} has a value and comparisons; choose one.")
    return {**values, **compared}
