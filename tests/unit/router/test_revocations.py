"""Registrations and subscriptions that are taken from a session, by those who may."""

from typing import Any

import pytest

from tests.support.links import ROLES, Client, register, subscribe
from wampapp.config.access import Permission, RealmConfig, Role, RouterConfig
from wampapp.protocol.messages import CALL, ERROR, PUBLISH, RESULT, UNREGISTERED, UNSUBSCRIBED
from wampapp.router.router import Router

CALLEE = "wamp.registration.remove_callee"
SUBSCRIBER = "wamp.subscription.remove_subscriber"
ABLE = ROLES | {"subscriber": {"features": {"subscription_revocation": True}}}
EVERYTHING = [
    Permission(uri, match="prefix", allow=["call", "register", "publish", "subscribe"])
    for uri in ("", "wamp.")
]


@pytest.fixture
def router() -> Router:
    realm = RealmConfig("realm1", [Role("admin", EVERYTHING)], anonymous="admin")
    return Router("test", config=RouterConfig([realm]))


@pytest.fixture
def admin(router: Router) -> Client:
    return Client(router)


@pytest.fixture
def client(router: Router) -> Client:
    return Client(router, roles=ABLE)


def test_a_registration_is_revoked_with_the_reason(admin: Client, client: Client) -> None:
    subscribe(admin, "wamp.registration.on_unregister")
    number = register(client, "com.p")
    admin.say(CALL, 1, {}, CALLEE, [number, client.id, "maintenance"])
    event, answer = admin.inbox
    assert event[4] == [client.id, number]
    assert answer == [RESULT, 1, {}, [None]]
    details = {"registration": number, "reason": "maintenance"}
    assert client.heard() == [UNREGISTERED, 0, details]
    assert client.session.registrations == set()
    admin.inbox.clear()
    assert admin.ask(CALL, {}, "com.p")[4] == "wamp.error.no_such_procedure"


def test_a_subscription_is_revoked_with_the_reason(admin: Client, client: Client) -> None:
    number = subscribe(client, "com.t")
    answer = admin.ask(CALL, {}, SUBSCRIBER, [number, client.id], {"reason": "no longer yours"})
    assert answer[0] == RESULT
    details = {"subscription": number, "reason": "no longer yours"}
    assert client.heard() == [UNSUBSCRIBED, 0, details]
    admin.say(PUBLISH, 9, {}, "com.t")
    assert client.inbox == []


def test_who_has_not_announced_it_is_not_told(router: Router, admin: Client) -> None:
    client = Client(router, roles={"callee": {}, "subscriber": {}})
    for procedure, number in (
        (CALLEE, register(client, "com.p")),
        (SUBSCRIBER, subscribe(client, "com.t")),
    ):
        assert admin.ask(CALL, {}, procedure, [number, client.id])[0] == RESULT
    assert client.inbox == []
    assert not client.session.registrations | client.session.subscriptions


@pytest.mark.parametrize(
    ("procedure", "why"),
    [(CALLEE, "wamp.error.no_such_registration"), (SUBSCRIBER, "wamp.error.no_such_subscription")],
)
def test_a_mistake_is_an_error(procedure: str, why: str, admin: Client, client: Client) -> None:
    invalid: list[list[Any]] = [[], [1], ["1", client.id], [1, client.id, 3], [1, 2, "x", 4]]
    for args in invalid:
        answer = admin.ask(CALL, {}, procedure, args)
        assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_argument")
    other = admin.ask(CALL, {}, procedure, [1, client.id], {"because": "x"})
    assert other[4] == "wamp.error.invalid_argument"
    for session in (client.id, 12345):
        assert admin.ask(CALL, {}, procedure, [77, session])[4] == why


def test_without_roles_nobody_may(client: Client) -> None:
    plain = Client(Router("test"))
    assert plain.ask(CALL, {}, CALLEE, [1, plain.id])[4] == "wamp.error.no_such_procedure"
