"""What a router holds, and what the apps that are joined say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wampapp.errors import CallTimeout

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.describe.live.asking import Told


class Answers(NamedTuple):
    """What was answered.

    Attributes:
        rows: the sessions, procedures and topics, as ``wampapp inspect --json`` prints them.
        told: what the apps say that tell what they offer.
        url: the router's URL.
        agent: what the router calls itself; empty for nothing.
        hint: a sentence about the realm, where it seems to be the wrong one; empty for none.
    """

    rows: list[dict[str, Any]]
    told: Told
    url: str
    agent: str
    hint: str

    def arguments(self) -> dict[tuple[str, str, str], str]:
        """Return what is described, by its kind, match and URI: its arguments and result."""
        from wampapp.describe.words import arguments_text

        found: dict[tuple[str, str, str], str] = {}
        for api in self.told.apis:
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
    from wampapp.describe.live.asking import ask_on, is_of_itself
    from wampapp.loop.runtime import get_runtime
    from wampapp.session.hints import realms_hint
    from wampapp.transport.port_dialer import dialer_to

    runtime = get_runtime()
    dialer = dialer_to(config, runtime.reactor)
    async with open_session(runtime, dialer, config) as session:
        url = dialer.where
        try:
            async with asyncio.timeout(timeout):
                rows, told = await ask_on(session, url)
        except TimeoutError:
            raise CallTimeout(
                f"The router at {url} did not answer everything within {timeout:g} s; give "
                "it longer with --timeout."
            ) from None
        agent = session.details.get("agent")
        return Answers(
            [row for row in rows if not is_of_itself(row)],
            told,
            url,
            agent if isinstance(agent, str) else "",
            realms_hint(config.realm, session.details) or "",
        )
