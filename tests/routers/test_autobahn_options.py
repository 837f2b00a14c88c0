"""Autobahn's option objects and its `CallResult`, wherever ours may stand, on both routers."""

import asyncio
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from autobahn.wamp.types import (
    CallDetails,
    CallOptions,
    EventDetails,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)
from autobahn.wamp.types import CallResult as TheirResult
from twisted.internet.defer import Deferred, succeed

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, CallResult, CallTimeout, ConnectedClient, PayloadNotEncodable, connect
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar


def service(seen: "queue.Queue[Any]") -> App:
    app = App(prefix="com.opts")

    @app.register(options=RegisterOptions(details=True))
    def count(upto: int, details: CallDetails) -> list[Any]:
        for number in range(upto):
            if details.progress is not None:
                details.progress(number, square=number * number)
        return [details.procedure, details.caller_authrole]

    @app.register(".log.", options=RegisterOptions(match="prefix", details_arg="info"))
    async def log(info: CallDetails) -> str:
        return str(info.procedure)

    @app.register
    def plain_result() -> TheirResult:
        return TheirResult(1, 2, args=3, callee_name="x")

    @app.register
    async def coroutine_result() -> TheirResult:
        return TheirResult(named=b"bytes")

    @app.register
    def deferred_result() -> "Deferred[Any]":
        return succeed(TheirResult(5))

    @app.register
    def bad_result() -> TheirResult:
        return TheirResult(object())

    @app.register
    async def never() -> None:
        await asyncio.Event().wait()

    @app.register
    def echo(**kwargs: Any) -> Any:
        return kwargs

    @app.subscribe(".news.", options=SubscribeOptions(match="prefix", details=True))
    def on_news(text: str, details: EventDetails) -> None:
        seen.put((details.topic, text, details.publication))

    return app


@pytest.fixture(scope="module")
def seen() -> "queue.Queue[Any]":
    return queue.Queue()


@pytest.fixture(scope="module")
def app(router: Router, seen: "queue.Queue[Any]") -> Iterator[App]:
    app = service(seen)
    with running(app, router.rs_url):
        yield app


@pytest.fixture(scope="module")
def client(router: Router, app: App) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


def on_loop(function: Any, *args: Any, **kwargs: Any) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(DEADLINE):
            return await function(*args, **kwargs)

    return get_runtime().call(run())


def test_declarations(client: ConnectedClient, seen: "queue.Queue[Any]") -> None:
    count = client.procedure("com.opts.count", disclose_me=True)
    assert count(2) == ["com.opts.count", "anonymous"]
    assert client.call("com.opts.log.a.b") == "com.opts.log.a.b"
    publication = client.publish("com.opts.news.a", "hello")
    assert seen.get(timeout=DEADLINE) == ("com.opts.news.a", "hello", publication)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain_result", CallResult(1, 2, args=3, callee_name="x")),
        ("coroutine_result", CallResult(named=b"bytes")),
        ("deferred_result", 5),
    ],
)
def test_a_handler_answers_with_a_result_of_autobahn_s(
    client: ConnectedClient, name: str, expected: Any
) -> None:
    assert client.call(f"com.opts.{name}") == expected


def test_a_result_of_autobahn_s_that_cannot_be_sent(client: ConnectedClient) -> None:
    with pytest.raises(PayloadNotEncodable, match="no plain form for an object of type object"):
        client.call("com.opts.bad_result")


def test_calls_of_an_app(app: App) -> None:
    got: queue.Queue[Any] = queue.Queue()

    def on_progress(*args: Any, **kwargs: Any) -> None:
        got.put((args, kwargs))

    options = CallOptions(on_progress=on_progress, timeout=DEADLINE)
    for call in (
        lambda: app.call(".count", 2, options=options),
        lambda: app.procedure(".count", options)(2),
        lambda: app.procedure(".count", options=options)(2),
        lambda: asyncio.to_thread(app.sync.call, ".count", 2, options=options),
        lambda: asyncio.to_thread(app.sync.procedure(".count", options), 2),
    ):
        assert on_loop(call)[0] == "com.opts.count"
        assert [got.get(timeout=DEADLINE) for _ in range(2)] == [
            ((0,), {"square": 0}), ((1,), {"square": 1}),
        ]  # fmt: skip


