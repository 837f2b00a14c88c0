"""Links that carry messages as plain lists: Autobahn's WebSocket and RawSocket made lean.

Autobahn keeps the framing, the handshakes and TLS. Our subclasses override its public ``send``
and the two methods that hand a received payload on (``onMessage``, ``stringReceived``): its own
make a ``Message`` object and format a coloured log line for each message.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

import txaio

txaio.use_twisted()
# What Autobahn narrates below an error, our own log says with the session's name on it.
txaio.set_global_log_level("error")

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
from twisted.internet.tcp import Connection  # noqa: E402

from wampapp.codec import CODECS, MSGPACK  # noqa: E402
from wampapp.errors import (  # noqa: E402
    ConnectionLost,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.link import MAX_MESSAGE_SIZE  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IReactorTCP

    from wampapp.codec import Codec
    from wampapp.config import RouterUrl
    from wampapp.link import Handler
    from wampapp.messages import Message

logger = logging.getLogger("wampapp.transport")

#: A peer that leaves this many bytes unread is cut off, before it takes our memory.
MAX_UNSENT: Final = 64 * 2**20

#: When the kernel asks a silent peer whether it is still there, how often, and how many times:
#: a machine that has vanished is noticed after 25 s, even by a side that has nothing to send.
_PROBES: Final = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 25_000),
)

#: What the reason of a link that ended over TLS begins with.
TLS_FAILED: Final = "TLS failed"

_PING: Final = 1
_PONG: Final = 2
_CLOSE_SECONDS: Final = 2.0


class _Entrance:
    """The session object that Autobahn's protocols ask for; it passes on to a handler."""

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
        """Autobahn's word of the end; ours, with the reason, is given by the link itself."""


