"""The factories of the network links. Autobahn is imported for WebSocket, when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.protocol.codec import CODECS
from wampapp.transport.budget import Budget
from wampapp.transport.flavour import twisted_modules
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.rawsocket import RawSocketClient, RawSocketFactory, RawSocketServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IReactorTCP

    from wampapp.config.url import RouterUrl
    from wampapp.transport.link import Handler
    from wampapp.transport.websocket import WebSocketServer


#: A peer that leaves more bytes than this unread is disconnected, before it takes our memory. A
#: router forwards what others send; a client may well send a lot in one turn of its loop.
MAX_UNSENT_BY_ROUTER: Final = 16 * 2**20
MAX_UNSENT_BY_CLIENT: Final = 64 * 2**20


class _SessionAdapter:
    """The session object that Autobahn's protocols ask for; it gives the link to a handler."""

    __slots__ = ("_transport", "handler")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def onOpen(self, transport: Any) -> None:
        transport.open(self.handler)

    def onClose(self, was_clean: bool) -> None:
        """Do nothing: the link itself reports its end, with the reason."""


class _Timer:
    """Runs Autobahn's timers on the connection's reactor; by itself it takes the global one."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def call_later(self, delay: float, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self._reactor.callLater(delay, function, *args, **kwargs)


def rawsocket_server_factory(
    make_handler: Callable[[], Handler],
    call_soon: Callable[[Callable[[], None]], object],
    *,
    max_unsent: int = MAX_UNSENT_BY_ROUTER,
    budget: Budget | None = None,
) -> Any:
    """Make the factory of a router's RawSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        call_soon: the event loop's.
        max_unsent: a peer that leaves more bytes than this unread is disconnected.
        budget: what may wait for all peers; None for no bound.
    """
    return RawSocketFactory(
        RawSocketServer, make_handler, call_soon, max_unsent, budget or Budget()
    )


def websocket_server_factory(
    make_handler: Callable[[], Handler],
    reactor: IReactorTCP,
    call_soon: Callable[[Callable[[], None]], object],
    *,
    handshake_timeout: float,
    protocol: type[WebSocketServer],
    max_unsent: int = MAX_UNSENT_BY_ROUTER,
    budget: Budget | None = None,
) -> Any:
    """Make the factory of a router's WebSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        reactor: Twisted's reactor.
        call_soon: the event loop's.
        handshake_timeout: how long a client's opening handshake may take, in seconds.
        protocol: the link's class, which may check the request.
        max_unsent: a peer that leaves more bytes than this unread is disconnected.
        budget: what may wait for all peers; None for no bound.
    """
    with twisted_modules():
        from autobahn.twisted.websocket import WampWebSocketServerFactory

    factory = WampWebSocketServerFactory(
        lambda: _SessionAdapter(make_handler()),
        reactor=reactor,
        serializers=CODECS,
        server="wampapp",
    )
    factory.protocol = protocol
    factory.max_unsent = max_unsent
    factory.budget = budget or Budget()
    factory.call_soon = call_soon
    factory.noisy = False
    factory.setProtocolOptions(
        maxMessagePayloadSize=MAX_MESSAGE_SIZE,
        maxFramePayloadSize=MAX_MESSAGE_SIZE,
        openHandshakeTimeout=handshake_timeout,
        webStatus=False,
        allowNullOrigin=True,  # the protocol itself checks origins
        tcpNoDelay=True,
    )
    factory._batched_timer = _Timer(reactor)
    factory.entered = None
    return factory


def client_factory(
    url: RouterUrl,
    handler: Handler,
    reactor: Any,
    call_soon: Callable[[Callable[[], None]], object],
) -> Any:
    """Make the factory of a client's link.

    Args:
        url: the router's URL.
        handler: the client's side of the session.
        reactor: Twisted's reactor.
        call_soon: the event loop's.
    """
    if not url.websocket:
        return RawSocketFactory(
            RawSocketClient, lambda: handler, call_soon, MAX_UNSENT_BY_CLIENT, Budget()
        )
    from wampapp.transport.websocket import WebSocketClient

    with twisted_modules():
        from autobahn.twisted.websocket import WampWebSocketClientFactory

    adapter = _SessionAdapter(handler)
    host = f"[{url.host}]" if ":" in url.host else url.host
    factory = WampWebSocketClientFactory(
        lambda: adapter,
        url=f"{url.scheme}://{host}:{url.port}{url.path}",
        reactor=reactor,
        serializers=CODECS,
        useragent="wampapp",
    )
    factory.protocol = WebSocketClient
    factory.max_unsent = MAX_UNSENT_BY_CLIENT
    factory.budget = Budget()
    factory.call_soon = call_soon
    factory.setProtocolOptions(
        maxMessagePayloadSize=MAX_MESSAGE_SIZE,
        maxFramePayloadSize=MAX_MESSAGE_SIZE,
        openHandshakeTimeout=0,  # connect() is bounded as a whole by its caller
        serverConnectionDropTimeout=0,  # close() drops by itself
        tcpNoDelay=True,
    )
    factory._batched_timer = _Timer(reactor)
    return factory
