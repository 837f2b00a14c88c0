"""The way to a router that nobody has named: it listens on a port of this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import DEFAULT_PORT
from wampapp.config.url import parse_url, urls_at
from wampapp.errors import RouterUnreachable
from wampapp.transport.dial import NOTHING_LISTENS, Dialer, connect
from wampapp.transport.list_dialer import dialer_by

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.errors import ProtocolViolation
    from wampapp.protocol.messages import Message
    from wampapp.transport.link import Handler, Link

#: Seconds that the router at a port gets to answer by RawSocket, before WebSocket is tried too.
_PATIENCE: Final = 0.25
#: And seconds for both, where something listens.
_SEARCH_SECONDS: Final = 3.0


class PortDialer(Dialer):
    """Reaches the router that listens on a port of this machine.

    It speaks RawSocket, as the embedded router does, or only WebSocket, as Crossbar.io does by
    default. Something else may keep silent when it is spoken to.

    Args:
        host: the address that the router is bound to.
        port: its TCP port.
        reactor: Twisted's reactor, on the running loop.

    Attributes:
        where: the URL that the router was found at; before that, the one for RawSocket.
    """

    remote = True

    def __init__(self, host: str, port: int, reactor: Any) -> None:
        self._urls = urls_at(host, port)
        self._reactor = reactor
        self.where = self._urls[0]

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Connect to the router that is found; see :class:`Dialer`."""
        try:
            # Nearly always this is it, and costs nothing more.
            await self._connect(self.where, handler, timeout, patience=_PATIENCE)
        except RouterUnreachable as error:
            if str(error).startswith(NOTHING_LISTENS):
                raise
            self.where = await self._search(timeout)
            await self._connect(self.where, handler, timeout)

    async def _search(self, timeout: float) -> str:
        """Try both URLs, and return the first at which a router answers."""
        rawsocket, websocket = self._urls
        knocking = {
            asyncio.ensure_future(self._connect(url, _Knock(), timeout)): url for url in self._urls
        }
        waiting = set(knocking)
        try:
            async with asyncio.timeout(min(timeout, _SEARCH_SECONDS)):
                while waiting:
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for knock, url in knocking.items():
                        if knock.done() and knock.exception() is None:
                            return url
        except TimeoutError:
            pass
        finally:
            for knock in waiting:
                knock.cancel()
            await asyncio.gather(*knocking, return_exceptions=True)
        raise RouterUnreachable(
            f"What listens at {rawsocket.partition('://')[2]} is not a WAMP router: it answers "
            f"neither to {rawsocket} nor to {websocket}."
        )

    async def _connect(
        self, url: str, handler: Handler, timeout: float, *, patience: float | None = None
    ) -> None:
        await connect(parse_url(url), handler, self._reactor, timeout, patience=patience)


class _Knock:
    """The handler of a link that is closed as soon as it is open: there is a router."""

    def opened(self, link: Link) -> None:
        """Disconnect."""
        link.close()

    def received(self, message: Message) -> None:
        """Do nothing: nothing was asked."""

    def violated(self, error: ProtocolViolation) -> None:
        """Do nothing: the link is closed."""

    def lost(self, reason: str) -> None:
        """Do nothing: that was meant."""


def dialer_to(config: Config, reactor: Any) -> Dialer:
    """Return the way to the router of a configuration: its URL, else what listens on its port.

    Args:
        config: the settled configuration.
        reactor: Twisted's reactor, on the running loop.
    """
    if config.url is not None:
        return dialer_by(config.url, reactor, config.tls)
    return PortDialer(config.host, config.port or DEFAULT_PORT, reactor)
