"""Testing a service without a router: test clients, realms, recorders, stubs, the clock."""

import asyncio
import sys
import threading
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import run
from tests.support.programs import FOLDER
from wampapp import (
    App,
    CallTimeout,
    HandlerFailed,
    HookFailed,
    InvalidUri,
    Invocation,
    NoSuchProcedure,
    NotJoined,
    ProcedureExists,
    UsageError,
    WampError,
)
from wampapp.testing import Published, StubCall, TestRealm, clock

DEADLINE = 60.0  # seconds


class OutOfStock(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)


@dataclass
class Order:
    sku: str
    quantity: int = 1


def make_shop() -> App:
    app = App(prefix="com.shop", name="shop")
    app.define_error(OutOfStock, ".out_of_stock")
    app.state = []  # type: ignore[attr-defined]

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register
    async def order(order: Order) -> str:
        if order.sku == "gold":
            raise OutOfStock(order.sku)
        receipt = await app.call("com.bank.charge", order.quantity, currency="EUR")
        app.publish(".ordered", order.sku, quantity=order.quantity)
        return str(receipt)

    @app.register
    def via_thread(sku: str) -> Any:
        return app.sync.call(".order", {"sku": sku})

    @app.register
    def numbers(most: int) -> Iterator[int]:
        yield from range(most)

    @app.register
    def broken() -> float:
        return 1 / 0

    @app.register
    async def broken_stream() -> Any:
        yield 1
        raise KeyError("stream")

    @app.register
    def who(call: Invocation) -> Any:
        return call.caller_authid, call.caller_authrole

    @app.subscribe(".news")
    def on_news(item: Any) -> None:
        if item == "bad":
            raise ValueError(item)
        app.publish if item is None else app.state.append(item)  # type: ignore[attr-defined]

    return app


@pytest.fixture
def shop() -> App:
    return make_shop()


# The client.


def test_every_verb(shop: App) -> None:
    heard: list[Any] = []
    came = threading.Event()

    def hear(item: Any) -> None:
        heard.append(item)
        came.set()

    with shop.test_client() as client:
        assert client.call("com.shop.add", 2, 3) == 5
        assert list(client.stream("com.shop.numbers", 3)) == [0, 1, 2]
        client.register("com.test.double", lambda n: 2 * n)
        assert client.call("com.test.double", 4) == 8
        client.subscribe("com.test.heard", hear)
        assert client.as_("other").publish("com.test.heard", 5) > 0
        assert came.wait(DEADLINE)
    assert heard == [5]


def test_arguments_are_copies_as_on_the_wire(shop: App) -> None:
    kept: list[Any] = []

    @shop.register
    def keep(items: Any) -> Any:
        kept.append(items)
        return items

    mine = {"a": (1, 2)}
    with shop.test_client() as client:
        result = client.call("com.shop.keep", mine)
    assert kept == [{"a": [1, 2]}] == [result]
    assert kept[0] is not mine
    assert result is not kept[0]


def test_wrong_arguments_are_refused_as_on_the_wire(shop: App) -> None:
    with shop.test_client() as client:
        with pytest.raises(WampError, match="expected int, got str"):
            client.call("com.shop.add", 2, "three")
        with pytest.raises(NoSuchProcedure):
            client.call("com.shop.substract", 2, 3)


def test_hooks_run_as_in_a_run() -> None:
    seen: list[str] = []
    app = App(prefix="com.hooks")
    for moment in ("startup", "join", "leave", "shutdown"):
        getattr(app, f"on_{moment}")(lambda moment=moment: seen.append(moment))
    with app.test_client():
        assert seen == ["startup", "join"]
    assert seen == ["startup", "join", "shutdown", "leave"]


def test_an_app_can_be_tested_again_and_again(shop: App) -> None:
    for number in range(5):
        with shop.test_client() as client:
            assert client.call("com.shop.add", number, 1) == number + 1


def test_a_running_app_is_refused(shop: App) -> None:
    with shop.test_client() as client, pytest.raises(UsageError, match="runs already"):
        with shop.test_client():
            pass
    assert not shop.is_running
    with pytest.raises(UsageError, match="'with' block"):
        client.call("com.shop.add", 1, 2)


