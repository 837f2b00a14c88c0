"""Hostile input to the embedded router: that connection ends, and the others notice nothing."""

import os
import struct
from collections.abc import Iterator

import msgspec
import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import CBOR, ENCODE, HELLO, JSON, MSGPACK, Raw, status, upgrade
from wampapp import ConnectedClient, connect

DEADLINE = 60.0  # seconds


@pytest.fixture
def raw(embedded: EmbeddedRouter) -> Iterator[Raw]:
    connection = Raw(embedded)
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def bystander(embedded: EmbeddedRouter) -> Iterator[ConnectedClient]:
    """Someone else at the same router, who goes on undisturbed."""
    with connect(embedded.rs_url, timeout=DEADLINE) as client:
        yield client
        assert client.publish("com.bystander.news") > 0


@pytest.fixture(params=[JSON, MSGPACK, CBOR], ids=["json", "msgpack", "cbor"])
def serializer(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.mark.parametrize(
    "first",
    [
        b"\x00\x01\x02\x03",
        b"\x16\x03\x01\x02\x00",  # the start of a TLS handshake
        b"\x7f\xf9\x00\x00",  # a serializer that is not there
        b"SSH-2.0-OpenSSH\r\n",
        pytest.param(
            os.urandom(64).replace(b"\x7f", b"\x00")[:1].join([b"\x01", b"\x02"]), id="random"
        ),
        b"GET " + b"a" * 10_000,
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"GET /ws HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"BREW / HTCPCP/1.0\r\n\r\n",
    ],
    ids=lambda first: repr(first[:12]),
)
def test_wrong_first_bytes_end_the_connection(raw: Raw, first: bytes) -> None:
    try:
        raw.socket.sendall(first)
    except ConnectionError:
        return  # it was cut off while we still sent
    assert raw.ended()


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe\xfd", b"[" * 10_000, b"\x81" * 10_000, b"\x91" * 10_000, b"null"],
    ids=lambda payload: repr(payload[:3]),
)
@pytest.mark.parametrize("joined", [False, True], ids=["before", "after"])
def test_an_invalid_frame_is_a_protocol_violation(
    raw: Raw, serializer: int, payload: bytes, joined: bool
) -> None:
    if joined:
        raw.join(serializer)
    else:
        raw.shake(serializer)
    raw.frame(payload)
    code, details, why = raw.receive()
    assert (code, why) == (3, "wamp.error.protocol_violation")
    assert details["message"]
    assert raw.ended()


@pytest.mark.parametrize(
    "message",
    [
        [999, 1],
        [0],
        [-1],
        ["48", 1, {}, "com.a"],
        [48, "1", {}, "com.a"],
        [48, 1.5, {}, "com.a"],
        [48, -1, {}, "com.a"],
        [70, 12345, {}],  # YIELD for no invocation
        [8, 68, 12345, {}, "com.error"],  # ERROR for no invocation
        [8, 48, 1, {}, "com.error"],  # ERROR for what only a router answers
        [2, 1, {}],  # WELCOME, which is the router's to say
        [68, 1, 1, {}],  # INVOCATION, which only a router sends
        HELLO,  # twice
    ],
    ids=repr,
)
def test_a_wrong_message_is_a_protocol_violation(raw: Raw, serializer: int, message: list) -> None:
    raw.join(serializer)
    raw.send(message)
    assert raw.receive()[::2] == [3, "wamp.error.protocol_violation"]
    assert raw.ended()


@pytest.mark.parametrize(
    "message",
    [
        [48, 1, {}],
        [48, 1, [], "com.a"],
        [48, 1, None, "com.a"],
        [48, 1, {}, 7],
        [48, 1, {}, "com.a", {}],
        [48, 1, {}, "com.a", [], []],
        [48, 1, {}, "com.a", [], {}, 1],
        [16, 1, {"acknowledge": True}, "com.a", 1],
        [16, 1, {"acknowledge": True}, 7],
        [32, 1, {}, None],
        [34, 1, "2"],
        [34, 1, 2**60],
        [64, 1, {}],
        [66, 1, None],
    ],
    ids=repr,
)
def test_a_wrong_request_is_refused_and_the_next_one_served(
    raw: Raw, serializer: int, message: list
) -> None:
    raw.join(serializer)
    raw.send(message)
    assert raw.receive()[:5] == [8, message[0], 1, {}, "wamp.error.invalid_argument"]
    raw.send([48, 2, {}, "wamp.session.count"])
    assert raw.receive()[:2] == [50, 2]


@pytest.mark.parametrize("depth", [250, 900, 100_000])
def test_a_call_that_nests_too_deep_is_refused(raw: Raw, serializer: int, depth: int) -> None:
    raw.join(serializer)
    begin = ENCODE[serializer]([48, 1, {}, "com.a", []])
    raw.frame(
        {
            JSON: begin[:-3] + b"[" * depth + b"]" * depth + b"]",
            MSGPACK: begin[:-1] + b"\x91" * depth + b"\xc0",
            CBOR: begin[:-1] + b"\x81" * depth + b"\xf6",
        }[serializer]
    )
    answer = raw.receive()
    assert answer[:5] == [8, 48, 1, {}, "wamp.error.invalid_argument"]
    raw.send([48, 2, {}, "wamp.session.count"])
    assert raw.receive()[:2] == [50, 2]


def test_half_an_emoji_in_json_is_named(raw: Raw) -> None:
    raw.join(JSON)
    raw.frame(b'[48, 1, {}, "com.a", ["\\ud83d"]]')
    answer = raw.receive()
    assert answer[:5] == [8, 48, 1, {}, "wamp.error.invalid_argument"]
    half = "a string has half of a surrogate pair, such as half an emoji"
    assert answer[5] == [f"A frame is not valid json: {half}."]


def test_an_event_that_is_wrong_and_not_acknowledged_is_dropped(raw: Raw, serializer: int) -> None:
    raw.join(serializer)
    raw.send([16, 1, {}, "com.a", 1])
    raw.send([48, 2, {}, "wamp.session.count"])
    assert raw.receive()[:2] == [50, 2]


@pytest.mark.parametrize("tail", [[None], [None, None], [[], None]], ids=repr)
def test_null_for_arguments_and_floats_for_ids_are_taken(
    raw: Raw, serializer: int, tail: list
) -> None:
    raw.join(serializer)
    raw.send([48, 1.0, {}, "wamp.session.count", *tail])
    assert raw.receive()[:2] == [50, 1]


@pytest.mark.parametrize("message", [[48, 1, {}, "com.a"], [32, 1, {}, "com.a"], [6, {}, "bye"]])
def test_a_message_before_hello_is_a_protocol_violation(
    raw: Raw, serializer: int, message: list
) -> None:
    raw.shake(serializer)
    raw.send(message)
    assert raw.receive()[::2] == [3, "wamp.error.protocol_violation"]
    assert raw.ended()


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        ([1, "realm1", {}], "wamp.error.protocol_violation"),
        ([1, "realm1", {"roles": {}}], "wamp.error.protocol_violation"),
        ([1, "realm1", {"roles": 5}], "wamp.error.protocol_violation"),
        ([1, "a realm", {"roles": {"caller": {}}}], "wamp.error.invalid_uri"),
        (
            [1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"]}],
            "wamp.error.no_matching_auth_method",
        ),
    ],
    ids=repr,
)
def test_a_hello_that_cannot_be_welcomed_is_aborted(raw: Raw, hello: list, why: str) -> None:
    raw.shake(JSON)
    raw.send(hello)
    assert raw.receive()[::2] == [3, why]
    assert raw.ended()


