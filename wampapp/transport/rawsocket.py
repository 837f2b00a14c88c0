"""WAMP over RawSocket."""

from __future__ import annotations

import contextlib
import struct
from typing import Any, Final

from wampapp.transport.base import Lean  # isort: skip  # the first: it tells txaio the framework

from autobahn.twisted.rawsocket import WampRawSocketClientProtocol, WampRawSocketServerProtocol

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.reasons import why

_PING: Final = 1
_PONG: Final = 2
_HEAD: Final = 4
_HEADER_OF: Final = struct.Struct(">I").pack
_HEADER: Final = struct.Struct(">I").unpack_from
_LENGTH_BITS: Final = 0xFFFFFF


class _RawSocket(Lean):
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
                    self.put(_HEADER_OF(size | _PONG << 24) + data[start:stop])
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
        self.put(_HEADER_OF(size) + payload)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)  # type: ignore[misc]
        self.ended("the connection broke" if self._broken else why(reason))

    def close(self) -> None:
        self.over = True
        self.flush()
        # Or a transport that still has to send would wait for its producer instead of closing.
        self.transport.unregisterProducer()
        self.transport.loseConnection()


class RawSocketClient(_RawSocket, WampRawSocketClientProtocol):
    """A client's RawSocket link."""


class RawSocketServer(_RawSocket, WampRawSocketServerProtocol):
    """A router's RawSocket link."""
