"""Foreign clients and a wampapp service on the embedded router: calls and events both ways."""

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.node import NodePeer
from tests.support.peer import Peer, PeerError
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from tests.support.stock import AsyncioPeer, ComponentPeer
from wampapp import App, ConnectedClient, WampError, connect
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds


@pytest.fixture(
    scope="module", params=["node-ws", "node-rs", "component-ws", "asyncio-ws", "asyncio-rs"]
)
def peer(
    request: pytest.FixtureRequest, embedded: EmbeddedRouter, progress: Progress
) -> Iterator[Peer]:
    """A stock client of each kind, joined at our router."""
    kind, _, transport = request.param.partition("-")
    url = embedded.ws_url if transport == "ws" else embedded.rs_url
    made: dict[str, Any] = {
        "node": lambda: NodePeer(url, "realm1", progress),
        "component": lambda: ComponentPeer(url, "realm1"),
        "asyncio": lambda: AsyncioPeer(url, "realm1"),
    }
    with made[kind]() as joined:
        yield joined
        joined.leave()


@pytest.fixture(scope="module")
def heard() -> "queue.Queue[Any]":
    return queue.Queue()


@pytest.fixture(scope="module")
def service(embedded: EmbeddedRouter, heard: "queue.Queue[Any]") -> Iterator[App]:
    app = App(prefix="com.ours")

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register
    async def one(value: Any) -> Any:
        return value

    @app.register
    def fail(text: str) -> None:
        raise WampError("com.ours.failed", text, code=7)

    @app.register
    async def relay(procedure: str, *args: Any) -> Any:
        return await app.call(procedure, *args)

    @app.register
    async def announce(text: str) -> None:
        await app.publish(".news", text, loud=True)

    @app.subscribe("com.theirs.news")
    def on_news(*args: Any, **kwargs: Any) -> None:
        heard.put((list(args), kwargs))

    with running(app, embedded.rs_url):
        yield app


@pytest.fixture(scope="module")
def caller(embedded: EmbeddedRouter) -> Iterator[ConnectedClient]:
    with connect(embedded.rs_url, timeout=DEADLINE) as client:
        yield client


def test_they_call_us(service: App, peer: Peer) -> None:
    assert peer.call("com.ours.add", 2, 3) == ([5], {})
    assert peer.call("com.ours.one", {"a": [1, None, "ß"]}) == ([{"a": [1, None, "ß"]}], {})


def test_our_errors_reach_them(service: App, peer: Peer) -> None:
    with pytest.raises(PeerError) as caught:
        peer.call("com.ours.fail", "no")
    assert (caught.value.uri, caught.value.payload) == ("com.ours.failed", ["no"])
    assert caught.value.kwpayload == {"code": 7}
    with pytest.raises(PeerError) as caught:
        peer.call("com.ours.add", "x", 3)
    assert caught.value.uri == "wamp.error.invalid_argument"
    with pytest.raises(PeerError) as caught:
        peer.call("com.ours.nobody")
    assert caught.value.uri == "wamp.error.no_such_procedure"


def test_we_call_them(service: App, peer: Peer, caller: ConnectedClient) -> None:
    for endpoint in ("add", "echo", "fail"):
        peer.register(f"com.theirs.{endpoint}", endpoint)
    assert caller.call("com.theirs.add", 2, 3) == 5
    assert caller.call("com.ours.relay", "com.theirs.add", 4, 5) == 9
    result = caller.call("com.theirs.echo", 1, x=2)
    assert (result.args, result.kwargs) == ((1,), {"x": 2})
    with pytest.raises(WampError) as caught:
        caller.call("com.theirs.fail", "com.theirs.failed", "why", code=3)
    assert caught.value.uri == "com.theirs.failed"
    assert (caught.value.args, caught.value.kwargs) == (("why",), {"code": 3})


def test_they_hear_our_events(service: App, peer: Peer, caller: ConnectedClient) -> None:
    peer.subscribe("com.ours.news")
    caller.call("com.ours.announce", "hello")
    event = peer.event()
    assert (event.topic, event.args, event.kwargs) == ("com.ours.news", ["hello"], {"loud": True})


def test_we_hear_their_events(service: App, peer: Peer, heard: "queue.Queue[Any]") -> None:
    assert peer.publish("com.theirs.news", "hi", 2, x=[3]) > 0
    assert heard.get(timeout=DEADLINE) == (["hi", 2], {"x": [3]})
