"""A session that held much leaves in several turns of the loop, and nobody notices."""

from typing import Any

import pytest

from tests.support.links import Client, subscribe
from wampapp.protocol.messages import (
    CALL,
    ERROR,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    YIELD,
)
from wampapp.router.router import Router
from wampapp.router.turns import STEPS

MANY = 3 * STEPS


class Loop:
    """A loop whose turns are done by hand."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []

    def call_later(self, _seconds: float, callback: Any) -> Any:
        self.waiting.append(callback)

    def turn(self) -> bool:
        """Do a turn; return whether there was anything to do."""
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback()
        return bool(waiting)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def router(loop: Loop) -> Router:
    return Router("test", call_later=loop.call_later)


@pytest.fixture
def other(router: Router) -> Client:
    return Client(router)


def busy(router: Router, **options: Any) -> Client:
    """Have a session with many registrations and subscriptions."""
    client = Client(router)
    for number in range(MANY):
        client.say(REGISTER, number + 1, options, f"com.p.n{number:05}")
        client.say(SUBSCRIBE, number + 1, {"match": "prefix"}, f"com.t.n{number:05}")
    client.inbox.clear()
    return client


def test_all_of_it_goes_in_the_end(loop: Loop, router: Router, other: Client) -> None:
    subscribe(other, "wamp.session.on_leave")
    subscribe(other, "wamp.registration.on_delete")
    client = busy(router)
    other.inbox.clear()
    client.leave()
    realm = router.realms["realm1"]
    assert list(realm.sessions) == [other.id]
    turns = 0
    while loop.turn():
        turns += 1
    assert turns >= 4 * MANY / STEPS  # each entry is dropped, and each is announced
    assert not client.session.registrations | client.session.subscriptions
    assert len(other.inbox) == MANY + 1  # that it has left comes last
    assert other.inbox[-1][4][0] == client.id
    other.inbox.clear()
    assert other.ask(CALL, {}, "wamp.registration.list")[3:] == [
        [{"exact": [], "prefix": [], "wildcard": []}]
    ]


def test_meanwhile_its_procedures_are_gone(loop: Loop, router: Router, other: Client) -> None:
    busy(router).leave()
    last = f"com.p.n{MANY - 1:05}"
    assert loop.waiting
    assert other.ask(CALL, {}, last)[4] == "wamp.error.no_such_procedure"
    assert other.ask(REGISTER, {}, last)[0] == REGISTERED
    assert router.numbers.calls == 1
    while loop.turn():
        pass
    other.say(CALL, 9, {}, last)
    assert other.heard()[0] == INVOCATION


def test_meanwhile_the_next_callee_is_called(loop: Loop, router: Router, other: Client) -> None:
    first = busy(router, invoke="first")
    last = f"com.p.n{MANY - 1:05}"
    other.say(REGISTER, 1, {"invoke": "first"}, last)
    other.inbox.clear()
    first.leave()
    other.say(CALL, 9, {}, last)
    assert other.heard()[0] == INVOCATION
    while loop.turn():
        pass


def test_meanwhile_events_are_published(loop: Loop, router: Router, other: Client) -> None:
    client = busy(router)
    client.leave()
    answer = other.ask(PUBLISH, {"acknowledge": True}, f"com.t.n{MANY - 1:05}.x")
    assert (answer[0], client.inbox) == (PUBLISHED, [])
    while loop.turn():
        pass


def test_calls_to_it_and_from_it_are_let_go(loop: Loop, router: Router, other: Client) -> None:
    client = Client(router)
    client.say(REGISTER, 1, {}, "com.its")
    other.say(REGISTER, 1, {}, "com.other")
    client.inbox.clear()
    other.inbox.clear()
    for number in range(1, MANY + 1):
        client.say(CALL, number, {}, "com.other")
        other.say(CALL, number, {}, "com.its")
    invocations = [message[1] for message in other.inbox]
    other.inbox.clear()
    client.leave()
    for number in invocations[-10:]:
        other.say(YIELD, number, {})  # before its call was let go
    while loop.turn():
        pass
    errors = [message for message in other.inbox if message[0] == ERROR]
    assert sorted(message[2] for message in errors) == list(range(1, MANY + 1))
    assert {message[4] for message in errors} == {"wamp.error.canceled"}
    assert not other.session.calls