class _Timer:
    """Autobahn's timers on the reactor of the connection: its own run on the process's first."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def call_later(self, delay: float, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self._reactor.callLater(delay, function, *args, **kwargs)


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
    #: Whether anything came in since this was last set to False.
    heard = False
    handler: Handler | None = None
    factory: Any
    transport: Any
    _serializer: Any
    _backlog: _Backlog

    @property
    def codec(self) -> Codec:
        return self._serializer  # type: ignore[no-any-return]

    def connectionMade(self) -> None:
        # RawSocket never sets it, and WebSocket asks for it before it knows what it wants.
        with contextlib.suppress(AttributeError, OSError):  # a unix socket has no such options
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
            for name, value in _PROBES:
                if (option := getattr(socket, name, None)) is not None:
                    self.transport.socket.setsockopt(socket.IPPROTO_TCP, option, value)
        super().connectionMade()  # type: ignore[misc]

    @property
    def sending(self) -> bool:
        """Whether bytes wait that the peer has not taken yet."""
        return self._backlog.unsent is not None

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
            message = self._serializer.decode(payload)
        except ProtocolViolation as error:
            self.handler.violated(error)
            return
        entered = self.factory.entered
        try:
            if entered is None:
                self.handler.received(message)
            else:
                with entered():
                    self.handler.received(message)
        except BaseException:
            # A defect of ours ends this one session, loudly, and no other.
            logger.exception("A message could not be handled; closing its connection")
            self.abort()

    def send(self, message: Message) -> None:
        self.write(self._serializer.encode(message))

    def write(self, payload: bytes) -> None:
        raise NotImplementedError

    def pause(self) -> None:
        self.transport.pauseProducing()

    def resume(self) -> None:
        if not self.over:
            self.transport.resumeProducing()

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
    """WAMP-over-RawSocket ("RawSocket Transport").

    After Autobahn's handshake the frames are ours: its receiver takes a frame's first octet, which
    tells PING and PONG from messages, for a part of the length.
    """

    _max_len_send: int
    _handshake_complete: bool

    def __init__(self) -> None:
        super().__init__()
        # What has come of a frame that is not whole yet, and how many bytes it lacks at least.
        self._parts: list[bytes] = []
        self._missing = 0
        self._held = False
        self._framing = False
        # Frames of this turn of the loop, to be sent at its end in one write.
        self._out: list[bytes] = []
        self._direct = False
        self._broken = False

    def ready(self) -> None:
        super().ready()
        self._direct = isinstance(self.transport, Connection) and not self.transport.TLS

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if not self._handshake_complete:
            # Autobahn's own passes what follows the handshake to this method.
            super().dataReceived(data)  # type: ignore[misc]
            return
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0 or self._held:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        self._frames(data)

    def _frames(self, data: bytes) -> None:
        position, end = 0, len(data)
        self._framing = True
        while end - position >= _HEAD and not (self._held or self.over):
            (head,) = _HEADER(data, position)
            kind, size = head >> 24, head & _LENGTH_BITS
            start = position + _HEAD
            stop = start + size
            if kind > _PONG:
                self._violated(f"There is no RawSocket frame of type {kind}.")
                break
            if stop > end:
                break
            position = stop
            if kind == 0:
                self.take(data[start:stop])
            elif kind == _PING:
                with contextlib.suppress(ConnectionLost):
                    self._put(_HEADER_OF(size | _PONG << 24) + data[start:stop])
        self._framing = False
        if position < end and not self.over:
            rest = data[position:]
            self._missing = _HEAD - len(rest)
            if self._missing <= 0:
                self._missing = _HEAD + (_HEADER(rest, 0)[0] & _LENGTH_BITS) - len(rest)
            self._parts.append(rest)

    def _violated(self, sentence: str) -> None:
        if self.handler is not None:
            self.handler.violated(ProtocolViolation(sentence))
        else:
            self.abort()

    def pause(self) -> None:
        # Holding also stops in the middle of what was read already.
        self._held = True
        super().pause()

    def resume(self) -> None:
        self._held = False
        super().resume()
        if self._parts and not self._framing and not self.over:
            data = b"".join(self._parts)
            self._parts.clear()
            self._frames(data)

    def write(self, payload: bytes) -> None:
        if self.over:
            raise ConnectionLost("The link to the router is closed.")
        size = len(payload)
        # The length has 24 bits: the largest announced, 2**24, would spill into the octet
        # before it ("RawSocket Transport", "Framing").
        if size > self._max_len_send or size >= MAX_MESSAGE_SIZE:
            raise PayloadTooLarge(
                f"The message has {size} bytes; the peer takes at most {self._max_len_send}."
            )
        self._put(_HEADER_OF(size) + payload)

    def _put(self, frame: bytes) -> None:
        self._check_room(len(frame))
        if not self._direct:
            self.transport.write(frame)
            return
        # One write for all the frames of a turn, with no round through the reactor for it: 1.4
        # times the calls one by one, and 1.5 times with 64 in flight.
        out = self._out
        if not out:
            self.factory.call_soon(self._flush)
        out.append(frame)
        if len(out) >= _MOST_FRAMES:
            self._flush()

    def _flush(self) -> None:
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._backlog.unsent is None and not self.transport.disconnecting:
            sent = self.transport.writeSomeData(data)
            if type(sent) is not int:
                # The peer is gone. The transport may never hear of it: uvloop stops to watch a
                # socket that was reset.
                self._broken = True
                self.abort()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self.transport.write(data)  # what the socket does not take now
        if self._backlog.unsent is None:
            # Until it has sent that, and says so, everything goes by it, or the order would change.
            self._backlog.unsent = len(data)
            self.transport.producerPaused = True

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)  # type: ignore[misc]
        self.ended("the connection broke" if self._broken else _why(reason))

    def close(self) -> None:
        self.over = True
        self._flush()
        # Or a transport that still has to send would wait for its producer instead of closing.
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def abort(self) -> None:
        self._out.clear()
        super().abort()

    def ended(self, reason: str) -> None:
        self._out.clear()
        super().ended(reason)


_HEAD: Final = 4
_HEADER_OF: Final = struct.Struct(">I").pack
_HEADER: Final = struct.Struct(">I").unpack_from
_LENGTH_BITS: Final = 0xFFFFFF
#: Whoever is at the other end may begin with so many, while we go on.
_MOST_FRAMES: Final = 24


class _WebSocket(_Lean):
    """WAMP-over-WebSocket ("WebSocket Transport")."""

    maxMessagePayloadSize: int
    wasNotCleanReason: str | None
    _dropping: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
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

    def connectionLost(self, reason: Any) -> None:
        if tls_fault(reason.value) is not None:
            self.wasNotCleanReason = reason_text(reason.value)
        self._connectionLost(reason)  # type: ignore[attr-defined]

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        super().onClose(wasClean, code, reason)  # type: ignore[misc]
        self.ended(self.wasNotCleanReason or reason or "the peer closed the connection")

    def close(self) -> None:
        self.over = True
        self.sendClose(1000)  # type: ignore[attr-defined]
        # Autobahn's own timer for this runs on the process's global reactor, not on ours.
        self._dropping = self.factory.reactor.callLater(_CLOSE_SECONDS, self.abort)

    def ended(self, reason: str) -> None:
        if self._dropping is not None and self._dropping.active():
            self._dropping.cancel()
        super().ended(reason)


class RawSocketClient(_RawSocket, WampRawSocketClientProtocol):
    """A client's RawSocket link."""


