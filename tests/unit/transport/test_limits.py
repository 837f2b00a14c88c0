"""What links do at their limits: after the close, with too large messages, with peers that stall.

Autobahn's protocols run on transports in memory; what they write is read here by hand.
"""

import asyncio
import base64
import hashlib
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.support.tls import Authority
from wampapp.config.records import Tls
from wampapp.config.url import parse_url
from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.protocol.messages import MalformedMessage, Message
from wampapp.router.router import Router
from wampapp.transport.factories import (
    client_factory,
    rawsocket_server_factory,
    websocket_server_factory,
)
from wampapp.transport.link import MAX_MESSAGE_SIZE
from wampapp.transport.local import connect_locally
from wampapp.transport.tls import client_options
from wampapp.transport.websocket import WebSocketServer

MIB = 2**20


class Recorder:
    """A handler that keeps what its link reports."""

    def __init__(self) -> None:
        self.link: Any = None
        self.messages: list[Message] = []
        self.violation: ProtocolViolation | None = None
        self.ends: list[str] = []

    def opened(self, link: Any) -> None:
        self.link = link

    def received(self, message: Message) -> None:
        self.messages.append(message)

    def violated(self, error: ProtocolViolation) -> None:
        self.violation = error
        self.link.close()

    def lost(self, reason: str) -> None:
        self.ends.append(reason)


class Transport(StringTransport):
    """A transport in memory that says whether it was aborted."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Take the option, as a socket does."""


def at_once(callback: Callable[[], None]) -> None:
    callback()


def started(factory: Any) -> tuple[Any, Transport]:
    protocol, transport = factory.buildProtocol(None), Transport()
    protocol.makeConnection(transport)
    return protocol, transport


def rawsocket_server(handler: Any, announced: int = 0xF) -> Transport:
    """A router's RawSocket link to a client that announced 2 ** (9 + announced) bytes."""
    protocol, transport = started(rawsocket_server_factory(lambda: handler, at_once))
    protocol.dataReceived(bytes([0x7F, announced << 4 | 2, 0, 0]))
    assert transport.value() == b"\x7f\xf2\0\0"
    transport.clear()
    transport.feed = protocol.dataReceived  # type: ignore[attr-defined]
    return transport


def rawsocket_client(handler: Any, announced: int = 0xF) -> Transport:
    """A client's RawSocket link to a router that announced 2 ** (9 + announced) bytes."""
    factory = client_factory(parse_url("rs://localhost:8080"), handler, None, at_once)
    factory.entered = None
    protocol, transport = started(factory)
    assert transport.value() == b"\x7f\xf2\0\0"
    transport.clear()
    protocol.dataReceived(bytes([0x7F, announced << 4 | 2, 0, 0]))
    transport.feed = protocol.dataReceived  # type: ignore[attr-defined]
    return transport


def websocket_server(
    handler: Any, call_soon: Callable[[Callable[[], None]], None] = at_once
) -> Transport:
    """A router's WebSocket link whose client speaks JSON."""
    factory = websocket_server_factory(
        lambda: handler, Clock(), call_soon, handshake_timeout=0, protocol=WebSocketServer
    )
    protocol, transport = started(factory)
    protocol.dataReceived(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
    )
    assert b" 101 " in transport.value()
    transport.clear()
    transport.feed = protocol.dataReceived  # type: ignore[attr-defined]
    return transport


def websocket_client(handler: Any) -> Transport:
    """A client's WebSocket link whose router speaks JSON."""
    factory = client_factory(parse_url("ws://localhost:8080/ws"), handler, Clock(), at_once)
    factory.entered = None
    protocol, transport = started(factory)
    answer_upgrade(transport.value(), protocol.dataReceived)
    transport.clear()
    transport.feed = protocol.dataReceived  # type: ignore[attr-defined]
    return transport


