"""``wampapp inspect``: what a router holds, as its meta API tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from wampapp.cli.options import (
    Command,
    Router,
    connect_timeout_option,
    json_line,
    json_option,
    router_options,
    timeout_option,
)
from wampapp.cli.terminal import counted, printable, styled, table
from wampapp.config.records import DEFAULT_URL
from wampapp.errors import (
    NO_SUCH_PROCEDURE,
    NO_SUCH_REGISTRATION,
    NO_SUCH_SESSION,
    NO_SUCH_SUBSCRIPTION,
    NOT_AUTHORIZED,
    CallTimeout,
    RouterRefused,
    WampError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.config.records import Config
    from wampapp.session.session import Session

#: So many calls are under way at a time.
_WINDOW: Final = 500
#: So many sessions are named in a line of a table; ``--json`` names all.
_NAMED: Final = 4

#: What was listed and is there no more, or is not shown to us.
_GONE: Final = (NO_SUCH_SESSION, NO_SUCH_REGISTRATION, NO_SUCH_SUBSCRIPTION)


@click.command(cls=Command)
@router_options(DEFAULT_URL)
@timeout_option
@connect_timeout_option
@json_option
def inspect(router: Router, *, timeout: float, connect_timeout: float, as_json: bool) -> None:
    """Show the sessions of a router, its procedures and its topics.

    The router is asked by WAMP's meta API. This command's own session is left out.
    """
    from wampapp.config.records import Config
    from wampapp.config.settle import settle
    from wampapp.loop.runtime import get_runtime

    config = settle(Config(url=DEFAULT_URL), **vars(router), handshake_timeout=connect_timeout)
    rows, agent = get_runtime().call(_look(config, timeout or None))
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    click.echo(f"{styled(config.realm, 'title')} at {config.url}, {printable(agent)}".rstrip(", "))
    _echo_section(
        "session", rows, ("session", "authid", "authrole", "authmethod", "transport"), _session
    )
    _echo_section("procedure", rows, ("procedure", "match", "invoke", "callees"), _entry)
    _echo_section("topic", rows, ("topic", "match", "", "subscribers"), _entry)


# Asking.


async def _look(config: Config, timeout: float | None) -> tuple[list[dict[str, Any]], str]:
    """Return the rows, as ``--json`` prints them, and what the router calls itself."""
    import asyncio

    from wampapp.cli.visit import visit
    from wampapp.loop.runtime import get_runtime
    from wampapp.transport.dial import UrlDialer

    runtime = get_runtime()
    url = str(config.url)
    async with visit(runtime, UrlDialer(url, runtime.reactor, config.tls), config) as session:
        try:
            async with asyncio.timeout(timeout):
                rows = await _Questions(session, url).rows()
        except TimeoutError:
            raise CallTimeout(
                f"The router at {url} did not answer everything within {timeout:g} s; --timeout "
                "gives it longer."
            ) from None
        agent = session.details.get("agent")
        return rows, agent if isinstance(agent, str) else ""


class _Questions:
    """What the meta API is asked on a session."""

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = url
        self._sessions: dict[int, dict[str, Any]] = {}

    async def rows(self) -> list[dict[str, Any]]:
        """Return a row for each session, procedure and topic."""
        numbers = await self._one("wamp.session.list", list[int])
        others = [number for number in numbers if number != self._session.id]
        self._sessions = await self._each("wamp.session.get", others, dict[str, Any])
        rows: list[dict[str, Any]] = [
            {
                "kind": "session",
                "session": number,
                **{key: details.get(key) for key in ("authid", "authrole", "authmethod")},
                "transport": _transport(details.get("transport")),
            }
            for number, details in self._sessions.items()
        ]
        rows += await self._entries("registration", "procedure", "callees")
        rows += await self._entries("subscription", "topic", "subscribers")
        return rows

    async def _entries(self, kind: str, name: str, members: str) -> list[dict[str, Any]]:
        listed = await self._one(f"wamp.{kind}.list", dict[str, list[int]])
        numbers = [number for found in listed.values() for number in found]
        described = await self._each(f"wamp.{kind}.get", numbers, dict[str, Any])
        attached = await self._each(f"wamp.{kind}.list_{members}", list(described), list[int])
        keys = ("uri", "match", *(("invoke",) if kind == "registration" else ()), "created")
        rows = [
            {
                "kind": name,
                **{key: details.get(key) for key in keys},
                kind: number,
                members: [
                    {"session": who, "authid": self._sessions.get(who, {}).get("authid")}
                    for who in attached[number]
                    if who != self._session.id
                ],
            }
            for number, details in described.items()
            if number in attached
        ]
        return sorted(rows, key=lambda row: (str(row["uri"]), str(row["match"])))

    async def _one(self, procedure: str, form: Any) -> Any:
        try:
            result = await self._session.call(procedure, [], {})
        except WampError as error:
            raise self._refusal(procedure, error) from None
        return self._checked(procedure, result, form)

    async def _each(self, procedure: str, numbers: Sequence[int], form: Any) -> dict[int, Any]:
        """Ask the same of many, many at a time; what is gone meanwhile is left out."""
        import asyncio

        answers = {}
        for start in range(0, len(numbers), _WINDOW):
            window = numbers[start : start + _WINDOW]
            calls = [self._session.call(procedure, [number], {}) for number in window]
            results = await asyncio.gather(*calls, return_exceptions=True)
            for number, result in zip(window, results, strict=True):
                if isinstance(result, WampError):
                    if result.uri not in _GONE:
                        raise self._refusal(procedure, result)
                elif isinstance(result, BaseException):
                    raise result
                else:
                    answers[number] = self._checked(procedure, result, form)
        return answers

    def _checked(self, procedure: str, result: Any, form: Any) -> Any:
        try:
            return msgspec.convert(result, form)
        except msgspec.ValidationError:
            raise WampError(
                NO_SUCH_PROCEDURE,
                f"What answers {procedure} at {self._url} is not WAMP's meta API; 'inspect' "
                "needs a router that has it.",
            ) from None

    def _refusal(self, procedure: str, error: WampError) -> Exception:
        if error.uri == NOT_AUTHORIZED:
            role = self._session.details.get("authrole")
            return RouterRefused(
                f"The router at {self._url} does not let the role {role!r} call {procedure}; give "
                "it the permission to call what begins with 'wamp.', or join as somebody who has "
                "it.",
                error.uri,
            )
        if error.uri == NO_SUCH_PROCEDURE:
            return WampError(
                error.uri,
                f"The router at {self._url} has no {procedure}; 'inspect' needs WAMP's meta API "
                "of sessions, registrations and subscriptions, which older routers lack.",
            )
        return error


def _transport(told: Any) -> dict[str, Any]:
    """Return what matters of a session's transport; Crossbar.io tells even its HTTP headers."""
    if not isinstance(told, dict):
        return {}
    # By WebSocket, Crossbar.io names the serializer in the subprotocol alone: wamp.2.json.
    spoken = str(told.get("websocket_protocol") or "").rpartition(".")[2]
    found = {
        "framing": told.get("channel_framing"),
        "serializer": told.get("channel_serializer") or spoken,
        "peer": told.get("peer"),
    }
    return {key: value for key, value in found.items() if value}


# Showing.


def _echo_section(kind: str, rows: list[dict[str, Any]], header: Sequence[str], cells: Any) -> None:
    found = [cells(row) for row in rows if row["kind"] == kind]
    click.echo()
    click.echo(styled(counted(len(found), kind), "title"))
    for line in table(found, ("name",), header=header):
        click.echo(f"  {line}")


def _session(row: dict[str, Any]) -> tuple[str, ...]:
    way = " ".join(str(part) for part in row["transport"].values())
    return (
        str(row["session"]),
        *(_text(row[key]) for key in ("authid", "authrole", "authmethod")),
        printable(way),
    )


def _entry(row: dict[str, Any]) -> tuple[str, ...]:
    members = row["callees"] if row["kind"] == "procedure" else row["subscribers"]
    named = [
        f"{who['session']} ({_text(who['authid'])})" if who["authid"] else str(who["session"])
        for who in members[:_NAMED]
    ]
    if len(members) > _NAMED:
        named.append(f"{len(members) - _NAMED} more")
    return (
        # The pattern that matches everything is empty.
        _text(row["uri"]) or "''",
        _text(row["match"]),
        _text(row.get("invoke")),
        ", ".join(named),
    )


def _text(value: object) -> str:
    return "" if value is None else printable(str(value))
