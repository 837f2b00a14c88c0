"""What a router holds, and what the apps that are joined say of themselves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.errors import CallTimeout, UsageError, WampError
from wampapp.protocol.features import DESCRIBE

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.describe.api import Api
    from wampapp.session.session import Session


logger = logging.getLogger("wampapp")

#: How many seconds an app gets to tell what it offers; one that hangs must not hold up the rest.
_PATIENCE: Final = 5.0


class Answers(NamedTuple):
    """What was answered.

    Attributes:
        rows: the sessions, procedures and topics, as ``wampapp inspect --json`` prints them.
        apis: what each app says that tells what it offers.
        url: the router's URL.
        agent: what the router calls itself; empty for nothing.
        hint: a sentence about the realm, where it seems to be the wrong one; empty for none.
    """

    rows: list[dict[str, Any]]
    apis: list[Api]
    url: str
    agent: str
    hint: str

    def arguments(self) -> dict[tuple[str, str, str], str]:
        """Return what is described, by its kind, match and URI: its arguments and result."""
        from wampapp.describe.words import arguments_text

        found: dict[tuple[str, str, str], str] = {}
        for api in self.apis:
            for one in api.procedures:
                found.setdefault(("procedure", *one.on_wire), arguments_text(one))
            for topic in api.topics:
                found.setdefault(("topic", *topic.on_wire), arguments_text(topic))
        return found


async def ask(config: Config, timeout: float | None) -> Answers:
    """Ask a router, and the apps that have joined it.

    Args:
        config: the settled configuration, which names the router; else it is searched.
        timeout: the seconds that the answers may take; None for no limit.

    Raises:
        RouterUnreachable: no router answers.
        RouterRefused: the realm, the credential, or the meta API is refused.
        WampError: the router has no meta API.
        CallTimeout: it did not answer in time.
    """
    import asyncio

    from wampapp.cli.session import open_session
    from wampapp.loop.runtime import get_runtime
    from wampapp.session.hints import realms_hint
    from wampapp.transport.port_dialer import dialer_to

    runtime = get_runtime()
    dialer = dialer_to(config, runtime.reactor)
    async with open_session(runtime, dialer, config) as session:
        url = dialer.where
        try:
            async with asyncio.timeout(timeout):
                rows, apis = await ask_on(session, url)
        except TimeoutError:
            raise CallTimeout(
                f"The router at {url} did not answer everything within {timeout:g} s; give "
                "it longer with --timeout."
            ) from None
        agent = session.details.get("agent")
        return Answers(
            [row for row in rows if not _describes(row)],
            apis,
            url,
            agent if isinstance(agent, str) else "",
            realms_hint(config.realm, session.details) or "",
        )


async def ask_on(
    session: Session, url: str, *, with_own: bool = False
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
    from wampapp.cli.inspect.meta_api import MetaApi

    rows = await MetaApi(session, url, with_own=with_own).rows()
    return rows, await _descriptions(session, rows)


def _describes(row: dict[str, Any]) -> bool:
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


async def _descriptions(session: Session, rows: list[dict[str, Any]]) -> list[Api]:
    import asyncio

    asked = [row for row in rows if _describes(row)]
    if not asked:
        return []
    from wampapp.describe.reading import from_document

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
