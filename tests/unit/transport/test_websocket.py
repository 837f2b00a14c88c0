"""WebSocket frames as they come (RFC 6455, 5), written by hand to the embedded router."""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any, Self

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter
from tests.support.raw import Raw, upgrade

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
#: On both sides of each way to write a length, and of what Autobahn masks for us.
SIZES = (60, 125, 126, 127, 128, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 300_000)


def frame(
    payload: bytes,
    opcode: int = TEXT,
    *,
    fin: bool = True,
    masked: bool = True,
    rsv: int = 0,
    length: str = "",
) -> bytes:
    """Write a client's frame; `length` is "16" or "64" to write it longer than need be."""
    size = len(payload)
    first = (fin << 7) | rsv << 4 | opcode
    bit = masked << 7
    if length == "64" or (not length and size > 0xFFFF):
        head = struct.pack(">BBQ", first, bit | 127, size)
    elif length == "16" or (not length and size > 125):
        head = struct.pack(">BBH", first, bit | 126, size)
    else:
        head = struct.pack(">BB", first, bit | size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    pad = (mask * (size // 4 + 1))[:size]
    return head + mask + bytes(a ^ b for a, b in zip(payload, pad, strict=True))


class Browser:
    """A WebSocket that is written and read octet by octet; it speaks `wamp.2.json`."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._came:
            self._read()
        answer, _, self._came = self._came.partition(b"\r\n\r\n")
        assert b" 101 " in answer

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def _read(self) -> None:
        octets = self._socket.recv(65_536)
        if not octets:
            raise EOFError
        self._came += octets

    def _take(self, size: int) -> bytes:
        while len(self._came) < size:
            self._read()
        taken, self._came = self._came[:size], self._came[size:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """Read a frame; return its opcode and payload."""
        first, second = self._take(2)
        assert first & 0xF0 == 0x80, "the router never sends fragments"
        assert second & 0x80 == 0, "a server does not mask"
        size = second
        if second == 126:
            (size,) = struct.unpack(">H", self._take(2))
            assert size > 125
        elif second == 127:
            (size,) = struct.unpack(">Q", self._take(8))
            assert size > 0xFFFF
        return first & 0x0F, self._take(size)

    def message(self) -> list[Any]:
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        message: list[Any] = json.loads(payload)
        return message

    def say(self, *message: Any) -> None:
        self.send(frame(json.dumps(message).encode()))

    def ends(self) -> list[tuple[int, bytes]]:
        """Read what still comes; return it."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except (EOFError, ConnectionError):
            return frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()


@pytest.fixture
def browser(embedded: EmbeddedRouter) -> Iterator[Browser]:
    """A joined session, which is subscribed to a topic of its own."""
    with Browser(embedded.port) as browser:
        browser.say(1, "realm1", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}}})
        assert browser.message()[0] == 2
        browser.say(32, 1, {}, f"com.frames.{id(browser)}")
        assert browser.message()[:2] == [33, 1]
        browser.topic = f"com.frames.{id(browser)}"  # type: ignore[attr-defined]
        yield browser


def test_what_comes_with_the_handshake_is_answered_after_it(embedded: EmbeddedRouter) -> None:
    raw = Raw(embedded)
    hello = b'[1,"realm1",{"roles":{"caller":{}}}]'
    raw.socket.sendall(upgrade(embedded) + frame(hello))
    assert raw.stream.readline().split()[1] == b"101"
    while raw.stream.readline() != b"\r\n":
        pass
    assert raw.stream.read(1) == b"\x81"
    raw.close()


def event_of(browser: Browser, text: str) -> bytes:
    """A PUBLISH that comes back as an EVENT."""
    message = [16, 7, {"exclude_me": False}, browser.topic, [text]]  # type: ignore[attr-defined]
    return json.dumps(message, ensure_ascii=False).encode()


def heard(browser: Browser) -> str:
    message = browser.message()
    assert message[0] == 36
    return str(message[4][0])


