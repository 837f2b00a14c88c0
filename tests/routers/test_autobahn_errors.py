"""Autobahn's `ApplicationError` and `@wamp.error`: raised by handlers, and caught by callers."""

import asyncio
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, fail, inlineCallbacks

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, InvalidUri, NoSuchProcedure, WampError, connect
from wampapp.crossbar import Crossbar

DEADLINE = 60.0  # seconds
URI = "com.moved.sold_out"
Router = EmbeddedRouter | Crossbar


@wamp.error("com.moved.gone")
class Gone(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


def error_of(kind: str) -> Exception:
    if kind == "marked":
        return Gone("apple")
    return ApplicationError(URI, "gone", 7, sku="apple", enc_algo="cryptobox", callee=5)


def shop() -> App:
    """An app whose handlers of every kind raise what a caller asks for."""
    app = App(prefix="com.moved")

    def thread(kind: str) -> None:
        raise error_of(kind)

    async def coroutine(kind: str) -> None:
        await asyncio.sleep(0)
        raise error_of(kind)

    @inlineCallbacks
    def callbacks(kind: str) -> Any:
        yield fail(error_of(kind))

    def deferred(kind: str) -> Deferred[None]:
        return fail(error_of(kind))

    def generator(kind: str) -> Any:
        yield 1
        raise error_of(kind)

    async def stream(kind: str) -> Any:
        yield 1
        raise error_of(kind)

    for function in (thread, coroutine, callbacks, deferred, generator, stream):
        app.add_registration(function, f".{function.__name__}")
    app.add_registration(thread, ".loop", run="loop")

    wrapped = App()

    @wrapped.middleware
    async def around(_call: Any, following: Any) -> Any:
        return await following()

    @wrapped.errorhandler(KeyError)
    def on_key_error(error: KeyError) -> None:
        raise ApplicationError("com.moved.unknown", *error.args)

    @wrapped.register("com.moved.wrapped")
    def inside(kind: str) -> None:
        raise error_of(kind)

    @wrapped.register("com.moved.handled")
    def handled(key: str) -> None:
        raise KeyError(key)

    app.include(wrapped)
    return app


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    with running(shop(), router.rs_url), connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


EACH_KIND = pytest.mark.parametrize(
    "name",
    ["thread", "loop", "coroutine", "callbacks", "deferred", "generator", "stream", "wrapped"],
)


@EACH_KIND
def test_an_application_error_of_any_handler_keeps_everything(
    client: ConnectedClient, name: str
) -> None:
    with pytest.raises(WampError) as caught:
        client.call(f"com.moved.{name}", "application")
    error = caught.value
    assert (error.uri, error.args, error.kwargs) == (URI, ("gone", 7), {"sku": "apple"})


@EACH_KIND
def test_a_marked_class_needs_no_defining_where_it_is_raised(
    client: ConnectedClient, name: str
) -> None:
    with pytest.raises(WampError) as caught:
        client.call(f"com.moved.{name}", "marked")
    error = caught.value
    assert (error.uri, error.args, error.kwargs) == ("com.moved.gone", ("apple",), {})


def test_an_error_handler_may_raise_one(client: ConnectedClient) -> None:
    with pytest.raises(WampError) as caught:
        client.call("com.moved.handled", "apple")
    assert (caught.value.uri, caught.value.args) == ("com.moved.unknown", ("apple",))


def test_an_app_that_asks_for_them_catches_application_errors(
    client: ConnectedClient, router: Router
) -> None:
    app = App(prefix="com.buyer")
    app.define_error(ApplicationError)
    app.define_error(Gone)
    caught: queue.Queue[Any] = queue.Queue()

    @app.register
    async def buy(uri: str, kind: str) -> None:
        try:
            await app.call(uri, kind)
        except (ApplicationError, Gone) as error:
            caught.put(error)

    @app.register
    def buy_blocking(uri: str, kind: str) -> None:
        try:
            app.sync.call(uri, kind)
        except (ApplicationError, Gone) as error:
            caught.put(error)

    @app.register
    async def buy_late() -> None:
        try:
            await app.procedure(".never", timeout=0.01)()
        except ApplicationError as error:
            caught.put(error)

    @app.register
    async def never() -> None:
        await asyncio.Event().wait()

    @app.register
    async def pass_on() -> None:
        await app.call("com.moved.loop", "application")

    with running(app, router.rs_url):
        for verb in ("com.buyer.buy", "com.buyer.buy_blocking"):
            client.call(verb, "com.moved.loop", "application")
            error = caught.get(timeout=DEADLINE)
            assert isinstance(error, ApplicationError)
            assert (error.error, error.args, error.kwargs) == (URI, ("gone", 7), {"sku": "apple"})
            client.call(verb, "com.moved.loop", "marked")
            error = caught.get(timeout=DEADLINE)
            assert type(error) is Gone
            assert error.sku == "apple"
            client.call(verb, "com.moved.none", "")
            error = caught.get(timeout=DEADLINE)
            assert error.error == ApplicationError.NO_SUCH_PROCEDURE
            assert isinstance(error, NoSuchProcedure)
        client.call("com.buyer.buy_late")
        assert caught.get(timeout=DEADLINE).error == ApplicationError.TIMEOUT
        with pytest.raises(WampError) as passed:
            client.call("com.buyer.pass_on")
        assert (passed.value.uri, passed.value.kwargs) == (URI, {"sku": "apple"})


def test_a_client_defines_errors_for_its_calls_and_its_handlers(
    client: ConnectedClient, router: Router
) -> None:
    with connect(router.rs_url, timeout=DEADLINE) as other:
        with pytest.raises(WampError):
            other.call("com.moved.loop", "marked")
        other.define_error(ApplicationError)
        other.define_error(Gone)
        other.define_error(KeyError, "com.moved.key")
        with pytest.raises(InvalidUri, match=r"The error '\.key' is relative to a prefix"):
            other.define_error(KeyError, ".key")
        with pytest.raises(ApplicationError) as caught:
            other.call("com.moved.loop", "application")
        assert caught.value.error == URI
        with pytest.raises(Gone):
            other.call("com.moved.loop", "marked")

        def fails() -> None:
            raise KeyError("apple")

        other.register("com.moved.client.fails", fails)
        with pytest.raises(WampError) as failed:
            client.call("com.moved.client.fails")
        assert (failed.value.uri, failed.value.args) == ("com.moved.key", ("apple",))
