"""``wampapp health``: whether the services of a realm are well."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import Command, Finite, json_option
from wampapp.cli.output import json_line, printable, styled, table
from wampapp.cli.verbs.connector import client_options
from wampapp.errors import EXIT_FAILED, NoSuchProcedure, RouterUnreachable, WampError

if TYPE_CHECKING:
    from wampapp.cli.verbs.connector import Connector
    from wampapp.client.connect import ConnectedClient

#: The seconds between two looks, while one waits for services to be well.
_PAUSE: Final = 0.25
#: What a service is called that does not answer.
_NAMELESS: Final = "a service"


class _Unwell(click.ClickException):
    exit_code = EXIT_FAILED


@click.command(cls=Command)
@click.option(
    "--service",
    "wanted",
    metavar="NAME",
    multiple=True,
    help="A service that must be there; it may be given more than once.",
)
@click.option(
    "--wait",
    type=Finite(0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for everything to be well.",
)
@client_options
@json_option
def health(connector: Connector, *, wanted: tuple[str, ...], wait: float, as_json: bool) -> None:
    """Ask the services of a realm whether they are well.

    The exit code is 0 if the router answers, every health check of a service that is joined is
    well, and every service that is named is there; 1 if not; and 3 without a router.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            with connector.connect() as client:
                while True:
                    found = _look(client)
                    why = _trouble(found, wanted)
                    if not why or time.monotonic() >= deadline:
                        _show(found, as_json=as_json)
                        if why:
                            raise _Unwell(why)
                        return
                    time.sleep(_PAUSE)
        except RouterUnreachable:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


def _look(client: ConnectedClient) -> list[dict[str, Any]]:
    """Return what all services say of their checks, sorted by name."""
    from wampapp.protocol.features import HEALTH

    uris = []
    for number in client.call("wamp.registration.list")["exact"]:
        with contextlib.suppress(WampError):  # it has gone meanwhile
            uris.append(client.call("wamp.registration.get", number)["uri"])
    found: list[dict[str, Any]] = []
    for uri in uris:
        if uri.startswith(HEALTH):
            try:
                found.append(client.call(uri))
            except NoSuchProcedure:  # it has gone meanwhile
                continue
            except WampError:
                # It hangs, or nobody may ask it: nobody can say that it is well.
                about = {"service": _NAMELESS, "checks": [{"name": "answer", "ok": False}]}
                found.append(about)
    return sorted(found, key=lambda one: str(one.get("service")))


def _trouble(found: list[dict[str, Any]], wanted: tuple[str, ...]) -> str:
    """Return a sentence about what is wrong; empty for nothing."""
    there = {one["service"] for one in found}
    if missing := [name for name in wanted if name not in there]:
        return (
            f"No service {printable(missing[0])!r} with a health check is joined; is it running, "
            "and does it declare one with @app.health('…')?"
        )
    failed = [
        f"{check['name']} of {one['service']}"
        for one in found
        for check in one["checks"]
        if not check["ok"]
    ]
    if failed:
        return f"Unwell: {printable(', '.join(failed))}; the services' logs say why."
    return ""


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for one in found:
            click.echo(json_line(one))
        return
    rows = [
        (
            printable(str(one["service"])),
            printable(check["name"]),
            styled("well", "good") if check["ok"] else styled("unwell", "bad"),
        )
        for one in found
        for check in one["checks"]
    ]
    if rows:
        for line in table(rows, ("name",), header=("service", "check", "")):
            click.echo(line)
    else:
        click.echo("The router is well; no service that is joined has health checks.")