@pytest.mark.parametrize("head", [b"\xff\xff\xff\xff", b"\x03\0\0\0", b"\x08\0\0\1x"])
def test_a_frame_of_an_unknown_type_ends_the_session(raw: Raw, head: bytes) -> None:
    raw.join(JSON)
    raw.socket.sendall(head)
    assert raw.receive()[0] == 3  # ABORT, and the rest of so long a frame is not waited for
    assert raw.ended()


def test_a_ping_is_answered_with_its_payload(raw: Raw) -> None:
    """ "RawSocket Transport", "PING and PONG"; in pieces, and in the middle of messages."""
    raw.join(JSON)
    ping = b"\x01\0\0\5hello"
    for part in (ping, ping[:2], ping[2:6], ping[6:], b"\x02\0\0\0" + ping + b"\x01\0\0\0"):
        raw.socket.sendall(part)
    assert raw.stream.read(9 * 3 + 4) == b"\x02\0\0\5hello" * 3 + b"\x02\0\0\0"
    raw.send([6, {}, "wamp.close.normal"])
    assert raw.receive()[0] == 6


def websocket_frame(payload: bytes, opcode: int = 1) -> bytes:
    length = len(payload)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | length]) if length < 126 else b"\xff" + struct.pack(">Q", length)
    return head + b"\0\0\0\0" + payload  # a mask of zeros changes nothing