class RawSocketServer(_RawSocket, WampRawSocketServerProtocol):
    """A router's RawSocket link."""


class WebSocketClient(_WebSocket, WampWebSocketClientProtocol):
    """A client's WebSocket link."""


class WebSocketServer(_WebSocket, WampWebSocketServerProtocol):
    """A router's WebSocket link."""


def rawsocket_server_factory(
    make_handler: Callable[[], Handler], call_soon: Callable[[Callable[[], None]], object]
) -> Any:
    """Make the factory of a router's RawSocket links.

    Args:
        make_handler: called for each connection whose handshake is done.
        call_soon: the event loop's.
    """
    factory = WampRawSocketServerFactory(lambda: _Entrance(make_handler()), CODECS)
    factory.protocol = RawSocketServer
    factory.call_soon = call_soon
    factory.entered = None
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
    entrance = _Entrance(handler)
    if not url.websocket:
        factory = WampRawSocketClientFactory(lambda: entrance, MSGPACK)
        factory.protocol = RawSocketClient
        factory.call_soon = call_soon
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
        openHandshakeTimeout=0,  # whoever connects bounds the whole of it
        serverConnectionDropTimeout=0,  # close() drops by itself
        tcpNoDelay=True,
    )
    factory._batched_timer = _Timer(reactor)
    return factory


def _why(reason: Any) -> str:
    from twisted.internet.error import ConnectionDone

    if reason.check(ConnectionDone):
        return "the peer closed the connection"
    return reason_text(reason.value)


def reason_text(error: BaseException | None) -> str:
    """Return why a connection failed, as the end of a sentence."""
    from twisted.internet import error as errors

    if isinstance(error, errors.ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, errors.TimeoutError | errors.TCPTimedOutError):
        return "connecting took too long"
    if (fault := tls_fault(error)) is not None:
        return f"{TLS_FAILED}: {fault}"
    text = str(error).strip().rstrip(".")
    return (text[:1].lower() + text[1:]) if text else type(error).__name__


def tls_fault(error: BaseException | None) -> str | None:
    """Return what went wrong with TLS; None where it was something else."""
    # Imported when something of theirs can have been raised: only then it is there for sure.
    ssl = sys.modules.get("OpenSSL.SSL")
    if ssl is not None and isinstance(error, ssl.SysCallError):
        return None  # the peer went away in the middle, as a router that stops does
    if ssl is not None and isinstance(error, ssl.Error):
        reasons = [entry[-1] for entry in error.args[0]] if error.args else []
        return ", ".join(filter(None, reasons)) or "the peer ended the handshake"
    identity = sys.modules.get("service_identity")
    if identity is not None and isinstance(error, identity.VerificationError):
        return "the certificate is for another host"
    return None