def answer_upgrade(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Answer a client's opening handshake (RFC 6455, 4.2.2)."""
    found = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    assert found
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(found[1] + guid).digest())
    answer(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
    )


def websocket_frame(octets: bytes) -> tuple[int, bool, bytes, bytes]:
    """Take a frame apart by hand: its first octet, whether it is masked, its payload, the rest."""
    first, second = octets[:2]
    masked, size, start = bool(second & 0x80), second & 0x7F, 2
    if size == 126:
        (size,), start = struct.unpack(">H", octets[2:4]), 4
        assert size > 125, "this length must be written in 7 bits"
    elif size == 127:
        (size,), start = struct.unpack(">Q", octets[2:10]), 10
        assert size > 0xFFFF, "this length must be written in 16 bits"
    if masked:
        mask, start = octets[start : start + 4], start + 4
    payload = octets[start : start + size]
    assert len(payload) == size
    if masked:
        whole = (mask * (size // 4 + 1))[:size]
        payload = bytes(a ^ b for a, b in zip(payload, whole, strict=True))
    return first, masked, payload, octets[start + size :]


def published(size: int) -> bytes:
    """A PUBLISH in JSON of exactly so many bytes."""
    head = b'[16,1,{},"com.topic",["'
    return head + b"x" * (size - len(head) - 3) + b'"]]'


NETWORK = [rawsocket_server, rawsocket_client, websocket_server, websocket_client]
WEBSOCKETS = [websocket_server, websocket_client]
RAWSOCKETS = [rawsocket_server, rawsocket_client]


def named(function: Callable[..., Any]) -> str:
    return function.__name__.replace("_", " ")


# Sending after the close.


@pytest.mark.parametrize("end", ["close", "abort"])
@pytest.mark.parametrize("make", NETWORK, ids=named)
def test_sending_after_the_close_raises(make: Callable[..., Transport], end: str) -> None:
    recorder = Recorder()
    transport = make(recorder)
    recorder.link.send([16, 1, {}, "com.before"])
    assert transport.value()
    getattr(recorder.link, end)()
    transport.clear()
    for send in (
        lambda: recorder.link.send([16, 2, {}, "com.after"]),
        lambda: recorder.link.write(b"[]"),
    ):
        with pytest.raises(ConnectionLost, match="closed"):
            send()
    assert transport.value() == b""
    assert recorder.ends == []  # the connection's end is reported when it is there


@pytest.mark.parametrize("end", ["close", "abort"])
def test_sending_on_a_local_link_after_its_close_raises(end: str) -> None:
    async def main() -> None:
        here, there = Recorder(), Recorder()
        connect_locally(here, there)
        here.link.send([16, 1, {}, "com.before"])
        getattr(here.link, end)()
        with pytest.raises(ConnectionLost, match="closed"):
            here.link.send([16, 2, {}, "com.after"])
        while not (here.ends and there.ends):
            await asyncio.sleep(0)
        assert there.messages == [[16, 1, {}, "com.before"]]
        assert (len(here.ends), len(there.ends)) == (1, 1)
        for link in (here.link, there.link):
            with pytest.raises(ConnectionLost, match="closed"):
                link.send([16, 3, {}, "com.after"])

    asyncio.run(main())


class Patient(Recorder):
    """A recorder that does not mind a violation."""

    def violated(self, error: ProtocolViolation) -> None:
        self.violation = error


def test_a_local_link_hands_on_what_is_malformed_and_stays_open() -> None:
    async def main() -> None:
        here, there = Recorder(), Patient()
        connect_locally(here, there)
        here.link.write(msgspec.msgpack.encode([16, 1, {}, "com.topic", b"encrypted"]))
        here.link.send([16, 2, {}, "com.after"])
        while not there.messages:
            await asyncio.sleep(0)
        assert there.messages == [[16, 2, {}, "com.after"]]
        assert isinstance(there.violation, MalformedMessage)

    asyncio.run(main())


# Lengths.

#: On both sides of each way to write a frame's length, and of what Autobahn masks for us.
SIZES = (60, 124, 125, 126, 127, 128, 4_095, 4_096, 4_097, 65_534, 65_535, 65_536, 65_537)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", WEBSOCKETS, ids=named)
def test_a_websocket_writes_each_length_in_the_shortest_way(
    make: Callable[..., Transport], size: int
) -> None:
    recorder = Recorder()
    transport = make(recorder)
    payload = published(size)
    assert len(payload) == size
    recorder.link.write(payload)
    first, masked, found, rest = websocket_frame(transport.value())
    assert (first, masked, rest) == (0x81, make is websocket_client, b"")
    assert found == payload
    overhead = 2 if size < 126 else 4 if size <= 0xFFFF else 10
    assert len(transport.value()) == overhead + (4 if masked else 0) + size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", WEBSOCKETS, ids=named)
def test_a_websocket_reads_each_length(make: Callable[..., Transport], size: int) -> None:
    recorder = Recorder()
    transport = make(recorder)
    payload = published(size)
    bit = 0x80 if make is websocket_server else 0
    if size < 126:
        head = struct.pack(">BB", 0x81, bit | size)
    elif size <= 0xFFFF:
        head = struct.pack(">BBH", 0x81, bit | 126, size)
    else:
        head = struct.pack(">BBQ", 0x81, bit | 127, size)
    transport.feed(head + (b"\0\0\0\0" if bit else b"") + payload)  # type: ignore[attr-defined]
    assert recorder.messages == [msgspec.json.decode(payload)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", RAWSOCKETS, ids=named)
def test_a_rawsocket_writes_and_reads_each_length(
    make: Callable[..., Transport], size: int
) -> None:
    recorder = Recorder()
    transport = make(recorder)
    payload = msgspec.msgpack.encode([16, 1, {}, "com.topic", ["x" * size]])
    recorder.link.write(payload)
    assert transport.value() == struct.pack(">I", len(payload)) + payload
    transport.feed(transport.value())  # type: ignore[attr-defined]
    assert recorder.messages == [msgspec.msgpack.decode(payload)]


# Too large.


@pytest.mark.parametrize("make", WEBSOCKETS, ids=named)
def test_a_websocket_sends_messages_up_to_the_limit(make: Callable[..., Transport]) -> None:
    recorder = Recorder()
    transport = make(recorder)
    with pytest.raises(PayloadTooLarge) as raised:
        recorder.link.write(bytes(MAX_MESSAGE_SIZE + 1))
    assert raised.value.uri == "wamp.error.payload_size_exceeded"
    assert f"{MAX_MESSAGE_SIZE + 1} bytes" in raised.value.message
    assert transport.value() == b""
    recorder.link.write(bytes(MAX_MESSAGE_SIZE))
    assert len(transport.value()) == MAX_MESSAGE_SIZE + (14 if make is websocket_client else 10)
    assert not transport.disconnecting


@pytest.mark.parametrize("make", WEBSOCKETS, ids=named)
def test_a_websocket_refuses_a_message_over_the_limit_before_it_has_come(
    make: Callable[..., Transport],
) -> None:
    bit, mask = (0x80, b"\0\0\0\0") if make is websocket_server else (0, b"")
    for size, refused in ((MAX_MESSAGE_SIZE, False), (MAX_MESSAGE_SIZE + 1, True)):
        recorder = Recorder()
        transport = make(recorder)
        head = struct.pack(">BBQ", 0x81, bit | 127, size)
        transport.feed(head + mask + b"[" + b" " * 100)  # type: ignore[attr-defined]
        # Closing is Autobahn's: a close frame with 1009, or the connection is dropped.
        said = transport.disconnecting or transport.aborted or transport.value()[:1] == b"\x88"
        assert bool(said) is refused, size
        assert recorder.messages == []


@pytest.mark.parametrize("make", RAWSOCKETS, ids=named)
@pytest.mark.parametrize(
    ("announced", "most"),
    [(0, 512), (1, 1024), (14, 2**23), (15, MAX_MESSAGE_SIZE - 1)],
    ids=str,
)
def test_a_rawsocket_sends_what_the_peer_announced(
    make: Callable[..., Transport], announced: int, most: int
) -> None:
    """The largest that can be announced, 2**24, does not fit into a frame's length."""
    recorder = Recorder()
    transport = make(recorder, announced)
    with pytest.raises(PayloadTooLarge) as raised:
        recorder.link.write(bytes(most + 1))
    assert raised.value.uri == "wamp.error.payload_size_exceeded"
    assert f"{most + 1} bytes" in raised.value.message
    assert transport.value() == b""
    recorder.link.write(bytes(most))
    assert transport.value()[:4] == struct.pack(">I", most)
    assert len(transport.value()) == 4 + most


@pytest.mark.parametrize("make", RAWSOCKETS, ids=named)
def test_a_peer_for_short_messages_may_send_long_ones(make: Callable[..., Transport]) -> None:
    recorder = Recorder()
    transport = make(recorder, 0)
    payload = msgspec.msgpack.encode([16, 1, {}, "com.topic", ["x" * 100_000]])
    transport.feed(struct.pack(">I", len(payload)) + payload)  # type: ignore[attr-defined]
    assert len(recorder.messages[0][4][0]) == 100_000


def test_a_local_link_takes_messages_below_the_limit() -> None:
    async def main() -> None:
        here, there = Recorder(), Recorder()
        connect_locally(here, there)
        with pytest.raises(PayloadTooLarge):
            here.link.write(bytes(MAX_MESSAGE_SIZE))
        message: Message = [16, 1, {}, "com.topic", [b""]]
        message[4] = [bytes(MAX_MESSAGE_SIZE - 1 - len(msgspec.msgpack.encode(message)) - 3)]
        assert len(msgspec.msgpack.encode(message)) == MAX_MESSAGE_SIZE - 1
        here.link.send(message)
        while not there.messages:
            await asyncio.sleep(0)
        assert there.messages == [message]

    asyncio.run(main())


def frames(octets: bytes) -> list[Message]:
    """Take RawSocket frames apart."""
    found = []
    while octets:
        (size,) = struct.unpack(">I", octets[:4])
        found.append(msgspec.msgpack.decode(octets[4 : 4 + size]))
        octets = octets[4 + size :]
    return found


def test_a_client_that_takes_512_bytes_joins_and_is_told_of_what_is_too_large() -> None:
    """The whole router, to a client that announced RawSocket's least."""
    router = Router()
    wires = [rawsocket_server(router.new_session(), announced) for announced in (0, 15)]

    def says(wire: Transport, *message: Any) -> list[Message]:
        wire.clear()
        payload = msgspec.msgpack.encode(message)
        wire.feed(struct.pack(">I", len(payload)) + payload)  # type: ignore[attr-defined]
        return frames(wire.value())

    small, large = wires
    for wire in wires:
        [[code, *_]] = says(wire, 1, "realm1", {"roles": {"caller": {}, "callee": {}}})
        assert code == 2
    assert len(small.value()) <= 4 + 512
    for wire, procedure in ((small, "com.small"), (large, "com.large")):
        assert says(wire, 64, 1, {}, procedure)[0][0] == 65
    # To the small one: its own caller gets the error instead of it the call.
    [answer] = says(large, 48, 7, {}, "com.small", ["x" * 600])
    assert answer[:3] + answer[4:5] == [8, 48, 7, "wamp.error.payload_size_exceeded"]
    # And back: an answer that it cannot take.
    small.clear()
    large.clear()
    assert says(small, 48, 8, {}, "com.large") == []
    [[code, invocation, *_]] = frames(large.value())
    assert code == 68
    small.clear()
    assert says(large, 70, invocation, {}, ["x" * 600]) == []
    [answer] = frames(small.value())
    assert answer[:3] + answer[4:5] == [8, 48, 8, "wamp.error.payload_size_exceeded"]
    assert not (small.disconnecting or large.disconnecting)


@pytest.mark.parametrize("kind", ["pings", "fragments"])
def test_thousands_of_empty_frames_do_not_keep_the_loop(kind: str) -> None:
    recorder, turns = Recorder(), []  # type: ignore[var-annotated]
    transport = websocket_server(recorder, turns.append)
    mask = b"\0\0\0\0"
    if kind == "pings":
        data = (b"\x89\x80" + mask) * 5000
    else:
        letters = published(5000)
        data = b"".join(
            bytes([0x01 if not at else 0x80 if at == 4999 else 0, 0x81])
            + mask
            + letters[at : at + 1]
            for at in range(5000)
        )
    transport.feed(data)  # type: ignore[attr-defined]
    count = 0
    while turns:
        assert transport.producerState == "paused"
        count += 1
        turns.pop(0)()
    assert count > 10  # in one, it would take a fifth of a second
    assert transport.producerState == "producing"
    if kind == "pings":
        assert transport.value() == b"\x8a\0" * 5000
    else:
        assert [message[4] for message in recorder.messages] == [[letters[23:-3].decode()]]


# A peer that does not read, behind TLS.


class Wire(Transport):
    """A socket's side of a transport: it pauses its producer when its buffer is full."""

    FULL = 64 * 1024  # as in Twisted's

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def write(self, data: bytes) -> None:
        super().write(data)
        if not self.full and self.producer is not None and len(self.value()) > self.FULL:
            self.full = True
            self.producer.pauseProducing()

    def taken(self) -> bytes:
        """What the other end reads now."""
        octets = self.value()
        self.clear()
        if self.full:
            self.full = False
            self.producer.resumeProducing()
        return octets


class Reader(Protocol):
    """The far end: what came through TLS, and what answers to it."""

    def __init__(self) -> None:
        self.came = b""

    def dataReceived(self, data: bytes) -> None:
        self.came += data


class Secured:
    """A client's link over TLS, and its far end, which reads when a test says so."""

    def __init__(self, authority: Authority, scheme: str) -> None:
        self.handler = Recorder()
        path = "/ws" if scheme == "wss" else ""
        url = parse_url(f"{scheme}://localhost:8080{path}")
        factory = client_factory(url, self.handler, Clock(), at_once)
        factory.entered = None
        self.factory = factory
        pem = authority.issue("localhost").read_bytes()
        options = CertificateOptions(
            certificate=load_pem_x509_certificate(pem),
            privateKey=load_pem_private_key(pem, password=None),
        )
        trusted = client_options("localhost", Tls(ca=str(authority.file)))
        self.near_wire, self.far_wire = Wire(), Wire()
        self._clock = Clock()  # Twisted gathers small writes until the loop's next turn
        near = TLSMemoryBIOFactory(trusted, True, factory, clock=self._clock)
        self._near = near.buildProtocol(None)
        far_factory = TLSMemoryBIOFactory(
            options, False, Factory.forProtocol(Reader), clock=self._clock
        )
        self._far = far_factory.buildProtocol(None)
        self._far.makeConnection(self.far_wire)
        self._near.makeConnection(self.near_wire)
        self.far: Reader = self._far.wrappedProtocol
        self.pump()
        if scheme == "wss":
            answer_upgrade(self.far.came, self.say)
        else:
            assert self.far.came == b"\x7f\xf2\0\0"
            self.say(b"\x7f\xf2\0\0")
        self.far.came = b""
        assert self.handler.link is not None
        self.link = self.handler.link

    def say(self, octets: bytes) -> None:
        """Send something to the link, and let it arrive."""
        self._far.write(octets)
        self.pump()

    def pump(self) -> None:
        """Carry everything across, both ways; not to a side that does not read."""
        while True:
            moved = False
            self._clock.advance(0)
            if self.near_wire.value():
                self._far.dataReceived(self.near_wire.taken())
                moved = True
            if self.far_wire.value() and self.near_wire.producerState == "producing":
                self._near.dataReceived(self.far_wire.taken())
                moved = True
            if not moved:
                return


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["rss", "wss"])
def secured(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Secured]:
    yield Secured(authority, request.param)


def payloads(octets: bytes, scheme: str) -> list[bytes]:
    """Take the frames apart that came through TLS."""
    found = []
    while octets:
        if scheme == "wss":
            _, _, payload, octets = websocket_frame(octets)
        else:
            (size,) = struct.unpack(">I", octets[:4])
            payload, octets = octets[4 : 4 + size], octets[4 + size :]
        found.append(payload)
    return found


def scheme_of(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["secured"])


def fill(link: Any, size: int = 16_000) -> list[bytes]:
    """Send until the link says that its peer does not take it all; return what was sent."""
    sent: list[bytes] = []
    while not link.sending:
        assert len(sent) * size < MIB, "nobody noticed that the peer does not read"
        sent.append(b"%06d" % len(sent) + bytes(size))
        link.write(sent[-1])
    return sent


def test_a_peer_behind_tls_that_does_not_read_is_noticed(
    secured: Secured, request: pytest.FixtureRequest
) -> None:
    link = secured.link
    assert not link.sending
    sent = fill(link)
    assert len(sent) > 2, "a little is no reason to worry"
    for _ in range(3):
        sent.append(b"more")
        link.write(sent[-1])
    assert link.sending
    secured.pump()
    assert not link.sending
    sent.append(b"last")
    link.write(sent[-1])
    secured.pump()
    assert payloads(secured.far.came, scheme_of(request)) == sent


def test_a_peer_behind_tls_that_reads_nothing_for_long_is_cut_off(
    secured: Secured,
) -> None:
    secured.factory.max_unsent = 100_000
    fill(secured.link)
    # Where Autobahn masks the frame, only the next write says so.
    with pytest.raises(ConnectionLost, match="does not read|is closed"):
        for _ in range(20):
            secured.link.write(bytes(10_000))
    assert secured.near_wire.aborted
    with pytest.raises(ConnectionLost, match="closed"):
        secured.link.write(b"[]")


def test_what_the_peer_has_taken_does_not_count_against_it(
    secured: Secured,
) -> None:
    secured.factory.max_unsent = 100_000
    for _ in range(5):
        fill(secured.link)
        for _ in range(9):
            secured.link.write(bytes(10_000))
        secured.pump()
        assert not secured.link.sending
    assert not secured.near_wire.aborted


def test_a_paused_link_behind_tls_reads_again_when_it_is_resumed(
    secured: Secured, request: pytest.FixtureRequest
) -> None:
    def event(number: int) -> bytes:
        message = [36, 1, number, {}]
        if scheme_of(request) == "wss":
            payload = msgspec.json.encode(message)
            return bytes([0x81, len(payload)]) + payload
        payload = msgspec.msgpack.encode(message)
        return struct.pack(">I", len(payload)) + payload

    def numbers() -> list[int]:
        return [message[2] for message in secured.handler.messages]

    secured.say(event(1))
    assert numbers() == [1]
    secured.link.pause()
    assert secured.near_wire.producerState == "paused"
    secured.say(event(2))
    secured.say(event(3))
    assert numbers() == [1]
    # It still sends while it does not read.
    secured.link.write(b"still")
    secured.pump()
    assert payloads(secured.far.came, scheme_of(request)) == [b"still"]
    secured.link.resume()
    assert secured.near_wire.producerState == "producing"
    secured.pump()
    assert numbers() == [1, 2, 3]
