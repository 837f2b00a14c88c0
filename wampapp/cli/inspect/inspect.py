"""``wampapp inspect``: the sessions, procedures and topics of a router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import Command, connect_timeout_option, json_option, timeout_option
from wampapp.cli.output import counted, json_line, printable, say, styled, table
from wampapp.cli.router_options import RouterOptions, router_options
from wampapp.config.records import DEFAULT_ROUTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.config.records import Config

#: The most sessions that a line of a table names; ``--json`` names all.
_MAX_NAMED: Final = 4


@click.command(cls=Command)
@router_options(DEFAULT_ROUTER)
@timeout_option
@connect_timeout_option
@json_option
def inspect(
    router: RouterOptions, *, timeout: float, connect_timeout: float, as_json: bool
) -> None:
    """Show the sessions, procedures and topics of a router.

    The router is asked through WAMP's meta API. This command's own session is left out.
    """
    from wampapp.config.records import Config
    from wampapp.config.settle import FINDING, settle

    config = settle(Config(), variables=FINDING, **vars(router), handshake_timeout=connect_timeout)
    show_router(config, timeout, as_json=as_json)


def show_router(config: Config, timeout: float, *, as_json: bool) -> None:
    """Show the sessions, procedures and topics of a router.

    Args:
        config: the settled configuration, which names the router; else it is searched.
        timeout: the seconds that the answers may take; 0 for no limit.
        as_json: whether to print JSON.
    """
    from wampapp.cli.inspect.asking import ask
    from wampapp.loop.runtime import get_runtime

    found = get_runtime().call(ask(config, timeout or None))
    rows = found.rows
    if found.hint:
        say(found.hint)
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    agent = printable(found.agent)
    click.echo(f"{styled(config.realm, 'title')} at {found.url}, {agent}".rstrip(", "))
    _echo_section(
        "session",
        rows,
        ("session", "app", "authid", "authrole", "authmethod", "transport"),
        _session,
    )
    arguments = found.arguments()

    def entry(row: dict[str, Any]) -> tuple[str, ...]:
        return *_entry(row), printable(arguments.get((row["kind"], row["match"], row["uri"]), ""))

    _echo_section(
        "procedure", rows, ("procedure", "match", "invoke", "callees", "arguments"), entry
    )
    _echo_section("topic", rows, ("topic", "match", "", "subscribers", "arguments"), entry)


def _echo_section(kind: str, rows: list[dict[str, Any]], header: Sequence[str], cells: Any) -> None:
    found = [cells(row) for row in rows if row["kind"] == kind]
    click.echo()
    click.echo(styled(counted(len(found), kind), "title"))
    for line in table(found, ("name",), header=header):
        click.echo(f"  {line}")


def _session(row: dict[str, Any]) -> tuple[str, ...]:
    transport = " ".join(str(part) for part in row["transport"].values())
    return (
        str(row["session"]),
        *(_text(row[key]) for key in ("app", "authid", "authrole", "authmethod")),
        printable(transport),
    )


def _entry(row: dict[str, Any]) -> tuple[str, ...]:
    members = row["callees"] if row["kind"] == "procedure" else row["subscribers"]
    named = [_member(who) for who in members[:_MAX_NAMED]]
    if len(members) > _MAX_NAMED:
        named.append(f"{len(members) - _MAX_NAMED} more")
    return (
        # An empty prefix matches everything.
        _text(row["uri"]) or "''",
        _text(row["match"]),
        _text(row.get("invoke")),
        ", ".join(named),
    )


def _member(who: dict[str, Any]) -> str:
    name = who["app"] or who["authid"]
    return f"{who['session']} ({_text(name)})" if name else str(who["session"])


def _text(value: object) -> str:
    return "" if value is None else printable(str(value))
