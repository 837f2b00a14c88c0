"""Serializers: what goes on the wire, and what a hostile frame becomes."""

import base64
import contextlib
import copy
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.payloads import JSON_TEXT, TEXT, exactly, payloads, returned
from tests.support.process import ROOT
from wampapp.errors import PayloadNotEncodable, ProtocolViolation
from wampapp.protocol.codec import CBOR, CODECS, JSON, MSGPACK
from wampapp.protocol.messages import MalformedMessage
from wampapp.protocol.payload import to_plain
from wampapp.protocol.serializer import Codec

EACH_CODEC = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.SERIALIZER_ID)

# Round trips.


@given(payloads(TEXT))
@example(float(2**53))
@example(-0.0)
@example([[[[]]], {}, {"": b""}])
@example("\U0001f600\u0000\ufffe")
@pytest.mark.parametrize("codec", [MSGPACK, CBOR], ids=["msgpack", "cbor"])
def test_a_binary_serializer_gives_back_what_it_took(codec: Codec, value: Any) -> None:
    assert exactly(returned(codec, value)) == exactly([value])


@given(payloads(JSON_TEXT))
@example(1e300)
@example(-0.0)
@example({"k": [b"", b"\0", b"\xff" * 5]})
@example("a\0b")
@example("\\u0000")
@example([b"bytes", "\\u0000YWJj"])
def test_json_gives_back_what_it_took(value: Any) -> None:
    assert exactly(returned(JSON, value)) == exactly([value])


@EACH_CODEC
@given(
    payload=st.lists(payloads(JSON_TEXT), max_size=3),
    kwargs=st.dictionaries(TEXT, payloads(JSON_TEXT), max_size=3),
)
def test_keyword_arguments_come_back(
    codec: Codec, payload: list[Any], kwargs: dict[str, Any]
) -> None:
    message = [48, 7, {}, "com.x", payload, kwargs]
    assert exactly(codec.decode(codec.encode(message))) == exactly(message)


@pytest.mark.parametrize("data", [b"", b"\0", b"abc", bytes(range(256))], ids=repr)
def test_bytes_in_json_are_nul_and_base64(data: bytes) -> None:
    frame = JSON.encode([50, 1, {}, [data], {"deep": [{"er": data}]}])
    text = "\0" + base64.b64encode(data).decode("ascii")
    assert json.loads(frame) == [50, 1, {}, [text], {"deep": [{"er": text}]}]
    assert JSON.decode(frame) == [50, 1, {}, [data], {"deep": [{"er": data}]}]


@pytest.mark.parametrize("text", ["\0not base64!", "\0YWJ", "\0\0", "\0ä"], ids=repr)
def test_a_json_string_that_only_starts_with_nul_stays_a_string(text: str) -> None:
    assert returned(JSON, text) == [text]


def test_a_key_that_looks_like_bytes_stays_a_string() -> None:
    message = [50, 1, {}, [{"\0YWJj": "x"}]]
    assert JSON.decode(JSON.encode(message)) == message


