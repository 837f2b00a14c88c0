"""The decoders that know a message's shape give what the general way gives, or leave it to that."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.payloads import TEXT, exactly, payloads
from wampapp.errors import ProtocolViolation
from wampapp.protocol import codec as codecs
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.messages import MAX_ID, SHAPES, MalformedMessage
from wampapp.protocol.serializer import Codec

EACH_SHAPE = pytest.mark.parametrize(
    "shape",
    [(code, *shape[1:]) for code, shapes in SHAPES.items() for shape in sorted(shapes, key=len)],
    ids=lambda shape: " ".join(getattr(kind, "__name__", str(kind)) for kind in shape),
)

#: What each kind of element may be in a right message.
RIGHT: dict[type, st.SearchStrategy[Any]] = {
    int: st.integers(0, MAX_ID),
    str: TEXT,
    list: st.lists(payloads(TEXT), max_size=3),
    dict: st.dictionaries(TEXT, payloads(TEXT), max_size=3),
}
ANYTHING = st.sampled_from(
    [
        *(-1, 0, True, False, MAX_ID, MAX_ID + 1, 2**63, 2**64 - 1, -(2**63)),
        *(0.0, -0.0, 1.0, 1.5, -1.0, float(MAX_ID), 2.0**60, float("inf"), float("nan")),
        *(None, "", b"", b"a", [], {}, {1: 2}, {None: 1}, {b"k": 1}, {"k": {1: 2}}),
        *(msgspec.msgpack.Ext(5, b"x"), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
    ]
) | payloads(TEXT)


def outcome(codec_decode: Any, frame: bytes) -> Any:
    """Return a message with its types, or all that is said of what is wrong with it."""
    try:
        message = codec_decode(frame)
    except ProtocolViolation as error:
        head = (error.head, repr(error.options)) if isinstance(error, MalformedMessage) else None
        return type(error), str(error), head
    assert type(message) is list
    return repr(exactly(message))


def same(frame: bytes) -> None:
    assert outcome(MSGPACK.decode, frame) == outcome(lambda f: Codec.decode(MSGPACK, f), frame)


@EACH_SHAPE
@settings(max_examples=25)
@given(data=st.data())
def test_a_right_message_is_what_the_general_way_makes_of_it(
    shape: tuple[Any, ...], data: st.DataObject
) -> None:
    same(MSGPACK.encode([shape[0], *(data.draw(RIGHT[kind]) for kind in shape[1:])]))


@EACH_SHAPE
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_wrong_with_a_message_is_said_as_before(
    shape: tuple[Any, ...], data: st.DataObject
) -> None:
    message = [shape[0], *(data.draw(RIGHT[kind]) for kind in shape[1:])]
    for place in data.draw(st.sets(st.integers(0, len(message)), min_size=1, max_size=3)):
        message[place : place + 1] = [data.draw(ANYTHING)]
    same(msgspec.msgpack.encode(message))


@EACH_SHAPE
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_wrong_with_the_octets_is_said_as_before(
    shape: tuple[Any, ...], data: st.DataObject
) -> None:
    message = [shape[0], *(data.draw(RIGHT[kind]) for kind in shape[1:])]
    frame = bytearray(MSGPACK.encode(message))
    start = data.draw(st.integers(0, len(frame)))
    frame[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    same(bytes(frame))


@pytest.mark.parametrize("depth", [190, 198, 199, 200, 201, 900, 5000])
def test_a_message_that_nests_too_deep_is_refused_as_before(depth: int) -> None:
    same(MSGPACK.encode([36, 1, 2, {}, []])[:-1] + b"\x91" * depth + b"\xc0")
    same(MSGPACK.encode([36, 1, 2, {}])[:-1] + b"\x81\xa1k" * depth + b"\xc0")


@pytest.mark.parametrize("code", [code for code in range(128) if code not in SHAPES])
def test_a_code_without_a_message_is_refused_as_before(code: int) -> None:
    same(MSGPACK.encode([code, 1, {}, "com.example.add"]))


@EACH_SHAPE
def test_a_right_message_is_not_looked_at_again(
    shape: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that is missing, or that refuses its own shape, would not show in the others."""
    values = {int: 7, str: "com.example.add", list: [2, 3], dict: {"key": 1}}
    message = [shape[0], *(values[kind] for kind in shape[1:])]
    frame = MSGPACK.encode(message)
    monkeypatch.setattr(codecs.MsgPack, "_loads", None)  # the general way begins with it
    assert MSGPACK.decode(frame) == message
