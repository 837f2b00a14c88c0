"""What the roles of a realm may do: every action, every kind of match, allowed or not."""

import itertools
from typing import Any

import pytest

from tests.support.links import Client, Refused, register, subscribe
from wampapp.config.access import ACTIONS, Permission, RealmConfig, Role, RouterConfig
from wampapp.errors import (
    INVALID_ARGUMENT,
    INVALID_URI,
    NO_SUCH_PROCEDURE,
    NO_SUCH_REALM,
    NO_SUCH_SESSION,
    NOT_AUTHORIZED,
    PROTOCOL_VIOLATION,
)
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    YIELD,
)
from wampapp.router.router import Router


def router_for(*permissions: Permission, **more: Any) -> Router:
    """A router whose anonymous sessions have these permissions."""
    realm = RealmConfig("realm1", [Role("guest", permissions)], anonymous="guest")
    return Router("test", config=RouterConfig([realm], **more))


#: A URI for each kind of pattern, and the permission's pattern, where it matches.
PATTERNS = [
    ("com.shop.price", "exact", "com.shop.price"),
    ("com.shop.", "prefix", "com.shop.price"),
    ("com.sh", "prefix", "com.shop.price"),
    ("", "prefix", "com.shop.price"),
    ("com..price", "wildcard", "com.shop.price"),
]
ELSEWHERE = "org.shop.prices"


def does(client: Client, action: str, uri: str, **options: Any) -> str | None:
    """Try something; return the error's URI, None where it is allowed."""
    if action == "call":
        answer = client.ask(CALL, options, uri)
        # What is allowed and is not there is not refused.
        return None if answer[4] == NO_SUCH_PROCEDURE else str(answer[4])
    if action == "publish":
        answer = client.ask(PUBLISH, {"acknowledge": True, **options}, uri)
    else:
        answer = client.ask(REGISTER if action == "register" else SUBSCRIBE, options, uri)
    if answer[0] == ERROR:
        return str(answer[4])
    assert answer[0] in (PUBLISHED, REGISTERED, SUBSCRIBED)
    return None


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("pattern", "match", "uri"), PATTERNS)
@pytest.mark.parametrize("allowed", list(itertools.product([True, False], repeat=4)))
def test_the_matrix(
    action: str, pattern: str, match: str, uri: str, allowed: tuple[bool, ...]
) -> None:
    names = [name for name, is_allowed in zip(ACTIONS, allowed, strict=True) if is_allowed]
    client = Client(router_for(Permission(pattern, match=match, allow=names)))
    assert does(client, action, uri) == (None if action in names else NOT_AUTHORIZED)
    if pattern:
        assert does(client, action, ELSEWHERE) == NOT_AUTHORIZED


@pytest.mark.parametrize("action", ACTIONS)
def test_a_role_without_permissions_may_do_nothing(action: str) -> None:
    client = Client(router_for())
    assert does(client, action, "com.shop") == NOT_AUTHORIZED


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("allowed", [[], list(ACTIONS)])
def test_the_most_specific_permission_decides(action: str, allowed: list[str]) -> None:
    others = [name for name in ACTIONS if name not in allowed]
    client = Client(
        router_for(
            Permission("com.", match="prefix", allow=others),
            Permission("com.shop.", match="prefix", allow=allowed),
            Permission("com..price", match="wildcard", allow=others),
            Permission("com.shop.secret", allow=others),
        )
    )
    right, wrong = (None, NOT_AUTHORIZED) if allowed else (NOT_AUTHORIZED, None)
    assert does(client, action, "com.shop.price") == right
    assert does(client, action, "com.shop.secret") == wrong
    assert does(client, action, "com.other.price") == wrong


@pytest.mark.parametrize("action", ["register", "subscribe"])
@pytest.mark.parametrize(
    ("match", "uri", "is_allowed"),
    [
        ("prefix", "com.shop.", False),  # a part of it is forbidden
        ("prefix", "com.shop.eu", True),
        ("prefix", "com.shop", False),  # com.shopping too
        ("prefix", "com.", False),
        ("prefix", "", False),
        ("prefix", "com.shop.secret", False),
        ("prefix", "com.shop.secret.", False),
        ("prefix", "com.shop.sec", False),
        ("wildcard", "com.shop.", True),
        ("wildcard", "com.shop..price", False),  # com.shop.secret.price
        ("wildcard", "com.shop.eu.", True),
        ("wildcard", "com..price", False),
        ("wildcard", ".shop.price", False),
        ("exact", "com.shop.secret.key", False),
        ("exact", "com.shop.price", True),
    ],
)
def test_a_pattern_is_allowed_where_all_that_it_matches_is(
    action: str, match: str, uri: str, is_allowed: bool
) -> None:
    client = Client(
        router_for(
            Permission("com.shop.", match="prefix", allow=ACTIONS),
            Permission("com.shop.secret.", match="prefix"),
        )
    )
    right = None if is_allowed else NOT_AUTHORIZED
    assert does(client, action, uri, match=match) == right


