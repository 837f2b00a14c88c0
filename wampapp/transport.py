"""Links that carry messages as plain lists: Autobahn's WebSocket and RawSocket made lean.

Autobahn keeps the framing, the handshakes and TLS. Our subclasses override its public ``send``
and the two methods that hand a received payload on (``onMessage``, ``stringReceived``): its own
make a ``Message`` object and format a coloured log line for each message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from typing import TYPE_CHECKING, Any, Final, Protocol

import txaio

txaio.use_twisted()

from autobahn.twisted.rawsocket import (  # noqa: E402 - txaio must know the framework first
    WampRawSocketClientFactory,
    WampRawSocketClientProtocol,
    WampRawSocketServerFactory,
    WampRawSocketServerProtocol,
)
from autobahn.twisted.websocket import (  # noqa: E402
    WampWebSocketClientFactory,
    WampWebSocketClientProtocol,
    WampWebSocketServerFactory,
    WampWebSocketServerProtocol,
)

from wampapp.codec import CODECS, MSGPACK, Codec  # noqa: E402
from wampapp.errors import (  # noqa: E402
    ConnectionLost,
    PayloadTooLarge,
    ProtocolViolation,
    RouterUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IReactorTCP

    from wampapp.config import RouterUrl
    from wampapp.messages import Message

logger = logging.getLogger("wampapp.transport")

#: The largest message either way, in bytes: the most that RawSocket's handshake can announce.
MAX_MESSAGE_SIZE: Final = 2**24
#: A peer that leaves this many bytes unread is cut off, before it takes our memory.
MAX_UNSENT: Final = 64 * 2**20


class Link(Protocol):
    """A connected transport; what a session sends on."""

    @property
    def codec(self) -> Codec:
        """The serializer that was negotiated."""

    def send(self, message: Message) -> None:
        """Encode and send a message whose payload is plain.

        Raises:
            PayloadNotEncodable: the serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
            ConnectionLost: the link is closed.
        """

    def write(self, payload: bytes) -> None:
        """Send a message that :attr:`codec` has encoded already; raises as :meth:`send`."""

    def close(self) -> None:
        """Close the link once everything is sent."""

    def abort(self) -> None:
        """Close the link at once; what is not sent yet is lost."""


class Handler(Protocol):
    """What a link hands its news to; a client's or a router's side of a session."""

    def opened(self, link: Link) -> None:
        """Take the link; its handshake is done."""

    def received(self, message: Message) -> None:
        """Take a checked message."""

    def violated(self, error: ProtocolViolation) -> None:
        """Hear that the peer sent something that is no message; the link still is open."""

    def lost(self, reason: str) -> None:
        """Hear that the link is gone, and why; called once, last."""


class _Entrance:
    """The session object that Autobahn's protocols ask for; it passes on to a handler."""

    __slots__ = ("_transport", "handler")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def onOpen(self, transport: Any) -> None:
        transport.handler = self.handler
        transport.ready()
        self.handler.opened(transport)

    def onClose(self, was_clean: bool) -> None:
        """Autobahn's word of the end; ours, with the reason, is given by the link itself."""


class _Backlog:
    """Watches how much a slow peer leaves unsent: a push producer in Twisted's sense."""

    __slots__ = ("unsent",)

    def __init__(self) -> None:
        self.unsent: int | None = None

    def pauseProducing(self) -> None:
        self.unsent = 0

    def resumeProducing(self) -> None:
        self.unsent = None

    def stopProducing(self) -> None:
        self.unsent = None


class _Lean:
    """What our four protocols share. A mixin in front of Autobahn's class."""

    #: Whether the link is closed, or closing.
    over = False
    handler: Handler | None = None
    factory: Any
    transport: Any
    _serializer: Any
    _backlog: _Backlog

    @property
    def codec(self) -> Codec:
        return self._serializer  # type: ignore[no-any-return]

    def ready(self) -> None:
        """Called once, when the transport's handshake is done."""
        self._backlog = _Backlog()
        self.transport.registerProducer(self._backlog, True)
        on_ready = getattr(self.factory, "on_ready", None)
        if on_ready is not None:
            on_ready(self)

    def take(self, payload: bytes) -> None:
        """Decode a frame and hand it on."""
        if self.over or self.handler is None:
            return
        try:
            message = self.codec.decode(payload)
        except ProtocolViolation as error:
            self.handler.violated(error)
            return
        try:
            self.handler.received(message)
        except Exception:
            # A defect of ours ends this one session, loudly, and no other.
            logger.exception("A message could not be handled; closing its connection")
            self.abort()

    def send(self, message: Message) -> None:
        self.write(self._serializer.encode(message))

    def write(self, payload: bytes) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        self.over = True
        self.transport.abortConnection()

    def _check_room(self, size: int) -> None:
        unsent = self._backlog.unsent
        if unsent is not None:
            if unsent + size > MAX_UNSENT:
                logger.warning("A peer has left %d bytes unread; closing its connection", unsent)
                self.abort()
                raise ConnectionLost("The peer does not read; its connection was closed.")
            self._backlog.unsent = unsent + size

    def ended(self, reason: str) -> None:
        """Called once, when the connection is gone."""
        self.over = True
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.lost(reason)
        else:
            on_failed = getattr(self.factory, "on_failed", None)
            if on_failed is not None:
                on_failed(reason)