def test_a_start_that_fails_leaves_nothing() -> None:
    app = App(prefix="com.fails")

    @app.on_startup
    def startup() -> None:
        raise OSError("no database")

    for _ in range(2):
        with pytest.raises(HookFailed, match="no database"):
            with app.test_client():
                pass
        assert not app.is_running


def test_in_unittest() -> None:
    shop = make_shop()

    class ShopTest(unittest.TestCase):
        def setUp(self) -> None:
            self.client = self.enterContext(shop.test_client())

        def test_add(self) -> None:
            self.assertEqual(self.client.call("com.shop.add", 2, 3), 5)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(ShopTest).run(result)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


def test_handlers_stay_functions() -> None:
    app = App()

    @app.register("com.example.add")
    def add(a: int, b: int) -> int:
        return a + b

    assert add(2, 3) == 5


# Several apps.


def test_several_apps_on_one_client(shop: App) -> None:
    bank = App(prefix="com.bank")
    charged: list[Any] = []

    @bank.register
    def charge(amount: int, currency: str) -> str:
        charged.append((amount, currency))
        return f"receipt {len(charged)}"

    with TestRealm(bank, shop) as client:
        assert client.call("com.shop.order", {"sku": "tea"}) == "receipt 1"
        assert client.call("com.shop.via_thread", "tea") == "receipt 2"
    assert charged == [(1, "EUR"), (1, "EUR")]


def test_two_realms_do_not_meet(shop: App) -> None:
    with make_shop().test_client() as one, shop.test_client() as other:
        one.register("com.test.mine", lambda: 1)
        with pytest.raises(NoSuchProcedure):
            other.call("com.test.mine")


def test_a_duplicate_procedure_is_told(shop: App) -> None:
    with pytest.raises(Exception, match="has registered 'com.shop.add' already"):
        with TestRealm(shop, make_shop()):
            pass
    assert not shop.is_running


# Recording.


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        ("com.shop.ordered", ["com.shop.ordered"]),
        ("com.shop.**", ["com.shop.ordered", "com.shop.a.b", "com.shop.a"]),
        ("com.shop.*", ["com.shop.ordered", "com.shop.a"]),
        ("com.*.a", ["com.shop.a", "com.other.a"]),
        ("com.<name>.<path:rest>", ["com.shop.ordered", "com.shop.a.b", "com.shop.a",
                                    "com.other.a"]),
        ("**", ["com.shop.ordered", "com.shop.a.b", "com.shop.a", "com.other.a", "org.x"]),
        ("com.shopping", []),
    ],
)  # fmt: skip
def test_what_is_recorded(shop: App, topics: str, expected: list[str]) -> None:
    with shop.test_client() as client:
        events = client.events(topics)
        for topic in ("com.shop.ordered", "com.shop.a.b", "com.shop.a", "com.other.a", "org.x"):
            client.publish(topic)
        assert [event.topic for event in events] == expected
        assert len(events) == len(expected)
        events.clear()
        assert not list(events)


def test_events_have_their_payload_and_order(shop: App) -> None:
    with shop.test_client() as client:
        client.stub("com.bank.charge", returns=1)
        events = client.events("com.shop.ordered")
        for sku in ("tea", "milk"):
            client.call("com.shop.order", {"sku": sku, "quantity": 2})
        assert events[0] == Published("com.shop.ordered", ("tea",), {"quantity": 2})
        assert [event.args for event in events[:2]] == [("tea",), ("milk",)]
        assert events.wait_for(2) == list(events)
        assert "ordered" in repr(events)


def test_waiting_for_an_event_that_does_not_come(shop: App) -> None:
    with shop.test_client() as client:
        events = client.events("com.shop.ordered")
        client.publish("com.shop.ordered", "one")
        with pytest.raises(AssertionError, match=r"1 of 2 events of 'com.shop.ordered'.*'one'"):
            events.wait_for(2, timeout=0.05)


