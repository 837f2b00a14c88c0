"""The advanced profile of the embedded router, on its sans-I/O core."""

from typing import Any

import pytest

from tests.support.links import Client, register, subscribe
from wampapp.config.limits import DEFAULT_LIMITS
from wampapp.protocol.codec import CBOR
from wampapp.router.router import Router

(
    HELLO, WELCOME, ABORT, GOODBYE, ERROR, PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED,
    UNSUBSCRIBE, UNSUBSCRIBED, EVENT, CALL, CANCEL, RESULT, REGISTER, REGISTERED, UNREGISTER,
    UNREGISTERED, INVOCATION, INTERRUPT, YIELD,
) = (1, 2, 3, 6, 8, 16, 17, 32, 33, 34, 35, 36, 48, 49, 50, 64, 65, 66, 67, 68, 69, 70)  # fmt: skip


@pytest.fixture
def router() -> Router:
    return Router("test")


@pytest.fixture
def callee(router: Router) -> Client:
    return Client(router)


@pytest.fixture
def caller(router: Router) -> Client:
    return Client(router)


def invoked(callee: Client, caller: Client, uri: str, *payload: Any, **options: Any) -> list:
    caller._requests += 1
    caller.say(CALL, caller._requests, options, uri, *payload)
    return callee.heard()


def test_welcome_announces_what_the_router_can(caller: Client) -> None:
    roles = caller.details["roles"]
    assert roles["dealer"]["features"] == {
        "progressive_call_results": True,
        "call_canceling": True,
        "caller_identification": True,
        "pattern_based_registration": True,
        "shared_registration": True,
        "registration_revocation": True,
        "call_reroute": True,
        "call_timeout": True,
        "payload_passthru_mode": True,
        "progressive_call_invocations": True,
        "session_meta_api": True,
        "registration_meta_api": True,
        "testament_meta_api": True,
    }
    assert roles["broker"]["features"] == {
        "publisher_exclusion": True,
        "subscriber_blackwhite_listing": True,
        "publisher_identification": True,
        "pattern_based_subscription": True,
        "event_retention": True,
        "payload_passthru_mode": True,
        "subscription_revocation": True,
        "session_meta_api": True,
        "subscription_meta_api": True,
    }


# Progressive call results


def test_progress_reaches_who_asked_for_it(callee: Client, caller: Client) -> None:
    register(callee, "com.p")
    invocation = invoked(callee, caller, "com.p", receive_progress=True)
    assert invocation[3] == {"receive_progress": True}
    for number in (1, 2):
        callee.say(YIELD, invocation[1], {"progress": True}, [number])
        assert caller.heard() == [RESULT, 1, {"progress": True}, [number]]
    callee.say(YIELD, invocation[1], {}, [3])
    assert caller.heard() == [RESULT, 1, {}, [3]]
    assert (callee.session.invocations, caller.session.calls) == ({}, {})


@pytest.mark.parametrize("options", [{"progress": False}, {"progress": None}, {"progress": 1}])
def test_a_yield_without_progress_true_is_the_answer(
    callee: Client, caller: Client, options: dict[str, Any]
) -> None:
    register(callee, "com.p")
    invocation = invoked(callee, caller, "com.p", receive_progress=True)
    callee.say(YIELD, invocation[1], options, [1])
    assert caller.heard() == [RESULT, 1, {}, [1]]
    assert (callee.session.invocations, caller.session.calls) == ({}, {})
    callee.say(YIELD, invocation[1], {}, [2])
    assert callee.heard()[::2] == [ABORT, "wamp.error.protocol_violation"]
    assert caller.inbox == []


def test_progress_after_the_caller_has_gone_is_dropped(callee: Client, caller: Client) -> None:
    register(callee, "com.p")
    invocation = invoked(callee, caller, "com.p", receive_progress=True)
    caller.leave()
    assert callee.heard()[0] == INTERRUPT
    callee.say(YIELD, invocation[1], {"progress": True}, [1])
    callee.say(YIELD, invocation[1], {}, [2])
    assert (callee.inbox, callee.closed, callee.session.invocations) == ([], False, {})


def test_progress_to_who_did_not_ask_is_dropped(callee: Client, caller: Client) -> None:
    register(callee, "com.p")
    invocation = invoked(callee, caller, "com.p")
    assert invocation[3] == {}
    callee.say(YIELD, invocation[1], {"progress": True}, [1])
    assert (callee.inbox, caller.inbox) == ([], [])
    callee.say(YIELD, invocation[1], {}, [2])
    assert caller.heard() == [RESULT, 1, {}, [2]]


def test_a_callee_that_knows_no_progress_is_not_asked(router: Router, caller: Client) -> None:
    simple = Client(router, roles={"callee": {}})
    register(simple, "com.p")
    assert invoked(simple, caller, "com.p", receive_progress=True)[3] == {}