class _RawSocket(_Lean):
    """WAMP-over-RawSocket ("RawSocket Transport")."""

    _max_len_send: int

    def connectionMade(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # a unix socket has no such option
            self.transport.setTcpNoDelay(True)
        super().connectionMade()  # type: ignore[misc]

    def stringReceived(self, payload: bytes) -> None:
        self.take(payload)

    def write(self, payload: bytes) -> None:
        if self.over:
            raise ConnectionLost("The link to the router is closed.")
        size = len(payload)
        if size > self._max_len_send:
            raise PayloadTooLarge(
                f"The message has {size} bytes; the peer takes at most {self._max_len_send}."
            )
        self._check_room(size)
        self.transport.write(_LENGTH(size) + payload)

    def lengthLimitExceeded(self, length: int) -> None:
        if self.handler is not None:
            self.handler.violated(ProtocolViolation(f"A frame of {length} bytes is too large."))
        else:
            self.abort()

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)  # type: ignore[misc]
        self.ended(_why(reason))

    def close(self) -> None:
        self.over = True
        self.transport.loseConnection()


_LENGTH = struct.Struct(">I").pack


class _WebSocket(_Lean):
    """WAMP-over-WebSocket ("WebSocket Transport")."""

    maxMessagePayloadSize: int
    wasNotCleanReason: str | None

    def dataReceived(self, data: bytes) -> None:
        self._dataReceived(data)  # type: ignore[attr-defined]

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if isBinary is not self.codec.BINARY:
            if self.handler is not None:
                self.handler.violated(
                    ProtocolViolation("A WebSocket message is of the wrong kind, text or binary.")
                )
            return
        self.take(payload)

    def write(self, payload: bytes) -> None:
        if self.over:
            raise ConnectionLost("The link to the router is closed.")
        size = len(payload)
        if size > MAX_MESSAGE_SIZE:
            raise PayloadTooLarge(
                f"The message has {size} bytes; the peer takes at most {MAX_MESSAGE_SIZE}."
            )
        self._check_room(size)
        self.sendMessage(payload, self.codec.BINARY)  # type: ignore[attr-defined]

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        super().onClose(wasClean, code, reason)  # type: ignore[misc]
        self.ended(self.wasNotCleanReason or reason or "the peer closed the connection")

    def close(self) -> None:
        self.over = True
        self.sendClose(1000)  # type: ignore[attr-defined]


class RawSocketClient(_RawSocket, WampRawSocketClientProtocol):
    """A client's RawSocket link."""


class RawSocketServer(_RawSocket, WampRawSocketServerProtocol):
    """A router's RawSocket link."""


class WebSocketClient(_WebSocket, WampWebSocketClientProtocol):
    """A client's WebSocket link."""


class WebSocketServer(_WebSocket, WampWebSocketServerProtocol):
    """A router's WebSocket link."""


def rawsocket_server_factory(make_handler: Callable[[], Handler]) -> Any:
    """Make the factory of a router's RawSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
    """
    factory = WampRawSocketServerFactory(lambda: _Entrance(make_handler()), CODECS)
    factory.protocol = RawSocketServer
    factory.noisy = False
    factory.setProtocolOptions(maxMessagePayloadSize=MAX_MESSAGE_SIZE)
    return factory


def websocket_server_factory(
    make_handler: Callable[[], Handler],
    reactor: IReactorTCP,
    *,
    handshake_timeout: float,
    protocol: type[WebSocketServer],
) -> Any:
    """Make the factory of a router's WebSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        reactor: Twisted's reactor.
        handshake_timeout: the seconds a client has for its opening handshake.
        protocol: the link's class, which may check the request.
    """
    factory = WampWebSocketServerFactory(
        lambda: _Entrance(make_handler()), reactor=reactor, serializers=CODECS, server="wampapp"
    )
    factory.protocol = protocol
    factory.noisy = False
    factory.setProtocolOptions(
        maxMessagePayloadSize=MAX_MESSAGE_SIZE,
        maxFramePayloadSize=MAX_MESSAGE_SIZE,
        openHandshakeTimeout=handshake_timeout,
        webStatus=False,
        tcpNoDelay=True,
    )
    return factory


