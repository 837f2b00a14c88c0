"""What our links share: decoding, backpressure, and one write for what a turn of the loop sends."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any, Final

import txaio

txaio.use_twisted()
# What Autobahn narrates below an error, our own log says with the session's name on it.
txaio.set_global_log_level("error")

from twisted.internet.tcp import Connection  # noqa: E402 - txaio must know the framework first

from wampapp.errors import ConnectionLost, ProtocolViolation  # noqa: E402

if TYPE_CHECKING:
    from wampapp.protocol.codec import Codec
    from wampapp.protocol.messages import Message
    from wampapp.transport.link import Handler

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
#: Whoever is at the other end may begin with so many frames, while we go on.
_MOST_FRAMES: Final = 8


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


class Lean:
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

    def __init__(self) -> None:
        super().__init__()
        # Frames of this turn of the loop, to be sent at its end in one write.
        self._out: list[bytes] = []
        self._direct = False
        self._broken = False

    @property
    def codec(self) -> Codec:
        """The serializer that both sides agreed on."""
        return self._serializer  # type: ignore[no-any-return]

    def connectionMade(self) -> None:
        """Set the socket's options; then Autobahn begins its handshake."""
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
        self._direct = isinstance(self.transport, Connection) and not self.transport.TLS
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
        """Encode a message and send it."""
        self.write(self._serializer.encode(message))

    def write(self, payload: bytes) -> None:
        """Send an encoded message."""
        raise NotImplementedError

    def pause(self) -> None:
        """Read no more until :meth:`resume`."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        if not self.over:
            self.transport.resumeProducing()

    def put(self, frame: bytes) -> None:
        """Send a whole frame, at the end of this turn of the loop."""
        self._check_room(len(frame))
        if not self._direct:
            self.transport.write(frame)
            return
        # One write for all the frames of a turn, with no round through the reactor for it: 1.4
        # times the calls one by one, and 1.5 times with 64 in flight.
        out = self._out
        if not out:
            self.factory.call_soon(self.flush)
        out.append(frame)
        if len(out) >= _MOST_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Send the frames that wait."""
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

    def abort(self) -> None:
        """Disconnect at once; what waits is not sent."""
        self.over = True
        self._out.clear()
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
        self._out.clear()
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.lost(reason)
        else:
            on_failed = getattr(self.factory, "on_failed", None)
            if on_failed is not None:
                on_failed(reason)
