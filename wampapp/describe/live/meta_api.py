"""What a router holds, asked by WAMP's meta API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from wampapp.errors import (
    NO_SUCH_PROCEDURE,
    NO_SUCH_REGISTRATION,
    NO_SUCH_SESSION,
    NO_SUCH_SUBSCRIPTION,
    NOT_AUTHORIZED,
    RouterRefused,
    WampError,
)
from wampapp.protocol.features import APP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

Key = TypeVar("Key")

#: The most calls that are in flight.
_MAX_CALLS: Final = 500

#: The errors of what was listed and has gone since, or is not shown to us.
_GONE: Final = (NO_SUCH_SESSION, NO_SUCH_REGISTRATION, NO_SUCH_SUBSCRIPTION)


class Caller(Protocol):
    """A session to ask on.

    Attributes:
        id: its id.
        details: what the router said of it when it joined.
    """

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def details(self) -> dict[str, Any]:
        """What the router said of it when it joined."""

    def call(self, procedure: str, args: list[Any], kwargs: dict[str, Any], /) -> Awaitable[Any]:
        """Call a procedure."""


class MetaApi:
    """A router's meta API: "Session", "Registration" and "Subscription Meta API" of WAMP.

    Args:
        session: the session to ask on.
        url: the router's URL, for messages.
        with_own: whether this session is among the answers too.
    """

    def __init__(self, session: Caller, url: str, *, with_own: bool = False) -> None:
        self._session = session
        self._url = url
        self._left_out = None if with_own else session.id
        self._sessions: dict[int, dict[str, Any]] = {}

    async def rows(self) -> list[dict[str, Any]]:
        """Return a row for each session, procedure and topic.

        Raises:
            RouterRefused: this session's role may not call the meta API.
            WampError: the router has no meta API, or something else is called like it.
        """
        numbers = await self._one("wamp.session.list", list[int])
        others = [number for number in numbers if number != self._left_out]
        self._sessions = await self._each("wamp.session.get", others, dict[str, Any])
        rows: list[dict[str, Any]] = [
            {
                "kind": "session",
                "session": number,
                "app": _app(details),
                **{key: details.get(key) for key in ("authid", "authrole", "authmethod")},
                "transport": _transport(details.get("transport")),
            }
            for number, details in self._sessions.items()
        ]
        rows += await self.procedures()
        rows += await self._entries("subscription", "topic", "subscribers")
        return rows

    async def procedures(self) -> list[dict[str, Any]]:
        """Return the rows of the procedures alone; raises what :meth:`rows` does."""
        return await self._entries("registration", "procedure", "callees")

    async def registrations_for(self, uris: Sequence[str]) -> dict[str, int | None]:
        """Return the registration that a call of each URI reaches; None where there is none.

        Raises what :meth:`rows` does.
        """
        return await self._each("wamp.registration.match", uris, int | None)

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
                    {
                        "session": who,
                        "app": _app(self._sessions.get(who, {})),
                        "authid": self._sessions.get(who, {}).get("authid"),
                    }
                    for who in attached[number]
                    if who != self._left_out
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

    async def _each(self, procedure: str, keys: Sequence[Key], form: Any) -> dict[Key, Any]:
        """Ask the same of many, concurrently; those that have gone meanwhile are left out."""
        import asyncio

        answers = {}
        for start in range(0, len(keys), _MAX_CALLS):
            chunk = keys[start : start + _MAX_CALLS]
            calls = [self._session.call(procedure, [key], {}) for key in chunk]
            results = await asyncio.gather(*calls, return_exceptions=True)
            for key, result in zip(chunk, results, strict=True):
                if isinstance(result, WampError):
                    if result.uri not in _GONE:
                        raise self._refusal(procedure, result)
                elif isinstance(result, BaseException):
                    raise result
                else:
                    answers[key] = self._checked(procedure, result, form)
        return answers

    def _checked(self, procedure: str, result: Any, form: Any) -> Any:
        try:
            return msgspec.convert(result, form)
        except msgspec.ValidationError:
            raise WampError(
                NO_SUCH_PROCEDURE,
                f"{procedure} at {self._url} does not answer as WAMP's meta API does, which is "
                "needed.",
            ) from None

    def _refusal(self, procedure: str, error: WampError) -> Exception:
        if error.uri == NOT_AUTHORIZED:
            role = self._session.details.get("authrole")
            return RouterRefused(
                f"The router at {self._url} does not let the role {role!r} call {procedure}; give "
                "it permission to call what begins with 'wamp.', or join with a role that has it.",
                error.uri,
            )
        if error.uri == NO_SUCH_PROCEDURE:
            return WampError(
                error.uri,
                f"The router at {self._url} has no {procedure}; WAMP's meta API of sessions, "
                "registrations and subscriptions is needed, which older routers lack.",
            )
        return error


def _app(details: dict[str, Any]) -> str | None:
    """Return the name of a session's app, which is in what it sent with HELLO."""
    extra = details.get("authextra")
    name = extra.get(APP) if isinstance(extra, dict) else None
    return name if isinstance(name, str) else None


def _transport(found: Any) -> dict[str, Any]:
    """Return what matters of a session's transport; Crossbar.io sends even its HTTP headers."""
    if not isinstance(found, dict):
        return {}
    # For a WebSocket, Crossbar.io names the serializer only in the subprotocol: wamp.2.json.
    spoken = str(found.get("websocket_protocol") or "").rpartition(".")[2]
    about = {
        "framing": found.get("channel_framing"),
        "serializer": found.get("channel_serializer") or spoken,
        "peer": found.get("peer"),
    }
    return {key: value for key, value in about.items() if value}
