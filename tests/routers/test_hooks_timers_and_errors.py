"""Hooks, timers, error handlers, defined errors and blueprints, on both routers."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import wampapp
from tests.support.process import EmbeddedRouter, Wampapp
from tests.support.process import wampapp as command
from tests.support.programs import program
from tests.support.running import running
from wampapp import App, Blueprint, ConnectedClient, HandlerFailed, WampError, connect
from wampapp.crossbar import Crossbar

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


# Hooks


def test_hooks_run_in_order_and_shutdown_in_reverse(
    client: ConnectedClient, router: Router
) -> None:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[None]:
        seen.append("enter")
        yield
        seen.append("exit")

    app = App(prefix="com.life", lifespan=lifespan)

    @app.on_startup
    def first() -> None:
        assert threading.current_thread().name == "wampapp"
        seen.append("startup 1")

    @app.on_startup
    async def second() -> None:
        seen.append("startup 2")

    @app.on_join
    async def joined() -> None:
        seen.append(f"join {await app.call('.ping')}")

    @app.on_leave
    def left() -> None:
        seen.append("leave")

    @app.on_shutdown
    async def close_1() -> None:
        seen.append("shutdown 1")

    @app.on_shutdown
    def close_2() -> None:
        seen.append("shutdown 2")

    @app.register
    def ping() -> str:
        return "pong"

    with running(app, router.rs_url):
        assert client.call("com.life.ping") == "pong"
    assert seen == [
        "enter", "startup 1", "startup 2", "join pong", "shutdown 2", "shutdown 1", "leave", "exit",
    ]  # fmt: skip


@pytest.mark.parametrize("moment", ["startup", "join"])
def test_a_failing_hook_ends_the_run(
    router: Router, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    app = App(prefix="com.failing")
    seen: list[str] = []

    def broken() -> None:
        raise RuntimeError("no database")

    getattr(app, f"on_{moment}")(broken)
    app.on_shutdown(lambda: seen.append("shutdown"))
    with caplog.at_level(logging.ERROR), pytest.raises(wampapp.HookFailed) as caught:
        with running(app, router.rs_url):
            pass
    assert "broken" in str(caught.value)
    assert "RuntimeError: no database" in str(caught.value)
    assert "Traceback" in caplog.text
    assert seen == ["shutdown"]


def test_a_failing_hook_on_the_command_line(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(
        "from wampapp import App\napp = App()\n@app.on_startup\ndef connect_database():\n"
        "    raise RuntimeError('no database')\n"
    )
    done = command("run", "service.py", "--url", embedded.rs_url, cwd=tmp_path)
    assert done.returncode == 1
    assert "line 5, in connect_database" in done.stderr
    assert "wampapp/" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: The startup hook connect_database (")


def test_join_hooks_run_again_and_startup_hooks_do_not(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(program("hooks_service.py"))
    with EmbeddedRouter() as first:
        with Wampapp("run", "service.py", "--url", first.rs_url, cwd=tmp_path) as service:
            service.until("Press Ctrl-C")
            assert first.stop() == 0
            service.until("leave hook")
            with EmbeddedRouter(first.port) as second:
                service.until("Joined again")
                assert service.stop() == 0
                assert second.stop() == 0
    hooks = [line.rpartition("  ")[2] for line in service.stderr if line.endswith("hook")]
    assert hooks == ["startup hook", "join hook", "leave hook", "join hook", "leave hook"]


@pytest.mark.parametrize("kind", ["async", "thread"])
def test_a_timer_never_overlaps_itself_and_survives_errors(
    router: Router, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    app = App(prefix="com.timers")
    ticks: queue.Queue[int] = queue.Queue()
    running_now = [0]

    def tick() -> None:
        running_now[0] += 1
        ticks.put(running_now[0])
        running_now[0] -= 1
        if ticks.qsize() == 2:
            raise ValueError("a bad tick")

    async def async_tick() -> None:
        await asyncio.sleep(0.01)
        tick()

    app.every(0.005)(async_tick if kind == "async" else tick)
    with caplog.at_level(logging.ERROR), running(app, router.rs_url):
        assert [ticks.get(timeout=DEADLINE) for _ in range(5)] == [1] * 5
    with pytest.raises(wampapp.UsageError, match="above 0"):
        app.every(0)


# Errors


class ShopError(Exception):
    """The root of a shop's errors."""


class OutOfStock(ShopError):
    def __init__(self, sku: str, left: int) -> None:
        super().__init__(f"{sku} is out of stock")
        self.sku = sku
        self.left = left
        self._secret = "not told"