@pytest.mark.parametrize(
    ("uri", "is_allowed"),
    [
        ("com..price", True),
        ("com.shop.price", True),
        ("com..", False),
        ("..price", False),
        ("com.secret.price", False),
        ("com.secret.", False),
        ("com.sub.", False),
    ],
)
def test_a_wildcard_permission_covers_narrower_wildcards(uri: str, is_allowed: bool) -> None:
    client = Client(
        router_for(
            Permission("com.<shop>.price", allow=["subscribe"]),
            Permission("com.secret.<name>", allow=[]),
        )
    )
    error = does(client, "subscribe", uri, match="wildcard")
    # What would be heard of com.secret.price decides over com..price too.
    assert (error is None) is (is_allowed and uri != "com..price")


def test_a_refusal_says_who_may_not_do_what() -> None:
    client = Client(router_for())
    answer = client.ask(CALL, {}, "com.shop.price")
    assert answer[5] == ["The role 'guest' may not call 'com.shop.price'."]
    answer = client.ask(PUBLISH, {"acknowledge": True}, "com.shop.price")
    assert answer[5] == ["The role 'guest' may not publish to 'com.shop.price'."]
    answer = client.ask(SUBSCRIBE, {"match": "prefix"}, "com.")
    assert answer[5][0].endswith("not subscribe to 'com.', or not all that it matches.")


def test_an_event_that_is_not_allowed_goes_nowhere_and_ends_nothing() -> None:
    router = router_for(Permission("com.heard", allow=["subscribe"]))
    publisher, subscriber = Client(router), Client(router)
    subscribe(subscriber, "com.heard")
    publisher.say(PUBLISH, 1, {}, "com.heard", ["quiet"])
    assert subscriber.inbox == publisher.inbox == []
    assert does(publisher, "subscribe", "com.heard") is None


def test_what_is_invalid_is_called_so() -> None:
    client = Client(router_for(Permission("", match="prefix", allow=ACTIONS)))
    assert does(client, "subscribe", "com..x") == INVALID_URI
    assert does(client, "call", "com..x") == INVALID_URI
    assert does(client, "register", "com.x", match="nonsense") == "wamp.error.option_not_allowed"


def test_a_refused_call_with_the_id_of_a_running_one_ends_the_session() -> None:
    router = router_for(Permission("com.slow", allow=["call", "register"]))
    callee, caller = Client(router), Client(router)
    register(callee, "com.slow")
    caller.say(CALL, 1, {}, "com.slow")
    caller.say(CALL, 1, {}, "com.other")
    assert caller.heard()[::2] == [ABORT, PROTOCOL_VIOLATION]


# Who is told who calls, and who publishes.


@pytest.mark.parametrize("disclose", [[], ["caller"]])
@pytest.mark.parametrize("asks", [False, True])
def test_the_permission_or_the_caller_discloses_who_calls(disclose: list[str], asks: bool) -> None:
    router = router_for(Permission("com.x", allow=["call", "register"], disclose=disclose))
    callee, caller = Client(router), Client(router)
    # What the callee asks for counts only in realms without roles.
    register(callee, "com.x", x_disclose=True)
    caller.say(CALL, 1, {"disclose_me": True} if asks else {}, "com.x")
    code, number, _, details = callee.heard()
    assert code == INVOCATION
    if asks or disclose:
        assert details == {
            "caller": caller.id,
            "caller_authid": caller.details["authid"],
            "caller_authrole": "guest",
        }
    else:
        assert details == {}
    callee.say(YIELD, number, {})
    assert caller.heard()[0] == RESULT


@pytest.mark.parametrize("disclose", [[], ["publisher"]])
def test_the_permission_discloses_who_publishes(disclose: list[str]) -> None:
    router = router_for(Permission("com.x", allow=["publish", "subscribe"], disclose=disclose))
    publisher, subscriber = Client(router), Client(router)
    subscribe(subscriber, "com.x", x_disclose=True)
    publisher.say(PUBLISH, 1, {}, "com.x")
    event = subscriber.heard()
    assert event[0] == EVENT
    assert event[3].get("publisher") == (publisher.id if disclose else None)


# What belongs to the router.


def test_the_meta_api_needs_a_permission_of_its_own() -> None:
    client = Client(router_for(Permission("", match="prefix", allow=ACTIONS)))
    assert client.ask(CALL, {}, "wamp.session.count")[4] == NOT_AUTHORIZED
    assert does(client, "subscribe", "wamp.session.on_join") == NOT_AUTHORIZED
    assert does(client, "subscribe", "", match="prefix") == NOT_AUTHORIZED
    assert does(client, "subscribe", "com.", match="prefix") is None
    assert does(client, "subscribe", "..on_join", match="wildcard") == NOT_AUTHORIZED


