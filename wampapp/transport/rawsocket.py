"""WAMP over RawSocket ("RawSocket Transport"): its handshake and its frames.

It is ours, because Autobahn takes a frame's first octet, which tells PING and PONG from messages,
for a part of the length; and without Autobahn, a command starts in three quarters of the time.
"""

from __future__ import annotations

import contextlib
import logging
import struct
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from wampapp.transport.base import BaseLink  # isort: skip  # the first: it tells txaio the framework

from twisted.internet.protocol import Factory, Protocol, connectionDone

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.protocol.codec import CODECS, MSGPACK
from wampapp.protocol.serializer import UNENCODABLE
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.reasons import failure_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.transport.budget import Budget
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp.transport")

_MAGIC: Final = 0x7F
#: Announces that we take messages of up to MAX_MESSAGE_SIZE, 2 ** (9 + 15) bytes.
_ANY_LENGTH: Final = 15
_CODECS: Final = {codec.RAWSOCKET_SERIALIZER_ID: codec for codec in CODECS}
#: The handshake's errors; the router sends one in place of the size, and 0 for the serializer.
_UNSUPPORTED_SERIALIZER: Final = 1
_ERRORS: Final = {
    _UNSUPPORTED_SERIALIZER: "it does not take MessagePack",
    2: "it does not take messages of up to 16 MiB",
    3: "it does not take our handshake",
    4: "it has too many connections",
}
_PING: Final = 1
_PONG: Final = 2
_HEAD: Final = 4
_PACK_HEADER: Final = struct.Struct(">I").pack
_UNPACK_HEADER: Final = struct.Struct(">I").unpack_from
_LENGTH_BITS: Final = 0xFFFFFF


class RawSocketFactory(Factory):
    """The factory of one side's RawSocket links.

    Args:
        protocol: the link's class.
        make_handler: called for each connection whose handshake is done.
        call_soon: the event loop's.
        max_unsent: a peer that leaves more bytes than this unread is disconnected.
        budget: what may wait for all peers.
    """

    noisy = False
    #: Entered while a link's handler runs, on a reactor that is not asyncio's.
    entered: Any = None

    def __init__(
        self,
        protocol: type[_RawSocket],
        make_handler: Callable[[], Handler],
        call_soon: Callable[[Callable[[], None]], object],
        max_unsent: int,
        budget: Budget,
    ) -> None:
        self.protocol = protocol
        self.make_handler = make_handler
        self.call_soon = call_soon
        self.max_unsent = max_unsent
        self.budget = budget