@pytest.mark.parametrize("kind", ["thread", "async", "loop", "stream", "generator", "event"])
def test_the_nearest_error_handler_answers(
    client: ConnectedClient, router: Router, kind: str
) -> None:
    app, inner = App(prefix="com.errors"), Blueprint(".inner")
    heard: queue.Queue[str] = queue.Queue()

    @app.errorhandler(Exception)
    async def any_error(error: Exception) -> str:
        heard.put(f"app: {error}")
        return f"app: {error}"

    @app.errorhandler(ShopError)
    def shop_error(error: ShopError) -> str:
        raise WampError("com.errors.shop", str(error))

    @inner.errorhandler(KeyError)
    def key_error(error: KeyError) -> str:
        heard.put(f"inner: {error}")
        return f"inner: {error}"

    errors = {"key": KeyError("k"), "value": ValueError("v"), "stock": OutOfStock("apple", 0)}

    def plain(name: str) -> Any:
        raise errors[name]

    async def coroutine(name: str) -> Any:
        raise errors[name]

    async def stream(name: str) -> Any:
        yield 1
        raise errors[name]

    def generator(name: str) -> Any:
        yield 1
        raise errors[name]

    functions = {"async": coroutine, "stream": stream, "generator": generator}
    if kind == "event":
        inner.add_subscription(plain, ".fail")
    else:
        run = "loop" if kind == "loop" else None
        inner.add_registration(functions.get(kind, plain), ".fail", run=run)  # type: ignore[arg-type]
    app.include(inner)
    with running(app, router.rs_url):
        if kind == "event":
            client.publish("com.errors.inner.fail", "key")
            client.publish("com.errors.inner.fail", "value")
            assert [heard.get(timeout=DEADLINE) for _ in range(2)] == ["inner: 'k'", "app: v"]
            return
        assert client.call("com.errors.inner.fail", "key") == "inner: 'k'"
        assert client.call("com.errors.inner.fail", "value") == "app: v"
        with pytest.raises(WampError) as caught:
            client.call("com.errors.inner.fail", "stock")
        assert caught.value.uri == "com.errors.shop"
        # Arguments that do not fit are an error like another.
        assert "expected str" in client.call("com.errors.inner.fail", 5)


def test_a_defined_error_goes_both_ways(client: ConnectedClient, router: Router) -> None:
    shop, buyer = App(prefix="com.defined"), App(prefix="com.buyer")
    for app in (shop, buyer):
        app.define_error(OutOfStock, "com.defined.out_of_stock")

    @shop.register
    def order(sku: str) -> None:
        raise OutOfStock(sku, 3)

    @buyer.register
    async def buy(sku: str) -> list[Any]:
        try:
            await buyer.call("com.defined.order", sku)
        except OutOfStock as error:
            return [error.sku, error.left, str(error), hasattr(error, "_secret")]
        return []

    @buyer.register
    def pass_on(sku: str) -> None:
        buyer.sync.call("com.defined.order", sku)

    with running(shop, router.rs_url), running(buyer, router.rs_url):
        assert client.call("com.buyer.buy", "apple") == [
            "apple", 3, "apple is out of stock", False,
        ]  # fmt: skip
        for procedure in ("com.defined.order", "com.buyer.pass_on"):
            with pytest.raises(WampError) as caught:
                client.call(procedure, "pear")
            assert caught.value.uri == "com.defined.out_of_stock"
            assert caught.value.args == ("pear is out of stock",)
            assert caught.value.kwargs == {"sku": "pear", "left": 3}


@pytest.mark.parametrize("verb", ["errorhandler", "define_error"])
def test_only_exceptions_are_errors(verb: str) -> None:
    args = ("com.a",) if verb == "define_error" else ()
    with pytest.raises(wampapp.InvalidHandler, match=f"{verb} takes an exception class"):
        getattr(App(), verb)("five", *args)


def test_only_the_statuses_of_http_are_pages_errors() -> None:
    with pytest.raises(wampapp.InvalidHandler, match="5 is not the HTTP status of an error"):
        App().errorhandler(5)


def test_one_error_handler_a_class() -> None:
    app = App()
    app.errorhandler(ValueError)(lambda error: error)
    with pytest.raises(wampapp.DuplicateUri, match="for ValueError"):
        app.errorhandler(ValueError)


# Blueprints


