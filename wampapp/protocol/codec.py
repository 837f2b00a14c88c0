"""Serializers: plain lists to bytes and back, in JSON, MessagePack and CBOR.

What they take is plain (:mod:`wampapp.protocol.payload`), and what they give is checked: it is a
WAMP message.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.protocol.decoders import DECODERS
from wampapp.protocol.payload import MAX_DEPTH, SCALARS
from wampapp.protocol.serializer import LARGE, MAX_OPTIONS, Codec, numbers, raw_element, too_deep

if TYPE_CHECKING:
    from wampapp.protocol.counting import BinaryCounter, JsonCounter
    from wampapp.protocol.messages import Message


class MsgPack(Codec):
    """MessagePack, through msgspec."""

    SERIALIZER_ID = "msgpack"
    RAWSOCKET_SERIALIZER_ID = 2
    BINARY = True

    dumps = staticmethod(msgspec.msgpack.Encoder().encode)  # type: ignore[assignment]
    _loads = staticmethod(msgspec.msgpack.Decoder().decode)  # type: ignore[assignment]
    _parts = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode

    def decode(self, payload: bytes) -> Message:
        """Decode and check a message; see :meth:`Codec.decode`."""
        # A decoder that knows the message's shape leaves nothing to check: 0.3 µs in place of
        # 0.75 for a call.
        try:
            decode = DECODERS[payload[0]][payload[1]]
            size = len(payload)
            if size <= MAX_DEPTH:
                return [*decode(payload)]
            if size < LARGE and not too_deep(message := [*decode(payload)]):
                return message
        except Exception:  # noqa: BLE001, S110 - what is wrong is found below
            pass
        return super().decode(payload)

    @property
    def _counter(self) -> BinaryCounter:
        from wampapp.protocol import counting

        return counting.MSGPACK

    def _element(self, payload: bytes, place: int) -> Any:
        return raw_element(MsgPack._parts(payload), place, self._loads)

    def _head(self, payload: bytes) -> list[int]:
        first = payload[0] if payload else 0
        start = 1 if 0x90 <= first <= 0x9F else {0xDC: 3, 0xDD: 5}.get(first)
        return numbers(payload, start, 0x80, {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8})


#: How a message in JSON begins: a list, and up to three numbers.
_JSON_HEAD: Final = re.compile(rb"\s*\[((?:\s*\d{1,16}\s*,){1,3})")


class Json(Codec):
    """JSON, through msgspec, with the specification's "Binary Conversion of JSON Strings"."""

    SERIALIZER_ID = "json"
    RAWSOCKET_SERIALIZER_ID = 1
    BINARY = False

    _encode = msgspec.json.Encoder().encode
    _decode = msgspec.json.Decoder().decode

    @property
    def _counter(self) -> JsonCounter:
        from wampapp.protocol import counting

        return counting.JSON

    def _element(self, payload: bytes, place: int) -> Any:
        import json

        found = re.compile(rb"\s*\[" + rb"\s*\d+\s*," * place + rb"\s*").match(payload)
        if found is None:
            return None
        text = payload[found.end() : found.end() + MAX_OPTIONS].decode(errors="replace")
        return json.JSONDecoder().raw_decode(text)[0]

    def dumps(self, message: Message) -> bytes:
        """Encode a message; see :meth:`Codec.dumps`."""
        payload = Json._encode(bytes_to_text(message))
        # msgspec writes null for a number that JSON does not have; nothing may change unseen.
        if b"null" in payload:
            _refuse_unwritable(message)
        return payload

    def _loads(self, payload: bytes) -> Any:
        try:
            value = Json._decode(payload)
        except msgspec.DecodeError:
            _name_what_only_python_takes(payload)
            raise
        # Bytes begin with an escaped NUL; frames without one need no walk.
        return text_to_bytes(value) if b"\\u0000" in payload else value

    def _head(self, payload: bytes) -> list[int]:
        found = _JSON_HEAD.match(payload)
        return [int(number) for number in found[1].split(b",")[:-1]] if found else []


