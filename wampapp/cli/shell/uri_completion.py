"""Completion of URIs: what the router holds at the moment, and what the app declares."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Final

from wampapp.session.hints import TIMEOUT, held_uris

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from wampapp.app import App
    from wampapp.registry.records import Registration, Subscription
    from wampapp.runner.service import Service

#: How long the prompt uses the router's answer.
_FRESH_SECONDS: Final = 1.0
#: The URI of a verb, as far as it is typed.
_BEGUN: Final = re.compile(
    r"\b(?:(?:call|stream|procedure|describe)|(?P<topic>publish|subscribe|topic))"
    r"\(\s*(?P<quote>[\"'])(?P<uri>[^\"'\s]*)$"
)


class UriCompleter:
    """Completes the URIs that the router holds and that the app declares.

    The router is asked by "Registration Meta API" and "Subscription Meta API" of the specification;
    if it has none, or refuses, only what the app declares is
    offered.

    Args:
        app: the app, for its prefix and declarations.
        service: the service whose session asks.
    """

    def __init__(self, app: App, service: Service) -> None:
        self._app = app
        self._service = service
        self._found: dict[str, set[str]] = {}
        self._asked: dict[str, float] = {}
        self._asking: asyncio.Task[None] | None = None  # the loop keeps no reference to it

    def matching(self, line: str) -> tuple[str, list[str]] | None:
        """Complete a URI. It takes half a second at most.

        Args:
            line: the line up to the cursor.

        Returns:
            The URI as far as it is typed, and all that begin with it; relative URIs if it begins
            with a dot. None if the line does not end in the URI of a verb.
        """
        begun = _BEGUN.search(line)
        if begun is None:
            return None
        registry = self._app.registry
        if begun["topic"]:
            uris = self._held("subscription") | _exact(registry.subscriptions)
        else:
            uris = self._held("registration") | _exact(registry.registrations)
        prefix = self._app.prefix
        if begun["uri"].startswith(".") and prefix:
            own = f"{prefix}."
            uris = {uri.removeprefix(prefix) for uri in uris if uri.startswith(own)}
        return begun["uri"], sorted(
            uri for uri in uris if uri.startswith(begun["uri"]) and uri.isprintable()
        )

    def _held(self, kind: str) -> set[str]:
        now = time.monotonic()
        if now - self._asked.get(kind, -_FRESH_SECONDS) >= _FRESH_SECONDS:
            self._asked[kind] = now
            found = self._found[kind] = set()
            done = threading.Event()
            loop = self._service.runtime.loop

            async def ask() -> None:
                try:
                    await self._ask(kind, found)
                finally:
                    done.set()

            def begin() -> None:
                self._asking = loop.create_task(ask())

            loop.call_soon_threadsafe(begin)
            # A handler may block the loop, and with it the answer.
            done.wait(TIMEOUT + 0.05)
        return set(self._found[kind])

    async def _ask(self, kind: str, found: set[str]) -> None:
        connection = self._service.connection
        if connection is None:
            return

        await held_uris(connection.call, kind, found)


def _exact(records: Iterable[Registration | Subscription]) -> set[str]:
    return {record.uri for record in records if record.pattern is None}
