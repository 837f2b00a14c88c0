"""What the network links share: decoding, back pressure, one write for each turn of the loop."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any, Final

import txaio

txaio.use_twisted()
# Below errors, Autobahn's log repeats what our own says with the session's name on it.
txaio.set_global_log_level("error")

from twisted.internet.tcp import Connection  # noqa: E402 - txaio must know the framework first

from wampapp.errors import ConnectionLost, ProtocolViolation  # noqa: E402

if TYPE_CHECKING:
    from wampapp.protocol.codec import Codec
    from wampapp.protocol.messages import Message
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp.transport")

#: A peer that leaves more bytes than this unread is disconnected, before it takes our memory.
MAX_UNSENT: Final = 64 * 2**20

#: After how many seconds of silence the kernel probes a peer, how often, and how many times: a
#: machine that has vanished is noticed after 25 s, even by a side that has nothing to send.
_PROBES: Final = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 25_000),
)
#: This many frames are written at once: the other end begins with them while we go on.
_MAX_FRAMES: Final = 8


class _BackPressure:
    """Counts the bytes that a slow peer leaves unsent; to Twisted it is a push producer."""

    __slots__ = ("unsent",)

    def __init__(self) -> None:
        #: Bytes written since the transport's buffer filled up; None while it takes more.
        self.unsent: int | None = None

    def pauseProducing(self) -> None:
        self.unsent = 0

    def resumeProducing(self) -> None:
        self.unsent = None

    def stopProducing(self) -> None:
        self.unsent = None


class BaseLink:
    """What the four protocols of our links share: a mixin in front of Autobahn's class."""

    #: Whether the link is closed, or closing.
    closing = False
    #: Whether anything came in since this was last set to False.
    heard = False
    handler: Handler | None = None
    factory: Any
    transport: Any
    _serializer: Any
    _back_pressure: _BackPressure

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
        """Set the socket's options, and let Autobahn begin its handshake."""
        # Autobahn's RawSocket never does, and its WebSocket reads the option before it is set.
        with contextlib.suppress(AttributeError, OSError):  # a unix socket has no such options
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
            for name, value in _PROBES:
                if (option := getattr(socket, name, None)) is not None:
                    self.transport.socket.setsockopt(socket.IPPROTO_TCP, option, value)
        super().connectionMade()  # type: ignore[misc]

    @property
    def sending(self) -> bool:
        """Whether there are bytes that the peer has not taken yet."""
        return self._back_pressure.unsent is not None

    def open(self, handler: Handler) -> None:
        """Hand the link, whose handshake is done, to what handles its messages."""
        try:
            self.handler = handler
            self.ready()
            handler.opened(self)
        except Exception:
            # Autobahn would close the connection without saying why.
            logger.exception("A connection could not be opened")
            raise

    def ready(self) -> None:
        """Begin to carry messages; called once, when the transport's handshake is done."""
        self._back_pressure = _BackPressure()
        self.transport.registerProducer(self._back_pressure, True)
        self._direct = isinstance(self.transport, Connection) and not self.transport.TLS
        on_ready = getattr(self.factory, "on_ready", None)
        if on_ready is not None:
            on_ready(self)

    def receive(self, payload: bytes) -> None:
        """Decode a message and hand it to the handler."""
        if self.closing or self.handler is None:
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
            # A defect of ours ends only this session, and is logged.
            logger.exception("A message could not be handled; closing its connection")
            self.abort()

    def send(self, message: Message) -> None:
        """Encode a message and send it; see :class:`Link`."""
        self.write(self._serializer.encode(message))

    def write(self, payload: bytes) -> None:
        """Send an encoded message; see :class:`Link`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the link once everything is sent."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop reading until :meth:`resume`."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again."""
        if not self.closing:
            self.transport.resumeProducing()

    def send_frame(self, frame: bytes) -> None:
        """Send a whole frame at the end of this turn of the loop.

        Raises:
            ConnectionLost: the peer has left too much unread, and is disconnected.
        """
        self._check_room(len(frame))
        if not self._direct:
            self.transport.write(frame)
            return
        # One write for all the frames of a turn, past the reactor: 1.4 times as many calls a
        # second one by one, and 1.5 times with 64 in flight.
        out = self._out
        if not out:
            self.factory.call_soon(self.flush)
        out.append(frame)
        if len(out) >= _MAX_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Send the frames that wait."""
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._back_pressure.unsent is None and not self.transport.disconnecting:
            sent = self.transport.writeSomeData(data)
            if type(sent) is not int:
                # The peer is gone. The transport may never notice: uvloop stops watching a
                # socket that was reset.
                self._broken = True
                self.abort()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self.transport.write(data)  # what the socket does not take now
        if self._back_pressure.unsent is None:
            # Until the transport has sent it, everything goes through it, to keep the order.
            self._back_pressure.unsent = len(data)
            self.transport.producerPaused = True

    def abort(self) -> None:
        """Disconnect at once; what is not sent yet is lost."""
        self.closing = True
        self._out.clear()
        self.transport.abortConnection()

    def _check_room(self, size: int) -> None:
        unsent = self._back_pressure.unsent
        if unsent is not None:
            if unsent + size > MAX_UNSENT:
                logger.warning("A peer has left %d bytes unread; closing its connection", unsent)
                self.abort()
                raise ConnectionLost("The peer does not read; its connection was closed.")
            self._back_pressure.unsent = unsent + size

    def ended(self, reason: str) -> None:
        """Called once, when the connection is gone."""
        self.closing = True
        self._out.clear()
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.lost(reason)
        else:
            on_failed = getattr(self.factory, "on_failed", None)
            if on_failed is not None:
                on_failed(reason)