def test_waiting_for_an_event_wakes_when_it_comes(shop: App) -> None:
    @shop.register
    def later() -> None:
        threading.Timer(0.01, shop.sync.publish, (".later", 1)).start()

    with shop.test_client() as client:
        events = client.events("com.shop.later")
        client.call("com.shop.later")
        assert events.wait_for(1)[0].args == (1,)


def test_a_topic_that_is_none_is_refused(shop: App) -> None:
    with shop.test_client() as client:
        for topics in ("", "com..x", "com.shop .x", 5):
            with pytest.raises(UsageError):
                client.events(topics)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="must be the last"):
            client.events("com.**.x")


# Stubs.


def test_a_stub_answers_and_remembers(shop: App) -> None:
    with shop.test_client() as client:
        charge = client.stub("com.bank.charge", returns="receipt")
        assert not charge.called
        assert client.call("com.shop.order", {"sku": "tea", "quantity": 3}) == "receipt"
        assert charge.calls == [StubCall((3,), {"currency": "EUR"})]
        charge.returns = lambda amount, currency: f"{amount} {currency}"
        assert client.call("com.shop.order", {"sku": "tea"}) == "1 EUR"
        charge.raises = WampError("com.bank.broke", 5, limit=3)
        with pytest.raises(WampError) as caught:
            client.call("com.shop.order", {"sku": "tea"})
        assert (caught.value.uri, caught.value.args) == ("com.bank.broke", (5,))
        assert len(charge.calls) == 3


def test_a_stub_is_there_before_the_apps_join() -> None:
    app = App(prefix="com.early")
    got: list[Any] = []

    @app.on_join
    async def join() -> None:
        got.append(await app.call("com.settings.get", "colour"))

    realm = TestRealm(app)
    settings = realm.stub("com.settings.get", returns="green")
    with realm:
        assert got == ["green"]
    assert settings.calls == [StubCall(("colour",), {})]


@pytest.mark.parametrize("uri", ["com.shop.add", ".add"])
@pytest.mark.parametrize("when", ["before", "within"])
def test_a_stub_replaces_what_the_app_registers(shop: App, uri: str, when: str) -> None:
    realm = shop.test_client()
    stub = realm.stub(uri, returns=7) if when == "before" else None
    with realm as client:
        if stub is None:
            assert client.call(".add", 2, 3) == 5
            stub = realm.stub(uri, returns=7)
        assert client.call(".add", 2, 3) == shop.sync.call(".add", 2, 3) == 7
        assert stub.calls == [((2, 3), {}), ((2, 3), {})]
        with realm.offline():
            pass
        assert client.call(".add", 2, 3) == 7
    with shop.test_client() as client:
        assert client.call(".add", 2, 3) == 5


def test_a_stub_replaces_a_pattern_whatever_the_names_in_it() -> None:
    app = App(prefix="com.shop")

    @app.register(".<sku>.price")
    def price(sku: str) -> int:
        return len(sku)

    with app.test_client() as client:
        client.stub(".tea.price", returns=7)
        assert [client.call(".tea.price"), client.call(".milk.price")] == [7, 4]
        client.stub(".<article>.price", returns=lambda article: article)
        assert [client.call(".tea.price"), client.call(".milk.price")] == [7, "milk"]


def test_a_stub_in_a_session_replaces_too(shop: App) -> None:
    async def main() -> None:
        prepared = shop.test_session()
        prepared.stub(".add", returns=7)
        async with prepared as session:
            assert await session.call(".add", 2, 3) == 7

    asyncio.run(main())


def test_a_second_stub_and_what_the_test_registers_are_refused(shop: App) -> None:
    with shop.test_client() as client:
        client.stub(".add")
        with pytest.raises(ProcedureExists):
            client.stub(".add")
        client.register("com.other.add", print)
        with pytest.raises(ProcedureExists):
            client.stub("com.other.add")


def test_outside_of_a_run_the_sentence_names_what_to_do(shop: App) -> None:
    with pytest.raises(NotJoined, match=r"In a test, run the app with app\.test_client\(\)"):
        shop.sync.publish(".ordered", "tea")


# Who.