@EACH_CODEC
def test_a_nan_is_not_turned_into_another_value(codec: Codec) -> None:
    try:
        [value] = returned(codec, math.nan)
    except PayloadNotEncodable:
        return  # JSON has none, and may say so
    assert math.isnan(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize(
    "payload",
    [
        lambda number: ([number],),
        lambda number: ([{"k": number}],),
        lambda number: ([1, {"k": [{"k": number}]}],),
        lambda number: ([], {"k": number}),
        lambda number: ([], {"k": {"k": (number,)}}),
    ],
    ids=["argument", "dictionary", "deep", "keyword", "deep-keyword"],
)
def test_json_refuses_a_number_that_it_does_not_have_wherever_it_stands(
    number: float, payload: Callable[[float], Any]
) -> None:
    with pytest.raises(PayloadNotEncodable) as caught:
        JSON.encode([50, 1, {}, *payload(number)])
    assert caught.value.message.endswith(f"as json: JSON has no number for {number}.")


def test_json_sends_a_null_beside_finite_numbers() -> None:
    message = [50, 1, {}, [None, {"null": 1.5}], {"k": None}]
    assert JSON.decode(JSON.encode(message)) == message


@EACH_CODEC
def test_an_infinity_is_not_turned_into_another_value(codec: Codec) -> None:
    with contextlib.suppress(PayloadNotEncodable):  # JSON has none, and may say so
        assert returned(codec, math.inf, -math.inf) == [math.inf, -math.inf]


@EACH_CODEC
@pytest.mark.parametrize("number", [0, -1, 2**53, 2**63 - 1, -(2**63), 2**64 - 1])
def test_integers_are_exact(codec: Codec, number: int) -> None:
    assert exactly(returned(codec, number)) == exactly([number])


@EACH_CODEC
@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_a_large_integer_comes_back_or_is_refused(codec: Codec, number: int) -> None:
    try:
        assert exactly(returned(codec, number)) == exactly([number])
    except PayloadNotEncodable as error:
        assert "cannot be sent as" in error.message


@EACH_CODEC
@pytest.mark.parametrize(
    "value",
    ["\ud800", ["a", "\udfff"], {"\ud800": 1}, {"k": {"\ud800": [b"x"]}}],
    ids=ascii,
)
def test_a_surrogate_is_refused(codec: Codec, value: Any) -> None:
    with pytest.raises(PayloadNotEncodable, match="cannot be sent as"):
        codec.encode([50, 1, {}, [value]])


@EACH_CODEC
def test_a_cyclic_value_is_refused(codec: Codec) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(PayloadNotEncodable):
        codec.encode([50, 1, {}, cycle])
    with pytest.raises(PayloadNotEncodable):
        to_plain(cycle)


@EACH_CODEC
def test_an_object_is_refused_where_it_was_not_made_plain(codec: Codec) -> None:
    with pytest.raises(PayloadNotEncodable, match=f"as {codec.SERIALIZER_ID}"):
        codec.encode([50, 1, {}, [object()]])


@EACH_CODEC
def test_a_codec_has_no_state_to_copy(codec: Codec) -> None:
    assert copy.copy(codec) is codec


def test_the_codecs_have_the_numbers_and_names_of_the_specification() -> None:
    assert {c.SERIALIZER_ID: (c.RAWSOCKET_SERIALIZER_ID, c.BINARY) for c in CODECS} == {
        "json": (1, False),
        "msgpack": (2, True),
        "cbor": (3, True),
    }


# Hostile frames.

HEAD = {
    MSGPACK: b"\x95\x24\x01\x02\x80",
    CBOR: b"\x85\x18\x24\x01\x02\xa0",
    JSON: b"[36,1,2,{},",
}
EVENT = {
    codec: codec.encode([36, 1, 2, {"k": "v"}, [1, "text", b"bytes"], {"k": 1.5}])
    for codec in CODECS
}


def refused(codec: Codec, frame: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        codec.decode(frame)


@EACH_CODEC
def test_a_truncated_frame_is_a_violation(codec: Codec) -> None:
    for length in range(len(EVENT[codec])):
        refused(codec, EVENT[codec][:length])


@EACH_CODEC
@pytest.mark.parametrize("tail", [b"\0", b"x", b"[]", b"\xf6", b"\x80", b"\0" * 9], ids=repr)
def test_bytes_after_the_message_are_a_violation(codec: Codec, tail: bytes) -> None:
    refused(codec, EVENT[codec] + tail)


@EACH_CODEC
@pytest.mark.parametrize("depth", [150, 199, 250, 500, 1000, 100_000])
def test_deep_nesting_is_a_violation(codec: Codec, depth: int) -> None:
    nested = {
        MSGPACK: b"\x91" * depth + b"\xc0",
        CBOR: b"\x81" * depth + b"\xf6",
        JSON: b"[" * depth + b"null" + b"]" * depth,
    }[codec]
    refused(codec, nested)
    frame = HEAD[codec] + nested + (b"]" if codec is JSON else b"")
    if depth < 200:
        assert codec.decode(frame)[:4] == [36, 1, 2, {}]
    else:
        refused(codec, frame)


@EACH_CODEC
@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("beside", ["", "few", "many"])
@pytest.mark.parametrize("depth", [199, 200, 201])
def test_a_message_may_nest_as_deep_whatever_stands_beside_it(
    codec: Codec, kind: type, beside: str, depth: int
) -> None:
    siblings: list[Any] = {"": [], "few": [1, [2]], "many": ["text", {"key": 1}] * 80}[beside]
    value: Any = [0]
    for _ in range(depth - 1):
        values = [*siblings, value, *siblings]
        value = values if kind is list else {str(place): item for place, item in enumerate(values)}
    frame = codec.encode([36, 1, 2, {}, [value, "text" * 50]])
    if depth < 200:
        assert codec.decode(frame)[4][0] == value
    else:
        with pytest.raises(MalformedMessage, match="nests more than 200"):
            codec.decode(frame)


# Frames of which only the beginning can be read.

IDS = [1, 23, 24, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53]


@EACH_CODEC
@pytest.mark.parametrize("depth", [250, 1000, 100_000])
@pytest.mark.parametrize("head", [[36, 1, 2], [68, *IDS[-2:]], [70, 7], [8, 48, 7]], ids=repr)
def test_a_message_that_nests_too_deep_says_which_it_is(
    codec: Codec, head: list[int], depth: int
) -> None:
    empty = codec.encode([*head, {}, []])
    deep = {
        MSGPACK: b"\x91" * depth + b"\xc0",
        CBOR: b"\x81" * depth + b"\xf6",
        JSON: b"[" * depth + b"null" + b"]" * depth,
    }[codec]
    frame = empty[:-3] + deep + b"]" if codec is JSON else empty[:-1] + deep
    with pytest.raises(MalformedMessage) as caught:
        codec.decode(frame)
    assert caught.value.head == head


@EACH_CODEC
@pytest.mark.parametrize("number", IDS)
def test_an_id_of_any_length_is_read_from_a_frame_that_is_not_whole(
    codec: Codec, number: int
) -> None:
    frame = codec.encode([68, number, number, {}, ["text"]])
    with pytest.raises(MalformedMessage) as caught:
        codec.decode(frame[:-3])
    assert caught.value.head == [68, number, number]


@pytest.mark.parametrize(
    ("codec", "frame", "head"),
    [
        (MSGPACK, "dc0006 44 07 09 80 90 c1", [68, 7, 9]),
        (MSGPACK, "dd00000006 44 07 09 80 90 c1", [68, 7, 9]),
        (CBOR, "9806 1844 07 09 a0 80 f8", [68, 7, 9]),
        (CBOR, "990006 1844 07 09 a0 80 f8", [68, 7, 9]),
        (CBOR, "9a00000006 1844 07 09 a0 80 f8", [68, 7, 9]),
        (CBOR, "9b0000000000000006 1844 07 09 a0 80 f8", [68, 7, 9]),
        (CBOR, "9f 1844 07 09 a0 80 f8", [68, 7, 9]),
        (CBOR, "85 1844 07 09 a0 81 d81c01", [68, 7, 9]),  # a tag that is not accepted
        (JSON, b" [ 68 ,\n7, 9, {}, [NaN]]".hex(), [68, 7, 9]),
    ],
)
def test_a_list_s_length_may_be_written_in_any_form(
    codec: Codec, frame: str, head: list[int]
) -> None:
    with pytest.raises(MalformedMessage) as caught:
        codec.decode(bytes.fromhex(frame))
    assert caught.value.head == head


@pytest.mark.parametrize(
    ("codec", "frame", "why"),
    [
        (JSON, b'[68,7,9,{},["\\ud83d"]]', "half of a surrogate pair, such as half an emoji"),
        (JSON, b'[68,7,9,{},["\\udc00\\ud83d."]]', "half of a surrogate pair"),
        (JSON, b"[68,7,9,{},[NaN]]", "no number for nan"),
        (JSON, b"[68,7,9,{},[1,]]", "malformed"),
        (MSGPACK, b"\x95\x44\x07\x09\x80\x91\xa1\xff", "utf"),
        (CBOR, b"\x85\x18\x44\x07\x09\xa0\x81\x61\xff", "utf"),
        (CBOR, b"\x85\x18\x44\x07\x09\xa0\x81\xd8\x1c\x01", "this tag is not accepted"),
    ],
)
def test_a_frame_that_cannot_be_read_names_the_reason(codec: Codec, frame: bytes, why: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        codec.decode(frame)
    text = caught.value.message
    assert text.startswith(f"A frame is not valid {codec.SERIALIZER_ID}: ")
    assert why in text.lower()
    assert text.endswith(".")


def test_a_uint8array_of_javascript_is_bytes() -> None:
    message = CBOR.decode(cbor2.dumps([68, 7, 9, {}, [cbor2.CBORTag(64, b"\x00\xff")]]))
    assert message == [68, 7, 9, {}, [b"\x00\xff"]]
    with pytest.raises(MalformedMessage, match="not made of bytes"):
        CBOR.decode(cbor2.dumps([68, 7, 9, {}, [cbor2.CBORTag(64, [0, 255])]]))


def test_what_is_undefined_in_cbor_is_absent() -> None:
    undefined = cbor2.undefined
    options = {"match": undefined, "deep": [{"k": undefined, "l": 1}, undefined]}
    for tail, args in (
        ([undefined], [[]]),
        ([undefined, undefined], [[], {}]),
        ([undefined, {"a": undefined, "b": 2}], [[], {"b": 2}]),
        ([[1, undefined], undefined], [[1, None], {}]),
    ):
        frame = cbor2.dumps([48, 7, options, "com.x", *tail])
        assert CBOR.decode(frame) == [48, 7, {"deep": [{"l": 1}, None]}, "com.x", *args]


@pytest.mark.parametrize(
    ("codec", "frame"),
    [
        (MSGPACK, "ddffffffff"),  # an array of 4 thousand million elements
        (MSGPACK, "dfffffffff"),  # a map
        (MSGPACK, "c6ffffffff"),  # bytes
        (MSGPACK, "dbffffffff"),  # a string
        (MSGPACK, "c9ffffffff01"),  # an extension
        (CBOR, "9affffffff"),
        (CBOR, "9bffffffffffffffff"),
        (CBOR, "9b7fffffffffffffff"),
        (CBOR, "9b00000fffffffffff"),
        (CBOR, "bb7fffffffffffffff"),
        (CBOR, "5b7fffffffffffffff"),
        (CBOR, "7b7fffffffffffffff"),
        (CBOR, "5b000000ffffffffff"),
        (CBOR, "9f"),  # an array that never ends
        (CBOR, "bf"),
        (CBOR, "5f"),
    ],
)
def test_a_huge_announced_length_is_a_violation(codec: Codec, frame: str) -> None:
    refused(codec, bytes.fromhex(frame))
    refused(codec, HEAD[codec] + bytes.fromhex(frame))


@pytest.mark.parametrize(
    "payload",
    [
        "d81c81d81d00",  # a list that holds itself
        "d81c81 81d81d00",  # one that holds a list that holds it
        "81d81c a1 61 61 d81d00",  # a map that holds itself
    ],
)
def test_a_cycle_in_cbor_is_a_violation(payload: str) -> None:
    refused(CBOR, HEAD[CBOR] + bytes.fromhex(payload))


def test_shared_references_in_cbor_are_a_violation() -> None:
    """A few hundred bytes could stand for 2**60 values, which a router would write out."""
    value: list[Any] = [[]]
    for _ in range(60):
        value = [value, value]
    refused(CBOR, cbor2.dumps([36, 1, 2, {}, value], value_sharing=True))


def test_string_references_in_cbor_are_a_violation() -> None:
    """A short frame could stand for a very long string, many times."""
    frame = cbor2.dumps([36, 1, 2, {}, ["x" * 100] * 1000], string_referencing=True)
    refused(CBOR, frame)


TAGGED = [
    (0, "2026-01-02T03:04:05Z"),
    (0, "nonsense"),
    (1, 0),
    (1, 1e300),
    (2, b"\xff" * 10),
    (2, b"\xff" * 10_000),
    (4, [1, 5]),
    (5, [2**62, 1]),
    (30, [1, 0]),
    (30, [1, 3]),
    (35, "("),
    (35, "(a+)+$"),
    (36, "Subject: x\n\ny"),
    (37, b"x" * 16),
    (52, b"\x7f\x00\x00\x01"),
    (54, b"x" * 16),
    (100, 0),
    (258, [1, 2]),
    (258, [[1]]),
    (260, b"abcd"),
    (261, {b"abcd": 8}),
    (1004, "2026-01-02"),
    (43000, [1, 0]),
    (55799, []),
    (12345, "unknown"),
    (2**63, []),
]


def sent_on(message: list[Any]) -> None:
    """Send a message on, as a router does: in each serializer it goes, or is refused."""
    for codec in CODECS:
        try:
            frame = codec.encode(message)
        except PayloadNotEncodable:
            continue
        assert codec.decode(frame)[0] == message[0]


@pytest.mark.parametrize(
    "wrap",
    [lambda v: v, lambda v: [v], lambda v: [36, 1, 2, v], lambda v: [36, 1, 2, {}, [v]]],
    ids=["alone", "as code", "as details", "as argument"],
)
@pytest.mark.parametrize(("tag", "value"), TAGGED, ids=lambda value: repr(value)[:20])
def test_a_cbor_tag_ends_in_a_message_or_in_a_violation(
    tag: int, value: Any, wrap: Callable[[Any], Any]
) -> None:
    frame = cbor2.dumps(wrap(cbor2.CBORTag(tag, value)))
    try:
        message = CBOR.decode(frame)
    except ProtocolViolation:
        return
    sent_on(message)


@pytest.mark.parametrize("simple", ["f7", "f0", "f8ff"])  # undefined, and two without a meaning
def test_a_cbor_simple_value_ends_in_a_message_or_in_a_violation(simple: str) -> None:
    try:
        message = CBOR.decode(HEAD[CBOR] + b"\x81" + bytes.fromhex(simple))
    except ProtocolViolation:
        return
    sent_on(message)


@pytest.mark.parametrize(
    "extension", ["d6ff00000000", "d40501", "c70142ff"]
)  # a time stamp, and two unknown ones
def test_a_messagepack_extension_ends_in_a_message_or_in_a_violation(extension: str) -> None:
    try:
        message = MSGPACK.decode(HEAD[MSGPACK] + b"\x91" + bytes.fromhex(extension))
    except ProtocolViolation:
        return
    sent_on(message)


@pytest.mark.parametrize("codec", [MSGPACK, CBOR], ids=["msgpack", "cbor"])
@pytest.mark.parametrize("key", [1, b"k", None], ids=repr)
def test_a_keyword_that_is_no_string_is_a_violation(codec: Codec, key: Any) -> None:
    dumps = cbor2.dumps if codec is CBOR else msgspec.msgpack.encode
    refused(codec, dumps([48, 1, {}, "com.x", [], {key: 1}]))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b"[]",
        b"[48,1,{},'com.x']",
        b"[48,1,{},]",
        b'[48,1,{},"com.x"]]',
        b'[48,1,{},"com.x",[NaN]]',
        b'[48,1,{},"com.x",[Infinity]]',
        b'[48,1,{},"com.x",[{"k":NaN}]]',
        b'[48,1,{},"com.x",[],{"k":{"k":[NaN]}}]',
        b'[48,1,{"k":-Infinity},"com.x"]',
        b'[48,1,{},"\\ud800"]',
        b'[48,1,{},"\xed\xa0\x80"]',
        b'[48,1,{},"\xff"]',
        b'[48,1,{},"\x00"]',
        b'[48,1.5,{},"com.x"]',
        b"\xef\xbb\xbf[35,1]",
        b"[35,1]\0",
        b"[" + b"9" * 5000 + b"]",
        b"[35," + b"9" * 5000 + b"]",
        b"[35,1e400]",
        "[35,1]".encode("utf-16"),
    ],
    ids=lambda frame: repr(frame[:30]),
)
def test_a_bad_json_frame_is_a_violation(frame: bytes) -> None:
    refused(JSON, frame)


@EACH_CODEC
def test_a_code_of_too_many_digits_is_a_violation(codec: Codec) -> None:
    frames = {
        MSGPACK: b"\x91\xcf" + b"\xff" * 8,
        CBOR: b"\x81\xc2\x59\x13\x88" + b"\xff" * 5000,
        JSON: b"[" + b"9" * 4000 + b"]",
    }
    refused(codec, frames[codec])


@EACH_CODEC
def test_a_string_that_is_no_utf8_is_a_violation(codec: Codec) -> None:
    frame = codec.encode([48, 1, {}, "com.ABC"])
    for wrong in (b"\xff\xfe\xfd", b"\xed\xa0\x80", b"\xc0\xaf\x41"):
        refused(codec, frame.replace(b"ABC", wrong))


@EACH_CODEC
@given(frame=st.binary(max_size=60))
@example(frame=b"\xd8\x1c\x81\xd8\x1d\x00")
def test_random_bytes_are_a_message_or_a_violation(codec: Codec, frame: bytes) -> None:
    try:
        message = codec.decode(frame)
    except ProtocolViolation:
        return
    assert type(message) is list
    assert type(message[0]) is int


@EACH_CODEC
@given(place=st.integers(0, 200), change=st.integers(1, 255), more=st.binary(max_size=12))
def test_a_damaged_frame_is_a_message_or_a_violation(
    codec: Codec, place: int, change: int, more: bytes
) -> None:
    frame = bytearray(EVENT[codec])
    place %= len(frame)
    frame[place] ^= change
    frame[place + 1 : place + 1] = more
    try:
        message = codec.decode(bytes(frame))
    except ProtocolViolation:
        return
    sent_on(message)


# The specification's own test vectors.


def vectors() -> list[Any]:
    # Named by a variable, or beside the checkout.
    folder = Path(os.environ.get("WAMP_VECTORS") or ROOT.parent / "shared" / "wamp-vectors")
    if not folder.is_dir():
        reason = f"{folder} does not hold the specification's test vectors; see WAMP_VECTORS"
        return [pytest.param("json", b"", {}, marks=pytest.mark.skip(reason=reason))]
    found = []
    for path in sorted(folder.glob("*/*.json")):
        samples = json.loads(path.read_text())["samples"]
        for number, sample in enumerate(samples):
            expected = sample.get("expected_attributes")
            # Samples without bytes are about options, which routers judge.
            for name, forms in sample.get("serializers", {}).items():
                if name in ("json", "msgpack", "cbor"):
                    found += [
                        pytest.param(
                            name,
                            bytes.fromhex(form["bytes_hex"]),
                            expected,
                            id=f"{path.parent.name}/{path.stem}-{number}-{name}-{which}",
                        )
                        for which, form in enumerate(forms)
                    ]
    assert found, f"{folder} holds no test vectors"
    return found


# Where the attributes stand in each message; the names are the vectors' own.
_PAYLOAD = ["args", "kwargs"]
_PLACES = {
    1: ["realm", "details"],
    2: ["session_id", "details"],
    3: ["details", "reason"],
    4: ["method", "extra"],
    5: ["signature", "extra"],
    6: ["details", "reason"],
    8: ["request_type", "request_id", "details", "error", *_PAYLOAD],
    16: ["request_id", "options", "topic", *_PAYLOAD],
    17: ["request_id", "publication_id"],
    32: ["request_id", "options", "topic"],
    33: ["request_id", "subscription_id"],
    34: ["request_id", "subscription_id"],
    35: ["request_id"],
    36: ["subscription", "publication", "details", *_PAYLOAD],
    48: ["request_id", "options", "procedure", *_PAYLOAD],
    49: ["request_id", "options"],
    50: ["request_id", "details", *_PAYLOAD],
    64: ["request_id", "options", "procedure"],
    65: ["request_id", "registration_id"],
    66: ["request_id", "registration_id"],
    67: ["request_id"],
    68: ["request_id", "registration_id", "details", *_PAYLOAD],
    69: ["request_id", "options"],
    70: ["request_id", "options", *_PAYLOAD],
}
# What the basic profile does not have: a message type, and payloads passed through as bytes.
_EVENT_RECEIVED = 337


def attributes(message: list[Any]) -> dict[str, Any]:
    found = {"args": None, "kwargs": None, "payload": None, "message_type": message[0]}
    found |= dict(zip(_PLACES[message[0]], message[1:], strict=False))
    if message[0] in (1, 2):
        found["roles"] = found["details"]["roles"]
    return found


@pytest.mark.parametrize(("name", "frame", "expected"), vectors())
def test_the_specification_s_vectors(name: str, frame: bytes, expected: dict[str, Any]) -> None:
    codec = {"json": JSON, "msgpack": MSGPACK, "cbor": CBOR}[name]
    if expected["message_type"] == _EVENT_RECEIVED or expected.get("payload") is not None:
        refused(codec, frame)
        return
    message = codec.decode(frame)
    found = attributes(message)
    assert {key: found[key] for key in expected} == expected
    assert codec.decode(codec.encode(message)) == message
