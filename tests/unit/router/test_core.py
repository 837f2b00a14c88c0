"""The router without sockets: messages in, messages out."""

import gc
import itertools
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.protocol.channel import Channel
from wampapp.protocol.codec import CBOR, CODECS, JSON, MSGPACK
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    MAX_ID,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
    check,
)
from wampapp.protocol.serializer import Codec
from wampapp.router.router import Router

if TYPE_CHECKING:
    from wampapp.router.session import RouterSession

ROLES = {"roles": {"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}}}
ABLE = {
    "roles": {
        "caller": {"features": {"progressive_call_results": True, "call_canceling": True}},
        "callee": {
            "features": {
                "progressive_call_results": True,
                "call_canceling": True,
                "registration_revocation": True,
            }
        },
        "publisher": {"features": {}},
        "subscriber": {"features": None},
    }
}
EVERY_TYPE = [1, 2, 3, 4, 5, 6, 8, 16, 17, 32, 33, 34, 35, 36, 48, 49, 50, 64, 65, 66, 67, 68, 69]


class Link:
    """A link that records what is sent."""

    address = "a test"
    channel: Channel | None = None
    request: dict[str, Any] | None = None

    def __init__(self, codec: Codec = MSGPACK, limit: int = 2**24) -> None:
        self.codec = codec
        self.limit = limit
        self.sent: list[list[Any]] = []
        self.ended = ""

    def send(self, message: list[Any]) -> None:
        self.write(self.codec.encode(message))

    def write(self, payload: bytes) -> None:
        if self.ended:
            raise ConnectionLost("The link is closed.")
        if len(payload) > self.limit:
            raise PayloadTooLarge(f"The message has {len(payload)} bytes.")
        self.sent.append(self.codec.decode(payload))

    def take(self, size: int, values: int) -> None:
        """Take anything: a test says what comes."""

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Peer:
    """A client by hand."""

    def __init__(self, router: Router, codec: Codec = MSGPACK, limit: int = 2**24) -> None:
        self.link = Link(codec, limit)
        self.session = router.new_session()
        self.session.opened(self.link)

    def says(self, *message: Any) -> None:
        """Send a message, as a link hands it on, unless the router has ended the link."""
        if self.link.ended:
            return
        try:
            checked = check(list(message))
        except ProtocolViolation as error:
            self.session.violated(error)
        else:
            self.session.received(checked)

    def heard(self) -> list[list[Any]]:
        """Return what came since the last time."""
        sent, self.link.sent = self.link.sent, []
        return sent

    def answer(self, *message: Any) -> list[Any]:
        """Send a message and return the one answer to it."""
        self.says(*message)
        [answer] = self.heard()
        return answer

    def leave(self) -> None:
        """Go, as when the connection breaks."""
        self.link.close()
        self.session.lost("test")


@pytest.fixture
def router() -> Router:
    return Router("test-router")


@pytest.fixture
def join(router: Router) -> Callable[..., Peer]:
    """A function that makes a joined peer, which has heard its WELCOME."""

    def join(realm: str = "realm1", **options: Any) -> Peer:
        peer = Peer(router, **options)
        assert peer.answer(HELLO, realm, ROLES)[0] == WELCOME
        return peer

    return join


Join = Callable[..., Peer]


def offering(peer: Peer, procedure: str) -> int:
    """Register a procedure and return the registration's id."""
    code, request, number = peer.answer(REGISTER, 1, {}, procedure)
    assert (code, request) == (REGISTERED, 1)
    return number


def hearing(peer: Peer, topic: str) -> int:
    """Subscribe to a topic and return the subscription's id."""
    code, request, number = peer.answer(SUBSCRIBE, 1, {}, topic)
    assert (code, request) == (SUBSCRIBED, 1)
    return number


def calling(caller: Peer, callee: Peer, request: int, procedure: str, *payload: Any) -> int:
    """Call a procedure and return the id that the callee got."""
    caller.says(CALL, request, {}, procedure, *payload)
    [invocation] = callee.heard()
    assert invocation[0] == INVOCATION
    return invocation[1]


# Joining and leaving.


def test_hello_is_answered_by_welcome(router: Router) -> None:
    code, number, details = Peer(router).answer(HELLO, "realm1", ROLES)
    assert code == WELCOME
    assert 1 <= number <= MAX_ID
    assert details["realm"] == "realm1"
    assert details["agent"] == "test-router"
    assert set(details["roles"]) == {"broker", "dealer"}
    assert details["authmethod"] == "anonymous"


def test_each_session_has_an_id_of_its_own(join: Join) -> None:
    assert len({join().session.id for _ in range(50)}) == 50


@pytest.mark.parametrize("methods", [["anonymous"], ["ticket", "anonymous"], [], None])
def test_an_anonymous_session_is_taken(router: Router, methods: Any) -> None:
    assert Peer(router).answer(HELLO, "realm1", {**ROLES, "authmethods": methods})[0] == WELCOME


def test_the_name_of_a_session_s_app_is_for_all_to_see(router: Router, join: Join) -> None:
    def described(extra: object) -> object:
        peer = Peer(router)
        number = peer.answer(HELLO, "realm1", {**ROLES, "authextra": extra})[1]
        result = join().answer(CALL, 1, {}, "wamp.session.get", [number])
        return result[3][0].get("authextra")

    assert described({"app": "com.shop", "secret": 1}) == {"app": "com.shop"}
    assert described({"app": "x" * 1000}) == {"app": "x" * 128}
    assert [described(extra) for extra in ({}, {"app": 7}, {"app": ""}, None, [1])] == [None] * 5


def test_the_first_of_a_realm_is_told_which_others_have_sessions(router: Router) -> None:
    def others(realm: str) -> object:
        return Peer(router).answer(HELLO, realm, ROLES)[2].get("x_wampapp_realms")

    assert others("realm1") is None
    assert others("realm1") is None
    assert others("com.first") == ["realm1"]
    assert others("com.first") is None
    assert others("realm3") == ["realm1", "com.first"]
    assert others("realm4") == ["realm1", "com.first", "realm3"]
    assert others("realm5") == ["realm1", "com.first", "realm3"]


@pytest.mark.parametrize(
    ("realm", "details", "reason"),
    [
        ("", ROLES, "wamp.error.invalid_uri"),
        ("a b", ROLES, "wamp.error.invalid_uri"),
        ("a..b", ROLES, "wamp.error.invalid_uri"),
        ("x" * 5000, ROLES, "wamp.error.invalid_uri"),
        ("realm1", {}, "wamp.error.protocol_violation"),
        ("realm1", {"roles": {}}, "wamp.error.protocol_violation"),
        ("realm1", {"roles": ["caller"]}, "wamp.error.protocol_violation"),
        ("realm1", {"roles": None}, "wamp.error.protocol_violation"),
        ("realm1", {**ROLES, "authmethods": ["ticket"]}, "wamp.error.no_matching_auth_method"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_hello_that_cannot_be_served_is_aborted(
    router: Router, realm: str, details: dict[str, Any], reason: str
) -> None:
    peer = Peer(router)
    code, told, why = peer.answer(HELLO, realm, details)
    assert (code, why, peer.link.ended) == (ABORT, reason, "closed")
    assert told["message"].endswith(".")
    assert router.realms == {}


@pytest.mark.parametrize("code", [code for code in EVERY_TYPE if code not in (HELLO, ABORT)])
def test_the_first_message_must_be_hello(router: Router, code: int) -> None:
    peer = Peer(router)
    assert peer.answer(code, 1, {}, "com.x")[::2] == [ABORT, "wamp.error.protocol_violation"]
    assert peer.link.ended == "closed"


def test_an_abort_before_the_join_ends_the_link_in_silence(router: Router) -> None:
    peer = Peer(router)
    peer.says(ABORT, {}, "wamp.error.system_shutdown")
    assert (peer.heard(), peer.link.ended) == ([], "closed")


def test_an_abort_after_the_join_ends_the_session(router: Router, join: Join) -> None:
    peer = join()
    peer.says(ABORT, {}, "wamp.error.system_shutdown")
    assert (peer.heard(), peer.link.ended, router.realms) == ([], "closed", {})


def test_goodbye_is_answered_and_the_link_closed(router: Router, join: Join) -> None:
    peer = join()
    code, _, why = peer.answer(GOODBYE, {}, "wamp.close.normal")
    assert (code, why) == (GOODBYE, "wamp.close.goodbye_and_out")
    assert (peer.link.ended, router.realms) == ("closed", {})


def test_the_answer_to_a_goodbye_is_not_answered(join: Join) -> None:
    peer = join()
    peer.says(GOODBYE, {}, "wamp.close.goodbye_and_out")
    assert (peer.heard(), peer.link.ended) == ([], "closed")


def test_a_router_that_closes_says_goodbye_to_all(router: Router, join: Join) -> None:
    joined, stranger = [join("a"), join("b")], Peer(router)
    closed: list[bool] = []
    router.close(lambda: closed.append(True))
    for peer in joined:
        [[code, _, why]] = peer.heard()
        assert (code, why) == (GOODBYE, "wamp.close.system_shutdown")
    assert stranger.heard()[0][::2] == [ABORT, "wamp.close.system_shutdown"]
    assert {peer.link.ended for peer in [*joined, stranger]} == {"closed"}
    for peer in [*joined, stranger]:
        assert closed == []
        peer.session.lost("closed")
    assert closed == [True]
    assert router.realms == {}


def test_who_comes_while_the_router_closes_is_told_so(router: Router, join: Join) -> None:
    join()
    closed: list[bool] = []
    router.close(lambda: closed.append(True))
    late = Peer(router)
    [abort] = late.heard()
    assert (abort[0], abort[2], late.link.ended) == (ABORT, "wamp.close.system_shutdown", "closed")
    assert closed == []
    late.leave()


def test_a_router_without_connections_is_closed_at_once(router: Router) -> None:
    closed: list[bool] = []
    router.close(lambda: closed.append(True))
    assert closed == [True]


def test_realms_come_and_go_with_their_sessions(router: Router, join: Join) -> None:
    first, second, other = join("realm1"), join("realm1"), join("com.other")
    assert set(router.realms) == {"realm1", "com.other"}
    first.leave()
    other.leave()
    assert set(router.realms) == {"realm1"}
    second.leave()
    assert router.realms == {}


def test_realms_know_nothing_of_each_other(join: Join) -> None:
    here, there = join("here"), join("there")
    offering(here, "com.x.add")
    hearing(here, "com.x.topic")
    assert there.answer(CALL, 1, {}, "com.x.add")[4] == "wamp.error.no_such_procedure"
    there.says(PUBLISH, 2, {}, "com.x.topic")
    assert here.heard() == []
    offering(there, "com.x.add")


def test_losing_a_session_twice_harms_nobody(router: Router, join: Join) -> None:
    peer = join()
    peer.leave()
    peer.leave()
    assert router.realms == {}


# Remote procedure calls.

PAYLOADS: list[list[Any]] = [[], [[]], [[1, "a", None, b"b"]], [[], {"k": [1.5]}], [[1], {"a": 2}]]
EACH_PAYLOAD = pytest.mark.parametrize("payload", PAYLOADS, ids=repr)


@EACH_PAYLOAD
def test_a_call_reaches_its_callee_and_the_answer_its_caller(
    join: Join, payload: list[Any]
) -> None:
    caller, callee = join(), join()
    registration = offering(callee, "com.x.echo")
    caller.says(CALL, 7, {}, "com.x.echo", *payload)
    [[code, request, number, _, *received]] = callee.heard()
    assert (code, number, received) == (INVOCATION, registration, payload)
    callee.says(YIELD, request, {}, *payload)
    [[code, request, _, *received]] = caller.heard()
    assert (code, request, received) == (RESULT, 7, payload)
    assert callee.heard() == []


@EACH_PAYLOAD
def test_a_callee_s_error_reaches_the_caller(join: Join, payload: list[Any]) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.fail")
    request = calling(caller, callee, 7, "com.x.fail")
    callee.says(ERROR, INVOCATION, request, {}, "com.x.error", *payload)
    [[code, kind, number, _, why, *received]] = caller.heard()
    assert (code, kind, number, why, received) == (ERROR, CALL, 7, "com.x.error", payload)


def test_the_ids_of_invocations_count_from_1_for_each_callee(join: Join) -> None:
    caller, callees = join(), [join(), join()]
    for callee in callees:
        offering(callee, f"com.x.p{callees.index(callee)}")
    seen = [
        calling(caller, callees[n % 2], n + 1, f"com.x.p{n % 2}") for n in range(6)
    ]  # in turn to the one and to the other
    assert seen == [1, 1, 2, 2, 3, 3]


def test_the_ids_of_invocations_begin_again_after_the_largest(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.add")
    callee.session._requests = MAX_ID - 1
    assert [calling(caller, callee, n, "com.x.add") for n in (1, 2)] == [MAX_ID, 1]


def test_answers_may_come_in_another_order(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.slow")
    requests = [calling(caller, callee, number, "com.x.slow") for number in (10, 20, 30)]
    for request in reversed(requests):
        callee.says(YIELD, request, {}, [request])
    assert [(message[1], message[3]) for message in caller.heard()] == [
        (30, [requests[2]]),
        (20, [requests[1]]),
        (10, [requests[0]]),
    ]


def test_two_callers_may_use_the_same_request_id(join: Join) -> None:
    callers, callee = [join(), join()], join()
    offering(callee, "com.x.echo")
    requests = [calling(caller, callee, 7, "com.x.echo") for caller in callers]
    for caller, request in zip(callers, requests, strict=True):
        callee.says(YIELD, request, {}, [request])
        assert caller.heard()[0][3] == [request]


def test_a_session_may_call_itself(router: Router, join: Join) -> None:
    peer = join()
    offering(peer, "com.x.self")
    request = calling(peer, peer, 7, "com.x.self")
    assert peer.answer(YIELD, request, {}, [1])[:2] == [RESULT, 7]
    calling(peer, peer, 8, "com.x.self")
    peer.leave()
    assert router.realms == {}


def test_a_request_id_may_be_used_again_once_it_is_answered(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.echo")
    for _ in range(3):
        request = calling(caller, callee, 7, "com.x.echo")
        callee.says(YIELD, request, {})
        assert caller.heard()[0][:2] == [RESULT, 7]


@pytest.mark.parametrize(
    ("procedure", "why"),
    [
        ("com.x.missing", "wamp.error.no_such_procedure"),
        ("", "wamp.error.invalid_uri"),
        ("a b", "wamp.error.invalid_uri"),
        ("x" * 5000, "wamp.error.invalid_uri"),
    ],
    ids=["missing", "empty", "space", "long"],
)
def test_a_call_of_nothing_is_an_error(join: Join, procedure: str, why: str) -> None:
    answer = join().answer(CALL, 7, {}, procedure, [1], {"k": 2})
    assert answer[:3] == [ERROR, CALL, 7]
    assert answer[4] == why


def test_a_procedure_is_registered_once(join: Join) -> None:
    first, second = join(), join()
    offering(first, "com.x.add")
    for peer in (first, second):
        answer = peer.answer(REGISTER, 9, {}, "com.x.add")
        assert answer[:3] == [ERROR, REGISTER, 9]
        assert answer[4] == "wamp.error.procedure_already_exists"


@pytest.mark.parametrize("uri", ["wamp.x", "wamp.session.count", "", "a b", ".x", "x" * 5000])
def test_a_reserved_or_invalid_procedure_is_not_registered(join: Join, uri: str) -> None:
    peer = join()
    answer = peer.answer(REGISTER, 9, {}, uri)
    assert answer[:3] == [ERROR, REGISTER, 9]
    assert answer[4] == "wamp.error.invalid_uri"


def test_what_is_unregistered_can_be_registered_by_another(join: Join) -> None:
    first, second = join(), join()
    number = offering(first, "com.x.add")
    assert first.answer(UNREGISTER, 2, number) == [UNREGISTERED, 2]
    assert second.answer(CALL, 3, {}, "com.x.add")[4] == "wamp.error.no_such_procedure"
    offering(second, "com.x.add")


def test_only_its_owner_unregisters_a_procedure(join: Join) -> None:
    owner, other = join(), join()
    number = offering(owner, "com.x.add")
    for peer, wrong in ((other, number), (owner, number + 1), (owner, 2**53)):
        answer = peer.answer(UNREGISTER, 2, wrong)
        assert answer[:3] == [ERROR, UNREGISTER, 2]
        assert answer[4] == "wamp.error.no_such_registration"
    assert calling(other, owner, 3, "com.x.add") == 1


def test_a_call_under_way_is_answered_after_its_procedure_was_unregistered(join: Join) -> None:
    caller, callee = join(), join()
    number = offering(callee, "com.x.add")
    request = calling(caller, callee, 7, "com.x.add")
    callee.answer(UNREGISTER, 2, number)
    callee.says(YIELD, request, {}, [5])
    assert caller.heard()[0][3] == [5]


# Publish and subscribe.


@EACH_PAYLOAD
def test_an_event_reaches_its_subscribers(join: Join, payload: list[Any]) -> None:
    publisher, subscribers, stranger = join(), [join(), join()], join()
    [number] = {hearing(peer, "com.x.topic") for peer in subscribers}
    hearing(stranger, "com.x.other")
    publisher.says(PUBLISH, 7, {}, "com.x.topic", *payload)
    seen = []
    for peer in subscribers:
        [[code, subscription, publication, _, *received]] = peer.heard()
        assert (code, subscription, received) == (EVENT, number, payload)
        assert 1 <= publication <= MAX_ID
        seen.append(publication)
    assert seen[0] == seen[1]
    assert publisher.heard() == stranger.heard() == []


def test_an_acknowledged_event_has_the_publication_s_id(join: Join) -> None:
    publisher, subscriber = join(), join()
    hearing(subscriber, "com.x.topic")
    code, request, publication = publisher.answer(PUBLISH, 7, {"acknowledge": True}, "com.x.topic")
    assert (code, request) == (PUBLISHED, 7)
    assert subscriber.heard()[0][2] == publication


def test_an_event_that_nobody_hears_is_acknowledged_too(join: Join) -> None:
    assert join().answer(PUBLISH, 7, {"acknowledge": True}, "com.x.topic")[:2] == [PUBLISHED, 7]


@pytest.mark.parametrize(
    ("options", "heard"),
    [({}, 0), ({"exclude_me": True}, 0), ({"exclude_me": False}, 1)],
)
def test_a_publisher_hears_its_own_event_only_on_request(
    join: Join, options: dict[str, Any], heard: int
) -> None:
    peer, other = join(), join()
    hearing(peer, "com.x.topic")
    hearing(other, "com.x.topic")
    peer.says(PUBLISH, 7, options, "com.x.topic")
    assert (len(peer.heard()), len(other.heard())) == (heard, 1)


@pytest.mark.parametrize("uri", ["wamp.session.on_join", "", "a b", "a..b", "x" * 5000])
def test_a_reserved_or_invalid_topic_is_not_published_to(join: Join, uri: str) -> None:
    peer, other = join(), join()
    answer = peer.answer(PUBLISH, 7, {"acknowledge": True}, uri)
    assert answer[:3] == [ERROR, PUBLISH, 7]
    assert answer[4] == "wamp.error.invalid_uri"
    peer.says(PUBLISH, 8, {}, uri)
    assert peer.heard() == other.heard() == []


@pytest.mark.parametrize("uri", ["", "a b", "a..b", ".x", "x" * 5000])
def test_an_invalid_topic_is_not_subscribed_to(join: Join, uri: str) -> None:
    answer = join().answer(SUBSCRIBE, 7, {}, uri)
    assert answer[:3] == [ERROR, SUBSCRIBE, 7]
    assert answer[4] == "wamp.error.invalid_uri"


@pytest.mark.parametrize("code", [SUBSCRIBE, REGISTER])
@pytest.mark.parametrize("match", ["nonsense", "", 7, None, ["exact"], {}, 10**30], ids=repr)
def test_a_match_that_is_none_is_refused(join: Join, code: int, match: Any) -> None:
    answer = join(codec=CBOR).answer(code, 7, {"match": match}, "com.x.y")
    assert answer[:3] == [ERROR, code, 7]
    assert answer[4] == "wamp.error.option_not_allowed"


@pytest.mark.parametrize("code", [SUBSCRIBE, REGISTER])
def test_exact_is_the_default_match(join: Join, code: int) -> None:
    assert join().answer(code, 7, {"match": "exact"}, "com.x.y")[0] == code + 1


def test_subscribing_twice_gives_the_same_subscription_and_one_event(join: Join) -> None:
    peer, other = join(), join()
    assert hearing(peer, "com.x.topic") == hearing(peer, "com.x.topic")
    other.says(PUBLISH, 7, {}, "com.x.topic")
    assert len(peer.heard()) == 1


def test_what_is_unsubscribed_is_heard_no_more(join: Join) -> None:
    peer, other, publisher = join(), join(), join()
    number = hearing(peer, "com.x.topic")
    hearing(other, "com.x.topic")
    assert peer.answer(UNSUBSCRIBE, 2, number) == [UNSUBSCRIBED, 2]
    publisher.says(PUBLISH, 7, {}, "com.x.topic")
    assert (peer.heard(), len(other.heard())) == ([], 1)


def test_only_a_subscriber_unsubscribes(join: Join) -> None:
    owner, other = join(), join()
    number = hearing(owner, "com.x.topic")
    for peer, wrong in ((other, number), (owner, number + 1), (owner, 0)):
        answer = peer.answer(UNSUBSCRIBE, 2, wrong)
        assert answer[:3] == [ERROR, UNSUBSCRIBE, 2]
        assert answer[4] == "wamp.error.no_such_subscription"
    other.says(PUBLISH, 7, {}, "com.x.topic")
    assert len(owner.heard()) == 1


class Counting(type(MSGPACK)):
    """A serializer that counts what it encodes."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, message: list[Any]) -> bytes:
        self.encoded += 1
        return MSGPACK.encode(message)


def test_an_event_is_encoded_once_for_each_serializer(join: Join) -> None:
    counting = [Counting(), Counting()]
    subscribers = [join(codec=codec) for codec in counting for _ in range(10)]
    subscribers.append(join(codec=JSON))
    for peer in subscribers:
        hearing(peer, "com.x.topic")
    before = [codec.encoded for codec in counting]
    join().says(PUBLISH, 7, {}, "com.x.topic", [b"bytes"])
    assert [codec.encoded for codec in counting] == [number + 1 for number in before]
    assert [len(peer.heard()) for peer in subscribers] == [1] * 21


@pytest.mark.parametrize(
    ("sender", "receiver"),
    list(itertools.permutations(CODECS, 2)),
    ids=lambda codec: codec.SERIALIZER_ID,
)
def test_serializers_are_translated(join: Join, sender: Codec, receiver: Codec) -> None:
    caller, callee = join(codec=sender), join(codec=receiver)
    offering(callee, "com.x.echo")
    payload = [[1, "ä", b"\x00\xff", None, True, 1.5, {"k": [b"b"]}], {"n": b"x"}]
    caller.says(CALL, 7, {}, "com.x.echo", *payload)
    [invocation] = callee.heard()
    assert invocation[4:] == payload
    callee.says(YIELD, invocation[1], {}, *payload)
    assert caller.heard()[0][3:] == payload


# Sessions that go.


def test_the_callers_of_a_lost_callee_get_an_error(join: Join) -> None:
    callers, callee = [join(), join()], join()
    offering(callee, "com.x.slow")
    for caller in callers:
        calling(caller, callee, 7, "com.x.slow")
        calling(caller, callee, 8, "com.x.slow")
    callee.leave()
    for caller in callers:
        answers = caller.heard()
        assert [answer[:3] for answer in answers] == [[ERROR, CALL, 7], [ERROR, CALL, 8]]
        assert {answer[4] for answer in answers} == {"wamp.error.canceled"}
        assert caller.answer(CALL, 9, {}, "com.x.slow")[4] == "wamp.error.no_such_procedure"


@pytest.mark.parametrize(
    "end",
    [
        lambda peer: peer.leave(),
        lambda peer: peer.says(GOODBYE, {}, "wamp.close.normal"),
        lambda peer: peer.says(ABORT, {}, "com.x.reason"),
        lambda peer: peer.says(WELCOME, 1, {}),
        lambda peer: peer.session.violated(ProtocolViolation("nonsense")),
        lambda peer: peer.session.shut_down(),
    ],
    ids=["lost", "goodbye", "abort", "violation", "no message", "shut down"],
)
def test_whatever_ends_a_session_frees_what_it_held(
    router: Router, join: Join, end: Callable[[Peer], None]
) -> None:
    peer, other = join(), join()
    offering(peer, "com.x.add")
    hearing(peer, "com.x.topic")
    offering(other, "com.x.other")
    calling(peer, other, 7, "com.x.other")
    calling(other, peer, 8, "com.x.add")
    end(peer)
    [answer] = other.heard()
    assert (answer[:3], answer[4]) == ([ERROR, CALL, 8], "wamp.error.canceled")
    offering(other, "com.x.add")
    other.says(PUBLISH, 9, {}, "com.x.topic")
    other.says(YIELD, 1, {}, ["too late"])
    peer.session.lost("test")
    assert other.heard() == []
    other.leave()
    assert router.realms == {}


def test_the_answer_for_a_lost_caller_is_dropped_and_the_callee_goes_on(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.slow")
    requests = [calling(caller, callee, number, "com.x.slow") for number in (7, 8)]
    caller.leave()
    callee.says(YIELD, requests[0], {}, [1])
    callee.says(ERROR, INVOCATION, requests[1], {}, "com.x.error")
    assert (callee.heard(), callee.link.ended) == ([], "")


def test_a_session_that_subscribed_much_leaves_nothing_behind(router: Router, join: Join) -> None:
    keeper, peer = join(), join()
    for number in range(100):
        hearing(peer, f"com.x.t{number}")
        offering(peer, f"com.x.p{number}")
    session = weakref.ref(peer.session)
    peer.leave()
    del peer
    gc.collect()
    assert session() is None
    assert set(router.realms) == {"realm1"}
    keeper.leave()


def test_a_message_for_a_link_that_just_broke_is_no_failure(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.add")
    hearing(callee, "com.x.topic")
    callee.link.ended = "broken"  # the session does not know yet
    caller.says(PUBLISH, 6, {}, "com.x.topic")
    caller.says(CALL, 7, {}, "com.x.add")
    assert caller.heard() == []
    callee.session.lost("broken")
    [answer] = caller.heard()
    assert (answer[:3], answer[4]) == ([ERROR, CALL, 7], "wamp.error.canceled")


LEAVING: list[Callable[[Peer], None]] = [
    lambda peer: peer.leave(),
    lambda peer: peer.says(GOODBYE, {}, "wamp.close.normal"),
    lambda peer: peer.says(WELCOME, 1, {}),
]


@pytest.mark.parametrize("leave", LEAVING, ids=["lost", "goodbye", "violation"])
def test_a_call_of_a_callee_that_has_just_left_goes_to_the_next_or_to_none(
    join: Join, leave: Callable[[Peer], None]
) -> None:
    caller, first, second = join(), join(), join()
    for callee in (first, second):
        assert callee.answer(REGISTER, 1, {"invoke": "first"}, "com.x.shared")[0] == REGISTERED
    offering(first, "com.x.single")
    leave(first)
    first.heard()
    assert calling(caller, second, 7, "com.x.shared") == 1
    assert caller.answer(CALL, 8, {}, "com.x.single")[4] == "wamp.error.no_such_procedure"
    assert first.heard() == []
    assert first.session.invocations == {}


@pytest.mark.parametrize("leave", LEAVING, ids=["lost", "goodbye", "violation"])
def test_a_callee_that_has_left_answers_no_more(join: Join, leave: Callable[[Peer], None]) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.slow")
    request = calling(caller, callee, 7, "com.x.slow")
    leave(callee)
    assert caller.heard()[0][4] == "wamp.error.canceled"
    # What was on its way when the session ended: the link would not even hand it on.
    callee.session.received([YIELD, request, {}, ["too late"]])
    assert caller.heard() == []


# Violations.

NEVER_FROM_A_CLIENT: list[list[Any]] = [
    [WELCOME, 1, {}],
    [4, "wampcra", {}],
    [PUBLISHED, 1, 2],
    [SUBSCRIBED, 1, 2],
    [UNSUBSCRIBED, 1],
    [EVENT, 1, 2, {}],
    [RESULT, 1, {}],
    [REGISTERED, 1, 2],
    [UNREGISTERED, 1],
    [INVOCATION, 1, 2, {}],
    [69, 1, {}],
]
OUT_OF_PLACE: list[list[Any]] = [
    [HELLO, "realm1", ROLES],
    [HELLO, "realm2", ROLES],
    [5, "signature", {}],
    [YIELD, 1, {}],
    [YIELD, 999, {}, [1]],
    [ERROR, INVOCATION, 999, {}, "com.x.error"],
    [ERROR, CALL, 1, {}, "com.x.error"],
    [ERROR, 0, 1, {}, "com.x.error"],
]


@pytest.mark.parametrize("message", NEVER_FROM_A_CLIENT + OUT_OF_PLACE, ids=repr)
def test_a_violation_is_aborted_and_others_notice_nothing(
    router: Router, join: Join, message: list[Any]
) -> None:
    offender, bystander = join(), join()
    hearing(bystander, "com.x.topic")
    code, details, why = offender.answer(*message)
    assert (code, why) == (ABORT, "wamp.error.protocol_violation")
    assert details["message"].endswith(".")
    assert offender.link.ended == "closed"
    offender.session.lost("closed")
    assert bystander.heard() == []
    assert bystander.link.ended == ""
    assert len(router.realms["realm1"].sessions) == 1


def test_bytes_that_are_no_message_are_a_violation_too(join: Join) -> None:
    peer = join()
    peer.session.violated(ProtocolViolation("A frame is not valid msgpack."))
    assert peer.heard() == [
        [ABORT, {"message": "A frame is not valid msgpack."}, "wamp.error.protocol_violation"]
    ]
    assert peer.link.ended == "closed"


def test_a_request_id_of_a_call_under_way_is_not_used_again(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.slow")
    calling(caller, callee, 7, "com.x.slow")
    answer = caller.answer(CALL, 7, {}, "com.x.slow")
    assert answer[::2] == [ABORT, "wamp.error.protocol_violation"]
    assert callee.link.ended == ""


def test_an_invocation_is_answered_once(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.add")
    request = calling(caller, callee, 7, "com.x.add")
    callee.says(YIELD, request, {}, [1])
    assert callee.answer(YIELD, request, {}, [2])[0] == ABORT
    assert [message[:2] for message in caller.heard()] == [[RESULT, 7]]


def test_nobody_answers_another_s_invocation(join: Join) -> None:
    caller, callee, intruder = join(), join(), join()
    offering(callee, "com.x.add")
    request = calling(caller, callee, 7, "com.x.add")
    assert intruder.answer(YIELD, request, {}, ["forged"])[0] == ABORT
    assert caller.heard() == []
    callee.says(YIELD, request, {}, ["true"])
    assert caller.heard()[0][3] == ["true"]


def test_the_caller_of_a_callee_that_answers_with_an_invalid_uri_is_answered(join: Join) -> None:
    caller, callee = join(), join()
    offering(callee, "com.x.add")
    request = calling(caller, callee, 7, "com.x.add")
    callee.says(ERROR, INVOCATION, request, {}, "no uri")
    [answer] = caller.heard()
    assert answer[:3] == [ERROR, CALL, 7]


# What a link does not carry.


def test_a_value_that_the_callee_s_serializer_lacks_is_the_caller_s_error(join: Join) -> None:
    caller, callee = join(codec=CBOR), join()
    offering(callee, "com.x.add")
    answer = caller.answer(CALL, 7, {}, "com.x.add", [2**70])
    assert answer[:3] == [ERROR, CALL, 7]
    assert answer[4] == "wampapp.error.payload_not_encodable"
    assert calling(caller, callee, 7, "com.x.add", [1]) > 0


def test_a_value_that_the_caller_s_serializer_lacks_is_an_error_too(join: Join) -> None:
    caller, callee = join(), join(codec=CBOR)
    offering(callee, "com.x.add")
    for number, answer in enumerate(
        [[YIELD, {}, [2**70]], [ERROR, {}, "com.x.error", [2**70]]], start=7
    ):
        request = calling(caller, callee, number, "com.x.add")
        head = [YIELD] if answer[0] == YIELD else [ERROR, INVOCATION]
        callee.says(*head, request, *answer[1:])
        [error] = caller.heard()
        assert error[:3] == [ERROR, CALL, number]
        assert error[4] == "wampapp.error.payload_not_encodable"
    assert callee.link.ended == ""


def test_a_value_that_some_subscribers_serializers_lack_reaches_the_others(join: Join) -> None:
    subscribers = [join(), join(codec=CBOR), join()]
    for peer in subscribers:
        hearing(peer, "com.x.topic")
    publisher = join(codec=CBOR)
    answer = publisher.answer(PUBLISH, 7, {"acknowledge": True}, "com.x.topic", [2**70])
    assert answer[0] == PUBLISHED
    assert [len(peer.heard()) for peer in subscribers] == [0, 1, 0]


LARGE = "x" * 2000


def test_a_call_too_large_for_the_callee_is_the_caller_s_error(join: Join) -> None:
    caller, callee = join(), join(limit=1000)
    offering(callee, "com.x.add")
    answer = caller.answer(CALL, 7, {}, "com.x.add", [LARGE])
    assert (answer[:3], answer[4]) == ([ERROR, CALL, 7], "wamp.error.payload_size_exceeded")
    assert calling(caller, callee, 7, "com.x.add", ["small"]) > 0


def test_an_answer_too_large_for_the_caller_is_an_error(join: Join) -> None:
    caller, callee = join(limit=1000), join()
    offering(callee, "com.x.add")
    request = calling(caller, callee, 7, "com.x.add")
    callee.says(YIELD, request, {}, [LARGE])
    [answer] = caller.heard()
    assert (answer[:3], answer[4]) == ([ERROR, CALL, 7], "wamp.error.payload_size_exceeded")
    assert callee.link.ended == ""


def test_an_event_too_large_for_one_subscriber_reaches_the_others(join: Join) -> None:
    subscribers = [join(), join(limit=1000), join()]
    for peer in subscribers:
        hearing(peer, "com.x.topic")
    join().says(PUBLISH, 7, {}, "com.x.topic", [LARGE])
    assert [len(peer.heard()) for peer in subscribers] == [1, 0, 1]
    assert {peer.link.ended for peer in subscribers} == {""}


LONG_URI = "com." + "x" * 3000


def test_a_lost_callee_is_forgotten_though_its_caller_takes_no_long_message(
    router: Router, join: Join
) -> None:
    callers, callee = [join(limit=512), join()], join()
    assert callee.answer(REGISTER, 1, {}, LONG_URI)[0] == REGISTERED
    hearing(callee, "com.x.topic")
    for caller in callers:
        calling(caller, callee, 7, LONG_URI)
    callee.leave()
    for caller in callers:
        [answer] = caller.heard()
        assert (answer[:3], answer[4]) == ([ERROR, CALL, 7], "wamp.error.canceled")
        caller.leave()
    assert router.realms == {}


@pytest.mark.parametrize(
    "message",
    [
        [REGISTER, 7, {}, "wamp." + LONG_URI],
        [REGISTER, 7, {"match": LARGE}, "com.x"],
        [REGISTER, 7, {"invoke": LARGE}, "com.x"],
        [SUBSCRIBE, 7, {}, "a b" + LONG_URI],
        [SUBSCRIBE, 7, {"match": LARGE}, "com.x"],
        [CALL, 7, {}, LONG_URI],
        [CALL, 7, {}, "a b" + LONG_URI],
        [PUBLISH, 7, {"acknowledge": True}, "wamp." + LONG_URI],
    ],
    ids=lambda message: repr(message)[:40],
)
def test_an_error_fits_even_a_link_that_takes_short_messages_only(
    join: Join, message: list[Any]
) -> None:
    peer = join(limit=512)
    answer = peer.answer(*message)
    assert answer[:3] == [ERROR, message[0], 7]


@pytest.mark.parametrize("realm", ["a b" * 1000, "x" * 3000], ids=["invalid", "long"])
def test_a_hello_with_a_long_realm_on_a_link_for_short_messages_is_no_failure(
    router: Router, realm: str
) -> None:
    peer = Peer(router, limit=512)
    peer.says(HELLO, realm, ROLES)
    peer.leave()
    assert router.realms == {}


@pytest.mark.parametrize(
    "message",
    [
        [REGISTER, 10**5000, {}, "a b"],
        [SUBSCRIBE, 7, {"match": 10**5000}, "com.x"],
        [REGISTER, 7, {"invoke": 10**5000}, "com.x"],
        [UNREGISTER, 7, 10**5000],
        [UNSUBSCRIBE, 7, 10**5000],
        [YIELD, 10**5000, {}],
        [ERROR, INVOCATION, 10**5000, {}, "com.x"],
        [CALL, 10**5000, {}, "com.x.missing"],
    ],
    ids=["register", "match", "invoke", "unregister", "unsubscribe", "yield", "error", "call"],
)
def test_a_number_of_many_digits_is_no_failure(join: Join, message: list[Any]) -> None:
    """Python refuses to write such a number out; CBOR can carry one."""
    peer = join(codec=CBOR)
    try:
        peer.says(*CBOR.decode(cbor2.dumps(message)))
    except ProtocolViolation as error:
        peer.session.violated(error)  # as a link does where a frame is no message
    assert len(peer.heard()) == 1


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """End what would take for ever."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_call_that_resembles_a_pattern_of_many_wildcards_takes_no_time(join: Join) -> None:
    """Each empty component could double the work; sixty of them would take for ever."""
    caller, callee = join(), join()
    pattern = "com" + "." * 61 + "end"
    answer = callee.answer(REGISTER, 1, {"match": "wildcard"}, pattern)
    assert answer[0] == REGISTERED
    with within(10):
        answer = caller.answer(CALL, 7, {}, pattern + "ing")
    assert (answer[:3], answer[4]) == ([ERROR, CALL, 7], "wamp.error.invalid_uri")


# Anything in any order.

URIS = st.sampled_from(["com.x.a", "com.x.b", "com.x.c", "com..a", "com.", "wamp.x", "a b", ""])
IDS = st.integers(1, 6) | st.sampled_from([0, -1, 2**53, 2**60])
OPTIONS: list[dict[str, Any]] = [
    {},
    {"acknowledge": True},
    {"exclude_me": False},
    {"match": "exact"},
    {"match": "prefix"},
    {"match": "wildcard", "get_retained": True},
    {"match": "no"},
    {"invoke": "roundrobin"},
    {"invoke": "random"},
    {"invoke": "last", "x_disclose": True},
    {"invoke": []},
    {"force_reregister": True},
    {"disclose_me": True, "receive_progress": True},
    {"progress": True},
    {"mode": "kill"},
    {"mode": "skip"},
    {"mode": 7},
    {"exclude": [1], "eligible_authrole": ["anonymous"]},
    {"eligible": [[]], "exclude_authid": "no list", "acknowledge": True},
]
DETAILS = st.sampled_from(OPTIONS)
ARGS = st.sampled_from([[], [[]], [[1, "a"]], [[b"b"], {"k": None}], [[2**63]]])
REALMS = st.sampled_from(["realm1", "realm2", "a b"])


def shaped(*parts: Any) -> st.SearchStrategy[list[Any]]:
    """Messages whose parts are given, or drawn from strategies."""
    fixed = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*fixed).map(list)


def loaded(*parts: Any) -> st.SearchStrategy[list[Any]]:
    return st.builds(lambda head, payload: [*head, *payload], shaped(*parts), ARGS)


USUAL = st.one_of(
    shaped(REGISTER, IDS, DETAILS, URIS),
    shaped(SUBSCRIBE, IDS, DETAILS, URIS),
    loaded(CALL, IDS, DETAILS, URIS),
    loaded(PUBLISH, IDS, DETAILS, URIS),
    shaped(UNREGISTER, IDS, IDS),
    shaped(UNSUBSCRIBE, IDS, IDS),
    shaped(CANCEL, IDS, DETAILS),
)
ANSWERS = st.one_of(
    loaded(YIELD, IDS, DETAILS),
    loaded(ERROR, st.sampled_from([INVOCATION, CALL]), IDS, DETAILS, URIS),
)
RARE = st.one_of(
    shaped(GOODBYE, DETAILS, st.sampled_from(["wamp.close.normal", "wamp.close.goodbye_and_out"])),
    shaped(ABORT, DETAILS, URIS),
    shaped(HELLO, REALMS, st.sampled_from([ROLES, {}, {"roles": {}}])),
    st.sampled_from(NEVER_FROM_A_CLIENT),
)
STEPS = st.tuples(
    st.integers(0, 3),  # who
    st.one_of(
        USUAL,
        USUAL,
        USUAL,
        ANSWERS,
        RARE,
        # Answer the oldest invocation that came, and go without a word.
        st.sampled_from(["yield", "yield", "fail", "fail with no uri", "lose", "again"]),
    ),
)


class Town:
    """Four peers at a router, who come back after they went."""

    def __init__(self) -> None:
        self.router = Router()
        self.sessions: list[weakref.ref[RouterSession]] = []
        self.codecs = itertools.cycle(CODECS)
        self.peers = [self.arrive() for _ in range(4)]
        self.invocations: dict[int, list[int]] = {}

    def arrive(self, realm: str = "realm1") -> Peer:
        peer = Peer(self.router, next(self.codecs))
        self.sessions.append(weakref.ref(peer.session))
        peer.says(HELLO, realm, ROLES if len(self.sessions) % 2 else ABLE)
        return peer

    def step(self, who: int, what: list[Any] | str) -> None:
        peer = self.peers[who]
        if peer.link.ended or what in ("lose", "again"):
            peer.leave()
            self.peers[who] = self.arrive()
        elif isinstance(what, list):
            peer.says(*what)
        else:
            self.reply(peer, what)

    def reply(self, peer: Peer, how: str) -> None:
        done = {message[1] for message in getattr(peer, "done", [])}
        waiting = [m for m in peer.link.sent if m[0] == INVOCATION and m[1] not in done]
        if waiting:
            peer.done = [*getattr(peer, "done", []), waiting[0]]
            if how == "yield":
                peer.says(YIELD, waiting[0][1], {}, [1])
            else:
                uri = "com.x.error" if how == "fail" else "no uri"
                peer.says(ERROR, INVOCATION, waiting[0][1], {}, uri)


def answered(peer: Peer) -> list[int]:
    """Return the ids of the calls that a peer got an answer to."""
    return [
        message[1] if message[0] == RESULT else message[2]
        for message in peer.link.sent
        if message[0] == RESULT or message[:2] == [ERROR, CALL]
    ]


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_no_message_is_a_failure_and_nothing_is_left_behind(
    steps: list[tuple[int, list[Any] | str]],
) -> None:
    town = Town()
    for who, what in steps:
        town.step(who, what)
    while town.peers:
        town.peers.pop().leave()
    assert town.router.realms == {}
    if any(session() for session in town.sessions):
        gc.collect()
    assert not any(session() for session in town.sessions)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40), st.integers(1, 5))
def test_every_call_is_answered_once_when_its_callee_has_gone(
    steps: list[tuple[int, list[Any] | str]], count: int
) -> None:
    town = Town()
    caller = town.arrive()
    requests = itertools.count(1000)
    asked: list[int] = []
    for index, (who, what) in enumerate(steps):
        town.step(who, what)
        if index % count == 0:
            asked.append(next(requests))
            caller.says(CALL, asked[-1], {}, f"com.x.{'abc'[index % 3]}", [index])
    for peer in town.peers:
        peer.leave()
    assert caller.link.ended == ""
    assert sorted(answered(caller)) == asked
