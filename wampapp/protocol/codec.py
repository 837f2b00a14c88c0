"""Serializers: plain lists to bytes and back, in JSON, MessagePack and CBOR.

What they take is plain (:mod:`wampapp.protocol.payload`), and what they give is checked: it is a
WAMP message.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from typing import Any, ClassVar, Final, Self

import msgspec

from wampapp.errors import PayloadNotEncodable, ProtocolViolation
from wampapp.protocol.messages import Message, check
from wampapp.protocol.payload import ATOMS, SCALARS

#: Containers may nest this deep in a frame that we read. The decoders stop at bounds of their own,
#: which differ with Python's version, and are far above what our own walks could follow.
_MAX_DEPTH: Final = 200


class Codec:
    """A serializer.

    Attributes:
        SERIALIZER_ID: its name in a WebSocket subprotocol, ``wamp.2.<name>``.
        RAWSOCKET_SERIALIZER_ID: its number in the RawSocket handshake.
        BINARY: whether its WebSocket messages are binary.
    """

    # Spelled as Autobahn's transports ask for them.
    SERIALIZER_ID: ClassVar[str]
    RAWSOCKET_SERIALIZER_ID: ClassVar[int]
    BINARY: ClassVar[bool]

    def __copy__(self) -> Self:
        # Autobahn copies its serializers for each connection; ours hold no state.
        return self

    def encode(self, message: Message) -> bytes:
        """Encode a message whose payload is plain.

        Args:
            message: the list to send.

        Returns:
            The frame's payload.

        Raises:
            PayloadNotEncodable: this serializer cannot carry a value in it.
        """
        try:
            return self._dumps(message)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise PayloadNotEncodable(
                f"A value cannot be sent as {self.SERIALIZER_ID}: {error}."
            ) from None

    def decode(self, payload: bytes) -> Message:
        """Decode and check a message.

        Args:
            payload: a frame's payload; anything a peer may have sent.

        Returns:
            The message.

        Raises:
            ProtocolViolation: the bytes are not valid, or are not a WAMP message.
        """
        try:
            message = self._loads(payload)
        except (ValueError, TypeError, RecursionError, OverflowError, MemoryError):
            raise ProtocolViolation(f"A frame is not valid {self.SERIALIZER_ID}.") from None
        # Each level takes a byte, so that a short frame is not deep.
        if len(payload) > _MAX_DEPTH and too_deep(message):
            raise ProtocolViolation(f"A frame nests more than {_MAX_DEPTH} containers.")
        return check(message)

    def _dumps(self, message: Message) -> bytes:
        raise NotImplementedError

    def _loads(self, payload: bytes) -> Any:
        raise NotImplementedError


def too_deep(value: Any) -> bool:
    """Return whether containers nest too deep for a frame; level by level, without recursion.

    Args:
        value: a message, of plain values.
    """
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        deeper: list[Any] = []
        for container in level:
            if type(container) is dict:
                items: Any = container.values()
            elif type(container) is list:
                items = container
            else:
                continue
            if not ATOMS.issuperset(map(type, items)):
                deeper += [item for item in items if type(item) not in ATOMS]
        if not deeper:
            return False
        level = deeper
    return True


class MsgPack(Codec):
    """MessagePack, through msgspec."""

    SERIALIZER_ID = "msgpack"
    RAWSOCKET_SERIALIZER_ID = 2
    BINARY = True

    _dumps = staticmethod(msgspec.msgpack.Encoder().encode)  # type: ignore[assignment]
    _loads = staticmethod(msgspec.msgpack.Decoder().decode)  # type: ignore[assignment]


class Json(Codec):
    """JSON, through msgspec, with the specification's "Binary Conversion of JSON Strings"."""

    SERIALIZER_ID = "json"
    RAWSOCKET_SERIALIZER_ID = 1
    BINARY = False

    _encode = msgspec.json.Encoder().encode
    _decode = msgspec.json.Decoder().decode

    def _dumps(self, message: Message) -> bytes:
        payload = Json._encode(_bytes_to_text(message))
        # msgspec writes null for a number that JSON does not have; nothing may change unseen.
        if b"null" in payload:
            _refuse_unwritable(message)
        return payload

    def _loads(self, payload: bytes) -> Any:
        value = Json._decode(payload)
        # Bytes begin with an escaped NUL; frames without one need no walk.
        return _text_to_bytes(value) if b"\\u0000" in payload else value


def _refuse_unwritable(value: Any) -> None:
    kind = type(value)
    if kind is float and not math.isfinite(value):
        raise ValueError(f"JSON has no number for {value}")
    if kind is list or kind is tuple:
        for item in value:
            _refuse_unwritable(item)
    elif kind is dict:
        for item in value.values():
            _refuse_unwritable(item)


def _bytes_to_text(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is list or kind is tuple:
        if SCALARS.issuperset(map(type, value)):
            return value
        return [_bytes_to_text(item) for item in value]
    if kind is dict:
        if SCALARS.issuperset(map(type, value.values())):
            return value
        return {key: _bytes_to_text(item) for key, item in value.items()}
    if kind is bytes:
        return "\0" + base64.b64encode(value).decode("ascii")
    return value


def _text_to_bytes(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        if value[:1] != "\0":
            return value
        try:
            return base64.b64decode(value[1:], validate=True)
        except (binascii.Error, ValueError):
            return value  # a string that merely starts with NUL
    if kind is list:
        return [_text_to_bytes(item) for item in value]
    if kind is dict:
        return {key: _text_to_bytes(item) for key, item in value.items()}
    return value


def _refuse_tag(*_tagged: object) -> Any:
    raise ValueError("this tag is not accepted")


#: Tags that cbor2 would decode and a WAMP payload does not need. Shared values (28, 29) and
#: string references (25, 256) let a small frame stand for gigabytes; others compile patterns,
#: parse mail or compute powers. Dates, big integers, decimals and UUIDs are left.
_REFUSED_TAGS: Final = dict.fromkeys(
    (5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)


class Cbor(Codec):
    """CBOR, through cbor2, which Autobahn brings along."""

    SERIALIZER_ID = "cbor"
    RAWSOCKET_SERIALIZER_ID = 3
    BINARY = True

    def _dumps(self, message: Message) -> bytes:
        import cbor2

        try:
            return cbor2.dumps(message)
        except cbor2.CBOREncodeError as error:
            raise ValueError(error) from None

    def _loads(self, payload: bytes) -> Any:
        import cbor2

        try:
            stream = io.BytesIO(payload)
            value = cbor2.load(
                stream,
                max_depth=2 * _MAX_DEPTH,
                tag_hook=_refuse_tag,
                semantic_decoders=_REFUSED_TAGS,
            )
        except cbor2.CBORDecodeError as error:
            raise ValueError(error) from None
        if stream.tell() != len(payload):
            raise ValueError("there are bytes after the message")
        return value


MSGPACK: Final = MsgPack()
JSON: Final = Json()
CBOR: Final = Cbor()

#: Every serializer, the preferred one first.
CODECS: Final[tuple[Codec, ...]] = (MSGPACK, CBOR, JSON)
