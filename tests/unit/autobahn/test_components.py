"""Components of Autobahn's in memory: their main function, their start, and what is refused."""

import asyncio
import gc
import logging
from typing import Any

import pytest
from autobahn.twisted.component import Component
from autobahn.twisted.wamp import ApplicationSession, Session
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, inlineCallbacks

from wampapp import App, HookFailed, UsageError
from wampapp.testing import TestRealm, clock

# The main function.


def test_main_runs_to_its_end() -> None:
    done: list[int] = []

    @inlineCallbacks
    def main(_reactor: Any, session: Any) -> Any:
        done.append((yield session.call("com.test.now")))

    realm = TestRealm(Component(main=main))
    realm.stub("com.test.now", returns=5)
    with realm as client:
        client.settle()
        assert done == [5]
        with realm.offline():
            pass
        assert done == [5]  # it does not come back


def counted(component: Component) -> list[int]:
    """Return a list that grows with each join of a component."""
    joins: list[int] = []
    component.on("join", lambda session, _details: joins.append(session.session_id))
    return joins


@pytest.mark.parametrize("error", [ValueError("broken"), ApplicationError("com.test.broken", 1)])
def test_one_whose_main_fails_comes_back(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def main(_reactor: Any, _session: Any) -> None:
        raise error

    component = Component(main=main)
    joins = counted(component)
    with TestRealm(component) as client:
        before = len(joins)  # it may be back already
        clock.advance(2)
        assert len(joins) > before
        assert client.failures == [error] * len(joins)
        client.failures.clear()
    assert caplog.text.count("component failed") == len(joins)
    assert f"{type(error).__name__}: " in caplog.text
    assert "The session ended: it failed. Coming back." in caplog.text


def test_one_whose_main_fails_for_good_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    def main(_reactor: Any, _session: Any) -> None:
        raise ValueError("broken")

    component = Component(main=main, is_fatal=lambda error: isinstance(error, ValueError))
    joins = counted(component)
    with pytest.raises(ValueError, match=r"^broken$"), TestRealm(component):
        clock.advance(2)
        assert len(joins) == 1
    assert "will not come back: component failed: ValueError: broken." in caplog.text


def test_main_that_ends_with_its_session_is_not_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ended: list[str] = []

    @inlineCallbacks
    def main(_reactor: Any, session: Any) -> Any:
        try:
            yield session.call("com.test.never")
        except ApplicationError as error:
            ended.append(error.error)
            raise

    # Autobahn's Session leaves what waits for an answer waiting.
    realm = TestRealm(Component(main=main, session_factory=ApplicationSession))
    realm.stub("com.test.never", returns=never)
    with realm:
        with realm.offline():
            pass
        assert ended == ["wamp.close.transport_lost"]
    assert ended == ["wamp.close.transport_lost", "wamp.close.normal"]
    assert "component failed" not in caplog.text


async def never() -> None:
    await asyncio.get_running_loop().create_future()


# What listens to its start.


def test_what_listens_to_its_start_is_awaited() -> None:
    component = Component()
    opened: Deferred[None] = Deferred()
    seen: list[str] = []

    def start(_loop: Any, started: Component) -> Deferred[None]:
        assert started is component
        seen.append("start")
        opened.callback(None)
        return opened.addCallback(lambda _: seen.append("opened"))

    component.on("start", start)
    component.on("join", lambda *_: seen.append("join"))
    realm = TestRealm(component)
    with realm:
        assert seen == ["start", "opened", "join"]
        with realm.offline():
            pass
        assert seen == ["start", "opened", "join", "join"]


def test_what_listens_to_its_start_may_end_the_run() -> None:
    component = Component()
    joins = counted(component)

    @inlineCallbacks
    def start(*_: Any) -> Any:
        yield
        raise ValueError("no database")

    component.on("start", start)
    with (
        pytest.raises(HookFailed, match=r"failed at its start: ValueError: no database\.$"),
        TestRealm(component),
    ):
        pass
    assert joins == []


@pytest.mark.parametrize("is_offline", [True, False])
def test_one_that_is_stopped_does_not_come_back(is_offline: bool) -> None:
    component = Component()
    joins = counted(component)
    realm = TestRealm(component)

    async def stop() -> None:
        component.stop()

    with realm as client:
        if is_offline:
            with realm.offline():
                realm.harness.runtime.call(stop())
        else:
            realm.harness.runtime.call(stop())
        clock.advance(2)
        assert len(joins) == 1
        assert client.call("wamp.session.count") == 2  # the client, and the test's own
    with realm:
        assert len(joins) == 2  # it may be run again


def test_a_factory_that_raises_ends_the_run() -> None:
    def make(_config: Any) -> Any:
        raise ValueError("no database")

    with (
        pytest.raises(HookFailed, match=r"could not be made: ValueError: no database\.$"),
        TestRealm(Component(session_factory=make)),
    ):
        pass


def test_each_listener_that_fails_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    component = Component()
    component.register("not a URI!")(lambda: 1)
    component.register("wamp.reserved")(lambda: 1)

    @component.on_join
    def joined(_session: Any, _details: Any) -> None:
        raise ValueError("broken")

    ready: list[Any] = []
    component.on_ready(ready.append)
    with TestRealm(component) as client:
        assert ready == [component._session]
        told = sorted(type(error).__name__ for error in client.failures)
        client.failures.clear()
    assert told == ["ApplicationError", "InvalidUriError", "ValueError"]
    assert caplog.text.count("Session.onUserError()") == 3
    gc.collect()  # Twisted logs what nobody has handled when it is collected
    assert "Unhandled" not in caplog.text


# Where it leads.

RAW = {"type": "rawsocket"}
TCP = {"type": "tcp", "host": "router.example", "port": 9000}


@pytest.mark.parametrize(
    ("transports", "url"),
    [
        (None, None),
        ("ws://127.0.0.1:8080/ws", None),
        ("ws://router.example:9000/ws", "ws://router.example:9000/ws"),
        ({**RAW, "url": "rs://router.example:9000"}, "rs://router.example:9000"),
        ({**RAW, "url": "ws://router.example:9000/ws"}, "rs://router.example:9000"),
        ({**RAW, "url": "rss://router.example:9000"}, "rss://router.example:9000"),
        ({**RAW, "url": "rs://unix:/tmp/router.sock"}, "unix:///tmp/router.sock"),
        ({**RAW, "endpoint": TCP}, "rs://router.example:9000"),
        ({**RAW, "endpoint": {**TCP, "tls": True}}, "rss://router.example:9000"),
        ({**RAW, "endpoint": {**TCP, "host": "::1"}}, "rs://[::1]:9000"),
        ({**RAW, "endpoint": {"type": "unix", "path": "/a"}}, "unix:///a"),
        ({"url": "ws://router.example:9000", "endpoint": TCP}, "ws://router.example:9000"),
        ({"url": "wss://router.example:9000", "endpoint": TCP}, "wss://router.example:9000"),
        (
            {"url": "ws://localhost:8080/ws", "endpoint": {**TCP, "host": "::1", "port": 8080}},
            None,
        ),
    ],
)
def test_its_transport_becomes_a_url(transports: Any, url: str | None) -> None:
    assert App.from_session(Component(transports=transports)).config.url == url


class Plain(ApplicationSession):
    """It has no authenticators."""


class NoDetails(Session):  # type: ignore[misc]
    """It forgets a parameter."""

    def on_join(self) -> None:
        """Do nothing."""


HERE = "The component's transport has an endpoint, a proxy or headers of its own"
ELSEWHERE = "The component's transport has the URL {} and the endpoint {}, which is another place"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"transports": []}, "The component has no transport; write Component(transports='ws://"),
        ({"transports": {"url": "ws://a", "proxy": {"host": "a", "port": 1}}}, HERE),
        ({"transports": {"url": "ws://a", "headers": {"x": "y"}}}, HERE),
        ({"transports": {"url": "wss://a", "endpoint": {**TCP, "tls": {}}}}, HERE),
        (
            {"transports": {"url": "ws://localhost:8080/ws", "endpoint": TCP}},
            ELSEWHERE.format("ws://localhost:8080/ws", "router.example:9000"),
        ),
        (
            {"transports": {"url": "ws://router.example/ws", "endpoint": TCP}},
            ELSEWHERE.format("ws://router.example/ws", "router.example:9000"),
        ),
        (
            {"transports": {"url": "ws://router.example:9000", "endpoint": {**TCP, "tls": True}}},
            ELSEWHERE.format("ws://router.example:9000", "router.example:9000 with TLS"),
        ),
        (
            {"transports": {**RAW, "url": "rs://localhost:9000", "endpoint": TCP}},
            ELSEWHERE.format("rs://localhost:9000", "router.example:9000"),
        ),
        (
            {"transports": {**RAW, "endpoint": {"type": "tcp", "host": "a"}}},
            "The endpoint of the component's transport names neither a host and a port nor a path",
        ),
        (
            {"transports": {"url": "http://a", "endpoint": TCP}},
            "The component's URL 'http://a' is not valid: ",
        ),
        (
            {"authentication": {"nosuch": {}}},
            "The component's authentication cannot be used: Unknown authenticator 'nosuch'.",
        ),
        (
            {"authentication": {"ticket": {}}},
            "The component's authentication cannot be used: ticket authentication requires ",
        ),
        (
            {
                "authentication": {
                    "ticket": {"ticket": "a", "authid": "a"},
                    "wampcra": {"secret": "b", "authid": "b"},
                }
            },
            "The component's authentication cannot be used: Inconsistent authids: ",
        ),
        (
            {"authentication": {"ticket": {"ticket": "a"}}, "session_factory": Plain},
            "The component has authentication=…, which Plain cannot use; derive it from Autobahn's",
        ),
        ({"session_factory": dict}, "The component's session_factory is dict, which is not a sub"),
        (
            {"session_factory": NoDetails},
            "Autobahn calls NoDetails.on_join with the details; its parameters are (self) -> None.",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    options: dict[str, Any], sentence: str
) -> None:
    component = Component(**options)
    with pytest.raises(UsageError) as caught:
        App.from_session(component)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