@pytest.mark.parametrize("size", SIZES)
def test_frames_of_every_size(browser: Browser, size: int) -> None:
    around = len(event_of(browser, ""))
    text = "x" * max(0, size - around)
    payload = event_of(browser, text)
    assert len(payload) == max(size, around)
    browser.send(frame(payload))
    assert heard(browser) == text
    # And the other way: an invocation of just that size.
    browser.say(64, 2, {}, f"{browser.topic}.call")  # type: ignore[attr-defined]
    _, _, registration = browser.message()
    head = json.dumps([68, 1, registration, {}, [""]], separators=(",", ":"))
    text = "y" * (size - len(head))
    browser.say(48, 3, {}, f"{browser.topic}.call", [text])  # type: ignore[attr-defined]
    opcode, payload = browser.frame()
    assert (opcode, len(payload)) == (TEXT, size)
    assert json.loads(payload) == [68, 1, registration, {}, [text]]


def test_many_frames_in_one_segment_keep_their_order(browser: Browser) -> None:
    texts = [f"number {n} {'é' * (n % 90)}" for n in range(200)]
    browser.send(b"".join(frame(event_of(browser, text)) for text in texts))
    assert [heard(browser) for _ in texts] == texts


def test_a_frame_in_pieces(browser: Browser) -> None:
    """Split after each of its octets, with the whole of another before and a part after."""
    small, large = frame(event_of(browser, "small")), frame(event_of(browser, "l" * 200))
    octets = small + large + small
    for cut in range(1, len(small) + len(large)):
        browser.send(octets[:cut])
        browser.send(frame(b"", PING)[:0] + octets[cut:])
    expected = ["small", "l" * 200, "small"] * (len(small) + len(large) - 1)
    assert [heard(browser) for _ in expected] == expected


def test_octet_by_octet(browser: Browser) -> None:
    for octet in frame(event_of(browser, "slowly")) + frame(b"?", PING):
        browser.send(bytes([octet]))
    assert heard(browser) == "slowly"
    assert browser.frame() == (PONG, b"?")


def test_fragments_with_a_ping_between_and_whole_frames_around(browser: Browser) -> None:
    payload = event_of(browser, "in parts é")
    middle = payload.index("é".encode())  # a letter of two octets, in two fragments
    browser.send(
        frame(event_of(browser, "before"))
        + frame(payload[:middle], fin=False)
        + frame(b"still there?", PING)
        + frame(payload[middle : middle + 1], 0, fin=False)
        + frame(payload[middle + 1 :], 0)
        + frame(event_of(browser, "after"))
    )
    found: list[object] = []
    while len(found) < 4:
        opcode, payload = browser.frame()
        found.append(json.loads(payload)[4][0] if opcode == TEXT else payload)
    # A control frame may overtake, and is not lost; the messages keep their order.
    assert sorted(map(str, found)) == sorted(
        ["before", "in parts é", "after", str(b"still there?")]
    )
    assert [text for text in found if isinstance(text, str)] == ["before", "in parts é", "after"]


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"[]", masked=False),
        frame(b"[]", rsv=4),
        frame(b"[]", 3),
        frame(b"[]", 0),  # goes on with what has not begun
        frame(b"[]", length="16"),
        frame(b"[]", length="64"),
        frame(b'["\xff"]'),
        frame(b"x" * 126, PING),
    ],
    ids=["unmasked", "rsv", "opcode", "continuation", "16 bits", "64 bits", "not utf-8", "ping"],
)
def test_a_fault_ends_the_connection_after_what_was_right(browser: Browser, bad: bytes) -> None:
    browser.send(frame(event_of(browser, "right")) + bad + frame(event_of(browser, "too late")))
    assert heard(browser) == "right"
    assert browser.ends() == []  # Autobahn drops such a peer


def test_binary_where_text_was_agreed_on(browser: Browser) -> None:
    browser.send(frame(event_of(browser, "text"), BINARY))
    message = browser.message()
    assert (message[0], message[2]) == (3, "wamp.error.protocol_violation")


def test_goodbye_comes_before_the_close(browser: Browser) -> None:
    """What was sent in the turn in which the connection is closed, is sent before."""
    browser.send(frame(event_of(browser, "last")) + frame(b'[6, {}, "wamp.close.normal"]'))
    assert heard(browser) == "last"
    assert browser.message()[0] == 6
    browser.send(frame(struct.pack(">H", 1000), CLOSE))
    assert [opcode for opcode, _ in browser.ends()] in ([CLOSE], [])