def test_as_somebody(shop: App) -> None:
    with shop.test_client() as client:
        alice = client.as_("alice", role="admin")
        assert alice.call("com.shop.who") == ["alice", "admin"]
        bob = client.as_("bob")
        assert bob.call("com.shop.who") == ["bob", "anonymous"]
        assert client.call("com.shop.who")[1] == "anonymous"


# Failures.


def test_an_error_keeps_its_type(shop: App) -> None:
    with shop.test_client() as client, pytest.raises(OutOfStock, match="gold"):
        client.call("com.shop.order", {"sku": "gold"})


def test_a_failing_handler_shows_its_own_traceback(shop: App) -> None:
    with shop.test_client() as client:
        with pytest.raises(HandlerFailed) as caught:
            client.call("com.shop.broken")
        cause = caught.value.__cause__
        assert isinstance(cause, ZeroDivisionError)
        assert cause.__traceback__ is not None
        assert Path(cause.__traceback__.tb_frame.f_code.co_filename) == Path(__file__)
        with pytest.raises(HandlerFailed) as caught:
            list(client.stream("com.shop.broken_stream"))
        assert isinstance(caught.value.__cause__, KeyError)


def test_a_failing_event_handler_ends_the_block(shop: App) -> None:
    with pytest.raises(ValueError, match="bad"), shop.test_client() as client:
        client.publish("com.shop.news", "bad")
        client.clock.advance(0)


def test_several_failures_are_a_group(shop: App) -> None:
    with pytest.raises(BaseExceptionGroup) as caught, shop.test_client() as client:
        client.publish("com.shop.news", "bad")
        client.publish("com.shop.news", "bad")
        client.clock.advance(0)
    assert len(caught.value.exceptions) == 2


def test_an_expected_failure_is_taken_out(shop: App) -> None:
    with shop.test_client() as client:
        client.publish("com.shop.news", "bad")
        client.publish("com.shop.news", "good")
        client.clock.advance(0)
        assert [type(error) for error in client.failures] == [ValueError]
        client.failures.clear()
    assert shop.state == ["good"]  # type: ignore[attr-defined]


def test_waiting_ends_with_the_failure_that_made_it_vain(shop: App) -> None:
    with pytest.raises(ValueError), shop.test_client() as client:
        client.publish("com.shop.news", "bad")
        with pytest.raises(AssertionError, match="a handler failed") as caught:
            client.events("com.shop.never").wait_for(1, timeout=DEADLINE)
        assert isinstance(caught.value.__cause__, ValueError)


def test_the_test_s_own_failure_comes_first(shop: App) -> None:
    with pytest.raises(AssertionError, match="mine"), shop.test_client() as client:
        client.publish("com.shop.news", "bad")
        raise AssertionError("mine")


# The clock.


def test_timers_are_advanced() -> None:
    app = App()
    ticks: list[int] = []

    @app.every(60)
    def in_a_thread() -> None:
        ticks.append(60)

    @app.every(90)
    async def on_the_loop() -> None:
        ticks.append(90)

    with app.test_client() as client:
        client.clock.advance(59)
        assert ticks == []
        client.clock.advance(1.5)
        assert ticks == [60]
        client.clock.advance(120)
        assert ticks == [60, 90, 60, 60, 90] or ticks == [60, 90, 60, 90, 60]
        clock.advance(3600)
        assert len(ticks) == 5 + 60 + 40


def test_deadlines_are_advanced() -> None:
    app = App(prefix="com.slow")
    entered = threading.Event()

    @app.register(timeout=100)
    async def sleep() -> None:
        entered.set()
        await asyncio.sleep(3600)

    errors: list[BaseException] = []

    def call(client: Any) -> None:
        try:
            client.call("com.slow.sleep")
        except BaseException as error:
            errors.append(error)

    with app.test_client(timeout=10_000) as client:
        caller = threading.Thread(target=call, args=(client,))
        caller.start()
        assert entered.wait(DEADLINE)
        clock.advance(99)
        assert not errors
        clock.advance(1.5)
        caller.join(DEADLINE)
    assert [type(error) for error in errors] == [CallTimeout]