def test_a_blueprint_is_included_under_many_prefixes(
    client: ConnectedClient, router: Router
) -> None:
    seen: list[str] = []
    leaf, branch, app = Blueprint(".leaf"), Blueprint("com.other"), App(prefix="com.tree")

    @leaf.register
    def name() -> str:
        return "leaf"

    @leaf.register(".item.<number>")
    def item(number: int) -> int:
        return number

    @leaf.register("com.absolute.name")
    def absolute() -> str:
        return "absolute"

    @leaf.on_startup
    def started() -> None:
        seen.append("leaf started")

    @branch.register
    def own() -> str:
        return "branch"

    branch.include(leaf)
    app.include(branch)
    second = Blueprint(".v2")
    second.add_registration(name, ".name")
    second.add_registration(item, ".<number>")
    app.include(second)
    app.include(second, prefix="com.elsewhere")
    uris = {record.uri for record in app.registry.registrations}
    assert uris == {
        "com.other.own",
        "com.other.leaf.name",
        "com.other.leaf.item.<number>",
        "com.absolute.name",
        "com.tree.v2.name",
        "com.tree.v2.<number>",
        "com.elsewhere.name",
        "com.elsewhere.<number>",
    }
    with running(app, router.rs_url):
        assert client.call("com.other.leaf.name") == "leaf"
        assert client.call("com.other.leaf.item.7") == 7
        assert client.call("com.tree.v2.8") == 8
        assert client.call("com.elsewhere.name") == "leaf"
    assert seen == ["leaf started"]


def test_what_is_included_twice_under_one_prefix_is_refused() -> None:
    app, blueprint = App(prefix="com.twice"), Blueprint(".part")
    blueprint.add_registration(lambda: 1, ".one")
    app.include(blueprint)
    with pytest.raises(wampapp.DuplicateUri):
        app.include(blueprint)


def test_an_apps_prefix_is_relative_to_nothing() -> None:
    with pytest.raises(wampapp.InvalidUri, match="starts with a dot"):
        App(prefix=".part")


# Middleware


def test_middleware_wraps_every_kind(client: ConnectedClient, router: Router) -> None:
    app, inner = App(prefix="com.wrapped"), Blueprint(".inner")
    seen: queue.Queue[tuple[str, str, Any]] = queue.Queue()

    def layer(name: str) -> Any:
        async def middleware(call: wampapp.Call, following: Any) -> Any:
            seen.put((name, call.uri, tuple(call.args)))
            if call.uri.endswith("changed"):
                call.args = [*call.args, name]
            result = await following()
            seen.put((name, call.pattern, result))
            return result

        return middleware

    app.middleware(layer("outer"))
    app.middleware(layer("second"))
    inner.middleware(layer("inner"))

    @inner.register
    def thread(number: int) -> int:
        return number + 1

    @inner.register
    async def coroutine(number: int) -> int:
        return number + 1

    @inner.register(run="loop")
    def loop(number: int) -> int:
        return number + 1

    @inner.register
    def generator(upto: int) -> Iterator[int]:
        yield from range(upto)

    @inner.register
    async def stream(upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number

    @inner.register(".<what>.changed")
    def changed(what: str, *args: str) -> list[str]:
        return [what, *args]

    @app.register
    def fails() -> None:
        raise WampError("com.wrapped.failed")

    @app.subscribe
    def news(text: str) -> str:
        return text.upper()

    app.include(inner)

    def trace() -> list[tuple[str, str, Any]]:
        return [seen.get(timeout=DEADLINE) for _ in range(seen.qsize())]

    with running(app, router.rs_url):
        for kind, args, expected in [
            ("thread", (1,), 2),
            ("coroutine", (1,), 2),
            ("loop", (1,), 2),
            ("generator", (2,), [0, 1]),
            ("stream", (2,), [0, 1]),
        ]:
            uri = f"com.wrapped.inner.{kind}"
            assert client.call(uri, *args) == expected
            assert trace() == [
                *((name, uri, args) for name in ("outer", "second", "inner")),
                *((name, uri, expected) for name in ("inner", "second", "outer")),
            ]
        assert list(client.stream("com.wrapped.inner.stream", 3)) == [0, 1, 2]
        assert list(client.stream("com.wrapped.inner.generator", 3)) == [0, 1, 2]
        trace()
        assert client.call("com.wrapped.inner.a.changed") == ["a", "outer", "second", "inner"]
        assert trace()[-1][1] == "com.wrapped.inner.<what>.changed"
        with pytest.raises(WampError, match=r"com\.wrapped\.failed"):
            client.call("com.wrapped.fails")
        trace()
        client.publish("com.wrapped.news", "hi")
        got = [seen.get(timeout=DEADLINE) for _ in range(4)]
        assert got[-1] == ("outer", "com.wrapped.news", "HI")


def test_middleware_is_a_coroutine_function() -> None:
    with pytest.raises(wampapp.InvalidHandler, match="write it 'async def'"):
        App().middleware(lambda call, following: None)


# Results that do not fit their annotation


@pytest.mark.parametrize("debug", [True, False])
def test_results_are_checked_in_debug(client: ConnectedClient, router: Router, debug: bool) -> None:
    app = App(prefix="com.checked", debug=debug)

    @app.register
    def number() -> int:
        return "x"  # type: ignore[return-value]

    with running(app, router.rs_url):
        if debug:
            with pytest.raises(HandlerFailed, match="returned 'x', which does not fit its annot"):
                client.call("com.checked.number")
        else:
            assert client.call("com.checked.number") == "x"
