"""What is joined to a realm, and what the apps among it say of themselves, asked on a session."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.describe.live.meta_api import MetaApi
from wampapp.describe.reading import from_document
from wampapp.errors import UsageError, WampError
from wampapp.protocol.features import DESCRIBE, HEALTH

if TYPE_CHECKING:
    from wampapp.describe.api import Api
    from wampapp.describe.live.meta_api import Caller

logger = logging.getLogger("wampapp")

#: How many seconds an app gets to tell what it offers; one that hangs must not hold up the rest.
_PATIENCE: Final = 5.0


class Told(NamedTuple):
    """What apps say, so far as they are believed.

    Attributes:
        apis: what each offers.
        hidden: what is not to be told of: kinds, and numbers of registrations or subscriptions.
    """

    apis: list[Api]
    hidden: set[tuple[str, int]]


class _Numbers(msgspec.Struct):
    procedures: set[int] = set()
    topics: set[int] = set()


class _Extras(msgspec.Struct):
    hidden: _Numbers = msgspec.field(default_factory=_Numbers)


class _Answer(msgspec.Struct):
    """What an app adds to its document."""

    wamp: _Extras = msgspec.field(name="x-wamp", default_factory=_Extras)


async def ask_on(
    session: Caller, url: str, *, with_own: bool = False
) -> tuple[list[dict[str, Any]], Told]:
    """Ask on a session: return what the router holds, and what the apps say of themselves.

    Args:
        session: the session.
        url: the router's URL, for messages.
        with_own: whether this session is among what the router holds.

    Raises:
        RouterRefused: this session's role may not call the meta API.
        WampError: the router has no meta API.
    """
    rows = await MetaApi(session, url, with_own=with_own).rows()
    return rows, await descriptions(session, rows)


def is_of_itself(row: dict[str, Any]) -> bool:
    """Return whether something is a procedure by which an app speaks of itself."""
    return row["kind"] == "procedure" and str(row["uri"]).startswith((DESCRIBE, HEALTH))


def _describes(row: dict[str, Any]) -> bool:
    return row["kind"] == "procedure" and str(row["uri"]).startswith(DESCRIBE)


def key_of(row: dict[str, Any]) -> tuple[str, int]:
    """Return the kind and the number of a procedure or a topic."""
    kind = row["kind"]
    return kind, row["registration" if kind == "procedure" else "subscription"]


def _believed(answer: Any, sessions: set[int], rows: list[dict[str, Any]]) -> Told:
    """Return what a session says of itself, without what it says of others.

    Args:
        answer: what it says.
        sessions: the session, or the sessions of the app's workers.
        rows: what the router holds.

    Raises:
        UsageError: it is no description.
        msgspec.ValidationError: it is none of a running app.
    """
    told = from_document(answer)
    numbers = msgspec.convert(answer, _Answer).wamp.hidden
    hidden = {("procedure", one) for one in numbers.procedures}
    hidden |= {("topic", one) for one in numbers.topics}
    held = {
        key_of(row): (row["kind"], row["match"], row["uri"])
        for row in rows
        if row["kind"] != "session"
        for who in row["callees" if row["kind"] == "procedure" else "subscribers"]
        if who["session"] in sessions
    }
    places = set(held.values())
    api = msgspec.structs.replace(
        told,
        procedures=tuple(p for p in told.procedures if ("procedure", *p.on_wire) in places),
        topics=tuple(t for t in told.topics if t.is_published or ("topic", *t.on_wire) in places),
    )
    return Told([api], hidden & held.keys())


async def descriptions(session: Caller, rows: list[dict[str, Any]]) -> Told:
    """Return what the apps say of themselves.

    Args:
        session: the session to ask on.
        rows: what the router holds.
    """

    async def ask(row: dict[str, Any]) -> Told:
        procedure = str(row["uri"])
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await session.call(procedure, [], {})
                return _believed(answer, {who["session"] for who in row["callees"]}, rows)
        except (WampError, UsageError, TimeoutError, msgspec.ValidationError) as error:
            # It has gone since, may not be asked, hangs, or is something else.
            logger.debug("%s tells nothing: %s", procedure, error)
            return Told([], set())

    found = await asyncio.gather(*(ask(row) for row in rows if _describes(row)))
    apis = [api for told in found for api in told.apis]
    return Told(apis, set().union(*(told.hidden for told in found)))