def test_reconnecting_is_advanced(shop: App) -> None:
    with shop.test_client() as client:
        with client.realm.offline():
            with pytest.raises(NoSuchProcedure):
                client.call("com.shop.add", 1, 2)
            clock.advance(600)
        clock.advance(2)
        assert client.call("com.shop.add", 1, 2) == 3


def test_an_app_that_is_offline_waits_or_says_so() -> None:
    app = App(prefix="com.off", rejoin_timeout=5)
    outcome: list[Any] = []

    @app.every(1)
    async def call() -> None:
        try:
            outcome.append(await app.call("com.other.any"))
        except NotJoined as error:
            outcome.append(error)

    with app.test_client() as client:
        client.stub("com.other.any", returns=1)
        with client.realm.offline():
            clock.advance(6.5)
        assert isinstance(outcome[0], NotJoined)
        clock.advance(6)
    assert 1 in outcome


def test_a_clock_does_not_go_back() -> None:
    with pytest.raises(UsageError, match="seconds"):
        clock.advance(-1)


# Coroutines.


def test_a_session_in_the_test_s_own_loop(shop: App) -> None:
    async def main() -> None:
        prepared = shop.test_session()
        charge = prepared.stub("com.bank.charge", returns=9)
        async with prepared as session:
            assert await session.call("com.shop.add", 2, 3) == 5
            events = await session.events("com.shop.**")
            assert await session.call("com.shop.order", {"sku": "tea"}) == "9"
            await session.settle()
            assert [event.args for event in events] == [("tea",)]
            assert [item async for item in session.stream("com.shop.numbers", 3)] == [0, 1, 2]
            await session.register("com.test.twice", lambda n: 2 * n)
            assert await session.call("com.test.twice", 4) == 8
            heard = asyncio.Event()
            await session.subscribe("com.shop.echo", heard.set)
            with pytest.raises(OutOfStock):
                await session.call("com.shop.order", {"sku": "gold"})
            with pytest.raises(HandlerFailed) as caught:
                await session.call("com.shop.broken")
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert charge.called
        with pytest.raises(UsageError, match="async with"):
            await session.call("com.shop.add", 2, 3)

    for _ in range(3):
        asyncio.run(main())


def test_a_session_on_a_twisted_reactor() -> None:
    done = run(sys.executable, FOLDER / "testing_on_a_reactor.py")
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr


# What is left.


def test_nothing_is_left(shop: App) -> None:
    def test() -> None:
        with shop.test_client() as client:
            client.call("com.shop.add", 1, 2)
            client.as_("alice").call("com.shop.numbers", 2)
            client.events("**")

    test()  # the loop's own thread and pipes are made once
    tasks = clock.runtime().call(count_tasks())
    threads = threading.active_count()
    files = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        test()
    assert clock.runtime().call(count_tasks()) == tasks
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    assert not clock.harnesses


async def count_tasks() -> int:
    await asyncio.sleep(0)
    return len(asyncio.all_tasks())


