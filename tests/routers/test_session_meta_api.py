"""The session meta API: on the router's core without sockets, and over sockets on both routers."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.links import LEAVINGS, Client, Refused
from tests.support.process import EmbeddedRouter
from tests.support.proxy import Wire
from tests.support.running import running
from wampapp import App, ConnectedClient, Invocation, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.errors import PayloadTooLarge
from wampapp.protocol.codec import JSON
from wampapp.protocol.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)
from wampapp.router.router import Router

DEADLINE = 60.0  # seconds
ON_JOIN, ON_LEAVE = "wamp.session.on_join", "wamp.session.on_leave"


@pytest.fixture
def core() -> Router:
    return Router("test")


@pytest.fixture
def watcher(core: Router) -> Client:
    return Client(core)


def hearing(client: Client, topic: str, **options: Any) -> int:
    """Subscribe to a topic and return the subscription's id."""
    answer = client.ask(SUBSCRIBE, options, topic)
    assert answer[0] == SUBSCRIBED, answer
    return int(answer[2])


def result(client: Client, procedure: str, *args: Any) -> Any:
    """Call a procedure of the router's own."""
    answer = client.ask(CALL, {}, procedure, list(args))
    assert answer[0] == RESULT, answer
    [value] = answer[3]
    return value


def details_of(client: Client, serializer: str = "msgpack") -> dict[str, Any]:
    return {
        "session": client.id,
        "authid": client.details["authid"],
        "authrole": client.session.authrole,
        "authmethod": "anonymous",
        "authprovider": "static",
        "transport": {"channel_serializer": serializer},
    }


# Events.


def test_a_join_is_told_to_who_was_there_before(core: Router, watcher: Client) -> None:
    number = hearing(watcher, ON_JOIN)
    one = Client(core, codec=JSON)
    code, subscription, publication, details, args = watcher.heard()
    assert (code, subscription, details) == (EVENT, number, {})
    assert publication > 0
    assert args == [details_of(one, "json")]
    assert one.inbox == []
    two = Client(core)
    event = watcher.heard()
    assert (event[4][0]["session"], event[2] != publication) == (two.id, True)


def test_a_client_that_does_not_take_its_welcome_was_never_there(
    core: Router, watcher: Client
) -> None:
    hearing(watcher, ON_JOIN)
    hearing(watcher, ON_LEAVE)

    class Narrow(Client):
        def write(self, payload: bytes) -> None:
            if len(payload) > 100:
                raise PayloadTooLarge("too large")
            super().write(payload)

    with pytest.raises(Refused, match="payload_size_exceeded"):
        Narrow(core)
    assert watcher.inbox == []
    assert result(watcher, "wamp.session.count") == 1


@pytest.mark.parametrize("leave", LEAVINGS)
def test_a_leaving_is_told_once_and_after_the_clean_up(
    core: Router, watcher: Client, leave: Callable[[Client], None]
) -> None:
    number = hearing(watcher, ON_LEAVE)
    other, elsewhere = Client(core), Client(core, realm="realm2")
    hearing(other, ON_LEAVE)
    hearing(elsewhere, ON_LEAVE)
    assert other.ask(REGISTER, {}, "com.x.held")[0] == REGISTERED
    watcher.say(CALL, 99, {}, "com.x.held")
    assert other.heard()[0] == INVOCATION
    leave(other)
    assert watcher.heard()[:5] == [ERROR, CALL, 99, {}, "wamp.error.canceled"]
    event = watcher.heard()
    assert event[:2] == [EVENT, number]
    assert event[3:] == [{}, [other.id, other.details["authid"], "anonymous"]]
    other.leave()  # the link goes, too
    assert watcher.inbox == elsewhere.inbox == []
    assert EVENT not in [message[0] for message in other.inbox]  # nobody hears of himself
    assert watcher.ask(REGISTER, {}, "com.x.held")[0] == REGISTERED