# Call canceling


@pytest.mark.parametrize(
    ("mode", "interrupted", "answered"),
    [("skip", False, True), ("kill", True, False), ("killnowait", True, True), (None, True, True)],
)
def test_cancel(
    callee: Client, caller: Client, mode: str | None, interrupted: bool, answered: bool
) -> None:
    register(callee, "com.slow")
    invocation = invoked(callee, caller, "com.slow")
    caller.say(CANCEL, 1, {"mode": mode} if mode else {})
    if interrupted:
        expected = {"mode": mode or "killnowait"}
        assert callee.heard() == [INTERRUPT, invocation[1], expected]
    if answered:
        assert caller.heard()[:5] == [ERROR, CALL, 1, {}, "wamp.error.canceled"]
    callee.say(ERROR, INVOCATION, invocation[1], {}, "wamp.error.canceled", ["so be it"])
    if answered:
        assert caller.inbox == []  # nobody waits for the late answer
    else:
        assert caller.heard() == [ERROR, CALL, 1, {}, "wamp.error.canceled", ["so be it"]]
    assert (callee.session.invocations, caller.session.calls) == ({}, {})
    assert not callee.closed


@pytest.mark.parametrize("mode", ["KILL", "", None, 7, True, ["kill"], {}], ids=repr)
def test_an_unknown_mode_of_cancel_is_a_violation(
    callee: Client, caller: Client, mode: Any
) -> None:
    register(callee, "com.slow")
    invocation = invoked(callee, caller, "com.slow")
    caller.say(CANCEL, 1, {"mode": mode})
    code, details, why = caller.heard()
    assert (code, why) == (ABORT, "wamp.error.protocol_violation")
    assert "for canceling a call" in details["message"]
    assert caller.closed
    # The callee sees a caller that left, and nothing else.
    assert callee.heard() == [INTERRUPT, invocation[1], {"mode": "killnowait"}]
    callee.say(YIELD, invocation[1], {}, [1])
    assert not callee.closed


def test_a_callee_that_knows_no_interrupt_is_skipped(router: Router, caller: Client) -> None:
    simple = Client(router, roles={"callee": {}})
    register(simple, "com.slow")
    invocation = invoked(simple, caller, "com.slow")
    caller.say(CANCEL, 1, {"mode": "kill"})
    assert simple.inbox == []
    assert caller.heard()[4] == "wamp.error.canceled"
    simple.say(YIELD, invocation[1], {}, [1])
    assert caller.inbox == []


def test_cancelling_what_is_answered_already_is_no_error(callee: Client, caller: Client) -> None:
    caller.say(CANCEL, 77, {})
    assert (caller.inbox, caller.closed) == ([], False)


def test_a_caller_that_leaves_interrupts_its_callees(callee: Client, caller: Client) -> None:
    register(callee, "com.slow")
    invocation = invoked(callee, caller, "com.slow")
    caller.leave()
    assert callee.heard() == [INTERRUPT, invocation[1], {"mode": "killnowait"}]
    callee.say(YIELD, invocation[1], {}, [1])
    assert not callee.closed


# Patterns


def test_a_pattern_hears_the_actual_procedure(callee: Client, caller: Client) -> None:
    register(callee, "com.shop..price", match="wildcard")
    register(callee, "com.log.", match="prefix")
    exact = register(callee, "com.shop.apple.price")
    assert invoked(callee, caller, "com.shop.pear.price")[3] == {"procedure": "com.shop.pear.price"}
    assert invoked(callee, caller, "com.log.a.b")[3] == {"procedure": "com.log.a.b"}
    assert invoked(callee, caller, "com.shop.apple.price")[2:4] == [exact, {}]


def test_every_matching_subscription_gets_the_event(router: Router, caller: Client) -> None:
    subscriber = Client(router)
    numbers = {
        subscribe(subscriber, "com.a.b"): {},
        subscribe(subscriber, "com.", match="prefix"): {"topic": "com.a.b"},
        subscribe(subscriber, "com..b", match="wildcard"): {"topic": "com.a.b"},
    }
    subscribe(subscriber, "com.a", match="wildcard")  # two components only
    caller.say(PUBLISH, 1, {}, "com.a.b", [1])
    events = {subscriber.heard()[1]: None for _ in numbers}
    assert set(events) == set(numbers)
    caller.say(PUBLISH, 2, {}, "com.a.b", [1])
    assert {message[1]: message[3] for message in subscriber.inbox} == numbers


