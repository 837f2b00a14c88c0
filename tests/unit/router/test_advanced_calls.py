"""Timeouts, other callees, calls in parts, and payloads that are not for the router."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.links import ROLES, Client, register, subscribe
from tests.unit.router.test_turns import Loop
from wampapp.config.limits import DEFAULT_LIMITS
from wampapp.protocol.codec import JSON
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    REGISTER,
    RESULT,
    UNREGISTER,
    YIELD,
)
from wampapp.router.router import Router

ABLE = {
    role: {
        "features": {
            "call_canceling": True,
            "call_reroute": True,
            "payload_passthru_mode": True,
            "progressive_call_invocations": True,
            "progressive_call_results": True,
        }
    }
    for role in ("caller", "callee", "publisher", "subscriber")
}
PASSED = {
    "ppt_scheme": "x_mine",
    "ppt_serializer": "cbor",
    "ppt_cipher": "aes256gcm",
    "ppt_keyid": "k1",
}


class Timers(Loop):
    """A loop whose timers a test lets pass, or sees cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def call_later(self, seconds: float, callback: Any) -> Any:
        self.seconds.append(seconds)
        self.waiting.append(callback)
        return Timer(self, callback)


class Timer:
    def __init__(self, loop: Loop, callback: Any) -> None:
        self._loop, self._callback = loop, callback

    def cancel(self) -> None:
        self._loop.waiting.remove(self._callback)


@pytest.fixture
def loop() -> Timers:
    return Timers()


@pytest.fixture
def router(loop: Timers) -> Router:
    return Router("test", call_later=loop.call_later)


@pytest.fixture
def callee(router: Router) -> Client:
    return Client(router, roles=ABLE)


@pytest.fixture
def caller(router: Router) -> Client:
    return Client(router, roles=ABLE)


# Call timeouts


def test_a_call_ends_after_its_timeout(loop: Timers, callee: Client, caller: Client) -> None:
    register(callee, "com.slow")
    caller.say(CALL, 1, {"timeout": 1500}, "com.slow")
    invocation = callee.heard()
    assert loop.seconds == [1.5]
    loop.turn()
    text = ["The call of 'com.slow' was not answered in time."]
    assert caller.heard() == [ERROR, CALL, 1, {}, "wamp.error.timeout", text]
    assert callee.heard() == [INTERRUPT, invocation[1], {"mode": "killnowait"}]
    callee.say(YIELD, invocation[1], {}, ["late"])
    assert caller.inbox == []
    assert (callee.session.invocations, caller.session.calls) == ({}, {})


def test_a_callee_that_cannot_be_interrupted_is_not(
    loop: Timers, router: Router, caller: Client
) -> None:
    callee = Client(router, roles={"callee": {}})
    register(callee, "com.slow")
    caller.say(CALL, 1, {"timeout": 10}, "com.slow")
    callee.heard()
    loop.turn()
    assert caller.heard()[4] == "wamp.error.timeout"
    assert callee.inbox == []


@pytest.mark.parametrize("how", ["result", "error", "cancel", "caller", "callee"])
def test_what_ends_otherwise_has_no_timer_left(
    how: str, loop: Timers, callee: Client, caller: Client
) -> None:
    register(callee, "com.slow")
    caller.say(CALL, 1, {"timeout": 10}, "com.slow")
    number = callee.heard()[1]
    assert len(loop.waiting) == 1
    if how == "result":
        callee.say(YIELD, number, {})
    elif how == "error":
        callee.say(ERROR, INVOCATION, number, {}, "com.e")
    elif how == "cancel":
        caller.say(CANCEL, 1, {})
    else:
        {"caller": caller, "callee": callee}[how].leave()
    assert loop.waiting == []


@pytest.mark.parametrize("timeout", [0, 0.0, 31 * 24 * 3600 * 1000, 2**53])
def test_zero_and_what_is_as_good_as_never_start_no_timer(
    timeout: float, loop: Timers, callee: Client, caller: Client
) -> None:
    register(callee, "com.slow")
    caller.say(CALL, 1, {"timeout": timeout}, "com.slow")
    assert callee.heard()[0] == INVOCATION
    assert loop.waiting == []


