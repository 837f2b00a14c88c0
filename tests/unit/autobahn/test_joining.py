"""Sessions of Autobahn's that end their join by themselves: what raises, denies or never comes."""

import asyncio
from typing import Any

import pytest
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.types import ComponentConfig
from twisted.internet.defer import Deferred, fail, succeed

from tests.support.deferreds import sleep
from tests.support.fake_router import FakeRouter
from tests.support.scripted import ScriptedRouter
from wampapp import App, HookFailed, RouterRefused, RouterUnreachable, WampappError
from wampapp.protocol.messages import CHALLENGE

TICKET = [CHALLENGE, "ticket", {}]


class Join(ApplicationSession):
    """Each of its steps is what a test gives it."""

    def onConnect(self) -> Any:
        return self.config.extra.get("connect", ApplicationSession.onConnect)(self)

    def onWelcome(self, welcome: Any) -> Any:
        return self.config.extra.get("welcome", ApplicationSession.onWelcome)(self, welcome)

    def onChallenge(self, challenge: Any) -> Any:
        return self.config.extra["challenge"](self, challenge)

    def onJoin(self, details: Any) -> None:
        self.config.extra["joined"] = True

    def onLeave(self, details: Any) -> None:
        """Do not disconnect, as Autobahn's does."""


def app_of(extra: dict[str, Any], **options: Any) -> App:
    return App.from_session(Join, ComponentConfig(extra=extra), **options)


def error_of(extra: dict[str, Any], **options: Any) -> WampappError:
    """Return what a start of a session fails with."""
    with pytest.raises(WampappError) as caught, app_of(extra, **options).test_client():
        pass
    assert "joined" not in extra
    assert "\n" not in str(caught.value)
    return caught.value


def broken(*_: Any) -> Any:
    raise ValueError("broken.")


def broken_later(*_: Any) -> Any:
    return fail(ValueError("broken."))


def never(*_: Any) -> Any:
    return Deferred()


@pytest.mark.parametrize("connect", [broken, broken_later])
def test_one_whose_connect_raises_ends_the_run(connect: Any) -> None:
    error = error_of({"connect": connect})
    assert isinstance(error, HookFailed)
    assert str(error) == "Join.onConnect failed: ValueError: broken."
    assert isinstance(error.__cause__, ValueError)  # in tests


@pytest.mark.parametrize("connect", [never, lambda _session: None])
def test_one_that_does_not_join_is_told_so(connect: Any) -> None:
    error = error_of({"connect": connect}, handshake_timeout=0.5)
    assert isinstance(error, HookFailed)
    assert str(error) == "Join did not call self.join() within 0.5 s."


@pytest.mark.parametrize(
    "welcome",
    [lambda *_: "not trusted", lambda *_: succeed("not trusted"), lambda *_: "not trusted."],
)
def test_one_that_denies_the_router_ends_the_run(welcome: Any) -> None:
    error = error_of({"welcome": welcome})
    assert isinstance(error, RouterRefused)
    assert str(error) == "Join cannot join: not trusted."
    assert error.reason == "wamp.error.cannot_authenticate"


@pytest.mark.parametrize("welcome", [broken, broken_later])
def test_one_whose_welcome_raises_ends_the_run(welcome: Any) -> None:
    error = error_of({"welcome": welcome})
    assert isinstance(error, RouterRefused)
    assert str(error) == "Join cannot join: ValueError: broken."


def test_one_whose_welcome_never_ends_is_told_so() -> None:
    error = error_of({"welcome": never}, handshake_timeout=1)
    assert str(error) == "Join did not return from its onWelcome within 1 s."


def test_a_welcome_may_take_its_time() -> None:
    extra: dict[str, Any] = {"welcome": lambda *_: sleep(0.001)}
    with app_of(extra).test_client() as client:
        assert extra["joined"]
        assert client.call("wamp.session.count") == 3


def test_one_that_disconnects_before_it_has_joined_ends_by_itself() -> None:
    extra: dict[str, Any] = {"connect": ApplicationSession.disconnect}
    realm = app_of(extra).test_client()
    with realm as client:
        assert client.call("wamp.session.count") == 2  # the client's, and the test's own
        with realm.offline():
            pass
        assert client.call("wamp.session.count") == 2
    assert "joined" not in extra


def against(router: FakeRouter, extra: dict[str, Any], **options: Any) -> WampappError:
    """Return what a session's start at a router in this process fails with."""

    async def main() -> None:
        async with app_of(extra, url=router.url, **options).running():
            pass

    with pytest.raises(WampappError) as caught:
        asyncio.run(main())
    return caught.value


@pytest.mark.parametrize("challenge", [broken, broken_later])
def test_one_whose_challenge_raises_ends_the_run(challenge: Any) -> None:
    with ScriptedRouter(TICKET) as router:
        error = against(router, {"challenge": challenge})
    assert isinstance(error, RouterRefused)
    assert str(error) == "Join cannot join: broken."


def test_one_that_does_not_answer_a_challenge_is_told_so() -> None:
    with ScriptedRouter(TICKET) as router:
        error = against(router, {"challenge": never}, handshake_timeout=2)
    assert str(error) == "Join did not answer in its onChallenge within 2 s."


def test_a_router_that_does_not_answer_is_told_so() -> None:
    extra = {"challenge": lambda *_: "secret"}
    with ScriptedRouter(TICKET) as router:
        error = against(router, extra, handshake_timeout=2, give_up_after=0)
    assert isinstance(error, RouterUnreachable)
    assert "did not answer as a WAMP router within 2 s" in str(error)