@pytest.mark.parametrize(
    ("match", "topic"),
    [("prefix", ""), ("prefix", "wamp.session."), ("wildcard", "wamp.session.")],
)
def test_patterns_hear_of_sessions(core: Router, watcher: Client, match: str, topic: str) -> None:
    number = hearing(watcher, topic, match=match, x_disclose=True)
    watcher.inbox.clear()  # who hears everything hears of its own subscription as well
    other = Client(core)
    other.leave()
    joined, left = watcher.inbox
    # The router is no session, so there is no publisher to disclose.
    assert (joined[1], joined[3]) == (number, {"topic": ON_JOIN})
    assert (left[1], left[3]) == (number, {"topic": ON_LEAVE})


def test_who_unsubscribed_hears_no_more(core: Router, watcher: Client) -> None:
    number = hearing(watcher, ON_JOIN)
    assert watcher.ask(UNSUBSCRIBE, number)[0] == UNSUBSCRIBED
    Client(core)
    assert watcher.inbox == []


def test_a_router_that_closes_tells_nobody_who_leaves(core: Router, watcher: Client) -> None:
    others = [Client(core) for _ in range(5)]
    for client in (watcher, *others):
        hearing(client, ON_LEAVE)
    core.close()
    for client in (watcher, *others):
        assert [message[0] for message in client.inbox] == [GOODBYE]


# Procedures.


def test_sessions_are_counted_and_listed(core: Router, watcher: Client) -> None:
    guest = Client(core)
    guest.session.authrole = "guest"
    Client(core, realm="realm2")
    for args, found in [
        ((), {watcher.id, guest.id}),
        ((None,), {watcher.id, guest.id}),
        ((["guest"],), {guest.id}),
        ((["guest", "anonymous"],), {watcher.id, guest.id}),
        (([],), set()),
        ((["nobody", 7, []],), set()),
    ]:
        assert result(watcher, "wamp.session.count", *args) == len(found)
        assert set(result(watcher, "wamp.session.list", *args)) == found
    guest.leave()
    assert result(watcher, "wamp.session.list") == [watcher.id]


def test_a_session_is_described_as_when_it_joined(core: Router, watcher: Client) -> None:
    hearing(watcher, ON_JOIN)
    other = Client(core)
    told = watcher.heard()[4][0]
    assert result(watcher, "wamp.session.get", other.id) == told == details_of(other)
    assert result(watcher, "wamp.session.get", watcher.id) == details_of(watcher)


def test_a_session_that_is_not_there_is_not_described(core: Router, watcher: Client) -> None:
    other, elsewhere = Client(core), Client(core, realm="realm2")
    other.leave()
    for number in (other.id, elsewhere.id, 0):
        answer = watcher.ask(CALL, {}, "wamp.session.get", [number])
        assert answer[:2] == [ERROR, CALL]
        assert answer[4:] == ["wamp.error.no_such_session", [f"There is no session {number}."]]


@pytest.mark.parametrize(
    ("procedure", "payload"),
    [
        ("wamp.session.count", [["anonymous"]]),
        ("wamp.session.list", [[{"anonymous": 1}]]),
        ("wamp.session.list", [[[], []]]),
        ("wamp.session.list", [[], {"filter_authroles": ["anonymous"]}]),
        ("wamp.session.get", []),
        ("wamp.session.get", [[]]),
        ("wamp.session.get", [["1"]]),
        ("wamp.session.get", [[True]]),
        ("wamp.session.get", [[-1]]),
        ("wamp.session.get", [[2**53 + 1]]),
        ("wamp.session.get", [[1, 2]]),
    ],
)
def test_wrong_arguments_are_refused(watcher: Client, procedure: str, payload: list[Any]) -> None:
    answer = watcher.ask(CALL, {}, procedure, *payload)
    assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_argument")
    assert watcher.session.calls == {}


def test_an_answer_that_is_too_large_is_an_error(watcher: Client) -> None:
    def write(payload: bytes) -> None:
        if len(payload) > 100:
            raise PayloadTooLarge("It is too large.")
        Client.write(watcher, payload)

    watcher.write = write  # type: ignore[method-assign]
    answer = watcher.ask(CALL, {}, "wamp.session.get", [watcher.id])
    assert answer[4:] == ["wamp.error.payload_size_exceeded", ["It is too large."]]