@pytest.mark.parametrize("code", [REGISTER, SUBSCRIBE])
@pytest.mark.parametrize("match", ["regex", 5, None, ["exact"]])
def test_a_match_that_is_not_there(caller: Client, code: int, match: Any) -> None:
    assert caller.ask(code, {"match": match}, "com.a")[4] == "wamp.error.option_not_allowed"


# Shared registration


@pytest.mark.parametrize(
    ("policy", "order"), [("first", "aaaaaa"), ("last", "cccccc"), ("roundrobin", "abcabc")]
)
def test_several_callees_share_a_procedure(
    router: Router, caller: Client, policy: str, order: str
) -> None:
    callees = {name: Client(router) for name in "abc"}
    for client in callees.values():
        register(client, "com.shared", invoke=policy)
    got = ""
    for number in range(6):
        caller.say(CALL, number + 1, {}, "com.shared")
        got += "".join(name for name, client in callees.items() if client.inbox)
        for client in callees.values():
            client.inbox.clear()
    assert got == order


def test_random_reaches_everyone(router: Router, caller: Client) -> None:
    callees = [Client(router) for _ in range(3)]
    for client in callees:
        register(client, "com.shared", invoke="random")
    for number in range(200):
        caller.say(CALL, number + 1, {}, "com.shared")
    assert all(client.inbox for client in callees)


def test_a_callee_that_leaves_takes_only_its_share(router: Router, caller: Client) -> None:
    one, two = Client(router), Client(router)
    register(one, "com.shared", invoke="roundrobin")
    register(two, "com.shared", invoke="roundrobin")
    one.leave()
    for number in range(3):
        caller.say(CALL, number + 1, {}, "com.shared")
    assert len(two.inbox) == 3
    two.leave()
    assert [message[4] for message in caller.inbox] == ["wamp.error.canceled"] * 3
    caller.inbox.clear()
    caller._requests = 3
    assert caller.ask(CALL, {}, "com.other")[4] == "wamp.error.no_such_procedure"


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("single", "single", "wamp.error.procedure_already_exists"),
        ("single", "roundrobin", "wamp.error.procedure_already_exists"),
        (
            "first",
            "roundrobin",
            "wamp.error.procedure_exists_with_different_invocation_policy",
        ),
    ],
)
def test_policies_that_do_not_go_together(
    router: Router, first: str, second: str, why: str
) -> None:
    register(Client(router), "com.shared", invoke=first)
    assert Client(router).ask(REGISTER, {"invoke": second}, "com.shared")[4] == why


def test_force_reregister_takes_the_procedure_over(router: Router, caller: Client) -> None:
    old, new = Client(router), Client(router)
    number = register(old, "com.mine")
    register(new, "com.mine", force_reregister=True)
    revoked = old.heard()
    assert revoked[:2] == [UNREGISTERED, 0]
    assert revoked[2]["registration"] == number
    invoked(new, caller, "com.mine")
    assert old.ask(UNREGISTER, number)[4] == "wamp.error.no_such_registration"


# Identification


def test_caller_and_publisher_are_told_when_they_disclose_themselves(
    callee: Client, caller: Client
) -> None:
    register(callee, "com.who")
    assert invoked(callee, caller, "com.who")[3] == {}
    details = invoked(callee, caller, "com.who", disclose_me=True)[3]
    assert details == {
        "caller": caller.id,
        "caller_authid": caller.details["authid"],
        "caller_authrole": "anonymous",
    }
    subscribe(callee, "com.news")
    caller.say(PUBLISH, 9, {}, "com.news")
    assert callee.heard()[3] == {}
    caller.say(PUBLISH, 10, {"disclose_me": True}, "com.news")
    assert callee.heard()[3] == {
        "publisher": caller.id,
        "publisher_authid": caller.details["authid"],
        "publisher_authrole": "anonymous",
    }


def test_caller_and_publisher_are_told_to_who_asked(callee: Client, caller: Client) -> None:
    register(callee, "com.who", x_disclose=True)
    assert invoked(callee, caller, "com.who")[3]["caller"] == caller.id
    subscribe(callee, "com.news", x_disclose=True)
    caller.say(PUBLISH, 9, {}, "com.news")
    assert callee.heard()[3]["publisher"] == caller.id


# Audience


@pytest.mark.parametrize("excluded", [True, False])
def test_the_publisher_hears_itself_only_if_it_says_so(caller: Client, excluded: bool) -> None:
    subscribe(caller, "com.news")
    caller.say(PUBLISH, 5, {"exclude_me": excluded}, "com.news")
    assert bool(caller.inbox) is not excluded


