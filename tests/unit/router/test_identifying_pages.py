"""Who a web page is, and how long a session lasts: on the router's sans-I/O core."""

from typing import Any

import pytest

from tests.support.credentials import TICKET
from tests.support.links import Client, Refused
from tests.unit.router.test_asking_an_app import Answering, Clock
from wampapp.config.access import Principal, RealmConfig, Role, RouterConfig
from wampapp.errors import UsageError
from wampapp.protocol.credentials import Ticket
from wampapp.protocol.hashes import TicketHash
from wampapp.protocol.messages import GOODBYE
from wampapp.router.router import Router

PAGE = {"path": "/ws", "query": "", "headers": {"cookie": "session=s1"}, "address": "a test"}
ROLES = [Role("guest"), Role("member"), Role("admin")]
ALICE = Principal("alice", "member", ticket=TicketHash.of(TICKET))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def router_with(clock: Clock, **realm: Any) -> Router:
    """A router whose app says who pages are; with `realm`, one that has roles."""
    config = None
    if realm:
        config = RouterConfig([RealmConfig("realm1", ROLES, [ALICE], **realm)])
    router = Router("test", clock, config, call_later=clock.call_later)
    if realm.get("identifier") is None:
        router.identify_by("realm1", "com.who")
    return router


def identity(client: Client) -> tuple[str, str, str]:
    details = client.details
    return details["authid"], details["authrole"], details["authmethod"]


@pytest.mark.parametrize("methods", [None, ["cookie"], ["ticket", "cookie"], ["anonymous"]])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("alice", ("alice", "anonymous")),
        ({"authid": "alice"}, ("alice", "anonymous")),
        ({"authid": "alice", "role": "any"}, ("alice", "any")),
    ],
)
def test_without_roles_a_page_is_who_the_app_says(
    clock: Clock, answer: Any, expected: tuple[str, str], methods: list[str] | None
) -> None:
    router = router_with(clock)
    app = Answering(router, "com.who", lambda _request: answer)
    client = Client(router, request=PAGE, methods=methods)
    assert identity(client) == (*expected, "cookie")
    assert app.asked == [[PAGE]]
    assert client.request is None  # not kept for as long as the session lasts


@pytest.mark.parametrize("realm", [{"anonymous": "guest"}, {"identifier": "com.who"}])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("alice", ("alice", "member")),  # as the configuration has it
        ({"authid": "alice", "role": "admin"}, ("alice", "admin")),
        ({"authid": "bob", "role": "admin"}, ("bob", "admin")),
    ],
)
def test_with_roles_it_gets_its_own(
    clock: Clock, answer: Any, expected: tuple[str, str], realm: dict[str, Any]
) -> None:
    router = router_with(clock, **realm)
    Answering(router, "com.who", lambda _request: answer)
    assert identity(Client(router, request=PAGE)) == (*expected, "cookie")


