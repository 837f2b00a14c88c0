"""RawSocket's frames: in whatever pieces they come and go, in order and whole."""

import contextlib
import socket
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport

from tests.support.listener import Listener
from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw
from wampapp import connect
from wampapp.errors import ProtocolViolation, RouterUnreachable
from wampapp.protocol.messages import Message
from wampapp.transport.factories import rawsocket_server_factory

DEADLINE = 60.0  # seconds


class Messages:
    """A handler that keeps what it hears, and pauses its link where it is told to."""

    def __init__(self, pauses: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.heard: list[Message] = []
        self.violation: ProtocolViolation | None = None
        self.link: Any = None
        self._pauses = pauses

    def opened(self, link: Any) -> None:
        self.link = link

    def received(self, message: Message) -> None:
        self.heard.append(message)
        if len(self.heard) in self._pauses:
            self.link.pause()

    def violated(self, error: ProtocolViolation) -> None:
        self.violation = error
        self.link.abort()

    def lost(self, reason: str) -> None:
        pass


def opened(messages: Messages) -> tuple[Any, StringTransport]:
    """A router's link whose handshake is done."""
    factory = rawsocket_server_factory(lambda: messages, lambda callback: callback())
    protocol, transport = factory.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(b"\x7f\xf2\0\0")
    assert transport.value() == b"\x7f\xf2\0\0"
    transport.clear()
    return protocol, transport


def frame(payload: bytes, kind: int = 0) -> bytes:
    return struct.pack(">I", kind << 24 | len(payload)) + payload


def published(number: int, size: int = 0) -> bytes:
    message = [16, number, {}, "com.topic", ["x" * size]]
    return frame(msgspec.msgpack.encode(message))


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    pauses=st.sets(st.integers(1, 12)),
)
def test_frames_in_any_pieces(sizes: list[int], cuts: list[int], pauses: set[int]) -> None:
    messages = Messages(pauses)
    protocol, transport = opened(messages)
    data = b"".join(
        published(n, size) + frame(b"p" * (size % 5), 1) for n, size in enumerate(sizes, 1)
    )
    while data:
        cut = cuts.pop() if cuts else len(data)
        protocol.dataReceived(data[:cut])
        data = data[cut:]
        if messages.link is not None and len(cuts) % 2:
            messages.link.resume()
    while len(messages.heard) < len(sizes):
        before = len(messages.heard)
        messages.link.resume()
        assert len(messages.heard) > before
    messages.link.resume()
    assert [message[1] for message in messages.heard] == list(range(1, len(sizes) + 1))
    assert [len(message[4][0]) for message in messages.heard] == sizes
    assert transport.value() == b"".join(frame(b"p" * (size % 5), 2) for size in sizes)


@given(kind=st.integers(3, 255), rest=st.binary(max_size=8))
def test_an_unknown_type_is_a_violation_at_once(kind: int, rest: bytes) -> None:
    messages = Messages()
    protocol, _ = opened(messages)
    protocol.dataReceived(struct.pack(">I", kind << 24 | 0xFFFFFF) + rest)
    assert messages.violation is not None
    assert f"type {kind}" in messages.violation.message


def test_nothing_is_handed_on_after_an_abort() -> None:
    messages = Messages()
    protocol, _ = opened(messages)
    protocol.dataReceived(published(1) + frame(b"", 9) + published(2))
    protocol.dataReceived(published(3))
    assert len(messages.heard) == 1


def test_a_link_reads_again_when_no_reason_to_pause_is_left() -> None:
    messages = Messages()
    protocol, transport = opened(messages)
    for _ in range(2):
        messages.link.pause()
    assert transport.producerState == "paused"
    messages.link.resume()
    protocol.dataReceived(published(1))
    assert (transport.producerState, messages.heard) == ("paused", [])
    messages.link.resume()
    assert (transport.producerState, len(messages.heard)) == ("producing", 1)
    messages.link.resume()  # once more than it was paused: as if it had not been said
    messages.link.pause()
    assert transport.producerState == "paused"


# The handshake ("RawSocket Transport", "Handshake").


def test_what_comes_with_the_handshake_is_answered_after_it(embedded: EmbeddedRouter) -> None:
    hello = msgspec.msgpack.encode([1, "realm1", {"roles": {"caller": {}}}])
    raw = Raw(embedded)
    raw.serializer = MSGPACK
    raw.socket.sendall(b"\x7f\xf2\0\0" + frame(hello))
    assert raw.stream.read(4) == b"\x7f\xf2\0\0"
    assert raw.receive()[0] == 2
    raw.close()


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 7])
def test_a_handshake_comes_in_any_pieces(cut: int) -> None:
    messages = Messages()
    factory = rawsocket_server_factory(lambda: messages, lambda callback: callback())
    protocol, transport = factory.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    data = b"\x7f\xf1\0\0" + frame(b'[16,1,{},"com.topic"]')
    for piece in (data[:cut], data[cut:]):
        if piece:
            protocol.dataReceived(piece)
    assert transport.value() == b"\x7f\xf1\0\0"
    assert messages.heard == [[16, 1, {}, "com.topic"]]


@pytest.mark.parametrize("serializer", [0, 4, 15])
def test_a_serializer_that_is_not_there_is_answered_with_error_1(
    embedded: EmbeddedRouter, serializer: int
) -> None:
    client = Raw(embedded)
    try:
        client.socket.sendall(bytes([0x7F, 0xF0 | serializer, 0, 0]))
        assert client.socket.recv(99) == b"\x7f\x10\0\0"
        assert client.ended()
    finally:
        client.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak RawSocket"),
        (b"\x7f\x10\0\0", "it does not take MessagePack"),
        (b"\x7f\x40\0\0", "it has too many connections"),
        (b"\x7f\x90\0\0", "it refused the handshake, error 9"),
        (b"\x7f\xf1\0\0", "it answered with a serializer that we did not ask for"),
        (b"\x7f", "the peer closed the connection"),
    ],
)
def test_a_client_says_why_the_handshake_failed(answer: bytes, reason: str) -> None:
    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(4)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    with Listener(serve) as router, pytest.raises(RouterUnreachable) as caught:
        connect(f"rs://127.0.0.1:{router.port}", timeout=DEADLINE)
    assert str(caught.value) == (
        f"What answers at rs://127.0.0.1:{router.port} is not a WAMP router: {reason}."
    )


@pytest.mark.parametrize("size", [10, 70_000, 1_000_000])
def test_a_slow_reader_gets_everything_in_order(embedded: EmbeddedRouter, size: int) -> None:
    """More than the sockets hold: the router's writes are cut in the middle of frames."""
    count = min(14_000_000 // size, 300)  # below what ends its session
    slow = Raw(embedded)
    try:
        slow.join(MSGPACK)
        slow.send([32, 1, {}, f"com.slow.s{size}"])
        assert slow.receive()[0] == 33
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            for number in range(count):
                client.publish(f"com.slow.s{size}", number, "x" * size)
            got = [slow.receive()[4] for _ in range(count)]
        assert [number for number, _ in got] == list(range(count))
        assert {len(text) for _, text in got} == {size}
    finally:
        slow.close()
