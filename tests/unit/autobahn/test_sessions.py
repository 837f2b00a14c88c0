"""Sessions and components of Autobahn's in memory: what runs as it is, and what is refused."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from autobahn import wamp
from autobahn.exception import PayloadExceededError
from autobahn.twisted.component import Component
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.protocol import ApplicationSession as BaseSession
from autobahn.wamp.types import (
    CallDetails,
    CallOptions,
    CallResult,
    ComponentConfig,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)
from twisted.internet.defer import inlineCallbacks

from tests.support.deferreds import sleep
from wampapp import App, HookFailed, UsageError, WampError
from wampapp.autobahn.transport import SessionTransport
from wampapp.errors import PayloadTooLarge
from wampapp.protocol.codec import MsgPack
from wampapp.testing import TestRealm, TestSession, clock


@wamp.error("com.hosted.sold_out")
class SoldOut(Exception):
    """What a marked exception is in Autobahn's way."""


class Everything(ApplicationSession):
    """One class with all that a session of Autobahn's may have."""

    def __init__(self, config: ComponentConfig | None = None) -> None:
        super().__init__(config)
        self.seen: list[Any] = (self.config.extra or {}).get("seen", [])
        self.seen.append("made")

    def onConnect(self) -> None:
        self.seen.append("connect")
        self.join(self.config.realm)

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        self.seen.append(("join", details.realm, details.serializer))
        self.define(SoldOut)
        yield self.register(lambda a, b: a + b, "com.hosted.add")
        yield self.register(self)
        yield self.subscribe(self)
        yield self.subscribe(
            self.pattern, "com.hosted", SubscribeOptions(match="prefix", details=True)
        )

    @wamp.register("com.hosted.slow")
    @inlineCallbacks
    def slow(self, n: int) -> Any:
        yield sleep(0.001)
        return n * 2

    @wamp.register("com.hosted.coroutine")
    async def coroutine(self, n: int) -> int:
        await sleep(0.001)
        return n * 3

    @wamp.register("com.hosted.details", options=RegisterOptions(details=True))
    def with_details(self, details: CallDetails) -> list[Any]:
        return [details.procedure, details.caller is not None]

    @wamp.register("com.hosted.count", options=RegisterOptions(details_arg="how"))
    def count(self, n: int, how: CallDetails) -> int:
        for number in range(n):
            if how.progress:
                how.progress(number)
        return n

    @wamp.register("com.hosted.many")
    def many(self) -> CallResult:
        return CallResult(1, 2, three=3)

    @wamp.register("com.hosted.fail")
    def fail(self, how: str) -> None:
        if how == "application":
            raise ApplicationError("com.hosted.oops", 1, why="so")
        if how == "marked":
            raise SoldOut("tea")
        raise ValueError(how)

    @wamp.register("com.hosted.outer")
    @inlineCallbacks
    def outer(self) -> Any:
        got: list[Any] = []
        result = yield self.call("com.test.inner", 2, options=CallOptions(on_progress=got.append))
        try:
            yield self.call("com.test.missing")
        except ApplicationError as error:
            got.append(error.error)
        yield self.publish("com.hosted.told", 7, options=PublishOptions(acknowledge=True))
        return [*got, result]

    @wamp.subscribe("com.hosted.news")
    def news(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(("news", args, kwargs))

    def pattern(self, *args: Any, details: Any = None) -> None:
        self.seen.append(("pattern", details.topic, args))

    def onLeave(self, details: Any) -> None:
        self.seen.append(("leave", details.reason))
        self.disconnect()

    def onDisconnect(self) -> None:
        self.seen.append("disconnect")


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def app(seen: list[Any]) -> App:
    return App.from_session(Everything, ComponentConfig(extra={"seen": seen}))


def test_a_class_with_everything_runs_as_it_is(app: App, seen: list[Any]) -> None:
    with app.test_client() as client:
        assert seen[:3] == ["made", "connect", ("join", "realm1", "msgpack")]
        assert client.call("com.hosted.add", 1, 2) == 3
        assert client.call("com.hosted.slow", 4) == 8
        assert client.call("com.hosted.coroutine", 4) == 12
        assert client.call("com.hosted.details") == ["com.hosted.details", False]
        assert list(client.stream("com.hosted.count", 3)) == [0, 1, 2, 3]
        assert client.call("com.hosted.many").kwargs == {"three": 3}
        client.register("com.test.inner", inner)
        assert client.call("com.hosted.outer") == [0, 1, "wamp.error.no_such_procedure", "done"]
        client.publish("com.hosted.news", 1, "ü", n=b"\0")
        client.settle()
        assert ("news", (1, "ü"), {"n": b"\0"}) in seen
        [failure] = client.failures
        assert "unexpected keyword argument 'n'" in str(failure)
        client.failures.clear()
    assert seen[-2:] == [("leave", "wamp.close.normal"), "disconnect"]


def inner(n: int) -> Any:
    yield from range(n)
    return "done"


@pytest.mark.parametrize(
    ("how", "uri", "args", "kwargs"),
    [
        ("application", "com.hosted.oops", (1,), {"why": "so"}),
        ("marked", "com.hosted.sold_out", ("tea",), {}),
        ("other", "wamp.error.runtime_error", ("other",), {}),
    ],
)
def test_an_error_is_what_autobahn_makes_of_it(
    app: App, how: str, uri: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with app.test_client() as client, pytest.raises(WampError) as raised:
        client.call("com.hosted.fail", how)
    error = raised.value
    assert (error.uri, error.args, error.kwargs) == (uri, args, kwargs)


def test_it_comes_back_as_a_new_session(app: App, seen: list[Any]) -> None:
    realm = app.test_client()
    with realm as client:
        with realm.offline():
            assert seen[-2:] == [("leave", "wamp.close.transport_lost"), "disconnect"]
        assert client.call("com.hosted.add", 1, 2) == 3
        assert seen.count("made") == 2


class Waiting(ApplicationSession):
    """It calls, and its answer never comes."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        try:
            yield self.call("com.test.never")
        except ApplicationError as error:
            self.config.extra.append(error)


def test_what_waits_for_an_answer_is_told_that_the_transport_is_lost() -> None:
    errors: list[ApplicationError] = []
    realm = TestRealm(App.from_session(Waiting, ComponentConfig(extra=errors)))
    realm.stub("com.test.never", returns=never)
    with realm:
        with realm.offline():
            pass
        [error] = errors
    assert error.error == "wamp.close.transport_lost"


async def never() -> None:
    await asyncio.get_running_loop().create_future()


class Impatient(ApplicationSession):
    """It calls with a timeout, which Autobahn leaves to the router: in milliseconds."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        try:
            yield self.call("com.test.never", options=CallOptions(timeout=5000))
        except ApplicationError as error:
            self.config.extra.append(error.error)


def test_a_timeout_of_the_router_s_goes_by_the_clock() -> None:
    errors: list[str] = []
    realm = TestRealm(App.from_session(Impatient, ComponentConfig(extra=errors)))
    realm.stub("com.test.never", returns=never)
    with realm:
        clock.advance(4.9)
        assert errors == []
        clock.advance(0.2)
        assert errors == ["wamp.error.timeout"]


class Leaving(ApplicationSession):
    """It does its work and leaves, as Autobahn's examples do."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        self.config.extra.append((yield self.call("com.test.now")))
        self.leave()


def test_it_may_leave_by_itself() -> None:
    done: list[Any] = []
    realm = TestRealm(App.from_session(Leaving, ComponentConfig(extra=done)))
    realm.stub("com.test.now", returns=5)
    with realm as client:
        assert done == [5]
        assert client.call("wamp.session.count") == 2  # the client, and the test's own
        with realm.offline():
            pass
        assert done == [5]  # it does not come back


def test_realms_take_classes_and_components() -> None:
    component = Component(realm="realm7")

    @component.register("com.part.twice")
    def twice(n: int) -> int:
        return 2 * n

    heard: list[Any] = []
    component.subscribe("com.part.news")(heard.append)
    with TestRealm(component, Other) as client:
        assert client.call("com.part.twice", 4) == 8
        assert client.call("com.other.ask", 5) == 10
        client.publish("com.part.news", "now")
        client.settle()
    assert heard == ["now"]


class Other(ApplicationSession):
    """A session that calls the component."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        yield self.register(lambda n: self.call("com.part.twice", n), "com.other.ask")


def test_coroutine_tests_take_them_too() -> None:
    async def main() -> None:
        async with TestSession(Everything) as session:
            assert await session.call("com.hosted.add", 1, 2) == 3

    asyncio.run(main())


def test_an_app_and_sessions_in_one_process_call_each_other() -> None:
    app = App(prefix="com.part")
    app.add_session(Other)

    @app.register
    async def twice(n: int) -> int:
        return 2 * n

    @app.register
    async def around(n: int) -> Any:
        return await app.call("com.other.ask", n)

    with app.test_client() as client:
        assert client.call(".around", 3) == 6
        assert client.call("wamp.session.count") == 4  # the app, the session, and two of the test


# What is refused.


def test_the_other_flavour_is_refused_with_a_sentence() -> None:
    """Its import would fail here: this process has that for Twisted."""
    base = type("ApplicationSession", (BaseSession,), {"__module__": "autobahn.asyncio.wamp"})
    foreign = type("Foreign", (base,), {})
    with pytest.raises(UsageError) as caught:
        App.from_session(foreign)
    assert str(caught.value) == (
        "Foreign is of autobahn.asyncio, and this process uses autobahn.twisted; import all of "
        "Autobahn from autobahn.asyncio, for a process can have one of them."
    )


class NoDetails(ApplicationSession):
    """It forgets a parameter."""

    def onJoin(self) -> None:  # type: ignore[override]
        """Do nothing."""


@pytest.mark.parametrize(
    ("session", "config", "sentence"),
    [
        (NoDetails, None, "Autobahn calls NoDetails.onJoin with the details; its parameters are"),
        (Everything, {}, "The config of Everything is of type dict; give autobahn.wamp.types.Com"),
        (str, None, "str is neither a subclass of Autobahn's ApplicationSession nor a Component"),
        (7, None, "int is neither a subclass of Autobahn's ApplicationSession nor a Component"),
        (Component(), ComponentConfig(), "A component has its realm and its extra itself"),
    ],
)
def test_what_cannot_run_is_refused_with_a_sentence(
    session: Any, config: Any, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        App.from_session(session, config)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_session_that_cannot_be_made_ends_the_start() -> None:
    def make(_config: Any) -> Any:
        raise ValueError("no database")

    with (
        pytest.raises(HookFailed, match=r"make could not be made: ValueError: no database\."),
        App.from_session(make).test_client(),
    ):
        pass
    with (
        pytest.raises(UsageError, match="returns int, which is not a session of Autobahn's"),
        App.from_session(lambda _config: 7).test_client(),
    ):
        pass


def test_the_realm_and_the_url_are_the_app_s() -> None:
    assert App.from_session(Everything, ComponentConfig(realm="a")).config.realm == "a"
    assert App.from_session(Everything, realm="b").config.realm == "b"
    component = Component(transports="ws://router.example:9000/ws", realm="c")
    config = App.from_session(component).config
    assert (config.url, config.realm) == ("ws://router.example:9000/ws", "c")
    assert App.from_session(Component()).config.url is None


# What is too large.


class SmallLink(SimpleNamespace):
    """A link to a peer that takes small messages only; it keeps what was sent."""

    def send(self, message: list[Any]) -> None:
        if len(repr(message)) > 200:
            raise PayloadTooLarge("The message is too large.")
        self.sent.append(message)


def test_an_error_that_repeats_what_is_too_large_is_shortened() -> None:
    link: Any = SmallLink(sent=[], codec=MsgPack(), channel=None, address="here")
    transport = SessionTransport(link, lambda plain: plain, lambda: None)
    with pytest.raises(PayloadExceededError, match="is too large"):
        transport.send(message.Yield(7, args=["x" * 500]))
    transport.send(message.Error(68, 7, "wamp.error.runtime_error", args=["x" * 500]))
    assert link.sent == [
        [8, 68, 7, {}, "wamp.error.payload_size_exceeded", ["The message is too large."]]
    ]
