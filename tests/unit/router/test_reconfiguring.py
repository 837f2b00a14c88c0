"""A router that gets another configuration while sessions are there."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.links import Client, Refused, register, subscribe
from wampapp.config.access import ACTIONS, Permission, Principal, RealmConfig, Role, RouterConfig
from wampapp.errors import CLOSE_REALM, NO_SUCH_PROCEDURE, NO_SUCH_REALM, NOT_AUTHORIZED, UsageError
from wampapp.protocol.credentials import Ticket
from wampapp.protocol.hashes import TicketHash
from wampapp.protocol.messages import CALL, ERROR, EVENT, GOODBYE, PUBLISH, REGISTER
from wampapp.router.router import Router

TICKET = TicketHash.of("hush")
ENDED = [GOODBYE, {"message": "What this session may do has changed."}, CLOSE_REALM]


def config(
    *allow: str,
    role: str = "member",
    uri: str = "com.",
    principals: bool = True,
    ticket: TicketHash = TICKET,
    anonymous: str | None = "guest",
    **more: Any,
) -> RouterConfig:
    """A realm whose roles all have one permission, for a prefix."""
    roles = [Role(name, [Permission(uri, match="prefix", allow=allow)]) for name in ROLES]
    known = [Principal("alice", role, ticket=ticket)] if principals else []
    return RouterConfig([RealmConfig("realm1", roles, known, anonymous=anonymous)], **more)


ROLES = ("guest", "member", "other")


def alice(router: Router, secret: str = "hush") -> Client:
    return Client(router, credential=Ticket("alice", secret))


def at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    done(work())


def test_sessions_that_stay_have_their_new_rights_at_once() -> None:
    router = Router("test", config=config("call"))
    clients = [Client(router), alice(router)]
    for client in clients:
        assert client.ask(CALL, {}, "com.a")[4] == NO_SUCH_PROCEDURE
        assert client.ask(REGISTER, {}, "com.a")[4] == NOT_AUTHORIZED
    assert router.reconfigure(config("register")) == 0
    for number, client in enumerate(clients):
        assert client.ask(CALL, {}, "com.a")[4] == NOT_AUTHORIZED
        register(client, f"com.{number}")


@pytest.mark.parametrize(
    "after",
    [config(*ACTIONS, role="other"), config(*ACTIONS, principals=False)],
    ids=["another role", "no principal any more"],
)
def test_a_principal_that_may_not_be_here_as_it_is_ends(after: RouterConfig) -> None:
    router = Router("test", config=config(*ACTIONS))
    guest, member = Client(router), alice(router)
    register(member, "com.mine")
    assert router.reconfigure(after) == 1
    assert member.heard() == ENDED
    assert member.closed
    assert not guest.closed
    answer = guest.ask(CALL, {}, "com.mine")
    assert (answer[0], answer[4]) == (ERROR, NO_SUCH_PROCEDURE)


def test_anonymous_sessions_end_where_they_are_not_let_in_any_more() -> None:
    router = Router("test", config=config(*ACTIONS))
    guest, member = Client(router), alice(router)
    assert router.reconfigure(config(*ACTIONS, anonymous=None)) == 1
    assert (guest.heard(), member.closed) == (ENDED, False)
    with pytest.raises(Refused):
        Client(router)


@pytest.mark.parametrize("hold", [register, subscribe])
@pytest.mark.parametrize(
    "after", [config("call", "publish"), config(*ACTIONS, uri="org.")], ids=["action", "uri"]
)
def test_a_session_ends_that_holds_what_it_may_not(
    hold: Callable[..., int], after: RouterConfig
) -> None:
    router = Router("test", config=config(*ACTIONS))
    holder, other = Client(router), Client(router)
    hold(holder, "com.mine")
    assert router.reconfigure(after) == 1
    assert holder.heard() == ENDED
    assert not other.closed


def test_what_a_session_holds_goes_on_where_it_stays() -> None:
    router = Router("test", config=config(*ACTIONS))
    hears, says = Client(router), Client(router)
    subscribe(hears, "com.news")
    assert router.reconfigure(config("subscribe", "publish")) == 0
    says.say(PUBLISH, 9, {}, "com.news", [7])
    assert (hears.heard()[0], hears.closed) == (EVENT, False)


def test_secrets_are_the_new_ones_for_those_who_join() -> None:
    router = Router("test", config=config(*ACTIONS))
    before = alice(router)
    assert router.reconfigure(config(*ACTIONS, ticket=TicketHash.of("other"))) == 0
    assert not before.closed
    alice(router, "other")
    with pytest.raises(Refused, match="not accepted"):
        alice(router)


def test_a_realm_that_goes_takes_its_sessions_and_one_that_comes_is_there() -> None:
    router = Router("test", config=config(*ACTIONS))
    guest, local = Client(router), Client(router, is_local=True)
    after = RouterConfig([RealmConfig("realm2", [Role("guest")], anonymous="guest")])
    assert router.reconfigure(after) == 2
    assert (guest.heard(), local.heard()) == (ENDED, ENDED)
    with pytest.raises(Refused) as caught:
        Client(router)
    assert caught.value.reason == NO_SUCH_REALM
    assert Client(router, realm="realm2").details["authrole"] == "guest"


def test_an_app_in_the_router_s_process_stays() -> None:
    router = Router("test", config=config(*ACTIONS))
    local = Client(router, is_local=True)
    register(local, "com.mine")
    assert router.reconfigure(config(anonymous=None, principals=False)) == 0
    assert local.ask(CALL, {}, "wamp.session.count")[3] == [1]


def test_open_realms_that_are_closed_lose_their_sessions() -> None:
    router = Router("test", config=config(*ACTIONS, open_realms=True))
    outside, inside = Client(router, realm="elsewhere"), Client(router)
    assert router.reconfigure(config(*ACTIONS)) == 1
    assert (outside.heard(), inside.closed) == (ENDED, False)


def test_a_wrong_configuration_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    router = Router("test", config=config(*ACTIONS), aside=at_once)
    client = alice(router)

    def read() -> RouterConfig:
        raise UsageError("Line 3 is wrong.")

    with caplog.at_level(logging.ERROR, "wampapp"):
        router.reload(read)
    assert caplog.messages == ["The router keeps the configuration that it has. Line 3 is wrong."]
    register(client, "com.mine")
    alice(router)


def test_who_is_proving_itself_meanwhile_is_judged_by_the_new_configuration() -> None:
    waiting: list[Callable[[], None]] = []

    def later(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        waiting.append(lambda: done(work()))

    router = Router("test", config=config(*ACTIONS), aside=later)
    with pytest.raises(AssertionError, match="the router sent nothing"):
        alice(router)
    router.reconfigure(config(*ACTIONS, principals=False))
    waiting.pop()()
    assert not router.realms or not router.realms["realm1"].sessions
