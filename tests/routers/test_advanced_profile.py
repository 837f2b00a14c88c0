"""The advanced profile by hand-written messages, on both routers, for what Crossbar.io has too."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import MSGPACK, Raw
from wampapp.crossbar import Crossbar, node_configuration
from wampapp.router import broker, dealer

Router = EmbeddedRouter | Crossbar
FEATURES = {
    "features": {
        "call_canceling": True,
        "call_timeout": True,
        "call_reroute": True,
        "payload_passthru_mode": True,
        "progressive_call_invocations": True,
        "progressive_call_results": True,
        "registration_revocation": True,
        "shared_registration": True,
        "caller_identification": True,
        "pattern_based_registration": True,
        "subscription_revocation": True,
    }
}
ROLES = dict.fromkeys(("caller", "callee", "publisher", "subscriber"), FEATURES)


class Peer(Raw):
    """A session by hand that can all that either router can."""

    def __init__(self, router: Router) -> None:
        super().__init__(router)
        self._requests = itertools.count(1)
        self.shake(MSGPACK)
        self.send([1, "realm1", {"roles": ROLES}])
        welcome = self.receive()
        assert welcome[0] == 2
        self.id: int = welcome[1]
        self.features = welcome[2]["roles"]

    def ask(self, code: int, *rest: Any) -> int:
        """Send a request; return its id."""
        number = next(self._requests)
        self.send([code, number, *rest])
        return number

    def register(self, uri: str, **options: Any) -> None:
        self.ask(64, options, uri)
        assert self.receive()[0] == 65

    def subscribe(self, uri: str, **options: Any) -> None:
        self.ask(32, options, uri)
        assert self.receive()[0] == 33


@pytest.fixture
def peers(router: Router) -> Iterator[list[Peer]]:
    peers = [Peer(router) for _ in range(3)]
    yield peers
    for peer in peers:
        peer.close()


@pytest.fixture
def uri() -> str:
    return f"com.advanced.{uuid.uuid4().hex}"


@pytest.mark.both_routers
def test_a_transaction_goes_with_a_call_and_with_an_event(peers: list[Peer], uri: str) -> None:
    one, other, _ = peers
    one.register(uri)
    one.subscribe(uri)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    other.ask(48, {"transaction_hash": trace}, uri)
    invocation = one.receive()
    assert invocation[3]["transaction_hash"] == trace
    one.send([70, invocation[1], {}])
    assert other.receive()[0] == 50
    other.ask(16, {"transaction_hash": trace}, uri)
    assert one.receive()[3]["transaction_hash"] == trace


@pytest.mark.both_routers
def test_a_callee_takes_only_so_many_calls(peers: list[Peer], uri: str) -> None:
    one, two, caller = peers
    for callee in (one, two):
        callee.register(uri, invoke="roundrobin", concurrency=1)
    for _ in range(2):
        caller.ask(48, {}, uri)
    numbers = [(callee, callee.receive()[1]) for callee in (one, two)]
    for callee, number in numbers:
        callee.send([70, number, {}])
        assert caller.receive()[0] == 50


@pytest.mark.both_routers
def test_a_testament_is_published_when_its_session_is_lost(peers: list[Peer], uri: str) -> None:
    heir, mortal, _ = peers
    heir.subscribe(uri)
    mortal.ask(48, {}, "wamp.session.add_testament", [uri, ["gone"], {"at": "last"}])
    assert mortal.receive()[0] == 50
    mortal.close()
    event = heir.receive()
    assert (event[0], event[4:]) == (36, [["gone"], {"at": "last"}])


@pytest.fixture(params=["embedded", "crossbar"])
def historian(
    request: pytest.FixtureRequest, new_crossbar: Callable[..., Crossbar]
) -> Iterator[Router]:
    """Each of the two routers, which keeps past events."""
    if request.param == "embedded":
        with EmbeddedRouter(0, "--limit", "history_events=100") as embedded:
            yield embedded
            assert embedded.stop() == 0, embedded.text
        return
    node = node_configuration("realm1", "127.0.0.1")
    kept = [{"uri": "com.kept", "match": "prefix"}]
    node["workers"][0]["realms"][0]["store"] = {"type": "memory", "event-history": kept}
    with new_crossbar(config=node) as crossbar:
        yield crossbar


@pytest.mark.both_routers
def test_past_events_are_returned_to_a_subscriber(historian: Router) -> None:
    with closing(Peer(historian)) as publisher, closing(Peer(historian)) as subscriber:
        subscriber.ask(32, {"match": "prefix"}, "com.kept")
        subscription = subscriber.receive()[2]
        publications = []
        for number in range(3):
            publisher.ask(16, {"acknowledge": True}, "com.kept.a", [number], {"k": number})
            publications.append(publisher.receive()[2])
            assert subscriber.receive()[0] == 36
        subscriber.ask(48, {}, "wamp.subscription.get_events", [subscription, 2])
        answer = subscriber.receive()
    assert answer[0] == 50
    events = answer[3][0]
    assert [event["publication"] for event in events] == publications[:0:-1]
    for event, number in zip(events, (2, 1), strict=True):
        found = event["topic"], event["args"], event["kwargs"]
        assert found == ("com.kept.a", [number], {"k": number})


def test_over_a_wire_the_features_are_announced(embedded: EmbeddedRouter) -> None:
    peer = Peer(embedded)
    assert peer.features["dealer"]["features"] == dealer.FEATURES
    assert peer.features["broker"]["features"] == broker.FEATURES
    peer.close()


def test_over_a_wire_a_call_comes_in_parts(embedded: EmbeddedRouter, uri: str) -> None:
    callee, caller = Peer(embedded), Peer(embedded)
    callee.register(uri)
    number = caller.ask(48, {"progress": True}, uri, ["a"])
    caller.send([48, number, {}, uri, ["b"]])
    first, last = callee.receive(), callee.receive()
    assert (first[1], first[3:], last[3:]) == (last[1], [{"progress": True}, ["a"]], [{}, ["b"]])
    callee.send([70, first[1], {}, ["ab"]])
    assert caller.receive() == [50, number, {}, ["ab"]]
    callee.close()
    caller.close()


def test_over_a_wire_the_dealer_ends_a_call_after_its_timeout(
    embedded: EmbeddedRouter, uri: str
) -> None:
    callee, caller = Peer(embedded), Peer(embedded)
    callee.register(uri)
    number = caller.ask(48, {"timeout": 20}, uri)
    invocation = callee.receive()
    assert caller.receive()[:5] == [8, 48, number, {}, "wamp.error.timeout"]
    assert callee.receive() == [69, invocation[1], {"mode": "killnowait"}]
    callee.close()
    caller.close()