@pytest.mark.parametrize("timeout", [-1, 1.5, "10", True, None, [1]])
def test_a_timeout_that_is_none_is_refused(timeout: Any, callee: Client, caller: Client) -> None:
    register(callee, "com.slow")
    caller.say(CALL, 1, {"timeout": timeout}, "com.slow")
    assert caller.heard()[4] == "wamp.error.invalid_argument"
    assert callee.inbox == []


# Call re-routing


def three(router: Router, invoke: str) -> list[Client]:
    callees = [Client(router, roles=ABLE) for _ in range(3)]
    for callee in callees:
        register(callee, "com.shared", invoke=invoke)
    return callees


def busy(callee: Client) -> None:
    callee.say(ERROR, INVOCATION, callee.heard()[1], {}, "wamp.error.unavailable")


def with_inbox(callees: list[Client]) -> list[int]:
    return [number for number, callee in enumerate(callees) if callee.inbox]


@pytest.mark.parametrize(
    ("invoke", "order"), [("first", [0, 1, 2]), ("last", [2, 1, 0]), ("roundrobin", [0, 1, 2])]
)
def test_another_callee_is_called_by_the_policy(
    invoke: str, order: list[int], router: Router, caller: Client
) -> None:
    callees = three(router, invoke)
    caller.say(CALL, 1, {"disclose_me": True}, "com.shared", ["x"])
    found = []
    for _ in range(3):
        [number] = with_inbox(callees)
        found.append(number)
        invocation = callees[number].inbox[0]
        assert invocation[3]["caller"] == caller.id
        assert invocation[4:] == [["x"]]
        busy(callees[number])
    assert sorted(found) == [0, 1, 2]
    assert invoke == "roundrobin" or found == order
    text = ["No callee of 'com.shared' is available."]
    assert caller.heard() == [ERROR, CALL, 1, {}, "wamp.error.no_available_callee", text]
    assert all(not callee.session.invocations for callee in callees)


def test_the_answer_of_the_second_one_is_the_answer(router: Router, caller: Client) -> None:
    callees = three(router, "random")
    caller.say(CALL, 1, {}, "com.shared")
    [number] = with_inbox(callees)
    busy(callees[number])
    [other] = with_inbox(callees)
    assert other != number
    callees[other].say(YIELD, callees[other].heard()[1], {}, [7])
    assert caller.heard() == [RESULT, 1, {}, [7]]


def test_the_only_callee_that_is_unavailable_is_said_to_be(callee: Client, caller: Client) -> None:
    register(callee, "com.single")
    caller.say(CALL, 1, {}, "com.single")
    busy(callee)
    assert caller.heard()[4] == "wamp.error.no_available_callee"


def test_who_has_not_announced_it_fails_like_any_other(router: Router, caller: Client) -> None:
    callees = [Client(router), Client(router)]
    for callee in callees:
        register(callee, "com.shared", invoke="first")
    caller.say(CALL, 1, {}, "com.shared")
    busy(callees[0])
    assert caller.heard()[4] == "wamp.error.unavailable"
    assert callees[1].inbox == []


def test_a_call_that_was_cancelled_meanwhile_goes_no_further(
    router: Router, caller: Client
) -> None:
    callees = three(router, "first")
    caller.say(CALL, 1, {}, "com.shared")
    caller.say(CANCEL, 1, {"mode": "skip"})
    assert caller.heard()[4] == "wamp.error.canceled"
    busy(callees[0])
    assert with_inbox(callees) == []
    assert caller.inbox == []


def test_a_call_whose_other_callees_have_gone_meanwhile_ends(
    router: Router, caller: Client
) -> None:
    callees = three(router, "first")
    caller.say(CALL, 1, {}, "com.shared")
    callees[1].leave()
    callees[2].leave()
    busy(callees[0])
    assert caller.heard()[4] == "wamp.error.no_available_callee"


def test_a_call_that_is_being_killed_goes_no_further(router: Router, caller: Client) -> None:
    callees = three(router, "first")
    caller.say(CALL, 1, {}, "com.shared")
    invocation = callees[0].inbox.pop()
    caller.say(CANCEL, 1, {"mode": "kill"})
    assert callees[0].heard() == [INTERRUPT, invocation[1], {"mode": "kill"}]
    callees[0].say(ERROR, INVOCATION, invocation[1], {}, "wamp.error.unavailable")
    assert with_inbox(callees) == []
    assert caller.heard()[4] == "wamp.error.no_available_callee"


