"""The limits of one session at the router's core, and of what a realm retains."""

from typing import Any

import pytest

from tests.support.links import Client, Refused, register, subscribe
from wampapp import Ticket, UsageError
from wampapp.config.access import Principal, RealmConfig, Role, RouterConfig
from wampapp.config.limits import Limits
from wampapp.protocol.hashes import TicketHash
from wampapp.protocol.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
)
from wampapp.router.router import Router


@pytest.fixture
def router() -> Router:
    limits = Limits(registrations=2, subscriptions=2, calls=3, retained_events=2)
    return Router("test", limits=limits)


def test_a_session_may_have_so_many_registrations(router: Router) -> None:
    client = Client(router)
    first = register(client, "com.a")
    register(client, "com.b")
    answer = client.ask(REGISTER, {}, "com.c")
    assert answer[0] == ERROR
    assert answer[4:] == [
        "wampapp.error.limit_exceeded",
        ["A session has at most 2 registrations here."],
    ]
    client.ask(UNREGISTER, first)
    assert client.ask(REGISTER, {}, "com.c")[0] == REGISTERED
    assert Client(router).ask(REGISTER, {}, "com.d")[0] == REGISTERED


def test_a_session_may_have_so_many_subscriptions(router: Router) -> None:
    client = Client(router)
    first = subscribe(client, "com.a")
    subscribe(client, "com.b")
    answer = client.ask(SUBSCRIBE, {}, "com.c")
    assert answer[0] == ERROR
    assert answer[4:] == [
        "wampapp.error.limit_exceeded",
        ["A session has at most 2 subscriptions here."],
    ]
    assert client.ask(UNSUBSCRIBE, first)[0] == 35
    assert client.ask(SUBSCRIBE, {}, "com.c")[0] == SUBSCRIBED


def test_to_subscribe_again_does_not_count(router: Router) -> None:
    client = Client(router)
    first = subscribe(client, "com.a")
    subscribe(client, "com.b")
    assert client.ask(SUBSCRIBE, {}, "com.a")[2] == first


def test_an_event_reaches_a_session_so_often_at_most() -> None:
    """Whatever patterns it subscribes to: 14 components have 16,383 that all match."""
    router = Router("test", limits=Limits(pattern_shapes=10))
    client, publisher = Client(router), Client(router)
    uri = ".".join("abcdefgh")
    refused = 0
    for gaps in range(1, 255):
        components = ["" if gaps >> n & 1 else part for n, part in enumerate(uri.split("."))]
        answer = client.ask(SUBSCRIBE, {"match": "wildcard"}, ".".join(components))
        refused += answer[0] == ERROR
    for length in range(1, len(uri)):
        refused += client.ask(SUBSCRIBE, {"match": "prefix"}, uri[:length])[0] == ERROR
    assert refused == 254 + len(uri) - 1 - 10
    publisher.say(PUBLISH, 1, {}, uri)
    assert [client.heard()[0] for _ in range(10)] == [EVENT] * 10
    assert answer[4] == "wampapp.error.limit_exceeded"
    assert "at most 10 shapes" in answer[5][0]


def test_patterns_of_one_shape_are_as_many_as_are_wanted() -> None:
    client = Client(Router("test", limits=Limits(pattern_shapes=2)))
    numbers = [subscribe(client, f"com.a{number:03}..x", match="wildcard") for number in range(100)]
    subscribe(client, "com.a", match="prefix")
    subscribe(client, "com.b", match="prefix")
    assert client.ask(SUBSCRIBE, {"match": "wildcard"}, "com.a001.y.")[0] == ERROR
    # The same one again is not another one; and the last of a shape makes room.
    assert client.ask(SUBSCRIBE, {"match": "prefix"}, "com.a")[0] == SUBSCRIBED
    for number in numbers:
        assert client.ask(SUBSCRIBE, {"match": "wildcard"}, "com.a001.y.")[0] == ERROR
        client.ask(UNSUBSCRIBE, number)
    assert client.ask(SUBSCRIBE, {"match": "wildcard"}, "com.a001.y.")[0] == SUBSCRIBED


def test_a_caller_may_wait_for_so_many_answers(router: Router) -> None:
    callee, caller = Client(router), Client(router)
    register(callee, "com.a")
    for number in range(1, 4):
        caller.say(CALL, number, {}, "com.a")
    caller.say(CALL, 4, {}, "com.a")
    text = (
        "The caller already waits for the answers of 3 calls, the most that one session may have."
    )
    assert caller.heard() == [ERROR, CALL, 4, {}, "wampapp.error.overloaded", [text]]
    callee.say(YIELD, callee.heard()[1], {})
    assert caller.heard()[:2] == [RESULT, 1]
    caller.say(CALL, 5, {}, "com.a")
    assert [message[0] for message in callee.inbox] == [INVOCATION] * 3


def test_cancelled_calls_do_not_pile_up_at_a_callee_that_never_answers(router: Router) -> None:
    callee, caller = Client(router), Client(router)
    register(callee, "com.a")
    for number in range(1, 4):
        caller.say(CALL, number, {}, "com.a")
        caller.say(CANCEL, number, {"mode": "skip"})
        assert caller.heard()[:3] == [ERROR, CALL, number]
    caller.say(CALL, 4, {}, "com.a")
    text = "The callee has yet to answer 3 calls, the most that one session may have."
    assert caller.heard() == [ERROR, CALL, 4, {}, "wampapp.error.overloaded", [text]]
    callee.say(YIELD, callee.heard()[1], {})
    caller.say(CALL, 5, {}, "com.a")
    assert caller.inbox == []


def test_a_principal_has_so_many_sessions() -> None:
    realm = RealmConfig(
        "realm1", [Role("member")], [Principal("ada", "member", ticket=TicketHash.of("t"))]
    )
    router = Router("test", config=RouterConfig([realm]), limits=Limits(sessions_per_authid=2))
    first, _ = [Client(router, credential=Ticket("ada", "t")) for _ in range(2)]
    with pytest.raises(Refused, match="There are 2 sessions of 'ada' already"):
        Client(router, credential=Ticket("ada", "t"))
    assert router.numbers.refusals == {"wampapp.error.limit_exceeded": 1}
    first.leave()
    Client(router, credential=Ticket("ada", "t"))


def test_what_a_session_sends_too_fast_is_read_later() -> None:
    later: list[Any] = []
    router = Router(
        "test",
        limits=Limits(rate=3),
        call_later=lambda _seconds, then: later.append(then),
    )
    client, other = Client(router), Client(router)
    for number in range(1, 4):
        assert not client.paused
        client.say(PUBLISH, number, {}, "com.a")
    assert (client.paused, other.paused) == (True, False)
    [begin] = later
    begin()
    assert not client.paused
    for number in range(3):
        client.say(PUBLISH, 4 + number, {}, "com.a")
    assert client.paused
    client.leave()
    later.pop()()  # nothing is left to be read


def test_a_limit_of_the_rate_needs_a_clock() -> None:
    with pytest.raises(UsageError, match="needs a clock"):
        Router("test", limits=Limits(rate=3))


def test_a_realm_retains_so_many_events(router: Router) -> None:
    client = Client(router)
    for topic in ("com.a", "com.b", "com.c"):
        client.say(PUBLISH, 1, {"retain": True}, topic)
    assert list(router.realms["realm1"].broker.retained) == ["com.b", "com.c"]
