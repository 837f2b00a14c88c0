"""The foreign peers among each other on a real Crossbar.io: what is proved here is the peers."""

import contextlib
from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.support.node import NodePeer
from tests.support.peer import Peer, PeerError, PeerGoneError
from tests.support.stock import AsyncioPeer, ComponentPeer
from wampapp.crossbar import Crossbar, Progress

pytestmark = pytest.mark.processes

NAMES = ["node", "component", "asyncio"]

pairs = pytest.mark.parametrize(("left", "right"), list(permutations(NAMES, 2)))


def make(name: str, url: str, realm: str, progress: Progress) -> Peer:
    if name == "node":
        return NodePeer(url, realm, progress)
    return {"component": ComponentPeer, "asyncio": AsyncioPeer}[name](url, realm)


@pytest.fixture(scope="module")
def peers(crossbar: Crossbar, progress: Progress) -> Iterator[dict[str, Peer]]:
    """One peer of each kind, joined over WebSocket; each has registered `com.<name>.<endpoint>`."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name in NAMES:
            peer = make(name, crossbar.ws_url, crossbar.realm, progress)
            found[name] = stack.enter_context(peer)
            for endpoint in ("echo", "add", "fail"):
                peer.register(f"com.{name}.{endpoint}", endpoint)
        yield found


@pairs
def test_calls(peers: dict[str, Peer], left: str, right: str) -> None:
    caller = peers[left]
    assert caller.call(f"com.{right}.add", 2, 3) == ([5], {})
    assert caller.call(f"com.{right}.echo", 1, "two", [3], x={"y": None}) == (
        [1, "two", [3]],
        {"x": {"y": None}},
    )


@pairs
def test_errors(peers: dict[str, Peer], left: str, right: str) -> None:
    with pytest.raises(PeerError) as caught:
        peers[left].call(f"com.{right}.fail", "com.example.refused", 1, why="so")
    assert caught.value.uri == "com.example.refused"
    assert caught.value.payload == [1]
    assert caught.value.kwpayload == {"why": "so"}


@pairs
def test_events(peers: dict[str, Peer], left: str, right: str) -> None:
    publisher, subscriber = peers[left], peers[right]
    topic = f"com.{left}.to.{right}"
    assert subscriber.subscribe(topic)
    publication = publisher.publish(topic, 1, "two", x=3)
    event = subscriber.event()
    assert event == (topic, [1, "two"], {"x": 3}, publication, publisher.session)


@pytest.mark.parametrize("name", NAMES)
def test_options_reach_the_router(peers: dict[str, Peer], name: str) -> None:
    peer = peers[name]
    peer.subscribe(f"com.{name}..deep", match="wildcard")
    topic = f"com.{name}.very.deep"
    peer.request("publish", uri=topic, args=["self"], options={"exclude_me": False})
    event = peer.event()
    assert (event.topic, event.args) == (topic, ["self"])


@pytest.mark.parametrize("name", NAMES)
def test_answers_come_by_id(peers: dict[str, Peer], name: str) -> None:
    futures = [peers[name].send("call", uri="com.node.add", args=[n, n]) for n in range(20)]
    assert [future.result(60)["args"] for future in futures] == [[2 * n] for n in range(20)]


@pytest.mark.parametrize("name", ["node", "asyncio"])
def test_rawsocket(crossbar: Crossbar, progress: Progress, name: str) -> None:
    with make(name, crossbar.rs_url, crossbar.realm, progress) as peer:
        peer.register("com.raw.add", "add")
        assert peer.call("com.raw.add", 2, 3).args == [5]


@pytest.mark.parametrize("name", NAMES)
def test_leaves(crossbar: Crossbar, progress: Progress, name: str) -> None:
    with make(name, crossbar.ws_url, crossbar.realm, progress) as peer:
        assert peer.leave() == "wamp.close.normal"
        with pytest.raises(PeerGoneError):
            peer.call("com.raw.add", 2, 3)
        with pytest.raises(PeerGoneError):
            peer.event()


@pytest.mark.parametrize("name", NAMES)
def test_refused_realm_is_told(crossbar: Crossbar, progress: Progress, name: str) -> None:
    with (
        pytest.raises(PeerGoneError, match=r"wamp\.error\.no_such_realm"),
        make(name, crossbar.ws_url, "nowhere", progress),
    ):
        pass
