"""Valid traffic with some bytes changed: whatever comes of it, others at the router lose nothing.

``FUZZ_INPUTS=500000 FUZZ_SEED=7`` tries more, and others.
"""

import os
import random
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter
from tests.support.raw import CBOR, ENCODE, HELLO, JSON, MSGPACK, Raw, upgrade
from wampapp import ConnectedClient, connect

INPUTS = int(os.environ.get("FUZZ_INPUTS", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", "20261126"))
#: So many inputs go over one connection.
BATCH = 4

TRAFFIC = [
    HELLO,
    [6, {}, "wamp.close.normal"],
    [8, 68, 1, {}, "com.fuzz.error", ["why"], {"more": [1, None]}],
    [16, 1, {"acknowledge": True, "exclude": [1, 2], "eligible_authid": ["a"]}, "com.fuzz.t", [1]],
    [16, 2, {"retain": True, "exclude_me": False}, "com.fuzz.t.x", [], {"a": {"b": [0.5, "ü"]}}],
    [32, 3, {"match": "prefix", "get_retained": True}, "com.fuzz"],
    [32, 4, {"match": "wildcard"}, "com..t"],
    [34, 5, 1],
    [48, 6, {"receive_progress": True, "disclose_me": True}, "com.fuzz.echo", ["x" * 40, True]],
    [48, 7, {}, "wamp.session.list", [["anonymous"]]],
    [48, 8, {"timeout": 10}, "com.fuzz.own", [{"k": "v"}]],
    [49, 8, {"mode": "kill"}],
    [64, 9, {"invoke": "roundrobin", "match": "prefix"}, "com.fuzz.own"],
    [64, 10, {"force_reregister": True}, "com.fuzz.own"],
    [66, 11, 3],
    [70, 1, {"progress": True}, [1]],
    [70, 1, {}, [1, 2, 3], {"done": True}],
    [5, "signature", {}],
]


def flipped(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)


def replaced(octets: bytearray, chance: random.Random) -> None:
    octets[chance.randrange(len(octets))] = chance.choice(b'\x00\x7f\x80\xff\xc1\xd9\xdf\x9f[{"\\')


def cut(octets: bytearray, chance: random.Random) -> None:
    del octets[chance.randrange(len(octets)) :]


def removed(octets: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(octets))
    del octets[start : start + chance.randrange(1, 9)]


def inserted(octets: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(octets))
    octets[at:at] = chance.randbytes(chance.randrange(1, 9))


def repeated(octets: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(octets))
    octets[start:start] = octets[start : start + chance.randrange(1, 33)]


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    flipped, flipped, replaced, cut, removed, inserted, repeated,
]  # fmt: skip


def mutated(octets: bytes, chance: random.Random) -> bytes:
    changed = bytearray(octets)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        if changed:
            chance.choice(MUTATIONS)(changed, chance)
    return bytes(changed)


def rawsocket_frame(payload: bytes, chance: random.Random) -> bytes:
    head = struct.pack(">I", len(payload) & 0xFFFFFF)
    return (mutated(head, chance) if chance.random() < 0.03 else head) + payload


def websocket_frame(payload: bytes, chance: random.Random) -> bytes:
    size, mask = len(payload), b"\0\0\0\0"
    length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0xFE, size)
    head = b"\x81" + length + mask
    return (mutated(head, chance) if chance.random() < 0.1 else head) + payload


class Bystanders:
    """A service, its caller, and a publisher, who go on all the while."""

    def __init__(self, service: ConnectedClient, client: ConnectedClient) -> None:
        self._client = client
        self._stop = threading.Event()
        self.heard: list[int] = []
        self._news = threading.Condition()
        self.count = 0
        self.failure: BaseException | None = None
        service.register("com.fuzz.echo", lambda *args, **kwargs: [*args, kwargs])
        client.subscribe("org.bystanders", self._hear)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _hear(self, number: int) -> None:
        with self._news:
            self.heard.append(number)
            self._news.notify()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self.count += 1
                answer = self._client.call("com.fuzz.echo", self.count, key=b"\0")
                assert answer == [self.count, {"key": b"\0"}]
                self._client.topic("org.bystanders", exclude_me=False).publish(self.count)
        except BaseException as error:
            self.failure = error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure
        self._client.call("com.fuzz.echo")  # all events came before its answer
        with self._news:  # but the last may wait for its thread yet
            self._news.wait_for(lambda: len(self.heard) >= self.count, DEADLINE)
        assert self.heard == list(range(1, self.count + 1))


@pytest.fixture
def router() -> Iterator[EmbeddedRouter]:
    with EmbeddedRouter(0, "--log-level", "warning") as router:
        yield router


@pytest.mark.parametrize("way", ["json", "msgpack", "cbor", "websocket"])
def test_nobody_else_notices(router: EmbeddedRouter, way: str) -> None:
    chance = random.Random(f"{SEED} {way}")
    serializer = {"msgpack": MSGPACK, "cbor": CBOR}.get(way, JSON)
    frame = websocket_frame if way == "websocket" else rawsocket_frame
    with connect(router.rs_url) as service, connect(router.ws_url) as client:
        bystanders = Bystanders(service, client)
        for _ in range(0, INPUTS // 4, BATCH):
            messages = [ENCODE[serializer](HELLO)] if chance.random() < 0.9 else []
            chosen = chance.choices(TRAFFIC, k=BATCH)
            messages += [mutated(ENCODE[serializer](message), chance) for message in chosen]
            octets = b"".join(frame(message, chance) for message in messages)
            raw = Raw(router)
            try:
                if way == "websocket":
                    raw.socket.sendall(upgrade(router) + octets)
                else:
                    raw.socket.sendall(bytes([0x7F, 0xF0 | serializer, 0, 0]) + octets)
                raw.socket.shutdown(1)
            except OSError:
                pass  # the router has had enough
            raw.ended()
            raw.close()
        bystanders.stop()
        assert bystanders.count > 10
    assert router.stop() == 0
    assert "Traceback" not in router.text
    assert "could not be handled" not in router.text
