"""What the network links share: decoding, back pressure, one write for each turn of the loop."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.tcp import Connection
from twisted.protocols.policies import ProtocolWrapper

from wampapp.errors import ConnectionLost, ProtocolViolation
from wampapp.protocol.serializer import UNENCODABLE
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.unsent import Unsent

if TYPE_CHECKING:
    from wampapp.protocol.channel import Channel
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp.transport")

#: After how many seconds of silence the kernel probes a peer, how often, and how many times: a
#: machine that has vanished is noticed after 25 s, even by a side that has nothing to send.
_PROBES: Final = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 25_000),
)
#: What the socket says that takes nothing now.
_FULL: Final = (errno.EWOULDBLOCK, errno.ENOBUFS)
#: So many frames are written at once, first and later in a turn of the loop: the other end begins
#: with them while we go on. With 64 calls in flight, 16 later gave 2 % more calls than 8.
_FIRST_FRAMES: Final = 8
_LATER_FRAMES: Final = 16


class BaseLink:
    """What the four protocols of our links share: a mixin in front of Autobahn's class."""

    #: Our reactor reads a link without Twisted's log context.
    is_link = True
    #: Whether the link is closed, or closing.
    closing = False
    #: What a web page's WebSocket began with, where that is asked for.
    request: dict[str, Any] | None = None
    #: Whether we are the router's end.
    is_server = False
    #: Whether anything came in since this was last set to False.
    heard = False
    #: What a message may have; as many values as bytes, and none need be counted.
    max_size = MAX_MESSAGE_SIZE
    max_values = MAX_MESSAGE_SIZE
    handler: Handler | None = None
    factory: Any
    transport: Any
    _serializer: Any
    _unsent: Unsent

    def __init__(self) -> None:
        super().__init__()
        # Frames of this turn of the loop, to be sent at its end in one write.
        self._out: list[bytes] = []
        #: So many of them are written at once; 0 before the first.
        self._most = 0
        self._direct = False
        self._broken = False
        #: How often it was paused, and not resumed since.
        self._pauses = 0
        #: Why we disconnected the peer, as the end of a sentence.
        self._dropped = ""

    @property
    def codec(self) -> Codec:
        """The serializer that both sides agreed on."""
        return self._serializer  # type: ignore[no-any-return]

    def connectionMade(self) -> None:
        """Set the socket's options, and begin the handshake."""
        self._direct = isinstance(self.transport, Connection) and not self.transport.TLS
        self._unsent = Unsent(self.transport, self.factory.budget, self.drop, direct=self._direct)
        # Autobahn's RawSocket never does, and its WebSocket reads the option before it is set.
        with contextlib.suppress(AttributeError, OSError):  # a unix socket has no such options
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
            for name, value in _PROBES:
                if (option := getattr(socket, name, None)) is not None:
                    self.transport.socket.setsockopt(socket.IPPROTO_TCP, option, value)
        super().connectionMade()  # type: ignore[misc]

    @property
    def address(self) -> str:
        """Where the peer is."""
        peer = self.transport.getPeer()
        host = getattr(peer, "host", None)
        if host is None:
            return "a Unix socket"
        return f"[{host}]:{peer.port}" if ":" in host else f"{host}:{peer.port}"

    @property
    def channel(self) -> Channel | None:
        """The link's TLS; None without."""
        if not isinstance(self.transport, ProtocolWrapper):
            return None
        from wampapp.transport.channel import TlsChannel

        return TlsChannel(self.transport.getHandle(), is_server=self.is_server)

    @property
    def sending(self) -> bool:
        """Whether there are bytes that the peer has not taken yet."""
        return self._unsent.full

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
        self.transport.registerProducer(self._unsent, True)
        on_ready = getattr(self.factory, "on_ready", None)
        if on_ready is not None:
            on_ready(self)

    def receive(self, payload: bytes) -> None:
        """Decode a message and hand it to the handler."""
        handler = self.handler
        if self.closing or handler is None:
            return
        try:
            if len(payload) > self.max_values:
                if len(payload) > self.max_size:
                    raise self.oversized(len(payload))
                self._serializer.check_values(payload, self.max_values)
            message = self._serializer.decode(payload)
        except ProtocolViolation as error:
            handler.violated(error)
            return
        entered = self.factory.entered
        try:
            if entered is None:
                handler.received(message)
            else:
                with entered():
                    handler.received(message)
        except BaseException:
            # A defect of ours ends only this session, and is logged.
            logger.exception("A message could not be handled; closing its connection")
            self.abort()

    def take(self, size: int, values: int) -> None:
        """Bound what a message may have; see :class:`Link`."""
        self.max_size = size
        self.max_values = values

    def oversized(self, size: int) -> ProtocolViolation:
        """Return what is wrong with a message of a size that the link does not take."""
        return ProtocolViolation(
            f"A message has {size:,} bytes; at most {self.max_size:,} are taken now."
        )

    def send(self, message: Message) -> None:
        """Encode a message and send it; see :class:`Link`."""
        codec = self._serializer
        try:
            payload = codec.dumps(message)  # without encode() around it: 0.05 µs less
        except UNENCODABLE as error:
            raise codec.not_encodable(error) from None
        self.write(payload)

    def write(self, payload: bytes) -> None:
        """Send an encoded message; see :class:`Link`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the link once everything is sent."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop reading; see :class:`Link`."""
        self._pauses += 1
        if self._pauses == 1:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again; see :class:`Link`."""
        if self._pauses:
            self._pauses -= 1
            if not self._pauses and not self.closing:
                self.transport.resumeProducing()

    def send_frame(self, frame: bytes) -> None:
        """Send a whole frame at the end of this turn of the loop.

        Raises:
            ConnectionLost: the peer has left too much unread, and is disconnected.
        """
        if self._unsent.full:
            self._wait(frame)
            return
        if not self._direct:
            self.factory.budget.sent += len(frame)
            self._unsent.add(frame)
            return
        # One write for all the frames of a turn, past the reactor: 1.4 times as many calls a
        # second one by one, and 1.5 times with 64 in flight.
        out = self._out
        out.append(frame)
        if not self._most:
            self._most = _FIRST_FRAMES
            self.factory.call_soon(self._end_turn)
        if len(out) >= self._most:
            self.flush()
            self._most = _LATER_FRAMES

    def _end_turn(self) -> None:
        self._most = 0
        self.flush()

    def flush(self) -> None:
        """Send the frames that wait."""
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.factory.budget.sent += len(data)
        if self._unsent.full or self.transport.disconnecting:
            self._unsent.add(data)
            return
        try:
            sent = self.transport.socket.send(data)  # by the transport it takes 0.35 µs more
        except OSError as error:
            if error.errno not in _FULL:
                # The peer is gone. The transport may never notice: uvloop stops watching a socket
                # that was reset.
                self._broken = True
                self.abort()
                return
            sent = 0
        if sent < len(data):
            self._unsent.add(data[sent:])

    def finish(self) -> None:
        """Give all that waits to the transport, which then closes by itself once it is sent."""
        self.flush()
        self._unsent.hand_over()
        # A transport that still has to send would wait for its producer before it closes.
        self.transport.unregisterProducer()

    def abort(self) -> None:
        """Disconnect at once; what is not sent yet is lost."""
        self.closing = True
        self._out.clear()
        self._unsent.clear()
        self.transport.abortConnection()

    @property
    def unread(self) -> int:
        """How many bytes wait until the peer takes more."""
        return self._unsent.size

    def drop(self, reason: str) -> None:
        """Disconnect the peer because of what waits for it.

        Args:
            reason: why, as the end of a sentence.
        """
        logger.warning("Closing the connection of a peer that does not read: %s", reason)
        self.factory.budget.dropped += 1
        self._dropped = reason
        self.abort()

    def _wait(self, frame: bytes) -> None:
        """Keep a frame until the peer takes more, unless it has left too much unread."""
        size = self._unsent.size
        if size > self.factory.max_unsent:
            self.drop(f"it left {size:,} bytes unread")
            raise ConnectionLost("The peer does not read; its connection was closed.")
        self.factory.budget.sent += len(frame)
        self._unsent.add(frame)

    def ended(self, reason: str) -> None:
        """Called once, when the connection is gone."""
        self.closing = True
        self._out.clear()
        self._unsent.clear()
        reason = self._dropped or reason
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.lost(reason)
        else:
            on_failed = getattr(self.factory, "on_failed", None)
            if on_failed is not None:
                on_failed(reason)
