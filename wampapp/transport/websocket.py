"""WAMP over WebSocket.

Autobahn does the handshake, TLS, control frames, fragments, large frames and every fault. Whole
small data frames, which are nearly all messages, are read and written here, and each turn of the
loop writes once: with 64 calls in flight that raised the rate from 0.15 to 0.85 of RawSocket's.
"""

from __future__ import annotations

import contextlib
import os
import struct
from typing import TYPE_CHECKING, Any, Final

import txaio

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.transport.base import BaseLink
from wampapp.transport.flavour import twisted_modules
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.reasons import reason_text, tls_fault

with twisted_modules():
    from autobahn.twisted.websocket import WampWebSocketClientProtocol, WampWebSocketServerProtocol

    # Below errors, Autobahn's log repeats what our own says with the session's name on it.
    txaio.set_global_log_level("error")

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSE_SECONDS: Final = 2.0

# A frame's head (RFC 6455, 5.2): FIN and opcode; then MASK and the length, or how it follows.
_TEXT: Final = 0x81
_BINARY: Final = 0x82
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_SHORT_HEAD: Final = struct.Struct(">BB").pack
_HEAD_16: Final = struct.Struct(">BBH").pack
_HEAD_64: Final = struct.Struct(">BBQ").pack
_number: Final = int.from_bytes
#: So many frames are read by Autobahn in a turn of the loop, which takes 20 µs for each.
_MAX_SLOW_FRAMES: Final = 256
#: Larger payloads are masked by Autobahn, in C.
_MAX_MASKED_HERE: Final = 4096