def test_somebody_whose_role_nobody_says_is_a_guest(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest")
    Answering(router, "com.who", lambda _request: "bob")
    assert identity(Client(router, request=PAGE)) == ("bob", "guest", "cookie")


def test_nobody_in_particular_is_anonymous(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest")
    Answering(router, "com.who", lambda _request: None)
    assert identity(Client(router, request=PAGE))[1:] == ("guest", "anonymous")
    with pytest.raises(Refused, match="no_matching_auth_method"):
        Client(router, request=PAGE, methods=["cookie"])


def test_a_page_may_also_prove_who_it_is(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest")
    app = Answering(router, "com.who", lambda _request: "bob")
    client = Client(router, request=PAGE, credential=Ticket("alice", TICKET))
    assert identity(client) == ("alice", "member", "ticket")
    assert app.asked == []


def test_what_is_not_a_page_is_not_asked_about(clock: Clock) -> None:
    router = router_with(clock)
    app = Answering(router, "com.who", lambda _request: "bob")
    assert identity(Client(router))[2] == "anonymous"
    assert app.asked == []


@pytest.mark.parametrize("realm", [{}, {"anonymous": "guest"}])
@pytest.mark.parametrize(
    "answer",
    [
        7,
        "",
        "x" * 257,
        "trusted",
        {"role": "admin"},
        {"authid": 7},
        {"authid": "bob", "role": "trusted"},
        {"authid": "bob", "role": "admin", "more": 1},
    ],
)
def test_an_answer_of_no_use_lets_nobody_in(
    clock: Clock, answer: Any, realm: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    router = router_with(clock, **realm)
    Answering(router, "com.who", lambda _request: answer)
    with pytest.raises(Refused, match="unavailable"):
        Client(router, request=PAGE)
    assert "com.who returned what is of no use: it" in caplog.text


def test_a_role_that_is_not_there_lets_nobody_in(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    router = router_with(clock, anonymous="guest")
    Answering(router, "com.who", lambda _request: {"authid": "bob", "role": "boss"})
    with pytest.raises(Refused, match="not_authorized"):
        Client(router, request=PAGE)
    assert "The page of 'bob' has no role: 'boss'" in caplog.text


def test_nobody_is_taken_for_anonymous_while_the_app_is_away(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest")
    with pytest.raises(Refused, match="unavailable"):
        Client(router, request=PAGE)
    app = Answering(router, "com.other", None)
    with pytest.raises(Refused, match="unavailable"):
        Client(router, request=PAGE)
    app.session.lost("a test")


def test_an_answer_that_does_not_come_in_time_lets_nobody_in(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest", ask_timeout=3)
    Answering(router, "com.who", None)
    page = object.__new__(Client)
    with pytest.raises(AssertionError, match="sent nothing"):  # it waits for its answer
        page.__init__(router, request=PAGE)  # type: ignore[misc]
    clock.pass_time(2.9)
    assert page.inbox == []
    clock.pass_time(0.2)
    assert page.heard()[2] == "wamp.error.unavailable"


def test_pages_stay_as_long_as_their_role(clock: Clock) -> None:
    router = router_with(clock, anonymous="guest")
    app = Answering(router, "com.who", lambda _request: {"authid": "bob", "role": "admin"})
    client = Client(router, request=PAGE)
    kept = RealmConfig("realm1", ROLES, [ALICE], anonymous="guest")
    assert router.reconfigure(RouterConfig([kept])) == 0
    assert identity(Client(router, request=PAGE)) == ("bob", "admin", "cookie")
    assert len(app.asked) == 2
    assert router.reconfigure(RouterConfig([RealmConfig("realm1", ROLES[:2])])) == 2
    assert client.heard()[2] == "wamp.close.close_realm"


def test_the_procedure_may_change_while_the_router_runs(clock: Clock) -> None:
    router = router_with(clock)
    Answering(router, "com.who", lambda _request: "alice")
    Answering(router, "com.new", lambda _request: "bob")
    assert identity(Client(router, request=PAGE))[0] == "alice"
    router.identify_by("realm1", "com.new")
    assert identity(Client(router, request=PAGE))[0] == "bob"
    router.identify_by("realm1", None)
    assert identity(Client(router, request=PAGE))[2] == "anonymous"


# How long a session lasts.


def timed_router(clock: Clock) -> Router:
    role = Role("guest", session_timeout=60)
    return Router(
        "test",
        clock,
        RouterConfig([RealmConfig("realm1", [role], anonymous="guest")]),
        call_later=clock.call_later,
    )


def test_a_session_ends_after_its_role_s_time(clock: Clock) -> None:
    router = timed_router(clock)
    client = Client(router)
    clock.pass_time(59)
    assert (client.inbox, client.closed) == ([], False)
    late = Client(router)
    clock.pass_time(1)
    code, details, reason = client.heard()
    assert (code, reason, client.closed) == (GOODBYE, "wamp.close.normal", True)
    assert details["message"] == "A session of the role 'guest' lasts 60 s here; join again."
    assert (late.inbox, late.closed) == ([], False)


def test_a_session_that_has_left_waits_for_nothing(clock: Clock) -> None:
    client = Client(timed_router(clock))
    client.session.lost("a test")
    assert all(timer.cancelled for _, _, timer in clock.timers)


@pytest.mark.parametrize("seconds", [0, -1, 1e9, "60", True, float("nan")])
def test_the_time_is_a_number_of_seconds(seconds: Any) -> None:
    with pytest.raises(UsageError, match="session_timeout is .*; give a number of seconds from 1"):
        Role("guest", session_timeout=seconds)


def test_time_needs_a_clock() -> None:
    realm = RealmConfig("realm1", [Role("guest", session_timeout=60)], anonymous="guest")
    with pytest.raises(UsageError, match=r"give Router\(call_later=…\)"):
        Router("test", config=RouterConfig([realm]))