def test_no_port_is_taken(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was bound")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setenv("WAMPAPP_URL", "rs://127.0.0.1:1")  # no say in a test
    with shop.test_client() as client:
        assert client.call("com.shop.add", 1, 2) == 3


# What a user would stumble over.


def test_what_a_plain_handler_leads_to_is_waited_for() -> None:
    app, other = App(prefix="com.lead"), App()
    seen: list[int] = []

    @app.subscribe(".a")
    def first(number: int) -> None:
        app.sync.publish(".b", number)

    @other.subscribe("com.lead.b")
    async def second(number: int) -> None:
        seen.append(number)

    with TestRealm(app, other) as client:
        for number in range(200):
            client.publish("com.lead.a", number)
            client.settle()
            assert seen[-1:] == [number]


def test_timers_do_not_drift() -> None:
    app = App(prefix="com.drift")
    ticks: list[int] = []

    @app.every(60)
    def tick() -> None:
        ticks.append(1)

    with app.test_client() as client:
        client.clock.advance(1)
        for number in range(50):
            client.clock.advance(180)
            assert len(ticks) == 3 * (number + 1)


def test_a_first_test_logs_no_error(tmp_path: Path) -> None:
    script = tmp_path / "first.py"
    script.write_text(
        "import logging\nlogging.basicConfig(level=logging.INFO)\n"
        "from wampapp import App\nwith App().test_client() as client:\n    print(client)\n"
    )
    done = run(sys.executable, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "<TestClient of <TestRealm app>>\n"


def test_twisted_s_delays_are_of_the_same_time() -> None:
    done = run(sys.executable, FOLDER / "testing_delays.py")
    assert (done.returncode, done.stdout) == (0, "later\n"), done.stderr


def test_a_stub_raises_what_the_app_has_defined(shop: App) -> None:
    caught: list[BaseException] = []

    @shop.register
    async def ask() -> None:
        try:
            await shop.call("com.stock.check")
        except OutOfStock as error:
            caught.append(error)

    with shop.test_client() as client:
        client.stub("com.stock.check", raises=OutOfStock("tea"))
        client.call("com.shop.ask")
    assert [str(error) for error in caught] == ["tea"]


def test_events_of_the_start_and_of_the_end() -> None:
    app = App(prefix="com.both")

    @app.on_join
    async def join() -> None:
        app.publish(".opened")

    @app.on_shutdown
    async def shutdown() -> None:
        app.publish(".closed")

    realm = app.test_client()
    events = realm.events(".*")
    with realm:
        assert events == [Published("com.both.opened", (), {})]
    assert [event.topic for event in events] == ["com.both.opened", "com.both.closed"]


def test_relative_uris_are_the_app_s(shop: App) -> None:
    with shop.test_client() as client:
        assert client.call(".add", 2, 3) == 5
        events = client.events(".ordered")
        client.publish(".ordered", "tea")
        assert len(events) == 1


def test_verbs_outside_of_the_block_say_where_they_belong(shop: App) -> None:
    with pytest.raises(AttributeError, match="use it in a block"):
        shop.test_client().call("com.shop.add", 1, 2)  # type: ignore[attr-defined]


def test_a_hook_that_fails_shows_its_own_traceback() -> None:
    app = App(prefix="com.hook")

    @app.on_join
    async def join() -> None:
        raise OSError("no such table")

    with pytest.raises(HookFailed) as caught, app.test_client():
        pass
    assert isinstance(caught.value.__cause__, OSError)


def test_without_a_prefix_relative_uris_are_those_of_the_app() -> None:
    app = App()

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register
    async def ask() -> int:
        return 1 + await app.call(".one")

    with app.test_client() as client:
        client.stub(".one", returns=2)
        assert client.call(".add", 2, 3) == client.call("add", 2, 3) == 5
        assert client.call(".ask") == 3
        events = client.events(".news")
        client.register(".two", lambda: 2)
        client.subscribe(".news", print)
        client.publish(".news")
        assert app.sync.call(".two") == 2
        assert [event.topic for event in events] == ["news"]


def test_where_there_are_several_apps_a_relative_uri_is_refused() -> None:
    one, two = App(prefix="com.one"), App(prefix="com.two")
    with TestRealm(one, two) as client:
        for verb in (
            lambda: client.call(".add"),
            lambda: client.register(".add", print),
            lambda: client.stub(".add"),
            lambda: client.events(".add"),
        ):
            with pytest.raises(InvalidUri, match="several apps"):
                verb()  # type: ignore[operator]


def test_a_session_s_uris_may_be_relative() -> None:
    app = App(prefix="com.shop")

    @app.register
    async def order() -> str:
        app.publish(".ordered", "tea")
        return await app.call(".charge")

    async def main() -> None:
        prepared = app.test_session()
        prepared.stub(".charge", returns="paid")
        async with prepared as session:
            events = await session.events(".ordered")
            await session.register(".one", lambda: 1)
            await session.subscribe(".news", print)
            await session.publish(".other")
            assert await session.call(".order") == "paid"
            assert [item async for item in session.stream(".one")] == [1]
            await session.settle()
            assert [event.topic for event in events] == ["com.shop.ordered"]

    asyncio.run(main())
