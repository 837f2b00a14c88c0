"""Testaments: what a session leaves behind for others to hear."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.links import LEAVINGS, Client, subscribe
from wampapp.protocol.messages import CALL, ERROR, EVENT, PUBLISH, RESULT
from wampapp.router.router import Router
from wampapp.router.testaments import MAX_SIZE, MAX_TESTAMENTS

ADD, FLUSH = "wamp.session.add_testament", "wamp.session.flush_testaments"


@pytest.fixture
def router() -> Router:
    return Router("test")


@pytest.fixture
def heir(router: Router) -> Client:
    return Client(router)


@pytest.fixture
def mortal(router: Router, heir: Client) -> Client:
    for topic in ("com.a", "com.b"):
        subscribe(heir, topic)
    return Client(router)


@pytest.mark.parametrize("leave", LEAVINGS)
def test_a_testament_is_published_however_a_session_ends(
    leave: Callable[[Client], None], mortal: Client, heir: Client
) -> None:
    added = mortal.ask(CALL, {}, ADD, ["com.a", [1, b"\0"], {"k": "v"}])
    assert (added[0], added[3]) == (RESULT, [None])
    assert heir.inbox == []
    leave(mortal)
    event = heir.heard()
    assert (event[0], event[4:]) == (EVENT, [[1, b"\0"], {"k": "v"}])
    mortal.leave()
    assert heir.inbox == []  # it is published once


def test_their_order_is_that_of_their_scopes_and_of_their_making(
    mortal: Client, heir: Client
) -> None:
    for number, scope in enumerate(["destroyed", "detached", "destroyed", "detached"]):
        mortal.ask(CALL, {}, ADD, ["com.a", [number]], {"scope": scope})
    mortal.leave()
    assert [event[4] for event in heir.inbox] == [[1], [3], [0], [2]]


def test_what_is_flushed_is_not_published(mortal: Client, heir: Client) -> None:
    mortal.ask(CALL, {}, ADD, ["com.a", ["destroyed"]])
    mortal.ask(CALL, {}, ADD, ["com.a", ["detached"]], {"scope": "detached"})
    assert mortal.ask(CALL, {}, FLUSH)[0] == RESULT
    mortal.leave()
    assert [event[4] for event in heir.inbox] == [["detached"]]


def test_its_options_are_those_of_an_event(router: Router, mortal: Client, heir: Client) -> None:
    options = {"exclude": [heir.id], "retain": True, "acknowledge": True, "disclose_me": True}
    mortal.ask(CALL, {}, ADD, ["com.a", ["x"]], {"publish_options": options})
    mortal.leave()
    assert heir.inbox == []
    late = Client(router)
    subscribe(late, "com.a", get_retained=True)
    event = late.heard()
    assert event[3] == {
        "publisher": mortal.id,
        "publisher_authid": mortal.session.authid,
        "publisher_authrole": "anonymous",
        "retained": True,
    }


@pytest.mark.parametrize(
    ("procedure", "payload", "why"),
    [
        (ADD, [], "wamp.error.invalid_argument"),
        (ADD, [["com.a", 1]], "wamp.error.invalid_argument"),
        (ADD, [["com.a", [], []]], "wamp.error.invalid_argument"),
        (ADD, [["com.a", [], {}, 1]], "wamp.error.invalid_argument"),
        (ADD, [["com.a"], {"scope": "forever"}], "wamp.error.invalid_argument"),
        (ADD, [["com.a"], {"scope": []}], "wamp.error.invalid_argument"),
        (ADD, [["com.a"], {"other": 1}], "wamp.error.invalid_argument"),
        (ADD, [["com.a"], {"publish_options": 1}], "wamp.error.invalid_argument"),
        (ADD, [["com.a"], {"publish_options": {"exclude": 1}}], "wamp.error.invalid_argument"),
        (ADD, [["wamp.a"]], "wamp.error.invalid_uri"),
        (ADD, [["com. a"]], "wamp.error.invalid_uri"),
        (FLUSH, [["detached"]], "wamp.error.invalid_argument"),
        (FLUSH, [[], {"scope": 1}], "wamp.error.invalid_argument"),
        (FLUSH, [[], {"publish_options": {}}], "wamp.error.invalid_argument"),
    ],
)
def test_a_mistake_is_an_error(
    procedure: str, payload: list[Any], why: str, mortal: Client, heir: Client
) -> None:
    answer = mortal.ask(CALL, {}, procedure, *payload)
    assert (answer[0], answer[4]) == (ERROR, why)
    mortal.leave()
    assert heir.inbox == []


def test_they_are_bounded_in_number_and_in_size(mortal: Client) -> None:
    too_large = mortal.ask(CALL, {}, ADD, ["com.a", [b"x" * MAX_SIZE]])
    assert too_large[4] == "wampapp.error.limit_exceeded"
    for _ in range(MAX_TESTAMENTS):
        assert mortal.ask(CALL, {}, ADD, ["com.a"])[0] == RESULT
    assert mortal.ask(CALL, {}, ADD, ["com.a"])[4] == "wampapp.error.limit_exceeded"
    assert mortal.ask(CALL, {}, FLUSH)[0] == RESULT
    assert mortal.ask(CALL, {}, ADD, ["com.a"])[0] == RESULT


def test_none_is_published_when_the_router_stops(
    router: Router, mortal: Client, heir: Client
) -> None:
    mortal.ask(CALL, {}, ADD, ["com.a", [1]])
    router.close()
    assert [message[0] for message in heir.inbox] == [6]  # GOODBYE


def test_a_session_without_one_publishes_as_before(mortal: Client, heir: Client) -> None:
    mortal.say(PUBLISH, 1, {}, "com.a", [1])
    mortal.leave()
    assert len(heir.inbox) == 1