def test_a_role_may_look_and_hear_and_not_end_sessions() -> None:
    router = router_for(
        Permission("", match="prefix", allow=ACTIONS),
        Permission("wamp.", match="prefix", allow=["call", "subscribe"]),
        Permission("wamp.session.kill", match="prefix", allow=["subscribe"]),
    )
    client = Client(router)
    assert client.ask(CALL, {}, "wamp.session.count")[3] == [1]
    assert does(client, "subscribe", "wamp.session.on_join") is None
    assert does(client, "subscribe", "", match="prefix") is None
    client = Client(router)
    for name in ("kill", "kill_by_authid", "kill_by_authrole", "kill_all"):
        assert client.ask(CALL, {}, f"wamp.session.{name}", [1])[4] == NOT_AUTHORIZED
    assert does(client, "register", "wamp.session.kill") == NOT_AUTHORIZED
    assert does(client, "publish", "wamp.session.on_join") == NOT_AUTHORIZED


@pytest.fixture
def admin_router() -> Router:
    return router_for(Permission("wamp.", match="prefix", allow=ACTIONS))


def test_a_session_is_ended_by_its_id(admin_router: Router) -> None:
    admin, victim, other = Client(admin_router), Client(admin_router), Client(admin_router)
    named = {"reason": "com.shop.closed", "message": "The shop closes."}
    answer = admin.ask(CALL, {}, "wamp.session.kill", [victim.id], named)
    assert answer == [RESULT, 1, {}, [None]]
    assert victim.heard() == [GOODBYE, {"message": "The shop closes."}, "com.shop.closed"]
    assert victim.closed
    assert not other.closed
    assert admin.ask(CALL, {}, "wamp.session.kill", [victim.id])[4] == NO_SUCH_SESSION
    assert admin.ask(CALL, {}, "wamp.session.kill", [admin.id])[4] == NO_SUCH_SESSION


@pytest.mark.parametrize(
    ("name", "args"),
    [("kill_by_authrole", ["guest"]), ("kill_all", []), ("kill_by_authid", ["of the victim"])],
)
def test_sessions_are_ended_and_never_the_one_that_asks(
    admin_router: Router, name: str, args: list[str]
) -> None:
    admin, *victims = (Client(admin_router) for _ in range(3))
    if args == ["of the victim"]:
        args, victims = [victims[0].details["authid"]], victims[:1]
    answer = admin.ask(CALL, {}, f"wamp.session.{name}", args)
    assert answer == [RESULT, 1, {}, [len(victims)]]
    assert [victim.heard() for victim in victims] == [[GOODBYE, {}, "wamp.close.normal"]] * len(
        victims
    )
    assert not admin.closed
    assert admin.ask(CALL, {}, f"wamp.session.{name}", args) == [RESULT, 2, {}, [0]]


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ([[]], INVALID_ARGUMENT),
        ([["7"]], INVALID_ARGUMENT),
        ([[7], {"why": "so"}], INVALID_ARGUMENT),
        ([[7], {"message": 7}], INVALID_ARGUMENT),
        ([[7], {"reason": "not a uri"}], INVALID_URI),
        ([[7]], NO_SUCH_SESSION),
    ],
)
def test_what_does_not_name_a_session_is_refused(
    admin_router: Router, payload: list[Any], error: str
) -> None:
    assert Client(admin_router).ask(CALL, {}, "wamp.session.kill", *payload)[4] == error


def test_there_is_nothing_to_end_sessions_with_in_a_realm_without_roles() -> None:
    client = Client(Router("test"))
    assert client.ask(CALL, {}, "wamp.session.kill_all")[4] == NO_SUCH_PROCEDURE


# Which realms there are.


def test_with_a_configuration_there_are_no_other_realms() -> None:
    with pytest.raises(Refused) as caught:
        Client(router_for(), realm="realm2")
    assert caught.value.reason == NO_SUCH_REALM
    assert caught.value.text == "There is no realm 'realm2'."


def test_other_realms_may_be_open() -> None:
    client = Client(router_for(open_realms=True), realm="realm2")
    assert does(client, "call", "com.anything") is None
    assert client.details["authrole"] == "anonymous"


def test_a_realm_may_refuse_everybody() -> None:
    router = Router("test", config=RouterConfig([RealmConfig("realm1")]))
    with pytest.raises(Refused) as caught:
        Client(router)
    assert caught.value.text == "Nobody can join the realm."


def test_an_app_in_the_router_s_process_may_do_everything() -> None:
    router = Router("test", config=RouterConfig([RealmConfig("realm1")]))
    client = Client(router, is_local=True)
    assert client.details["authrole"] == "trusted"
    assert client.details["authmethod"] == "local"
    for action in ACTIONS:
        assert does(client, action, "com.shop") is None
    assert client.ask(CALL, {}, "wamp.session.count")[3] == [1]


# How little it costs.


def test_many_uris_do_not_fill_the_memory() -> None:
    router = router_for(Permission("com.", match="prefix", allow=ACTIONS))
    client = Client(router)
    for number in range(6000):
        client.say(PUBLISH, 1, {}, f"com.x{number}")
    assert len(client.session.rights.decisions) <= 4096
    assert does(client, "call", "com." + "x" * 300) is None
    assert "com." + "x" * 300 not in client.session.rights.decisions