async def connect(url: RouterUrl, handler: Handler, reactor: Any, timeout: float) -> None:
    """Connect to a router and do the transport's handshake.

    Returns when ``handler.opened`` has been called.

    Args:
        url: the router's URL.
        handler: the client's side of the session.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds that each step may take; the caller bounds the whole.

    Raises:
        RouterUnreachable: nothing listens there, or what answers is no WAMP router.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def on_ready(_link: Link) -> None:
        if not ready.done():
            ready.set_result(None)

    def on_failed(reason: str) -> None:
        if not ready.done():
            ready.set_exception(
                RouterUnreachable(f"What answers at {url.url} is no WAMP router: {reason}.")
            )

    factory = _client_factory(url, handler, reactor, timeout)
    factory.on_ready, factory.on_failed = on_ready, on_failed
    protocol = await _dial(url, factory, reactor, timeout)
    try:
        await ready
    except asyncio.CancelledError:
        protocol.abort()
        raise


def _client_factory(url: RouterUrl, handler: Handler, reactor: Any, timeout: float) -> Any:
    entrance = _Entrance(handler)
    if not url.websocket:
        factory = WampRawSocketClientFactory(lambda: entrance, MSGPACK)
        factory.protocol = RawSocketClient
        factory.setProtocolOptions(maxMessagePayloadSize=MAX_MESSAGE_SIZE)
        return factory
    host = f"[{url.host}]" if ":" in url.host else url.host
    factory = WampWebSocketClientFactory(
        lambda: entrance,
        url=f"{url.scheme}://{host}:{url.port}{url.path}",
        reactor=reactor,
        serializers=CODECS,
        useragent="wampapp",
    )
    factory.protocol = WebSocketClient
    factory.setProtocolOptions(
        maxMessagePayloadSize=MAX_MESSAGE_SIZE,
        maxFramePayloadSize=MAX_MESSAGE_SIZE,
        openHandshakeTimeout=timeout,
        tcpNoDelay=True,
    )
    return factory


async def _dial(url: RouterUrl, factory: Any, reactor: Any, timeout: float) -> Any:
    from twisted.internet import endpoints

    loop = asyncio.get_running_loop()
    seconds = max(1, round(timeout))
    if url.scheme == "unix":
        targets: list[Any] = [endpoints.UNIXClientEndpoint(reactor, url.path, timeout=seconds)]
    else:
        targets = [
            # Addresses are passed in resolved: Twisted's own resolver would start its thread
            # pool, whose threads keep a process from ending.
            (endpoints.TCP6ClientEndpoint if ":" in address else endpoints.TCP4ClientEndpoint)(
                reactor, address, url.port, timeout=seconds
            )
            for address in await _addresses(url)
        ]
    if url.secure:
        from twisted.internet.ssl import optionsForClientTLS

        # Verifies the certificate and the host's name.
        tls = optionsForClientTLS(url.host)
        targets = [endpoints.wrapClientTLS(tls, target) for target in targets]
    failure: Exception | None = None
    for target in targets:
        try:
            return await target.connect(factory).asFuture(loop)
        except Exception as error:  # noqa: BLE001 - Twisted's many ways to say no
            failure = error
    raise RouterUnreachable(f"No router answers at {url.url}: {_reason_text(failure)}.")


async def _addresses(url: RouterUrl) -> list[str]:
    import socket

    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host, url.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise RouterUnreachable(
            f"The host {url.host!r} of {url.url} has no address; check its name."
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _why(reason: Any) -> str:
    from twisted.internet.error import ConnectionDone

    if reason.check(ConnectionDone):
        return "the peer closed the connection"
    return _reason_text(reason.value)


def _reason_text(error: BaseException | None) -> str:
    from twisted.internet import error as errors

    if isinstance(error, errors.ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, errors.TimeoutError | errors.TCPTimedOutError):
        return "connecting took too long"
    text = str(error).strip().rstrip(".")
    return (text[:1].lower() + text[1:]) if text else type(error).__name__


class LocalLink:
    """One end of a link inside the process: no sockets, and the same bytes as on one.

    Messages are encoded and decoded, so that neither side can change what the other holds, and
    are delivered in a later turn of the loop, as a socket's would be.
    """

    codec: Codec = MSGPACK

    def __init__(self, handler: Handler) -> None:
        self._handler: Handler | None = handler
        self._loop = asyncio.get_running_loop()
        self._inbox: list[bytes] = []
        self._other: LocalLink

    def send(self, message: Message) -> None:
        """Send a message; see :class:`Link`."""
        self.write(self.codec.encode(message))

    def write(self, payload: bytes) -> None:
        """Send an encoded message; see :class:`Link`."""
        other = self._other
        if self._handler is None or other._handler is None:
            raise ConnectionLost("The link to the router is closed.")
        if not other._inbox:
            self._loop.call_soon(other._deliver)
        other._inbox.append(payload)

    def _deliver(self) -> None:
        inbox, self._inbox = self._inbox, []
        for payload in inbox:
            if self._handler is None:
                return
            try:
                self._handler.received(self.codec.decode(payload))
            except Exception:
                logger.exception("A message could not be handled; closing its connection")
                self.close()

    def close(self) -> None:
        """Close both ends; see :class:`Link`."""
        # After what was sent before: both ends hear of it in their own turn.
        self._loop.call_soon(self._other._end)
        self._loop.call_soon(self._end)

    abort = close

    def _end(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.lost("the peer closed the connection")


def connect_locally(client: Handler, router: Handler) -> None:
    """Link a client to a router in the same process; both hear ``opened`` before it returns.

    Args:
        client: the client's side of the session.
        router: the router's side.
    """
    client_end, router_end = LocalLink(client), LocalLink(router)
    client_end._other, router_end._other = router_end, client_end
    router.opened(router_end)
    client.opened(client_end)
