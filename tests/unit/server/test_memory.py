"""What a peer can make the router's process hold: by not reading, and by what it sends."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw

MIB = 2**20
PAYLOAD = "x" * 1000


@pytest.fixture
def own() -> Iterator[EmbeddedRouter]:
    """A router of the test's own, whose memory nobody else uses."""
    with EmbeddedRouter() as router:
        yield router
        router.stop()


def memory(router: EmbeddedRouter, kind: str) -> int:
    """What a router's process holds (`VmRSS`), or held at most (`VmHWM`), in bytes."""
    status = Path(f"/proc/{router.pid}/status").read_text()
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def subscriber(router: EmbeddedRouter) -> Raw:
    raw = Raw(router)
    raw.join(MSGPACK)
    raw.send([32, 1, {}, "com.flood"])
    assert raw.receive()[0] == 33
    return raw


def publish(publisher: Raw, numbers: range) -> None:
    """Publish numbered events; the router has taken them when this returns."""
    for number in numbers:
        publisher.send([16, number + 1, {}, "com.flood", [number, PAYLOAD]])
    publisher.send([16, numbers.stop + 1, {"acknowledge": True}, "com.other"])
    assert publisher.receive()[0] == 17


@pytest.mark.slow
def test_a_sleeper_is_cut_off_and_costs_little_and_the_others_nothing(own: EmbeddedRouter) -> None:
    sleeper, healthy, publisher = subscriber(own), subscriber(own), Raw(own)
    publisher.join(MSGPACK)
    events = 60_000  # 60 MB, far more than the limit of 16 MiB and what the sockets hold
    numbers: list[int] = []
    reading = threading.Thread(
        target=lambda: numbers.extend(healthy.receive()[4][0] for _ in range(events))
    )
    try:
        publish(publisher, range(100))
        [healthy.receive() for _ in range(100)]
        before = memory(own, "VmRSS")
        reading.start()
        for start in range(0, events, 1000):
            publish(publisher, range(start, start + 1000))
        reading.join()
        assert numbers == list(range(events))
        own.until(
            r"Closing the connection of a peer that does not read: it left [\d,]+ bytes unread"
        )
        assert memory(own, "VmHWM") - before < 24 * MIB
        # And what it left unread is given back.
        publish(publisher, range(100))
        assert memory(own, "VmRSS") - before < 8 * MIB
        assert sleeper.ended()
    finally:
        for raw in (sleeper, healthy, publisher):
            raw.close()


def test_a_peer_that_sleeps_and_catches_up_again_and_again_keeps_its_session(
    own: EmbeddedRouter,
) -> None:
    """What it leaves unread at one time counts, not all that it ever did."""
    late, publisher = subscriber(own), Raw(own)
    publisher.join(MSGPACK)
    try:
        for _ in range(5):
            publish(publisher, range(10_000))  # 10 MB
            assert [late.receive()[4][0] for _ in range(10_000)] == list(range(10_000))
        assert "unread" not in own.text
    finally:
        late.close()
        publisher.close()


#: What takes a byte on the wire takes 56 in memory.
EMPTY_LISTS: list[list[object]] = [[] for _ in range(60_000)]


def test_of_a_hello_only_what_is_known_is_kept(own: EmbeddedRouter) -> None:
    peers = [Raw(own) for _ in range(10)]
    try:
        for peer in peers:
            peer.shake(MSGPACK)
        before = memory(own, "VmRSS")
        for peer in peers:
            peer.send([1, "realm1", {"roles": {"callee": {"features": {"x": EMPTY_LISTS}}}}])
            assert peer.receive()[0] == 2
        # Decoding takes the memory of one message, some of which stays for the next.
        assert memory(own, "VmRSS") - before < 12 * MIB
    finally:
        for peer in peers:
            peer.close()


def test_retained_events_take_what_they_have_on_the_wire(own: EmbeddedRouter) -> None:
    publisher = Raw(own)
    publisher.join(MSGPACK)
    try:
        before = memory(own, "VmRSS")
        options = {"retain": True, "acknowledge": True}
        for number in range(1, 21):
            publisher.send([16, number, options, f"com.kept.n{number}", [EMPTY_LISTS]])
            assert publisher.receive()[0] == 17
        assert memory(own, "VmRSS") - before < 12 * MIB
        publisher.send([32, 1, {"get_retained": True}, "com.kept.n7"])
        assert publisher.receive()[0] == 33
        assert publisher.receive()[4] == [EMPTY_LISTS]
    finally:
        publisher.close()


def test_of_many_sleepers_those_go_that_have_left_the_most_unread() -> None:
    with EmbeddedRouter(0, "--limit", "unsent_total=4MiB") as router:
        sleepers = [subscriber(router) for _ in range(8)]
        healthy, publisher = subscriber(router), Raw(router)
        publisher.join(MSGPACK)
        events = 8000  # 8 MB; one sleeper alone would be under the limit of one peer
        numbers: list[int] = []
        reading = threading.Thread(
            target=lambda: numbers.extend(healthy.receive()[4][0] for _ in range(events))
        )
        try:
            before = memory(router, "VmRSS")
            reading.start()
            for start in range(0, events, 1000):
                publish(publisher, range(start, start + 1000))
            reading.join()
            assert numbers == list(range(events))
            router.until(r"it left [\d,]+ bytes unread, and [\d,]+ wait for all peers")
            assert memory(router, "VmHWM") - before < 16 * MIB
            publish(publisher, range(1))  # it is read again
        finally:
            for raw in (*sleepers, healthy, publisher):
                raw.close()
        router.stop()
