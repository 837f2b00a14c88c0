"""A session that ends in the middle of an exchange leaves nothing behind in its realm."""

import types
from collections import Counter
from collections.abc import Callable
from gc import get_referents
from typing import Any

import pytest

from tests.support.links import LEAVINGS, Client
from wampapp.protocol.messages import (
    CALL,
    CANCEL,
    ERROR,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
)
from wampapp.router.router import Router

#: A part of an exchange: what the one whose session ends does, and what the other one does.
Exchange = Callable[[Client, Client], object]

_SKIPPED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, Client)


def held(router: Router) -> Counter[str]:
    """Count what a router holds: the objects of each type, and the entries of its tables."""
    seen = {id(router)}
    count: Counter[str] = Counter()
    todo: list[Any] = [router]
    while todo:
        value = todo.pop()
        name = type(value).__name__
        count[name] += 1
        if isinstance(value, list | dict | set | frozenset | tuple):
            count[f"entries of {name}"] += len(value)
        for one in get_referents(value):
            if id(one) not in seen and not isinstance(one, _SKIPPED):
                seen.add(id(one))
                todo.append(one)
    del count["int"]  # ids count on, and Python shares small numbers
    return count


def offer(client: Client, uri: str, **options: Any) -> int:
    client.say(REGISTER, 900 + len(client.inbox), options, uri)
    answer = client.inbox.pop()
    assert answer[0] == REGISTERED, answer
    return int(answer[2])


def hear(client: Client, uri: str, **options: Any) -> int:
    client.say(SUBSCRIBE, 900 + len(client.inbox), options, uri)
    answer = client.inbox.pop()
    assert answer[0] == SUBSCRIBED, answer
    return int(answer[2])


def waiting_for_an_answer(one: Client, other: Client) -> None:
    offer(other, "com.p")
    one.say(CALL, 1, {}, "com.p", [1])


def with_an_answer_to_give(one: Client, other: Client) -> None:
    offer(one, "com.p")
    other.say(CALL, 1, {}, "com.p", [1])


def in_the_middle_of_progress_to_it(one: Client, other: Client) -> None:
    offer(other, "com.p")
    one.say(CALL, 1, {"receive_progress": True}, "com.p")
    other.say(YIELD, other.inbox[-1][1], {"progress": True}, [1])


def in_the_middle_of_its_progress(one: Client, other: Client) -> None:
    offer(one, "com.p")
    other.say(CALL, 1, {"receive_progress": True}, "com.p")
    one.say(YIELD, one.inbox[-1][1], {"progress": True}, [1])


def cancelling(mode: str) -> Exchange:
    def exchange(one: Client, other: Client) -> None:
        waiting_for_an_answer(one, other)
        one.say(CANCEL, 1, {"mode": mode})

    exchange.__name__ = f"having cancelled with {mode}"
    return exchange


def cancelled(mode: str) -> Exchange:
    def exchange(one: Client, other: Client) -> None:
        with_an_answer_to_give(one, other)
        other.say(CANCEL, 1, {"mode": mode})

    exchange.__name__ = f"being cancelled with {mode}"
    return exchange


def calling_itself(one: Client, other: Client) -> None:
    offer(one, "com.p")
    one.say(CALL, 1, {}, "com.p")


def answered(one: Client, other: Client) -> None:
    with_an_answer_to_give(one, other)
    one.say(YIELD, one.inbox[-1][1], {}, [2])


def failed(one: Client, other: Client) -> None:
    with_an_answer_to_give(one, other)
    one.say(ERROR, INVOCATION, one.inbox[-1][1], {}, "com.e")


def registered(match: str) -> Exchange:
    def exchange(one: Client, other: Client) -> None:
        for client in (one, other):
            offer(client, "com..p" if match == "wildcard" else "com.p", match=match, invoke="last")

    exchange.__name__ = f"registered by {match}, with another"
    return exchange


def taken_over(one: Client, other: Client) -> None:
    offer(one, "com.p")
    offer(other, "com.p", force_reregister=True)


def unregistered(one: Client, other: Client) -> None:
    number = offer(one, "com.p")
    other.say(CALL, 1, {}, "com.p")
    one.say(UNREGISTER, 9, number)