def _name_what_only_python_takes(payload: bytes) -> None:
    """Raise for what other peers' JSON may have and ours has not, for msgspec does not name it."""
    import json

    def refuse(constant: str) -> None:
        raise ValueError(f"JSON has no number for {constant}")

    try:
        json.dumps(json.loads(payload, parse_constant=refuse), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a string has half of a surrogate pair, such as half an emoji") from None
    except json.JSONDecodeError:
        pass


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


def bytes_to_text(value: Any) -> Any:
    """Return a value with its bytes as JSON has them: a text of NUL and base64."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is list or kind is tuple:
        if SCALARS.issuperset(map(type, value)):
            return value
        return [bytes_to_text(item) for item in value]
    if kind is dict:
        if SCALARS.issuperset(map(type, value.values())):
            return value
        return {key: bytes_to_text(item) for key, item in value.items()}
    if kind is bytes:
        return "\0" + base64.b64encode(value).decode("ascii")
    return value


def text_to_bytes(value: Any) -> Any:
    """Return a value with the bytes that :func:`bytes_to_text` made texts of."""
    kind = type(value)
    if kind is str:
        if value[:1] != "\0":
            return value
        try:
            return base64.b64decode(value[1:], validate=True)
        except (binascii.Error, ValueError):
            return value  # a string that merely starts with NUL
    if kind is list:
        return [text_to_bytes(item) for item in value]
    if kind is dict:
        return {key: text_to_bytes(item) for key, item in value.items()}
    return value


def _refuse_tag(*_tagged: object) -> Any:
    raise ValueError("this tag is not accepted")


def _typed_array(value: Any, _immutable: bool) -> bytes:
    """Return what JavaScript sends for a ``Uint8Array``: an array of unsigned bytes (RFC 8746)."""
    if type(value) is not bytes:
        raise ValueError("a typed array is not made of bytes")
    return value


#: Tags that cbor2 would decode and a WAMP payload does not need. Shared values (28, 29) and
#: string references (25, 256) let a small frame stand for gigabytes; others compile patterns,
#: parse mail or compute powers. Dates, big integers, decimals and UUIDs are left.
_TAGS: Final = dict.fromkeys(
    (5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
) | {64: _typed_array}


class Cbor(Codec):
    """CBOR, through cbor2, which Autobahn brings along."""

    SERIALIZER_ID = "cbor"
    RAWSOCKET_SERIALIZER_ID = 3
    BINARY = True

    def dumps(self, message: Message) -> bytes:
        """Encode a message; see :meth:`Codec.dumps`."""
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
                max_depth=2 * MAX_DEPTH,
                tag_hook=_refuse_tag,
                semantic_decoders=_TAGS,
            )
        except cbor2.CBORDecodeError as error:
            why = f": {error.__cause__}" if error.__cause__ else ""
            raise ValueError(f"{error}{why}") from None
        if stream.tell() != len(payload):
            raise ValueError("there are bytes after the message")
        # JavaScript's undefined, as AutobahnJS sends it.
        return _without_undefined(value, cbor2.undefined) if b"\xf7" in payload else value

    @property
    def _counter(self) -> BinaryCounter:
        from wampapp.protocol import counting

        return counting.CBOR

    def _element(self, payload: bytes, place: int) -> Any:
        import cbor2

        first = payload[0] & 0x1F  # how the list's length is written
        start = {24: 2, 25: 3, 26: 5, 27: 9}.get(first, 1)
        stream = io.BytesIO(payload[start : start + MAX_OPTIONS])
        decoder = cbor2.CBORDecoder(stream, tag_hook=_refuse_tag, semantic_decoders=_TAGS)
        try:
            return [decoder.decode() for _ in range(place + 1)][-1]
        except cbor2.CBORDecodeError:
            return None

    def _head(self, payload: bytes) -> list[int]:
        first = payload[0] if payload else 0
        longer = {0x98: 2, 0x99: 3, 0x9A: 5, 0x9B: 9, 0x9F: 1}
        start = 1 if 0x80 <= first <= 0x97 else longer.get(first)
        return numbers(payload, start, 24, {24: 1, 25: 2, 26: 4, 27: 8})


def _without_undefined(value: Any, undefined: object) -> Any:
    """Leave out what is undefined; in a list it is null, for the others keep their places."""
    kind = type(value)
    if kind is list:
        return [
            None if item is undefined else _without_undefined(item, undefined) for item in value
        ]
    if kind is dict:
        return {
            key: _without_undefined(item, undefined)
            for key, item in value.items()
            if item is not undefined
        }
    return value


MSGPACK: Final = MsgPack()
JSON: Final = Json()
CBOR: Final = Cbor()

#: Every serializer, the preferred one first.
CODECS: Final[tuple[Codec, ...]] = (MSGPACK, CBOR, JSON)