def test_a_call_in_parts_goes_to_no_callee_that_lacks_some(router: Router, caller: Client) -> None:
    callees = three(router, "first")
    caller.say(CALL, 1, {"progress": True}, "com.shared", ["a"])
    caller.say(CALL, 1, {}, "com.shared", ["b"])
    invocation, _ = callees[0].inbox
    callees[0].inbox.clear()
    callees[0].say(ERROR, INVOCATION, invocation[1], {}, "wamp.error.unavailable")
    assert with_inbox(callees) == []
    assert caller.heard()[4] == "wamp.error.no_available_callee"
    assert caller.session.calls == {}


def test_the_next_callee_is_one_that_can(router: Router, caller: Client) -> None:
    callees = [Client(router, roles=ABLE), Client(router), Client(router, roles=ABLE)]
    for callee in callees:
        register(callee, "com.shared", invoke="first")
    caller.say(CALL, 1, PASSED, "com.shared", [b"x"])
    busy(callees[0])
    assert with_inbox(callees) == [2]


def test_the_next_callee_is_one_that_has_not_too_many_calls() -> None:
    router = Router("test", limits=replace(DEFAULT_LIMITS, calls=1))
    callees, callers = three(router, "first"), [Client(router), Client(router)]
    register(callees[1], "com.other")
    callers[0].say(CALL, 1, {}, "com.other")
    callers[1].say(CALL, 1, {}, "com.shared")
    callees[1].heard()
    busy(callees[0])
    assert with_inbox(callees) == [2]


# Concurrency


def test_a_callee_is_called_no_more_than_it_takes(router: Router, caller: Client) -> None:
    one, two = Client(router), Client(router)
    register(one, "com.c", invoke="first", concurrency=1)
    register(two, "com.c", invoke="first", concurrency=2)
    for number in range(1, 4):
        caller.say(CALL, number, {}, "com.c")
    assert [len(client.inbox) for client in (one, two)] == [1, 2]
    caller.say(CALL, 4, {}, "com.c")
    text = ["All callees of 'com.c' have as many calls as they take."]
    assert caller.heard() == [ERROR, CALL, 4, {}, "wamp.error.no_available_callee", text]
    one.say(YIELD, one.heard()[1], {})
    caller.heard()
    caller.say(CALL, 5, {}, "com.c")
    assert len(one.inbox) == 1


def test_who_gave_no_concurrency_takes_any_number(router: Router, caller: Client) -> None:
    one, two = Client(router), Client(router)
    register(one, "com.c", invoke="first", concurrency=1)
    register(two, "com.c", invoke="first")
    for number in range(1, 10):
        caller.say(CALL, number, {}, "com.c")
    assert [len(client.inbox) for client in (one, two)] == [1, 8]


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "2", True])
def test_a_concurrency_that_is_none_is_refused(concurrency: Any, callee: Client) -> None:
    answer = callee.ask(REGISTER, {"concurrency": concurrency}, "com.c")
    assert answer[4] == "wamp.error.invalid_argument"


# Progressive call invocations


def test_a_call_may_come_in_parts(callee: Client, caller: Client) -> None:
    registration = register(callee, "com.upload")
    for number, options in enumerate(
        [{"progress": True, "receive_progress": True}, {"progress": True, "x": 1}, {}]
    ):
        caller.say(CALL, 1, options, "com.upload", [number])
    first, second, last = callee.inbox
    callee.inbox.clear()
    details = {"receive_progress": True}
    assert first == [INVOCATION, 1, registration, {**details, "progress": True}, [0]]
    assert second == [INVOCATION, 1, registration, {**details, "progress": True}, [1]]
    assert last == [INVOCATION, 1, registration, details, [2]]
    callee.say(YIELD, 1, {"progress": True}, ["so far"])
    callee.say(YIELD, 1, {}, ["all"])
    assert caller.inbox == [[RESULT, 1, {"progress": True}, ["so far"]], [RESULT, 1, {}, ["all"]]]
    assert (callee.session.invocations, caller.session.calls) == ({}, {})


def test_all_parts_go_to_the_same_callee(router: Router, caller: Client) -> None:
    callees = three(router, "roundrobin")
    for _ in range(3):
        caller.say(CALL, 1, {"progress": True}, "com.shared")
    assert sorted(len(callee.inbox) for callee in callees) == [0, 0, 3]