def test_no_pattern_of_a_peer_s_answers_for_the_router(core: Router, watcher: Client) -> None:
    other = Client(core)
    assert other.ask(REGISTER, {"match": "prefix"}, "")[0] == REGISTERED
    assert other.ask(REGISTER, {"match": "wildcard"}, ".session.")[0] == REGISTERED
    assert result(watcher, "wamp.session.count") == 2
    assert other.inbox == []


@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_what_is_reserved_is_not_registered(watcher: Client, match: str) -> None:
    answer = watcher.ask(REGISTER, {"match": match}, "wamp.session.count")
    assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_uri")


def test_peers_do_not_publish_meta_events(core: Router, watcher: Client) -> None:
    hearing(watcher, ON_LEAVE)
    liar = Client(core)
    answer = liar.ask(PUBLISH, {"acknowledge": True}, ON_LEAVE, [watcher.id])
    assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_uri")
    assert watcher.inbox == []


def test_there_is_no_kill(core: Router, watcher: Client) -> None:
    other = Client(core)
    answer = watcher.ask(CALL, {}, "wamp.session.kill", [other.id])
    assert (answer[4], other.closed) == ("wamp.error.no_such_procedure", False)


# Over sockets, on both routers.


class Watching:
    """An app that writes down who joins and leaves."""

    def __init__(self) -> None:
        self.joined: queue.Queue[tuple[int, Any]] = queue.Queue()
        self.left: queue.Queue[tuple[int, Any]] = queue.Queue()
        self.app = app = App(prefix="com.watching")

        @app.register
        def me(call: Invocation) -> int | None:
            return call.caller

        @app.subscribe(ON_JOIN)
        def on_join(details: dict[str, Any]) -> None:
            self.joined.put((details["session"], details))

        @app.subscribe(ON_LEAVE)
        async def on_leave(session: int, *who: str) -> None:
            self.left.put((session, who))


def told_of(session: int, events: "queue.Queue[tuple[int, Any]]") -> Any:
    """Return what is told of a session; others may come and go meanwhile."""
    while True:
        number, told = events.get(timeout=DEADLINE)
        if number == session:
            return told


@pytest.fixture(scope="module")
def watching(url: str) -> Iterator[Watching]:
    watching = Watching()
    with running(watching.app, url):
        yield watching


def test_an_app_hears_who_joins_and_who_leaves(
    watching: Watching, url: str, router: EmbeddedRouter | Crossbar
) -> None:
    with connect(url, "realm1", timeout=DEADLINE) as other:
        number = other.call("com.watching.me")
        details = told_of(number, watching.joined)
        assert (details["authrole"], details["authmethod"]) == ("anonymous", "anonymous")
        assert details["authprovider"] == "static"
    who = told_of(number, watching.left)
    # Crossbar.io tells only the id.
    assert who == ((details["authid"], "anonymous") if isinstance(router, EmbeddedRouter) else ())


def test_an_app_hears_of_a_link_that_breaks(
    watching: Watching, url: str, router: EmbeddedRouter | Crossbar
) -> None:
    with Wire(router.port) as wire:
        through = wire.ws_url if url == router.ws_url else wire.rs_url
        with connect(through, "realm1", timeout=DEADLINE) as other:
            number = other.call("com.watching.me")
            wire.cut()
            told_of(number, watching.left)
            # It came back, and is another one.
            again = other.call("com.watching.me")
            assert again != number
            told_of(again, watching.joined)


def test_the_procedures_answer(watching: Watching, client: ConnectedClient) -> None:
    number = client.call("com.watching.me")
    sessions = client.call("wamp.session.list")
    assert number in sessions
    assert client.call("wamp.session.count") == len(sessions)
    assert client.call("wamp.session.count", ["nobody"]) == 0
    assert number in client.call("wamp.session.list", ["anonymous"])
    assert client.call("wamp.session.get", number) == told_of(number, watching.joined)
    with pytest.raises(WampError) as caught:
        client.call("wamp.session.get", 1)
    assert caught.value.uri == "wamp.error.no_such_session"
