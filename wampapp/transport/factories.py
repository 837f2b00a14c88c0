"""The factories of the network links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.transport.base import logger  # isort: skip  # the first: it tells txaio the framework

from autobahn.twisted.rawsocket import WampRawSocketClientFactory, WampRawSocketServerFactory
from autobahn.twisted.websocket import WampWebSocketClientFactory, WampWebSocketServerFactory

from wampapp.protocol.codec import CODECS, MSGPACK
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.rawsocket import RawSocketClient, RawSocketServer
from wampapp.transport.websocket import WebSocketClient, WebSocketServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IReactorTCP

    from wampapp.config.url import RouterUrl
    from wampapp.transport.link import Handler


class _SessionAdapter:
    """The session object that Autobahn's protocols ask for; it gives the link to a handler."""

    __slots__ = ("_transport", "handler")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def onOpen(self, transport: Any) -> None:
        try:
            transport.handler = self.handler
            transport.ready()
            self.handler.opened(transport)
        except Exception:
            # Autobahn would close the connection without saying why.
            logger.exception("A connection could not be opened")
            raise

    def onClose(self, was_clean: bool) -> None:
        """Do nothing: the link itself reports its end, with the reason."""


class _Timer:
    """Runs Autobahn's timers on the connection's reactor; by itself it takes the global one."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def call_later(self, delay: float, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self._reactor.callLater(delay, function, *args, **kwargs)


def rawsocket_server_factory(
    make_handler: Callable[[], Handler], call_soon: Callable[[Callable[[], None]], object]
) -> Any:
    """Make the factory of a router's RawSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        call_soon: the event loop's.
    """
    factory = WampRawSocketServerFactory(lambda: _SessionAdapter(make_handler()), CODECS)
    factory.protocol = RawSocketServer
    factory.call_soon = call_soon
    factory.entered = None
    factory.noisy = False
    factory.setProtocolOptions(maxMessagePayloadSize=MAX_MESSAGE_SIZE)
    return factory


def websocket_server_factory(
    make_handler: Callable[[], Handler],
    reactor: IReactorTCP,
    call_soon: Callable[[Callable[[], None]], object],
    *,
    handshake_timeout: float,
    protocol: type[WebSocketServer],
) -> Any:
    """Make the factory of a router's WebSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        reactor: Twisted's reactor.
        call_soon: the event loop's.
        handshake_timeout: how long a client's opening handshake may take, in seconds.
        protocol: the link's class, which may check the request.
    """
    factory = WampWebSocketServerFactory(
        lambda: _SessionAdapter(make_handler()),
        reactor=reactor,
        serializers=CODECS,
        server="wampapp",
    )
    factory.protocol = protocol
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
    adapter = _SessionAdapter(handler)
    if not url.websocket:
        factory = WampRawSocketClientFactory(lambda: adapter, MSGPACK)
        factory.protocol = RawSocketClient
        factory.call_soon = call_soon
        factory.setProtocolOptions(maxMessagePayloadSize=MAX_MESSAGE_SIZE)
        return factory
    host = f"[{url.host}]" if ":" in url.host else url.host
    factory = WampWebSocketClientFactory(
        lambda: adapter,
        url=f"{url.scheme}://{host}:{url.port}{url.path}",
        reactor=reactor,
        serializers=CODECS,
        useragent="wampapp",
    )
    factory.protocol = WebSocketClient
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