def test_a_websocket_message_of_the_wrong_kind(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(upgrade(embedded))
    assert status(raw) == 101
    raw.socket.sendall(websocket_frame(b"\x93\x01", opcode=2))
    assert raw.ended()


def test_a_websocket_message_that_is_no_json(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(upgrade(embedded))
    assert status(raw) == 101
    while raw.stream.readline() != b"\r\n":
        pass
    raw.socket.sendall(websocket_frame(b"{"))
    head = raw.stream.read(2)
    message = msgspec.json.decode(raw.stream.read(head[1]))
    assert message[::2] == [3, "wamp.error.protocol_violation"]
    assert raw.ended()


def test_an_oversized_websocket_message(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(upgrade(embedded))
    assert status(raw) == 101
    raw.socket.sendall(b"\x81\xff" + struct.pack(">Q", 2**30) + b"\0\0\0\0" + b"x" * 1000)
    assert raw.ended()


def test_a_websocket_without_our_subprotocol(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(upgrade(embedded, Sec_WebSocket_Protocol="mqtt"))
    assert status(raw) == 400


def test_a_browser_finds_a_page_on_the_same_port(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    page = raw.stream.read().decode()
    assert page.startswith("HTTP/1.1 200 OK")
    assert embedded.ws_url in page
    assert embedded.rs_url in page


@pytest.mark.parametrize("path", ["/nothing", "/../etc/passwd", "/ws/more", "/%00"])
def test_other_paths_are_not_found(raw: Raw, path: str) -> None:
    raw.socket.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    assert status(raw) == 404


def test_a_connection_that_never_joins_is_closed() -> None:
    with EmbeddedRouter(0, "--handshake-timeout", "0.2") as router:
        for first in (b"", b"\x7f", b"\x7f\xf1\x00\x00", b"GET /ws HT", upgrade(router)):
            raw = Raw(router)
            raw.socket.sendall(first)
            assert raw.ended()
            raw.close()
        with connect(router.rs_url, timeout=DEADLINE) as client:
            raw = Raw(router)
            assert raw.ended()  # the timeout has passed once more
            raw.close()
            assert client.publish("com.still.here") > 0


#: Frames of 16 MiB that are mostly lists: what would stand for them in memory is 1 GB.
def of_many_lists(serializer: int) -> bytes:
    begin = ENCODE[serializer]([48, 1, {}, "com.a", []])
    number = 2**24 - 100
    if serializer == JSON:
        return begin[:-3] + b"[" + b"[]," * (number // 3) + b"[]]]"
    word = number.to_bytes(4, "big")
    return begin[:-1] + {MSGPACK: b"\xdd", CBOR: b"\x9a"}[serializer] + word + begin[-1:] * number


def test_a_frame_of_millions_of_lists_is_refused_at_once(
    raw: Raw, serializer: int, embedded: EmbeddedRouter
) -> None:
    """It used to keep the router from all others for many seconds."""
    frame = of_many_lists(serializer)
    raw.join(serializer)
    raw.socket.sendall((len(frame)).to_bytes(4, "big") + frame[:-1])
    other = Raw(embedded)
    try:
        other.join(MSGPACK)
        raw.socket.sendall(frame[-1:])
        other.send([48, 1, {}, "wamp.session.count"])
        assert other.receive()[:2] == [50, 1]
        answer = raw.receive()
    finally:
        other.close()
    assert answer[:5] == [8, 48, 1, {}, "wamp.error.invalid_argument"]
    assert answer[5] == ["A message has more than 500,000 values; send them in several."]
    raw.send([48, 2, {}, "wamp.session.count"])
    assert raw.receive()[:2] == [50, 2]


def test_before_a_session_has_joined_only_small_messages_are_taken(
    raw: Raw, serializer: int
) -> None:
    raw.shake(serializer)
    raw.socket.sendall(struct.pack(">I", 70_000))  # the rest is not waited for
    code, details, why = raw.receive()
    assert (code, why) == (3, "wamp.error.protocol_violation")
    assert details == {"message": "A message has 70,000 bytes; at most 65,536 are taken now."}
    assert raw.ended()


def test_before_a_session_has_joined_only_small_websocket_messages_are_taken(
    raw: Raw, embedded: EmbeddedRouter
) -> None:
    raw.socket.sendall(upgrade(embedded))
    assert status(raw) == 101
    raw.socket.sendall(b"\x81\xff" + struct.pack(">Q", 70_000) + b"\0\0\0\0")
    assert raw.ended()


def test_a_joined_session_may_send_large_websocket_messages(
    raw: Raw, embedded: EmbeddedRouter
) -> None:
    raw.socket.sendall(upgrade(embedded))
    assert status(raw) == 101
    raw.socket.sendall(websocket_frame(msgspec.json.encode(HELLO)))
    raw.socket.sendall(websocket_frame(b'[6, {}, "' + b"x" * 100_000 + b'"]'))
    received = b""
    while b"goodbye_and_out" not in received:
        received += raw.socket.recv(4096)