def subscribed(match: str) -> Exchange:
    def exchange(one: Client, other: Client) -> None:
        for client in (one, other):
            hear(client, "com..t" if match == "wildcard" else "com.t", match=match)
        other.say(PUBLISH, 1, {"acknowledge": True}, "com.a.t", [1])

    exchange.__name__ = f"subscribed by {match}, with another"
    return exchange


def unsubscribed(one: Client, other: Client) -> None:
    number = hear(one, "com.t")
    hear(other, "com.t")
    one.say(UNSUBSCRIBE, 9, number)


def published(one: Client, other: Client) -> None:
    hear(other, "com.t")
    one.say(PUBLISH, 1, {"acknowledge": True, "exclude_me": False}, "com.t", [1])


def sending_in_parts(one: Client, other: Client) -> None:
    offer(other, "com.p")
    for _ in range(2):
        one.say(CALL, 1, {"progress": True}, "com.p", [1])


def being_sent_parts(one: Client, other: Client) -> None:
    offer(one, "com.p")
    other.say(CALL, 1, {"progress": True}, "com.p", [1])


def with_a_call_of_its_own_and_a_limit(one: Client, other: Client) -> None:
    offer(other, "com.p", concurrency=1)
    one.say(CALL, 1, {"timeout": 10_000}, "com.p")


def with_a_limit_of_its_own(one: Client, other: Client) -> None:
    offer(one, "com.p", concurrency=1)
    other.say(CALL, 1, {"timeout": 10_000}, "com.p")


def unavailable(one: Client, other: Client) -> None:
    for client in (one, other):
        offer(client, "com.p", invoke="first")
    other.say(CALL, 1, {}, "com.p")
    one.say(ERROR, INVOCATION, one.inbox[-1][1], {}, "wamp.error.unavailable")


def with_a_testament(one: Client, other: Client) -> None:
    hear(other, "com.t")
    one.say(CALL, 1, {}, "wamp.session.add_testament", ["com.t", [1]])


EXCHANGES: list[Exchange] = [
    sending_in_parts,
    being_sent_parts,
    with_a_call_of_its_own_and_a_limit,
    with_a_limit_of_its_own,
    unavailable,
    with_a_testament,
    waiting_for_an_answer,
    with_an_answer_to_give,
    in_the_middle_of_progress_to_it,
    in_the_middle_of_its_progress,
    *map(cancelling, ("skip", "kill", "killnowait")),
    *map(cancelled, ("skip", "kill", "killnowait")),
    calling_itself,
    answered,
    failed,
    *map(registered, ("exact", "prefix", "wildcard")),
    taken_over,
    unregistered,
    *map(subscribed, ("exact", "prefix", "wildcard")),
    unsubscribed,
    published,
]


#: Roles that can all that the router can.
ABLE = {
    role: {
        "features": {
            "call_canceling": True,
            "call_reroute": True,
            "progressive_call_invocations": True,
            "progressive_call_results": True,
        }
    }
    for role in ("caller", "callee", "publisher", "subscriber")
}


class NoTimer:
    """A timer of a loop that never comes to it."""

    def __init__(self, seconds: float, callback: Callable[[], None]) -> None:
        """Wait for ever."""

    def cancel(self) -> None:
        """Do nothing."""


def settle(client: Client) -> None:
    """Finish all that a client has begun: it answers, and takes back what it announced."""
    for number in list(client.session.late):
        client.say(CALL, number, {}, "com.p")  # the last part
    for number in list(client.session.invocations):
        client.say(YIELD, number, {}, [])
    for number in list(client.session.registrations):
        client.say(UNREGISTER, 99, number)
    for number in list(client.session.subscriptions):
        client.say(UNSUBSCRIBE, 99, number)


@pytest.mark.parametrize("leave", LEAVINGS, ids=lambda leave: leave.__name__)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.__name__)
def test_nothing_is_left_of_it(exchange: Exchange, leave: Callable[[Client], None]) -> None:
    router = Router("test", call_later=NoTimer)
    other = Client(router, roles=ABLE)
    before = held(router)
    one = Client(router, roles=ABLE)
    exchange(one, other)
    assert held(router) != before
    leave(one)
    one.leave()  # its link is gone, too; to be told so twice changes nothing
    settle(other)
    assert not other.session.calls  # each is answered
    assert held(router) == before
    assert not other.closed
