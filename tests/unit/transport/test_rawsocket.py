"""RawSocket's frames: in whatever pieces they come and go, in order and whole."""

import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport

from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw
from wampapp import connect
from wampapp.errors import ProtocolViolation
from wampapp.protocol.messages import Message
from wampapp.transport.factories import rawsocket_server_factory

DEADLINE = 30.0  # seconds


class Listener:
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


def opened(listener: Listener) -> tuple[Any, StringTransport]:
    """A router's link whose handshake is done."""
    factory = rawsocket_server_factory(lambda: listener, lambda callback: callback())
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
    listener = Listener(pauses)
    protocol, transport = opened(listener)
    data = b"".join(
        published(n, size) + frame(b"p" * (size % 5), 1) for n, size in enumerate(sizes, 1)
    )
    while data:
        cut = cuts.pop() if cuts else len(data)
        protocol.dataReceived(data[:cut])
        data = data[cut:]
        if listener.link is not None and len(cuts) % 2:
            listener.link.resume()
    while len(listener.heard) < len(sizes):
        before = len(listener.heard)
        listener.link.resume()
        assert len(listener.heard) > before
    listener.link.resume()
    assert [message[1] for message in listener.heard] == list(range(1, len(sizes) + 1))
    assert [len(message[4][0]) for message in listener.heard] == sizes
    assert transport.value() == b"".join(frame(b"p" * (size % 5), 2) for size in sizes)


@given(kind=st.integers(3, 255), rest=st.binary(max_size=8))
def test_an_unknown_type_is_a_violation_at_once(kind: int, rest: bytes) -> None:
    listener = Listener()
    protocol, _ = opened(listener)
    protocol.dataReceived(struct.pack(">I", kind << 24 | 0xFFFFFF) + rest)
    assert listener.violation is not None
    assert f"type {kind}" in listener.violation.message


def test_nothing_is_handed_on_after_an_abort() -> None:
    listener = Listener()
    protocol, _ = opened(listener)
    protocol.dataReceived(published(1) + frame(b"", 9) + published(2))
    protocol.dataReceived(published(3))
    assert len(listener.heard) == 1


@pytest.mark.parametrize("size", [10, 70_000, 1_000_000])
def test_a_slow_reader_gets_everything_in_order(embedded: EmbeddedRouter, size: int) -> None:
    """More than the sockets hold: the router's writes are cut in the middle of frames."""
    count = 40 if size > 100_000 else 300
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
