"""What is joined to a realm, and what the apps among it say of themselves, asked on a session."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.describe.live.meta_api import MetaApi
from wampapp.describe.reading import from_document
from wampapp.errors import UsageError, WampError
from wampapp.protocol.features import DESCRIBE

if TYPE_CHECKING:
    from wampapp.describe.api import Api
    from wampapp.describe.live.meta_api import Caller

logger = logging.getLogger("wampapp")

#: How many seconds an app gets to tell what it offers; one that hangs must not hold up the rest.
_PATIENCE: Final = 3.0


async def ask_on(
    session: Caller, url: str, *, with_own: bool = False
) -> tuple[list[dict[str, Any]], list[Api]]:
    """Ask on a session: return what the router holds, and what each app says of itself.

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


def describes(row: dict[str, Any]) -> bool:
    """Return whether something is a procedure by which an app says what it offers."""
    return row["kind"] == "procedure" and str(row["uri"]).startswith(DESCRIBE)


def _believed(told: Api, sessions: set[int], rows: list[dict[str, Any]]) -> Api:
    """Return what a session says of itself, without what it says of others.

    Args:
        told: what it says.
        sessions: the session, or the sessions of the app's workers.
        rows: what the router holds.
    """
    held = {
        (row["kind"], row["match"], row["uri"])
        for row in rows
        if row["kind"] != "session"
        for who in row["callees" if row["kind"] == "procedure" else "subscribers"]
        if who["session"] in sessions
    }
    return msgspec.structs.replace(
        told,
        procedures=tuple(p for p in told.procedures if ("procedure", *p.on_wire) in held),
        topics=tuple(t for t in told.topics if t.is_published or ("topic", *t.on_wire) in held),
    )


async def descriptions(session: Caller, rows: list[dict[str, Any]]) -> list[Api]:
    """Return what each app says of itself, so far as it is believed.

    Args:
        session: the session to ask on.
        rows: what the router holds.
    """
    asked = [row for row in rows if describes(row)]
    if not asked:
        return []

    async def ask(row: dict[str, Any]) -> Api | None:
        procedure = str(row["uri"])
        try:
            async with asyncio.timeout(_PATIENCE):
                told = from_document(await session.call(procedure, [], {}))
                return _believed(told, {who["session"] for who in row["callees"]}, rows)
        except (WampError, UsageError, TimeoutError) as error:
            # It has gone since, may not be asked, hangs, or is something else.
            logger.debug("%s tells nothing: %s", procedure, error)
            return None

    return [api for api in await asyncio.gather(*map(ask, asked)) if api is not None]