class _RawSocket(BaseLink, Protocol):
    """A RawSocket link; a subclass is one side of the handshake."""

    def __init__(self) -> None:
        super().__init__()
        #: What has come of the peer's handshake; None once it is whole.
        self._handshake: bytes | None = b""
        #: Why the handshake failed.
        self._failure: str | None = None
        #: The largest message that the peer takes, in bytes.
        self._max_bytes = 0
        # The parts of a frame that is not whole yet, and how many bytes it lacks at least.
        self._parts: list[bytes] = []
        self._missing = 0
        self._reading = False

    def handshake_received(self, length: int, serializer: int) -> None:
        """Answer the peer's handshake, or take its answer.

        Args:
            length: how it announces the largest message that it takes, 0 to 15.
            serializer: the number of the serializer that it names.
        """
        raise NotImplementedError

    def handshake_done(self, length: int, codec: Codec) -> None:
        """Open the link: both sides agree."""
        # The length has 24 bits: the largest size that can be announced, 2**24, would spill into
        # the octet before it ("RawSocket Transport", "Framing").
        self._max_bytes = min(2 ** (9 + length), MAX_MESSAGE_SIZE - 1)
        self._serializer = codec
        self.open(self.factory.make_handler())

    def handshake_failed(self, reason: str) -> None:
        """End the connection, and say why."""
        self._failure = reason
        self.abort()

    def _read_handshake(self, data: bytes) -> bytes:
        """Take what is missing of the peer's handshake; return what follows it."""
        handshake = self._handshake or b""
        missing = _HEAD - len(handshake)
        self._handshake = handshake = handshake + data[:missing]
        if handshake[0] != _MAGIC:
            self.handshake_failed("it does not speak RawSocket")
        elif len(handshake) == _HEAD:
            self._handshake = None
            self.handshake_received(handshake[1] >> 4, handshake[1] & 0x0F)
        return data[missing:]

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        self.factory.budget.received += len(data)
        if self._handshake is not None:
            data = self._read_handshake(data)
            if not data:
                return
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0 or self._pauses:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        self._read_frames(data)

    def _read_frames(self, data: bytes) -> None:
        position, end = 0, len(data)
        budget = self.factory.budget
        budget.pressed = False
        self._reading = True
        # A pause also stops it in the middle of what was read already.
        while end - position >= _HEAD and not (self._pauses or self.closing):
            (head,) = _UNPACK_HEADER(data, position)
            kind, size = head >> 24, head & _LENGTH_BITS
            start = position + _HEAD
            stop = start + size
            if kind > _PONG:
                self._violated(ProtocolViolation(f"There is no RawSocket frame of type {kind}."))
                break
            if stop > end:
                if size > self.max_size:
                    self._violated(self.oversized(size))  # its end is not even waited for
                break
            position = stop
            if kind == 0:
                self.receive(data[start:stop])
            elif kind == _PING:
                with contextlib.suppress(ConnectionLost):
                    self.send_frame(_PACK_HEADER(size | _PONG << 24) + data[start:stop])
        self._reading = False
        if position < end and not self.closing:
            rest = data[position:]
            self._missing = _HEAD - len(rest)
            if self._missing <= 0:
                self._missing = _HEAD + (_UNPACK_HEADER(rest, 0)[0] & _LENGTH_BITS) - len(rest)
            self._parts.append(rest)
        if budget.pressed:
            budget.hold(self)

    def _violated(self, error: ProtocolViolation) -> None:
        if self.handler is not None:
            self.handler.violated(error)
        else:
            self.abort()

    def resume(self) -> None:
        super().resume()
        if self._parts and not (self._pauses or self._reading or self.closing):
            data = b"".join(self._parts)
            self._parts.clear()
            self._read_frames(data)

    def send(self, message: Message) -> None:
        """Encode a message and send it; see :class:`Link`."""
        codec = self._serializer
        try:
            payload = codec.dumps(message)
        except UNENCODABLE as error:
            raise codec.not_encodable(error) from None
        # What write() does, written out: 0.05 µs less for each message.
        size = len(payload)
        if self.closing or size > self._max_bytes:
            self._refuse(size)
        self.send_frame(_PACK_HEADER(size) + payload)

    def write(self, payload: bytes) -> None:
        size = len(payload)
        if self.closing or size > self._max_bytes:
            self._refuse(size)
        self.send_frame(_PACK_HEADER(size) + payload)

    def _refuse(self, size: int) -> NoReturn:
        if self.closing:
            raise ConnectionLost("The link to the router is closed.")
        raise PayloadTooLarge(
            f"The message has {size} bytes; the peer takes at most {self._max_bytes}."
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        broken = "the connection broke" if self._broken else failure_text(reason)
        self.ended(self._failure or broken)

    def close(self) -> None:
        self.closing = True
        self.finish()
        self.transport.loseConnection()


class RawSocketClient(_RawSocket):
    """A client's RawSocket link.

    Attributes:
        speaks: the serializer that it asks for.
    """

    speaks: ClassVar[Codec] = MSGPACK

    def connectionMade(self) -> None:
        """Begin the handshake."""
        super().connectionMade()
        number = self.speaks.RAWSOCKET_SERIALIZER_ID
        self.transport.write(bytes((_MAGIC, _ANY_LENGTH << 4 | number, 0, 0)))

    def handshake_received(self, length: int, serializer: int) -> None:
        """Take the router's answer."""
        if serializer == self.speaks.RAWSOCKET_SERIALIZER_ID:
            self.handshake_done(length, self.speaks)
        elif serializer == 0:
            self.handshake_failed(_ERRORS.get(length, f"it refused the handshake, error {length}"))
        else:
            self.handshake_failed("it answered with a serializer that we did not ask for")


class RawSocketServer(_RawSocket):
    """A router's RawSocket link."""

    is_server = True

    def handshake_received(self, length: int, serializer: int) -> None:
        """Answer the client."""
        codec = _CODECS.get(serializer)
        if codec is None:
            logger.info("A RawSocket client asks for a serializer that we lack: %d", serializer)
            self.transport.write(bytes((_MAGIC, _UNSUPPORTED_SERIALIZER << 4, 0, 0)))
            self.closing = True
            self.transport.loseConnection()
        else:
            # As a frame goes: the answer to HELLO, which the client may have sent already, must
            # come after this one.
            self.send_frame(bytes((_MAGIC, _ANY_LENGTH << 4 | serializer, 0, 0)))
            self.handshake_done(length, codec)