@pytest.mark.parametrize(
    ("option", "mark", "listed_hears"),
    [
        ("exclude", "id", False),
        ("exclude_authid", "authid", False),
        ("exclude_authrole", "authrole", False),
        ("eligible", "id", True),
        ("eligible_authid", "authid", True),
    ],
)
def test_black_and_white_lists(
    router: Router, caller: Client, option: str, mark: str, listed_hears: bool
) -> None:
    listed, other = Client(router), Client(router)
    if mark == "authrole":
        other.session.authrole = "guest"
    for client in (listed, other):
        subscribe(client, "com.news")
    caller.say(PUBLISH, 1, {option: [getattr(listed.session, mark)]}, "com.news")
    assert (bool(listed.inbox), bool(other.inbox)) == (listed_hears, not listed_hears)


def test_a_list_that_is_none_is_refused(caller: Client) -> None:
    answer = caller.ask(PUBLISH, {"acknowledge": True, "eligible": 5}, "com.news")
    assert answer[4] == "wamp.error.invalid_argument"


# Retention


def test_the_last_event_is_retained_for_who_asks(router: Router, caller: Client) -> None:
    for number in (1, 2):
        caller.say(PUBLISH, number, {"retain": True}, "com.state.a", [number])
    caller.say(PUBLISH, 3, {"retain": True}, "com.state.b", ["b"])
    caller.say(PUBLISH, 4, {}, "com.state.b", ["not retained"])
    late = Client(router)
    subscribe(late, "com.state.a")
    assert late.inbox == []
    eager = Client(router)
    subscribe(eager, "com.state.a", get_retained=True)
    assert eager.heard()[3:] == [{"retained": True}, [2]]
    subscribe(eager, "com.state.", match="prefix", get_retained=True)
    assert [message[3:] for message in eager.inbox] == [
        [{"topic": "com.state.a", "retained": True}, [2]],
        [{"topic": "com.state.b", "retained": True}, ["b"]],
    ]


def test_an_audience_may_name_what_nobody_is(caller: Client, router: Router) -> None:
    hearer = Client(router)
    subscribe(hearer, "com.news")
    listed = [[], {}, None, 1.5, float(hearer.id), "x", *range(10)]
    caller.say(PUBLISH, 1, {"eligible": listed}, "com.news", ["heard"])
    assert hearer.heard()[4] == ["heard"]
    caller.say(PUBLISH, 2, {"exclude": listed}, "com.news", ["not heard"])
    caller.say(PUBLISH, 3, {}, "com.news", ["everybody"])
    assert hearer.heard()[4] == ["everybody"]


def test_a_retained_event_keeps_its_audience(router: Router, caller: Client) -> None:
    caller.say(PUBLISH, 1, {"retain": True, "eligible_authid": ["somebody"]}, "com.state")
    late = Client(router)
    subscribe(late, "com.state", get_retained=True)
    assert late.inbox == []


def test_retained_events_outlive_their_publisher_and_are_bounded(
    router: Router, caller: Client
) -> None:
    publisher = Client(router)
    for number in range(DEFAULT_LIMITS.retained_events + 5):
        publisher.say(PUBLISH, number + 1, {"retain": True}, f"com.state.n{number}")
    publisher.leave()
    assert len(router.realms["realm1"].broker.retained) == DEFAULT_LIMITS.retained_events
    late = Client(router)
    subscribe(late, "com.state.n0", get_retained=True)
    assert late.inbox == []
    subscribe(late, f"com.state.n{DEFAULT_LIMITS.retained_events}", get_retained=True)
    assert len(late.inbox) == 1


def test_retained_bytes_are_bounded(router: Router, caller: Client) -> None:
    for number in range(5):
        payload = b"x" * (DEFAULT_LIMITS.retained_size // 3)
        caller.say(PUBLISH, number + 1, {"retain": True}, f"com.large.n{number}", [payload])
    assert list(router.realms["realm1"].broker.retained) == ["com.large.n3", "com.large.n4"]
    caller.say(PUBLISH, 9, {"retain": True}, "com.large.n4", [1])
    caller.say(PUBLISH, 10, {"retain": True}, "com.large.n5", [1])
    assert len(router.realms["realm1"].broker.retained) == 3


def test_an_event_of_unknown_size_is_not_retained_and_costs_no_other(router: Router) -> None:
    """MessagePack, by which sizes are measured, has no number that large; CBOR has."""
    publisher = Client(router, codec=CBOR)
    publisher.say(PUBLISH, 1, {"retain": True}, "com.state.a", [1])
    publisher.say(PUBLISH, 2, {"retain": True}, "com.state.b", [1])
    publisher.say(PUBLISH, 3, {"retain": True}, "com.state.b", [2**70])
    assert list(router.realms["realm1"].broker.retained) == ["com.state.a"]


def test_an_empty_realm_goes_with_what_it_retained(router: Router) -> None:
    publisher = Client(router)
    publisher.say(PUBLISH, 1, {"retain": True}, "com.state", [1])
    publisher.leave()
    assert router.realms == {}
