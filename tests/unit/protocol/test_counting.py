"""How many values a frame has, before they are made."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wampapp.errors import ProtocolViolation
from wampapp.protocol import counting
from wampapp.protocol.codec import CBOR, CODECS, JSON, MSGPACK
from wampapp.protocol.messages import MalformedMessage
from wampapp.protocol.serializer import Codec

EACH_CODEC = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.SERIALIZER_ID)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=50)
    | st.binary(max_size=50)
    | st.sampled_from(["x" * 31, "x" * 32, "x" * 300, "é" * 70_000, b"x" * 300, b"\x90" * 70_000]),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner),
    max_leaves=60,
)


def count(value: Any) -> int:
    """The number of values in one value, itself and its keys included."""
    if isinstance(value, list):
        return 1 + sum(map(count, value))
    if isinstance(value, dict):
        return 1 + sum(1 + count(item) for item in value.values())
    return 1


def counter_of(codec: Codec) -> Any:
    return {MSGPACK: counting.MSGPACK, CBOR: counting.CBOR}[codec]


@pytest.mark.parametrize("codec", [MSGPACK, CBOR], ids=lambda codec: codec.SERIALIZER_ID)
@given(value=VALUES)
@example(value=[[]] * 2500)
@example(value=["x" * 40, 1] * 2500)
@example(value=[1.5] * 1000 + ["x" * 40] + [b"y" * 20] * 3000)
def test_binary_values_are_counted_exactly(codec: Codec, value: Any) -> None:
    frame = codec.encode([48, 1, {}, "com.example", [value]])
    number = 6 + count(value)
    assert not counter_of(codec).exceeds(frame, number)
    assert counter_of(codec).exceeds(frame, number - 1)


@pytest.mark.parametrize(
    ("frame", "number"),
    [
        ("9f 01 5f 41 61 41 62 ff ff", 7),  # lists and strings without a length
        ("82 f8 20 c2 49 01 00 00 00 00 00 00 00 00", 4),
        ("98 02 18 ff 39 01 00", 3),
    ],
)
def test_what_cbor_writes_in_other_ways_is_counted(frame: str, number: int) -> None:
    assert not counting.CBOR.exceeds(bytes.fromhex(frame), number)
    assert counting.CBOR.exceeds(bytes.fromhex(frame), number - 1)


@pytest.mark.parametrize(
    ("frame", "number"), [("93 d4 01 02 c7 03 05 01 02 03 d8 01" + "00" * 16, 4)]
)
def test_messagepack_extensions_are_counted(frame: str, number: int) -> None:
    assert not counting.MSGPACK.exceeds(bytes.fromhex(frame), number + counting._ODD)
    assert counting.MSGPACK.exceeds(bytes.fromhex(frame), number - 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("[]", 1),
        ("[1,2,3]", 4),
        ('[{"a":1,"b":[]}]', 6),
        ('["a,b,c:[{", "\\",\\"["]', 3),
        ('["\\\\","]"]', 3),
        ('["é,", 1', 3),  # it does not end
        ('["é,,,,,,,,', 3),
    ],
)
def test_values_in_json_are_counted_without_the_signs_in_strings(text: str, number: int) -> None:
    assert not counting.JSON.exceeds(text.encode(), number + 1)
    assert counting.JSON.exceeds(text.encode(), max(0, number - 3))


@given(text=st.text(st.sampled_from('",:[{}]\\\n x')))
def test_what_stands_in_a_string_of_json_does_not_count(text: str) -> None:
    frame = JSON.encode([48, 1, {}, "com.example", [text, {text: [1]}]])
    assert not counting.JSON.exceeds(frame, 12)


@EACH_CODEC
@given(frame=st.binary(max_size=200), maximum=st.integers(1, 300))
def test_any_bytes_can_be_counted(codec: Codec, frame: bytes, maximum: int) -> None:
    assert codec._counter.exceeds(frame, maximum) in (False, True)


@EACH_CODEC
@pytest.mark.parametrize("value", [[], {}, [1], 1, {"a": 1}], ids=repr)
def test_too_many_values_are_refused_by_the_request_that_has_them(codec: Codec, value: Any) -> None:
    frame = codec.encode([16, 7, {"acknowledge": True}, "com.example", [[value] * 2000]])
    with pytest.raises(MalformedMessage) as refused:
        codec.check_values(frame, 1000)
    assert refused.value.message == "A message has more than 1,000 values; send them in several."
    assert refused.value.head == [16, 7]
    assert refused.value.options == {"acknowledge": True}


@EACH_CODEC
def test_large_options_of_a_refused_message_are_not_read(codec: Codec) -> None:
    frame = codec.encode([16, 7, {"acknowledge": True, "x": [[]] * 9000}, "com.example"])
    with pytest.raises(MalformedMessage) as refused:
        codec.check_values(frame, 1000)
    assert refused.value.options == {}


@EACH_CODEC
def test_what_is_refused_may_be_no_message_at_all(codec: Codec) -> None:
    frame = codec.encode([{}, [[]] * 2000])
    with pytest.raises(ProtocolViolation):
        codec.check_values(frame, 1000)