class _WebSocket(BaseLink):
    """WAMP-over-WebSocket ("WebSocket Transport")."""

    #: Whether we mask what we send, as a client must, and the peer does not; else the reverse.
    masks = False

    data: bytes
    state: int
    current_frame: Any
    inside_message: bool
    wasNotCleanReason: str | None
    _dropping: Any = None
    #: How many frames Autobahn has read since the others had their turn.
    _slow_frames = 0
    _first_octet = 0

    def ready(self) -> None:
        super().ready()
        self._first_octet = _BINARY if self.codec.BINARY else _TEXT

    # What comes in.

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        budget = self.factory.budget
        budget.pressed = False
        budget.received += len(data)
        self._dataReceived(data)  # type: ignore[attr-defined]
        if budget.pressed:
            budget.hold(self)

    def processData(self) -> bool:
        """Read the whole small frames that have come; leave anything else to Autobahn."""
        if self._pauses:
            return False
        if (
            self.current_frame is None
            and not self.inside_message
            and self._first_octet
            and self.state == self.STATE_OPEN  # type: ignore[attr-defined]
        ):
            taken = self._read_small_frames(self.data)
            if taken:
                self.data = self.data[taken:]
            if not self.data or self._pauses:
                return False
        self._slow_frames += 1
        if self._slow_frames == _MAX_SLOW_FRAMES:
            # Thousands of empty frames fit into what is read at once; others have their turn first.
            self._slow_frames = 0
            self.pause()
            self.factory.call_soon(self.resume)
            return False
        return super().processData()  # type: ignore[misc, no-any-return]

    def resume(self) -> None:
        super().resume()
        if self.data and not self._pauses:
            self.consumeData()  # type: ignore[attr-defined]

    def _read_small_frames(self, data: bytes) -> int:
        """Read frames from the front, as long as they are whole, small and valid.

        Returns:
            How many bytes were read.
        """
        first, text, masked = self._first_octet, not self.codec.BINARY, not self.masks
        position, end = 0, len(data)
        while end - position > 1 and data[position] == first and not self._pauses:
            size = data[position + 1]
            if masked is not (size >= _MASKED):
                break
            size &= _LENGTH
            start = position + 2
            if size >= _LENGTH_16:
                if size == _LENGTH_64 or end - start < 2:
                    break
                size = data[start] << 8 | data[start + 1]
                if size < _LENGTH_16:
                    break  # invalid: such a length must be written shorter
                start += 2
            if masked:
                mask = data[start : start + 4]
                start += 4
            stop = start + size
            if stop > end:
                break
            payload = data[start:stop]
            if masked:
                payload = _xor(payload, mask)
            if text:
                try:
                    payload.decode()
                except UnicodeDecodeError:
                    break
            position = stop
            self.receive(payload)
            if self.closing or self.state != self.STATE_OPEN:  # type: ignore[attr-defined]
                break
        return position

    def take(self, size: int, values: int) -> None:
        super().take(size, values)
        # Autobahn closes the connection at the head of a larger frame.
        self.maxMessagePayloadSize = self.maxFramePayloadSize = size

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if isBinary is not self.codec.BINARY:
            if self.handler is not None:
                self.handler.violated(
                    ProtocolViolation("A WebSocket message has the wrong kind, text or binary.")
                )
            return
        self.receive(payload)

    # What goes out.

    def write(self, payload: bytes) -> None:
        if self.closing:
            raise ConnectionLost("The link to the router is closed.")
        size = len(payload)
        if size > MAX_MESSAGE_SIZE:
            raise PayloadTooLarge(
                f"The message has {size} bytes; the peer takes at most {MAX_MESSAGE_SIZE}."
            )
        masked = 0
        if self.masks:
            if size > _MAX_MASKED_HERE:
                self.sendMessage(payload, self.codec.BINARY)  # type: ignore[attr-defined]
                return
            mask = next(_masks)
            payload = mask + _xor(payload, mask)
            masked = _MASKED
        if size < _LENGTH_16:
            head = _SHORT_HEAD(self._first_octet, masked | size)
        elif size <= 0xFFFF:
            head = _HEAD_16(self._first_octet, masked | _LENGTH_16, size)
        else:
            head = _HEAD_64(self._first_octet, masked | _LENGTH_64, size)
        self.send_frame(head + payload)

    def sendData(
        self,
        data: bytes,
        sync: bool = False,  # noqa: ARG002 - both are Autobahn's, and for its tests
        chopsize: int | None = None,  # noqa: ARG002
    ) -> None:
        """Send what Autobahn makes, its handshake too, in the order of all that is sent."""
        with contextlib.suppress(ConnectionLost):  # the link has been aborted, and reports it
            self.send_frame(data)

    def dropConnection(self, abort: bool = False) -> None:
        """Disconnect: once everything is sent, or at once."""
        if not abort:
            self.finish()
        super().dropConnection(abort)  # type: ignore[misc]

    # The end.

    def connectionLost(self, reason: Any) -> None:
        if tls_fault(reason.value) is not None:
            self.wasNotCleanReason = reason_text(reason.value)
        self._connectionLost(reason)  # type: ignore[attr-defined]

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        super().onClose(wasClean, code, reason)  # type: ignore[misc]
        broken = "the connection broke" if self._broken else None
        reason = broken or self.wasNotCleanReason or reason or "the peer closed the connection"
        self.ended(reason)

    def close(self) -> None:
        self.closing = True
        self.sendClose(1000)  # type: ignore[attr-defined]
        # Autobahn's own timer for this runs on the global reactor, which may be another one.
        self._dropping = self.factory.reactor.callLater(_CLOSE_SECONDS, self.abort)

    def ended(self, reason: str) -> None:
        if self._dropping is not None and self._dropping.active():
            self._dropping.cancel()
        super().ended(reason)


def _xor(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask a payload (RFC 6455, 5.3)."""
    size = len(payload)
    pad = (mask * (size // 4 + 1))[:size]
    # With the order of the bytes, which is "big" by itself, it takes 0.12 µs more.
    return (_number(payload) ^ _number(pad)).to_bytes(size)


def _make_masks() -> Iterator[bytes]:
    """Yield unpredictable masks (RFC 6455, 10.3); one system call gives many."""
    while True:
        block = os.urandom(4096)
        for start in range(0, len(block), 4):
            yield block[start : start + 4]


_masks: Final = _make_masks()


class WebSocketClient(_WebSocket, WampWebSocketClientProtocol):
    """A client's WebSocket link."""

    masks = True


class WebSocketServer(_WebSocket, WampWebSocketServerProtocol):
    """A router's WebSocket link."""

    is_server = True