def test_parts_that_come_after_the_answer_are_dropped(callee: Client, caller: Client) -> None:
    register(callee, "com.upload")
    caller.say(CALL, 1, {"progress": True}, "com.upload")
    callee.say(ERROR, INVOCATION, callee.heard()[1], {}, "com.enough")
    assert caller.heard()[4] == "com.enough"
    for options in ({"progress": True}, {}):
        caller.say(CALL, 1, options, "com.upload")
    assert (callee.inbox, caller.inbox, caller.closed) == ([], [], False)
    caller.say(CALL, 1, {}, "com.upload")  # the id may be used again once the last part has come
    assert callee.heard()[0] == INVOCATION


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("com.none", "wamp.error.no_such_procedure"),
        ("com..none", "wamp.error.invalid_uri"),
        ("com.plain", "wamp.error.feature_not_supported"),
        ("com.full", "wamp.error.no_available_callee"),
        ("wamp.session.count", "wamp.error.feature_not_supported"),
    ],
)
def test_a_call_in_parts_that_is_refused_is_refused_once(
    uri: str, why: str, router: Router, callee: Client, caller: Client
) -> None:
    plain, other = Client(router), Client(router)
    register(plain, "com.plain")
    register(plain, "com.full", concurrency=1)
    other.say(CALL, 1, {}, "com.full")
    caller.say(CALL, 1, {"progress": True}, uri, ["a"])
    assert caller.heard()[4] == why
    if uri == "com.none":
        register(callee, uri)  # the rest of a call is not a call
    for options in ({"progress": True}, {}):
        caller.say(CALL, 1, options, uri, ["b"])
    assert (caller.inbox, callee.inbox, caller.closed) == ([], [], False)
    assert caller.session.late == set()


def test_a_call_in_parts_that_is_one_too_many_is_refused_once() -> None:
    router = Router("test", limits=replace(DEFAULT_LIMITS, calls=1))
    callee, caller = Client(router, roles=ABLE), Client(router, roles=ABLE)
    register(callee, "com.upload")
    caller.say(CALL, 1, {}, "com.upload")
    callee.heard()
    for options in ({"progress": True}, {"progress": True}, {}):
        caller.say(CALL, 2, options, "com.upload")
    assert caller.heard()[4] == "wampapp.error.overloaded"
    assert (caller.inbox, callee.inbox) == ([], [])


def test_a_second_call_with_an_id_that_is_in_use_is_a_violation(
    callee: Client, caller: Client
) -> None:
    register(callee, "com.upload")
    for _ in range(2):
        caller.say(CALL, 1, {}, "com.upload")
    assert caller.heard()[::2] == [ABORT, "wamp.error.protocol_violation"]


def test_a_caller_that_goes_in_between_interrupts_the_callee(
    callee: Client, caller: Client
) -> None:
    register(callee, "com.upload")
    caller.say(CALL, 1, {"progress": True}, "com.upload")
    number = callee.heard()[1]
    caller.leave()
    assert callee.heard() == [INTERRUPT, number, {"mode": "killnowait"}]


def test_both_must_have_announced_that(router: Router, callee: Client, caller: Client) -> None:
    plain = Client(router)
    register(plain, "com.plain")
    caller.say(CALL, 1, {"progress": True}, "com.plain")
    assert caller.heard()[4] == "wamp.error.feature_not_supported"
    register(callee, "com.upload")
    other = Client(router)
    other.say(CALL, 1, {"progress": True}, "com.upload")
    assert other.heard()[4] == "wamp.error.protocol_violation"
    assert not other.closed  # one request is wrong, and no other suffers


# Payload passthru mode, and what else is handed on


def test_an_opaque_payload_goes_both_ways_as_it_is(callee: Client, caller: Client) -> None:
    register(callee, "com.sealed")
    caller.say(CALL, 1, PASSED | {"x": 1}, "com.sealed", [b"\0\xff"])
    invocation = callee.heard()
    assert invocation[3:] == [PASSED, [b"\0\xff"]]
    callee.say(YIELD, invocation[1], {"ppt_scheme": "x_mine", "ppt_keyid": 7}, [b"\1"])
    assert caller.heard() == [RESULT, 1, {"ppt_scheme": "x_mine"}, [b"\1"]]
    caller.say(CALL, 2, PASSED, "com.sealed", [b""])
    callee.say(ERROR, INVOCATION, callee.heard()[1], PASSED, "com.e", [b"\2"])
    assert caller.heard() == [ERROR, CALL, 2, PASSED, "com.e", [b"\2"]]


