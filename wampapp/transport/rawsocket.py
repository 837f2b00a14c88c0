"""WAMP over RawSocket."""

from __future__ import annotations

import contextlib
import struct
from typing import Any, Final

from wampapp.transport.base import BaseLink  # isort: skip  # the first: it tells txaio the framework

from autobahn.twisted.rawsocket import WampRawSocketClientProtocol, WampRawSocketServerProtocol

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.reasons import failure_text

_PING: Final = 1
_PONG: Final = 2
_HEAD: Final = 4
_PACK_HEADER: Final = struct.Struct(">I").pack
_UNPACK_HEADER: Final = struct.Struct(">I").unpack_from
_LENGTH_BITS: Final = 0xFFFFFF


class _RawSocket(BaseLink):
    """WAMP-over-RawSocket ("RawSocket Transport").

    After Autobahn's handshake we read the frames ourselves: Autobahn takes a frame's first octet,
    which tells PING and PONG from messages, for a part of the length.
    """

    _max_len_send: int
    _handshake_complete: bool

    def __init__(self) -> None:
        super().__init__()
        # The parts of a frame that is not whole yet, and how many bytes it lacks at least.
        self._parts: list[bytes] = []
        self._missing = 0
        self._paused = False
        self._reading = False

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if not self._handshake_complete:
            # Autobahn's method passes what follows the handshake back to this one.
            super().dataReceived(data)  # type: ignore[misc]
            return
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0 or self._paused:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        self._read_frames(data)

    def _read_frames(self, data: bytes) -> None:
        position, end = 0, len(data)
        self._reading = True
        while end - position >= _HEAD and not (self._paused or self.closing):
            (head,) = _UNPACK_HEADER(data, position)
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

    def _violated(self, sentence: str) -> None:
        if self.handler is not None:
            self.handler.violated(ProtocolViolation(sentence))
        else:
            self.abort()

    def pause(self) -> None:
        # This also stops in the middle of what was read already.
        self._paused = True
        super().pause()

    def resume(self) -> None:
        self._paused = False
        super().resume()
        if self._parts and not self._reading and not self.closing:
            data = b"".join(self._parts)
            self._parts.clear()
            self._read_frames(data)

    def write(self, payload: bytes) -> None:
        if self.closing:
            raise ConnectionLost("The link to the router is closed.")
        size = len(payload)
        # The length has 24 bits: the largest size that can be announced, 2**24, would spill into
        # the octet before it ("RawSocket Transport", "Framing").
        if size > self._max_len_send or size >= MAX_MESSAGE_SIZE:
            raise PayloadTooLarge(
                f"The message has {size} bytes; the peer takes at most {self._max_len_send}."
            )
        self.send_frame(_PACK_HEADER(size) + payload)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)  # type: ignore[misc]
        self.ended("the connection broke" if self._broken else failure_text(reason))

    def close(self) -> None:
        self.closing = True
        self.flush()
        # A transport that still has to send would wait for its producer before it closes.
        self.transport.unregisterProducer()
        self.transport.loseConnection()


class RawSocketClient(_RawSocket, WampRawSocketClientProtocol):
    """A client's RawSocket link."""


class RawSocketServer(_RawSocket, WampRawSocketServerProtocol):
    """A router's RawSocket link."""
