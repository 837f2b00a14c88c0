"""How many connections are taken, and what becomes of the others."""

import resource
import struct
from collections.abc import Iterator

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import ENCODE, HELLO, MSGPACK, Raw, upgrade
from wampapp.config.limits import Limits
from wampapp.server.connections import Connections


@pytest.fixture
def small() -> Iterator[EmbeddedRouter]:
    with EmbeddedRouter(0, "--limit", "connections=3") as router:
        yield router
        router.stop()


def test_over_the_limit_a_connection_is_closed_and_the_log_says_so(small: EmbeddedRouter) -> None:
    taken = [Raw(small) for _ in range(3)]
    for raw in taken[:2]:
        raw.join(MSGPACK)
    taken[2].socket.sendall(upgrade(small))
    assert taken[2].stream.readline().split()[1] == b"101"
    for _ in range(3):
        refused = Raw(small)
        assert refused.ended()
        refused.close()
    sentence = "Refused a connection from 127.0.0.1: 3 are open; --limit connections=6 lets in more"
    small.until(sentence)
    assert small.text.count("Refused a connection") == 1
    # What ends makes room: a RawSocket, a WebSocket, a page, and what never says what it is.
    for raw in taken:
        raw.close()
    for first in (b"\x7f\xf2\0\0", upgrade(small), b"GET / HTTP/1.1\r\n\r\n", b""):
        for _ in range(4):
            raw = joined_at_last(small)
            raw.socket.sendall(first)
            raw.close()
    joined_at_last(small).close()


def joined_at_last(router: EmbeddedRouter) -> Raw:
    """Connect as soon as there is room again: the router hears of an end a moment later."""
    while True:  # at most as long as pytest lets a test run
        raw = Raw(router)
        try:
            raw.socket.sendall(b"\x7f\xf2\0\0")
            if raw.stream.read(4) == b"\x7f\xf2\0\0":
                raw.serializer = MSGPACK
                raw.send(HELLO)
                if raw.receive()[0] == 2:
                    return raw
        except ConnectionError:
            pass
        raw.close()


def test_connections_are_counted_by_address(caplog: pytest.LogCaptureFixture) -> None:
    connections = Connections(Limits(connections_per_address=2))
    assert [connections.take("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert connections.take("10.0.0.2")
    assert connections.refused == 1
    [message] = caplog.messages
    assert message.endswith("2 from there are open; --limit connections_per_address=4 lets in more")
    connections.give_back("10.0.0.1")
    assert connections.take("10.0.0.1")


def test_there_is_room_left_among_the_files_of_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without, nothing could be opened any more, and nobody would be told."""
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (66, 66))
    connections = Connections(Limits())
    assert [connections.take("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert "the system lets this process open no more files" in caplog.text


def test_a_crowd_that_comes_at_once_is_let_in_all_of_it(embedded: EmbeddedRouter) -> None:
    crowd = [Raw(embedded) for _ in range(300)]
    hello = ENCODE[MSGPACK](HELLO)
    for raw in crowd:
        raw.socket.sendall(b"\x7f\xf2\0\0" + struct.pack(">I", len(hello)) + hello)
    crowd.pop(100).close()  # and one that does not wait
    for raw in crowd:
        raw.serializer = MSGPACK
        assert raw.stream.read(4) == b"\x7f\xf2\0\0"
        assert raw.receive()[0] == 2
    for raw in crowd:
        raw.close()


def test_what_comes_in_pieces_while_a_connection_waits_is_not_lost(
    embedded: EmbeddedRouter,
) -> None:
    raw = Raw(embedded)
    hello = ENCODE[MSGPACK](HELLO)
    for octet in b"\x7f\xf2\0\0" + struct.pack(">I", len(hello)) + hello:
        raw.socket.sendall(bytes([octet]))
    raw.serializer = MSGPACK
    assert raw.stream.read(4) == b"\x7f\xf2\0\0"
    assert raw.receive()[0] == 2
    raw.close()
