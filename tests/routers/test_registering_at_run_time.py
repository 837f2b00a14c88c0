"""Registrations and subscriptions that come and go while an app or a client runs."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.proxy import Wire
from tests.support.running import running
from wampapp import (
    ActiveRegistration,
    ActiveSubscription,
    App,
    Call,
    ConnectedClient,
    Event,
    InvalidHandler,
    InvalidUri,
    Invocation,
    NoSuchProcedure,
    NotJoined,
    ProcedureExists,
    WampError,
    WrongThread,
    connect,
)
from wampapp.loop.runtime import get_runtime

DEADLINE = 60.0  # seconds


def on_loop(function: Callable[..., Any], *args: Any) -> Any:
    async def run() -> Any:
        return await function(*args)

    return get_runtime().call(run())


def test_an_app_registers_and_unregisters(url: str, client: ConnectedClient) -> None:
    app = App(prefix="com.late")

    with running(app, url):
        registration = on_loop(app.register_now, ".add", lambda a, b: a + b)
        assert isinstance(registration, ActiveRegistration)
        assert client.call("com.late.add", 2, 3) == 5
        assert registration.uri == "com.late.add"
        assert registration.id == client.call("wamp.registration.lookup", "com.late.add")
        with pytest.raises(ProcedureExists):
            on_loop(app.register_now, ".add", lambda a, b: a - b)
        assert client.call("com.late.add", 2, 3) == 5
        on_loop(registration.unregister)
        with pytest.raises(NoSuchProcedure):
            client.call("com.late.add", 2, 3)
        assert registration.id is None
        on_loop(registration.unregister)
        on_loop(app.register_now, ".add", lambda a, b: a - b)
        assert client.call("com.late.add", 2, 3) == -1


def test_options_error_handlers_and_middleware_hold_as_for_what_is_declared(
    url: str, client: ConnectedClient
) -> None:
    app, seen = App(prefix="com.late"), []

    @app.errorhandler(ZeroDivisionError)
    def divided(_error: ZeroDivisionError) -> str:
        return "infinite"

    @app.middleware
    async def note(call: Call, following: Any) -> Any:
        seen.append(call.uri)
        return await following()

    def share(sku: str, total: int, parts: int) -> list[Any]:
        return [sku, total / parts]

    with running(app, url):
        on_loop(lambda: app.register_now(".<sku>.share", share, concurrency=1))
        assert client.call("com.late.tea.share", 6, 3) == ["tea", 2.0]
        assert client.call("com.late.tea.share", 6, 0) == "infinite"
        with pytest.raises(WampError, match="invalid_argument"):
            client.call("com.late.tea.share", "six", 3)
    assert set(seen) == {"com.late.tea.share"}


def test_handlers_of_one_topic_are_taken_back_one_by_one(url: str, client: ConnectedClient) -> None:
    app = App(prefix="com.late")
    one: queue.SimpleQueue[int] = queue.SimpleQueue()
    two: queue.SimpleQueue[int] = queue.SimpleQueue()

    with running(app, url):
        first = on_loop(app.subscribe_now, ".news", one.put)
        second = on_loop(app.subscribe_now, ".news", two.put)
        assert isinstance(first, ActiveSubscription)
        assert first.id == second.id == client.call("wamp.subscription.lookup", "com.late.news")
        client.publish("com.late.news", 1)
        assert (one.get(timeout=DEADLINE), two.get(timeout=DEADLINE)) == (1, 1)
        on_loop(first.unsubscribe)
        client.publish("com.late.news", 2)
        assert two.get(timeout=DEADLINE) == 2
        on_loop(second.unsubscribe)
        assert client.call("wamp.subscription.lookup", "com.late.news") is None
        again = on_loop(app.subscribe_now, ".news", one.put)
        client.publish("com.late.news", 3)
        assert one.get(timeout=DEADLINE) == 3
        assert again.id is not None
        assert (one.empty(), two.empty()) == (True, True)


@pytest.mark.parametrize("kind", ["thread", "loop", "task", "declared"])
def test_a_handler_takes_itself_back(url: str, client: ConnectedClient, kind: str) -> None:
    app = App(prefix="com.late")
    heard: list[int] = []
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    def plain(number: int, event: Event) -> None:
        heard.append(number)
        event.unsubscribe()
        event.unsubscribe()

    async def task(number: int, event: Event) -> None:
        heard.append(number)
        event.unsubscribe()
        await asyncio.sleep(0)  # the next event may come in while this one is handled

    handler = task if kind == "task" else plain
    if kind == "declared":
        app.subscribe(".news")(handler)
    app.subscribe(".news")(done.put)
    with running(app, url):
        if kind == "loop":
            on_loop(lambda: app.subscribe_now(".news", handler, run="loop"))
        elif kind != "declared":
            on_loop(app.subscribe_now, ".news", handler)
        for number in range(20):
            client.publish("com.late.news", number)
        assert [done.get(timeout=DEADLINE) for _ in range(20)] == list(range(20))
    assert heard == [0]


def test_the_only_handler_of_a_topic_takes_itself_back(url: str, client: ConnectedClient) -> None:
    app, gone = App(), threading.Event()

    @app.subscribe("wamp.subscription.on_delete")
    def deleted(_session: int, number: int) -> None:
        if number == mine:
            gone.set()

    def once(event: Event) -> None:
        event.unsubscribe()

    with running(app, url):
        mine = on_loop(app.subscribe_now, "com.late.once", once).id
        client.publish("com.late.once")
        assert gone.wait(DEADLINE)
        assert client.call("wamp.subscription.lookup", "com.late.once") is None


def test_a_procedure_takes_itself_back_and_still_answers(url: str, client: ConnectedClient) -> None:
    app = App(prefix="com.late")
    gone = threading.Event()

    @app.register
    def once(call: Invocation) -> str:
        call.unregister()
        return "the only answer"

    @app.subscribe("wamp.registration.on_delete")
    def deleted(*_: int) -> None:
        gone.set()

    with running(app, url):
        assert client.call("com.late.once") == "the only answer"
        assert gone.wait(DEADLINE)
        with pytest.raises(NoSuchProcedure):
            client.call("com.late.once")


def test_what_was_made_comes_back_and_what_was_taken_back_does_not(
    embedded: EmbeddedRouter,
) -> None:
    app, joins = App(prefix="com.late"), queue.SimpleQueue[None]()
    app.on_join(lambda: joins.put(None))

    @app.register
    def declared(call: Invocation) -> None:
        call.unregister()

    with (
        Wire(embedded.port) as wire,
        running(app, wire.rs_url) as service,
        connect(embedded.rs_url, timeout=DEADLINE) as client,
    ):
        joins.get(timeout=DEADLINE)
        kept = on_loop(app.register_now, ".kept", lambda: "kept")
        early = on_loop(app.register_now, ".early", lambda: "early")
        late = on_loop(app.register_now, ".late", lambda: "late")
        on_loop(early.unregister)
        client.call("com.late.declared")
        assert service.connection is not None
        session = service.connection.session
        assert session is not None

        async def take_back_offline() -> None:
            wire.cut()
            await session.closed
            await late.unregister()

        get_runtime().call(take_back_offline())
        joins.get(timeout=DEADLINE)
        assert client.call("com.late.kept") == "kept"
        assert kept.id == client.call("wamp.registration.lookup", "com.late.kept")
        for name in ("early", "late", "declared"):
            assert client.call("wamp.registration.lookup", f"com.late.{name}") is None


def test_app_sync_registers_in_a_plain_handler(url: str, client: ConnectedClient) -> None:
    app = App(prefix="com.late")

    @app.errorhandler(KeyError)
    def lacking(error: KeyError) -> str:
        return f"no {error.args[0]}"

    @app.register
    def open_shop() -> int | None:
        registration = app.sync.register(".sell", lambda sku: {"tea": 3}[sku])
        subscription = app.sync.subscribe(".sold", print)
        subscription.unsubscribe()
        return registration.id

    with running(app, url):
        assert client.call("com.late.open_shop") == client.call(
            "wamp.registration.lookup", "com.late.sell"
        )
        assert client.call("com.late.sell", "tea") == 3
        assert client.call("com.late.sell", "cake") == "no cake"
        assert client.call("wamp.subscription.lookup", "com.late.sold") is None


def test_mistakes_are_told() -> None:
    app = App(prefix="com.late")
    with pytest.raises(NotJoined, match="not running"):
        app.register_now(".add", print)
    with app.test_client():
        with pytest.raises(WrongThread, match=r"use app\.sync\.register\(\)"):
            app.register_now(".add", print)
        with pytest.raises(WrongThread, match=r"use app\.sync\.subscribe\(\)"):
            app.subscribe_now(".news", print)
        with pytest.raises(InvalidUri):
            app.sync.register("not a uri", print)
        with pytest.raises(InvalidHandler):
            app.sync.subscribe(".news", 5)  # type: ignore[arg-type]

        registered: list[ActiveRegistration] = []

        async def register() -> None:
            registered.append(await app.register_now(".late", lambda: None))

        app.sync.on_loop(lambda _: register())
        with pytest.raises(WrongThread, match=r"call\.unregister\(\)"):
            registered[0].unregister()


def test_a_test_has_them_too() -> None:
    app = App(prefix="com.late")

    with app.test_client() as client:
        registration = client.register(".stock", lambda: 3)
        assert app.sync.call(".stock") == 3
        registration.unregister()
        with pytest.raises(NoSuchProcedure):
            app.sync.call(".stock")

    async def main() -> None:
        async with app.test_session() as session:
            registration = await session.register("com.late.stock", lambda: 3)
            assert await app.call(".stock") == 3
            await registration.unregister()
            with pytest.raises(NoSuchProcedure):
                await app.call(".stock")
            heard: list[int] = []
            subscription = await session.subscribe("com.late.news", heard.append, run="loop")
            await app.topic(".news", acknowledge=True).publish(1)
            await session.settle()
            await subscription.unsubscribe()
            await app.topic(".news", acknowledge=True).publish(2)
            await session.settle()
            assert heard == [1]

    asyncio.run(main())


def test_the_uri_goes_by_name_too() -> None:
    app = App(prefix="com.late")

    async def main() -> None:
        async with app.test_session() as session:
            await app.register_now(uri=".one", handler=lambda: 1, timeout=5)
            await app.subscribe_now(uri=".news", handler=print)
            await session.register(uri="com.late.two", handler=lambda: 2)
            await session.subscribe(uri="com.late.news", handler=print)
            assert await app.procedure(uri=".one", timeout=5)() == 1
            assert await app.procedure(uri=".two", timeout=5)() == 2
            await app.topic(uri=".news", acknowledge=True).publish()

    asyncio.run(main())
    with app.test_client() as client:
        client.register(uri=".one", handler=lambda: 1, timeout=5)
        client.subscribe(uri=".news", handler=print)
        assert app.sync.procedure(uri=".one", timeout=5)() == 1
        app.sync.topic(uri=".news", acknowledge=True).publish()