def test_a_call_with_details_gives_a_result_of_autobahn_s(
    app: App, client: ConnectedClient
) -> None:
    result = on_loop(app.call, ".plain_result", options=CallOptions(details=True))
    assert type(result) is TheirResult
    assert (result.results, result.kwresults) == ((1, 2), {"args": 3, "callee_name": "x"})
    result = client.call("com.opts.deferred_result", options=CallOptions(details=True))
    assert (result.results, result.kwresults) == ((5,), {})
    several = CallResult(1, 2, args=3, callee_name="x")
    assert client.call("com.opts.plain_result", options=CallOptions(timeout=DEADLINE)) == several


def test_timeouts_are_in_seconds(app: App, client: ConnectedClient) -> None:
    short = CallOptions(timeout=0.05)
    for call in (
        lambda: on_loop(app.call, ".never", options=short),
        lambda: client.call("com.opts.never", options=short),
        client.procedure("com.opts.never", short),
        lambda: list(client.stream("com.opts.never", options=short)),
    ):
        with pytest.raises(CallTimeout):
            call()
    # A router would take the number for milliseconds.
    long = CallOptions(timeout=DEADLINE)
    first, *_ = client.stream("com.opts.count", 2, options=long)
    assert first == CallResult(0, square=0)


def test_any_other_options_are_an_argument(app: App, client: ConnectedClient) -> None:
    assert client.call("com.opts.echo", options={"a": 1}) == {"options": {"a": 1}}
    assert on_loop(app.call, ".echo", options=None) == {"options": None}


def test_events(app: App, client: ConnectedClient, seen: "queue.Queue[Any]") -> None:
    acknowledged = PublishOptions(acknowledge=True, exclude_me=False)
    for topic, publish in {
        "a": lambda: on_loop(app.publish, ".news.a", "hello", options=acknowledged),
        "b": lambda: on_loop(app.topic(".news.b", acknowledged).publish, "hello"),
        "c": lambda: app.sync.publish(".news.c", "hello", options=acknowledged),
        "d": lambda: client.topic("com.opts.news.d", PublishOptions(retain=True)).publish("hello"),
        "e": lambda: client.publish("com.opts.news.e", "hello",
                                    options=PublishOptions(acknowledge=False)),
    }.items():  # fmt: skip
        number = publish()
        assert seen.get(timeout=DEADLINE) == (f"com.opts.news.{topic}", "hello", number)
    silent = client.topic("com.opts.news.f", PublishOptions(acknowledge=False))
    assert silent.publish("hello") is None
    assert seen.get(timeout=DEADLINE)[0] == "com.opts.news.f"


def test_what_is_retained_and_who_is_excluded(
    app: App, client: ConnectedClient, seen: "queue.Queue[Any]"
) -> None:
    client.publish("com.opts.kept", 5, options=PublishOptions(retain=True))
    late: queue.Queue[Any] = queue.Queue()

    def on_kept(number: int, details: EventDetails) -> None:
        late.put((number, details.retained))

    options = SubscribeOptions(get_retained=True, details=True)
    subscription = client.subscribe("com.opts.kept", on_kept, options=options)
    assert late.get(timeout=DEADLINE) == (5, True)
    subscription.unsubscribe()
    # An app does not get its own events, and nobody gets those for roles that do not exist.
    on_loop(app.publish, ".news.own", "hidden", options=PublishOptions(acknowledge=True))
    nobody = PublishOptions(eligible_authrole="nobody")
    client.publish("com.opts.news.none", "hidden", options=nobody)
    client.publish("com.opts.news.last", "shown")
    assert seen.get(timeout=DEADLINE)[:2] == ("com.opts.news.last", "shown")


def test_what_is_declared_while_it_runs(app: App, client: ConnectedClient) -> None:
    def where(details: CallDetails) -> Any:
        return details.procedure

    options = RegisterOptions(match="wildcard", details=True)
    registration = on_loop(app.register_now, ".late.<name>", _captured, options=None)
    assert client.call("com.opts.late.a") == "a"
    on_loop(registration.unregister)
    blocking = client.register("com.opts..late", where, options=options)
    assert client.call("com.opts.x.late") == "com.opts.x.late"
    blocking.unregister()
    leading = client.register(".opts.late", where, options=options)
    assert client.call("x.opts.late") == "x.opts.late"
    leading.unregister()


def _captured(name: str) -> str:
    return name