def test_progressive_results_may_be_opaque_too(callee: Client, caller: Client) -> None:
    register(callee, "com.sealed")
    caller.say(CALL, 1, {"receive_progress": True}, "com.sealed")
    number = callee.heard()[1]
    callee.say(YIELD, number, {"progress": True, "ppt_scheme": "x_mine"}, [b"\1"])
    assert caller.heard() == [RESULT, 1, {"progress": True, "ppt_scheme": "x_mine"}, [b"\1"]]


def test_who_cannot_read_it_is_not_sent_it(router: Router, callee: Client, caller: Client) -> None:
    plain = Client(router)
    register(plain, "com.plain")
    caller.say(CALL, 1, PASSED, "com.plain", [b""])
    assert caller.heard()[4] == "wamp.error.feature_not_supported"
    register(callee, "com.sealed")
    plain.say(CALL, 1, {}, "com.sealed")
    callee.say(YIELD, callee.heard()[1], PASSED, [b""])
    assert plain.heard()[4] == "wamp.error.feature_not_supported"
    assert (plain.session.calls, callee.session.invocations) == ({}, {})


def test_an_event_may_be_opaque_and_is_retained_so(callee: Client, caller: Client) -> None:
    subscription = subscribe(callee, "com.sealed")
    caller.say(PUBLISH, 1, PASSED | {"retain": True}, "com.sealed", [b"\3"])
    event = callee.heard()
    assert event[:2] + event[3:] == [EVENT, subscription, PASSED, [b"\3"]]
    subscription = subscribe(caller, "com.sealed", get_retained=True)
    event = caller.heard()
    assert event[:2] + event[3:] == [EVENT, subscription, PASSED | {"retained": True}, [b"\3"]]


def test_a_transaction_is_handed_on(router: Router, callee: Client) -> None:
    caller = Client(router, roles=ROLES, codec=JSON)
    register(callee, "com.traced")
    subscribe(callee, "com.traced")
    caller.say(CALL, 1, {"transaction_hash": "00-ab-cd-01"}, "com.traced")
    assert callee.heard()[3] == {"transaction_hash": "00-ab-cd-01"}
    caller.say(PUBLISH, 2, {"transaction_hash": "00-ab-cd-01"}, "com.traced")
    assert callee.heard()[3] == {"transaction_hash": "00-ab-cd-01"}
    for request, value in enumerate((["not", "text"], "x" * 1025), start=3):
        caller.say(CALL, request, {"transaction_hash": value}, "com.traced")
        assert callee.heard()[3] == {}
    caller.say(CALL, 5, {"transaction_hash": "x" * 1024}, "com.traced")
    assert callee.heard()[3] == {"transaction_hash": "x" * 1024}


def test_a_transaction_reaches_patterns_and_any_of_several_callees(router: Router) -> None:
    one, two, caller = (Client(router, roles=ROLES, codec=JSON) for _ in range(3))
    for callee in (one, two):
        register(callee, "com.shared", invoke="roundrobin")
    register(one, "com.tree", match="prefix")
    subscribe(one, "com..leaf", match="wildcard")
    sent = {"transaction_hash": "00-ab-cd-01"}
    for request, callee in enumerate((one, two), start=1):
        caller.say(CALL, request, sent, "com.shared")
        assert callee.heard()[3] == sent
    caller.say(CALL, 3, sent, "com.tree.leaf")
    assert one.heard()[3] == sent | {"procedure": "com.tree.leaf"}
    caller.say(PUBLISH, 4, sent | {"retain": True}, "com.tree.leaf")
    assert one.heard()[3] == sent | {"topic": "com.tree.leaf"}
    subscribe(two, "com.tree.leaf", get_retained=True)
    assert two.heard()[3] == sent | {"retained": True}


def test_a_registration_that_is_taken_back_keeps_its_calls_in_parts(
    callee: Client, caller: Client
) -> None:
    registration = register(callee, "com.upload")
    caller.say(CALL, 1, {"progress": True}, "com.upload", [0])
    callee.inbox.clear()
    assert callee.ask(UNREGISTER, registration)[0] == 67
    caller.say(CALL, 1, {}, "com.upload", [1])
    assert callee.heard()[3:] == [{}, [1]]
