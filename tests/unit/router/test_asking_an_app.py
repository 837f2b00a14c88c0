"""A router that asks an app who joins, and who may do what, on its sans-I/O core."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.credentials import SECRET, SEED, TICKET, WRONG, public_key
from tests.support.links import ROLES, Client, Refused, register, subscribe
from wampapp.config.access import Permission, Principal, RealmConfig, Role, RouterConfig
from wampapp.errors import (
    AUTHENTICATION_FAILED,
    NO_SUCH_PROCEDURE,
    NOT_AUTHORIZED,
    UNAVAILABLE,
    UsageError,
)
from wampapp.protocol.credentials import Credential, Cryptosign, Ticket, Wampcra
from wampapp.protocol.hashes import TicketHash, WampcraKey
from wampapp.protocol.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    WELCOME,
    YIELD,
)
from wampapp.router.router import Router

KEPT: dict[str, dict[str, Any]] = {
    "alice": {"role": "member", "ticket": TicketHash.of(TICKET).text},
    "bob": {"role": "member", "wampcra": WampcraKey.of(SECRET).text},
    "carol": {"role": "member", "cryptosign": [public_key(SEED)]},
}
RIGHT: dict[str, Credential] = {
    "alice": Ticket("alice", TICKET),
    "bob": Wampcra("bob", SECRET),
    "carol": Cryptosign("carol", SEED),
}


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None], Clock.Timer]] = []

    class Timer:
        """A call that can be called off."""

        cancelled = False

        def cancel(self) -> None:
            self.cancelled = True

    def call_later(self, seconds: float, call: Callable[[], None]) -> "Clock.Timer":
        timer = Clock.Timer()
        self.timers.append((self.now + seconds, call, timer))
        return timer

    def __call__(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [entry for entry in self.timers if entry[0] <= self.now]
        self.timers = [entry for entry in self.timers if entry[0] > self.now]
        for _, call, timer in due:
            if not timer.cancelled:
                call()


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Answering(Client):
    """An app that has what the router asks: it answers at once, if it is told how."""

    def __init__(self, router: Router, procedure: str, answer: Callable[..., Any] | None) -> None:
        self.answer = answer
        self.asked: list[list[Any]] = []
        self.invocations: list[int] = []
        super().__init__(router, is_local=True)
        register(self, procedure)

    def write(self, payload: bytes) -> None:
        message = self.codec.decode(payload)
        if message[0] != INVOCATION:
            super().write(payload)
            return
        self.invocations.append(message[1])
        self.asked.append(message[4])
        if self.answer is not None:
            self.says(self.answer(*message[4]))

    def says(self, result: Any) -> None:
        """Answer the first question that is open."""
        self.say(YIELD, self.invocations.pop(0), {}, [result])

    def fails(self) -> None:
        self.say(ERROR, INVOCATION, self.invocations.pop(0), {}, "com.example.oops", ["no"])


MEMBER = Role("member", [Permission("com.", match="prefix", allow=["call"])])


def asking_router(clock: Clock, **more: Any) -> Router:
    realm = RealmConfig("realm1", [MEMBER], authenticator="com.who", **more)
    config = RouterConfig([realm])
    return Router("test", clock, config, call_later=clock.call_later)


def refused(router: Router, credential: Credential) -> str:
    with pytest.raises(Refused) as caught:
        Client(router, credential=credential)
    return caught.value.reason


# Who joins.


@pytest.mark.parametrize("name", KEPT)
def test_the_authenticator_says_who_somebody_is(clock: Clock, name: str) -> None:
    router = asking_router(clock)
    app = Answering(router, "com.who", lambda _realm, authid, _details: KEPT.get(authid))
    client = Client(router, credential=RIGHT[name])
    assert (client.details["authid"], client.details["authrole"]) == (name, "member")
    assert app.asked == [["realm1", name, {"authmethods": [RIGHT[name].method]}]]


def test_who_is_unknown_is_refused_as_who_is_wrong(clock: Clock) -> None:
    router = asking_router(clock)
    Answering(router, "com.who", lambda _realm, authid, _details: KEPT.get(authid))
    assert refused(router, Ticket("alice", WRONG)) == AUTHENTICATION_FAILED
    assert refused(router, Ticket("mallory", WRONG)) == AUTHENTICATION_FAILED
    # Somebody known, by what somebody else has.
    assert refused(router, Wampcra("alice", TICKET)) == AUTHENTICATION_FAILED
    assert refused(router, Cryptosign("alice", SEED)) == AUTHENTICATION_FAILED


def test_the_answer_holds_for_a_while(clock: Clock) -> None:
    router = asking_router(clock, ask_cache=60)
    app = Answering(router, "com.who", lambda _realm, authid, _details: KEPT.get(authid))
    for _ in range(3):
        Client(router, credential=RIGHT["alice"])
        refused(router, Ticket("mallory", WRONG))
    assert len(app.asked) == 2
    clock.pass_time(61)
    Client(router, credential=RIGHT["alice"])
    assert len(app.asked) == 3


def test_without_a_cache_it_is_asked_each_time(clock: Clock) -> None:
    router = asking_router(clock, ask_cache=0)
    app = Answering(router, "com.who", lambda _realm, authid, _details: KEPT.get(authid))
    for _ in range(3):
        Client(router, credential=RIGHT["alice"])
    assert len(app.asked) == 3


@pytest.mark.parametrize(
    "result",
    [
        7,
        {},
        {"role": "admin", "cryptosign": ["00" * 32]},
        {"role": "member", "ticket": TICKET},
        {"role": "member", "ticket": 7},
        {"role": "member", "cryptosign": 7},
        {"role": "member", "pin": "1"},
    ],
    ids=repr,
)
def test_what_is_of_no_use_is_nobody(
    clock: Clock, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = asking_router(clock)
    Answering(router, "com.who", lambda *_args: result)
    assert refused(router, RIGHT["alice"]) == AUTHENTICATION_FAILED
    assert "com.who returned what is of no use" in caplog.text
    assert TICKET not in caplog.text


def test_nobody_joins_while_nobody_answers(clock: Clock) -> None:
    router = asking_router(clock)
    assert refused(router, RIGHT["alice"]) == UNAVAILABLE
    Client(router, is_local=True)  # the realm is there, and the procedure is not
    assert refused(router, RIGHT["alice"]) == UNAVAILABLE


def test_an_error_is_not_kept_as_an_answer(clock: Clock) -> None:
    router = asking_router(clock, ask_cache=60)
    app = Answering(router, "com.who", None)
    client = hello_from(router, "alice")
    app.fails()
    assert client.heard()[2] == UNAVAILABLE
    app.answer = lambda *_args: KEPT["alice"]
    assert Client(router, credential=RIGHT["alice"]).details["authid"] == "alice"


def hello_from(router: Router, name: str) -> Client:
    """A client that has said HELLO, and was not answered yet."""

    class Waiting(Client):
        def _join(self, *_nothing: Any) -> list[Any]:
            return [WELCOME, 0, {}]

    client = Waiting(router)
    details = {"roles": ROLES, "authmethods": [RIGHT[name].method], "authid": name}
    client.say(HELLO, "realm1", details)
    assert client.inbox == []
    return client


def test_the_time_for_an_answer_is_limited(clock: Clock) -> None:
    router = asking_router(clock, ask_timeout=5)
    app = Answering(router, "com.who", None)
    client = hello_from(router, "alice")
    clock.pass_time(4)
    assert client.inbox == []
    clock.pass_time(2)
    assert client.heard()[2] == UNAVAILABLE
    assert app.heard()[0] == INTERRUPT
    app.says(KEPT["alice"])  # too late, and nobody minds
    # It was not an answer, so it is asked again.
    app.answer = lambda *_args: KEPT["alice"]
    assert Client(router, credential=RIGHT["alice"]).details["authid"] == "alice"


def test_who_leaves_or_says_more_before_the_answer_does_not_join(clock: Clock) -> None:
    router = asking_router(clock, ask_cache=0)
    app = Answering(router, "com.who", None)
    gone, rude = hello_from(router, "alice"), hello_from(router, "alice")
    gone.leave()
    rude.say(HELLO, "realm1", {"roles": ROLES})
    assert rude.heard()[2] == "wamp.error.protocol_violation"
    app.says(KEPT["alice"])
    app.says(KEPT["alice"])
    assert gone.inbox == rude.inbox == []
    assert list(router.realms["realm1"].sessions.values()) == [app.session]


def test_who_is_in_the_file_is_not_asked_about(clock: Clock) -> None:
    dave = Principal("dave", "member", ticket=TicketHash.of(TICKET))
    router = asking_router(clock, principals=[dave], anonymous="member")
    app = Answering(router, "com.who", lambda *_args: KEPT["alice"])
    assert Client(router, credential=Ticket("dave", TICKET)).details["authid"] == "dave"
    assert Client(router).details["authmethod"] == "anonymous"
    assert app.asked == []


def test_the_router_that_asks_is_not_one_of_the_sessions(clock: Clock) -> None:
    router = asking_router(clock)
    app = Answering(router, "com.who", lambda *_args: KEPT["alice"])
    Client(router, credential=RIGHT["alice"])
    assert app.ask(CALL, {}, "wamp.session.count")[3] == [2]


# Who may do what.


def deciding_router(clock: Clock, **more: Any) -> Router:
    role = Role("guest", [Permission("com.fixed", allow=["call"])], authorizer="com.decide")
    realm = RealmConfig("realm1", [role], anonymous="guest", **more)
    config = RouterConfig([realm])
    return Router("test", clock, config, call_later=clock.call_later)


@pytest.mark.parametrize("answer", [True, False, {"allow": True}, {"allow": 1}, None, "yes", {}])
def test_the_authorizer_decides_over_every_action(clock: Clock, answer: Any) -> None:
    router = deciding_router(clock)
    app = Answering(router, "com.decide", lambda *_args: answer)
    client = Client(router)
    is_allowed = answer is True or (answer == {"allow": True} and answer["allow"] is True)
    error = client.ask(CALL, {}, "com.x")[4]
    assert error == (NO_SUCH_PROCEDURE if is_allowed else NOT_AUTHORIZED)
    for code, right in ((REGISTER, REGISTERED), (SUBSCRIBE, SUBSCRIBED), (PUBLISH, PUBLISHED)):
        found = client.ask(code, {"acknowledge": True, "match": "exact"}, "com.x")
        assert found[0] == (right if is_allowed else ERROR)
    about = {
        "session": client.id,
        "authid": client.details["authid"],
        "authrole": "guest",
        "authmethod": "anonymous",
        "authprovider": "static",
    }
    assert app.asked[:2] == [
        [about, "com.x", "call", {"match": "exact"}],
        [about, "com.x", "register", {"match": "exact"}],
    ]
    assert not client.paused


def test_permissions_come_first_and_the_router_s_own_are_not_asked_about(clock: Clock) -> None:
    router = deciding_router(clock)
    app = Answering(router, "com.decide", lambda *_args: True)
    client = Client(router)
    assert client.ask(CALL, {}, "com.fixed")[4] == NO_SUCH_PROCEDURE
    assert client.ask(REGISTER, {}, "com.fixed")[4] == NOT_AUTHORIZED
    assert client.ask(SUBSCRIBE, {"match": "prefix"}, "com.")[4] == NOT_AUTHORIZED
    assert client.ask(CALL, {}, "wamp.session.kill_all")[4] == NOT_AUTHORIZED
    assert app.asked == []
    assert client.ask(SUBSCRIBE, {"match": "prefix"}, "org.")[0] == SUBSCRIBED
    assert app.asked[0][1:] == ["org.", "subscribe", {"match": "prefix"}]


def test_it_is_asked_once_for_a_while(clock: Clock) -> None:
    router = deciding_router(clock, ask_cache=10)
    app = Answering(router, "com.decide", lambda *_args: True)
    client = Client(router)
    for _ in range(3):
        client.ask(CALL, {}, "com.x")
    client.ask(CALL, {}, "com.y")
    assert len(app.asked) == 2
    clock.pass_time(11)
    client.ask(CALL, {}, "com.x")
    assert len(app.asked) == 3


def test_the_authorizer_may_disclose_who_calls(clock: Clock) -> None:
    router = deciding_router(clock)
    Answering(router, "com.decide", lambda *_args: {"allow": True, "disclose": True})
    callee, caller = Client(router), Client(router)
    register(callee, "com.x")
    caller.say(CALL, 1, {}, "com.x")
    assert callee.heard()[3]["caller"] == caller.id


PARTS = {
    role: {"features": {"call_canceling": True, "progressive_call_invocations": True}}
    for role in ("caller", "callee")
}


def test_it_is_asked_once_over_a_call_in_parts(clock: Clock) -> None:
    router = deciding_router(clock, ask_cache=0)
    app = Answering(router, "com.decide", lambda *_args: True)
    callee, caller = Client(router, roles=PARTS), Client(router, roles=PARTS)
    register(callee, "com.x")
    caller.say(CALL, 1, {"progress": True}, "com.x", ["a"])
    caller.say(CALL, 1, {}, "com.x", ["b"])
    assert [message[4] for message in callee.inbox] == [["a"], ["b"]]
    assert [asked[2] for asked in app.asked] == ["register", "call"]
    assert not caller.closed


def test_a_call_in_parts_that_it_refuses_is_refused_once(clock: Clock) -> None:
    router = deciding_router(clock, ask_cache=0)
    app = Answering(router, "com.decide", lambda *_args: False)
    caller = Client(router, roles=PARTS)
    for options in ({"progress": True}, {"progress": True}, {}):
        caller.say(CALL, 1, options, "com.x")
    assert caller.heard()[4] == NOT_AUTHORIZED
    assert (caller.inbox, len(app.asked)) == ([], 1)


def test_messages_keep_their_order_while_it_is_asked(clock: Clock) -> None:
    router = deciding_router(clock)
    app = Answering(router, "com.decide", None)
    hearing = Client(router, is_local=True)
    subscribe(hearing, "", match="prefix")
    client = Client(router)
    hearing.inbox.clear()
    client.say(PUBLISH, 1, {}, "com.a", [1])
    assert client.paused
    client.say(PUBLISH, 2, {}, "com.b", [2])
    client.say(PUBLISH, 3, {}, "com.a", [3])
    client.say(CALL, 4, {}, "com.fixed")
    assert [asked[1] for asked in app.asked] == ["com.a"]
    assert hearing.inbox == client.inbox == []
    app.says(True)
    assert [asked[1] for asked in app.asked] == ["com.a", "com.b"]
    assert client.paused
    app.says(True)
    assert not client.paused
    events = [event[4] for event in hearing.inbox if event[0] == EVENT]
    assert events == [[1], [2], [3]]
    assert client.heard()[4] == NO_SUCH_PROCEDURE


@pytest.mark.parametrize("how", ["late", "error"])
def test_no_answer_is_a_refusal(clock: Clock, how: str) -> None:
    router = deciding_router(clock, ask_timeout=5)
    app = Answering(router, "com.decide", None)
    client = Client(router)
    client.say(CALL, 1, {}, "com.x")
    if how == "late":
        clock.pass_time(6)
    else:
        app.fails()
    assert client.heard()[4] == NOT_AUTHORIZED
    client.say(CALL, 2, {}, "com.x")
    assert len(app.asked) == 2  # it is asked again


def test_nobody_is_allowed_anything_while_nobody_answers(clock: Clock) -> None:
    client = Client(deciding_router(clock))
    assert client.ask(CALL, {}, "com.x")[4] == NOT_AUTHORIZED


def test_who_leaves_while_it_is_asked_leaves_nothing(clock: Clock) -> None:
    router = deciding_router(clock)
    app = Answering(router, "com.decide", None)
    client, leaving = Client(router), Client(router)
    client.say(REGISTER, 1, {}, "com.x")
    client.say(CANCEL, 5, {})
    client.leave()
    leaving.say(SUBSCRIBE, 1, {}, "com.x")
    leaving.say(GOODBYE, {}, "wamp.close.normal")
    app.says(True)
    app.says(True)
    assert leaving.heard()[0] == SUBSCRIBED
    assert leaving.heard()[0] == GOODBYE
    realm = router.realms["realm1"]
    assert list(realm.sessions.values()) == [app.session]
    assert len(realm.dealer.registrations.index) == 1
    assert len(realm.broker.subscriptions.index) == 0


def test_an_authorizer_that_leaves_is_no_answer(clock: Clock) -> None:
    router = deciding_router(clock)
    app = Answering(router, "com.decide", None)
    client = Client(router)
    client.say(CALL, 1, {}, "com.x")
    app.leave()
    assert client.heard()[4] == NOT_AUTHORIZED


def test_a_router_without_timers_cannot_ask() -> None:
    realm = RealmConfig("realm1", [MEMBER], authenticator="com.who")
    with pytest.raises(UsageError, match="call_later"):
        Router("test", config=RouterConfig([realm]))


def test_results_are_unharmed(clock: Clock) -> None:
    router = deciding_router(clock)
    Answering(router, "com.decide", lambda *_args: True)
    callee, caller = Client(router), Client(router)
    register(callee, "com.x")
    caller.say(CALL, 1, {}, "com.x", [1], {"k": 2})
    code, number, _, _, *payload = callee.heard()
    assert (code, payload) == (INVOCATION, [[1], {"k": 2}])
    callee.say(YIELD, number, {}, ["done"])
    assert caller.heard() == [RESULT, 1, {}, ["done"]]
