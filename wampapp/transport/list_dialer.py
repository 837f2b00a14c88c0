"""The way to one of several routers: the first that answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from wampapp.config.url import parse_urls
from wampapp.errors import RouterUnreachable
from wampapp.transport.dial import Dialer, UrlDialer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wampapp.config.records import Tls
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp")


class ListDialer(Dialer):
    """Reaches the first of several routers that answers, in their order, until a session joined.

    From then on it reaches that one only: a session that went to another after its link had broken
    would be in a realm of its own, while everybody else is where they were.

    Args:
        dialers: the way to each router.

    Attributes:
        where: all of them; once a session has joined, the URL of its router.
    """

    remote = True

    def __init__(self, dialers: Sequence[UrlDialer]) -> None:
        self.where = " or ".join(dialer.where for dialer in dialers)
        self._dialers = dialers
        self._reached = 0
        self._is_settled = False
        # So that all sessions of a process, which share it, join the same one.
        self._alone = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def joining(self) -> AsyncIterator[None]:
        """Let one session at a time try, until the first has joined; see :class:`Dialer`."""
        async with contextlib.nullcontext() if self._is_settled else self._alone:
            yield
            self._settle()

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Connect to one of them, each of which gets its share of the time; see :class:`Dialer`."""
        if self._is_settled:
            await self._dialers[self._reached].dial(handler, timeout)
            return
        share = timeout / len(self._dialers)
        failures = []
        for number, dialer in enumerate(self._dialers):
            try:
                async with asyncio.timeout(share):
                    await dialer.dial(handler, share)
            except TimeoutError:
                failures.append(f"{dialer.where} did not answer within {share:g} s.")
            except RouterUnreachable as error:
                failures.append(str(error))
            else:
                self._reached = number
                return
        raise RouterUnreachable(" ".join(failures))

    def _settle(self) -> None:
        """Stay with the router that was reached, as a session has joined there."""
        if self._is_settled:
            return
        self._is_settled = True
        self.where = self._dialers[self._reached].where
        if self._reached:
            passed = " and ".join(dialer.where for dialer in self._dialers[: self._reached])
            logger.warning(
                "Joined %s: %s did not answer. If that is another router, whoever is there cannot "
                "be reached from here.",
                self.where,
                passed,
            )


def dialer_by(urls: str, reactor: Any, tls: Tls | None = None) -> Dialer:
    """Return the way to the router that a URL names, or to the first of several that answers.

    Args:
        urls: the URL, or several with commas between.
        reactor: Twisted's reactor, on the running loop.
        tls: whom TLS trusts, and who we are; None to trust this machine's authorities.

    Raises:
        InvalidUrl: one is not a router's.
    """
    dialers = [UrlDialer(url.url, reactor, tls) for url in parse_urls(urls)]
    return dialers[0] if len(dialers) == 1 else ListDialer(dialers)
