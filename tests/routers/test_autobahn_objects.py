"""Objects that were written for Autobahn, included into apps, on both routers."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallDetails, EventDetails, RegisterOptions, SubscribeOptions
from twisted.internet.defer import Deferred, inlineCallbacks, succeed

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, NoSuchProcedure, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar


@wamp.error("com.shop.sold_out")
class SoldOut(Exception):
    def __init__(self, sku: str, left: int) -> None:
        super().__init__(sku, left)
        self.sku, self.left = sku, left


class Shop:
    """As Autobahn's people write them: methods with marks of every kind, and state."""

    def __init__(self, seen: "queue.Queue[Any] | None" = None) -> None:
        self.seen: queue.Queue[Any] = queue.Queue() if seen is None else seen
        self.stock = {"apple": 3}
        self.second = asyncio.Event()
        self.released = asyncio.Event()

    @wamp.register("com.shop.add")
    def add(self, a: Any, b: Any = 1) -> Any:
        return a + b

    @wamp.register("com.shop.thread")
    def thread(self) -> int:
        return threading.get_ident()

    @wamp.register("com.shop.deferred")
    def deferred(self, sku: str) -> "Deferred[int]":
        return succeed(self.stock[sku])

    @wamp.register("com.shop.callbacks")
    @inlineCallbacks
    def callbacks(self, sku: str) -> Any:
        left = yield succeed(self.stock[sku])
        return left

    @wamp.register("com.shop.coroutine")
    async def coroutine(self, sku: str) -> int:
        await asyncio.sleep(0)
        return int(await succeed(self.stock[sku]))

    @wamp.register("com.shop.item.<sku>.<number:int>.get")
    def item(self, sku: str, number: int, *, loud: bool = False) -> list[Any]:
        return [sku, number, loud]

    @wamp.register("com.shop.log.", options=RegisterOptions(match="prefix", details=True))
    def log(self, text: str, details: CallDetails) -> list[str]:
        return [details.procedure, text]

    @wamp.register("com.shop.whoami", options=RegisterOptions(details_arg="info"))
    def whoami(self, info: CallDetails | None = None) -> list[Any]:
        assert info is not None
        registration = info.registration
        return [type(info).__module__, info.caller, info.caller_authrole, info.procedure,
                registration.id, registration.procedure, info.progress is None]  # fmt: skip

    @wamp.register("com.shop.count", options=RegisterOptions(details=True))
    async def count(self, upto: int, details: CallDetails | None = None) -> int:
        assert details is not None
        for number in range(upto):
            if details.progress is not None:
                details.progress(number)
            await asyncio.sleep(0)
        return upto

    @wamp.register("com.shop.one", options=RegisterOptions(concurrency=1))
    async def one(self) -> str:
        self.seen.put("started")
        await self.released.wait()
        return "one"

    @wamp.register("com.shop.release")
    def release(self) -> None:
        self.released.set()

    @wamp.register("com.shop.checked", check_types=True)
    def checked(self, number: int, text: str | None = None) -> int:
        return number

    @wamp.register("com.shop.order")
    def order(self, sku: str) -> None:
        raise SoldOut(sku, 0)

    @wamp.register("com.shop.refuse")
    def refuse(self) -> None:
        raise ApplicationError("com.shop.closed", "come back", hour=9)

    @wamp.register("com.shop.leave", options=RegisterOptions(details=True))
    def leave(self, details: CallDetails) -> None:
        details.registration.unregister()

    @wamp.subscribe("com.shop.news", options=SubscribeOptions(details_arg="info"))
    def on_news(self, text: str, info: EventDetails) -> None:
        self.seen.put((text, type(info).__module__, info.topic, info.publication, info.retained))

    @wamp.subscribe("com.shop.stock.<sku>.changed")
    def on_stock(self, left: int, sku: str) -> None:
        self.seen.put((sku, left))

    @wamp.subscribe("com.shop.any.", options=SubscribeOptions(match="prefix", details=True))
    def on_any(self, details: EventDetails) -> None:
        self.seen.put(details.topic)

    @wamp.subscribe("com.shop.kept", options=SubscribeOptions(get_retained=True, details=True))
    def on_kept(self, number: int, details: EventDetails) -> None:
        self.seen.put((number, details.retained))

    @wamp.subscribe("com.shop.pair")
    async def on_pair(self, number: int) -> None:
        if number == 1:
            await self.second.wait()  # which only a later event sets
        else:
            self.second.set()
        self.seen.put(number)

    @wamp.error("com.shop.broken")
    class Broken(Exception):
        pass


@pytest.fixture(scope="module")
def seen() -> "queue.Queue[Any]":
    return queue.Queue()


@pytest.fixture(scope="module")
def client(router: Router, seen: "queue.Queue[Any]") -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        joined.topic("com.shop.kept", retain=True).publish(5)
        app = App(prefix="com.app")
        app.include(Shop(seen))
        with running(app, router.rs_url):
            # Crossbar.io tells who comes late which event it has kept; ours does, too.
            assert seen.get(timeout=DEADLINE) == (5, True)
            yield joined


def test_calls_of_methods_of_every_kind(client: ConnectedClient) -> None:
    assert client.call("com.shop.add", 2, 3) == 5
    assert client.call("com.shop.add", "2", b="3") == "23"  # as it comes, whatever the annotation
    for name in ("deferred", "callbacks", "coroutine"):
        assert client.call(f"com.shop.{name}", "apple") == 3


def test_methods_run_on_the_thread_of_the_loop(client: ConnectedClient) -> None:
    async def here() -> int:
        return threading.get_ident()

    assert client.call("com.shop.thread") == get_runtime().call(here())


def test_what_a_uri_captures_is_passed_by_name(client: ConnectedClient) -> None:
    assert client.call("com.shop.item.apple.007.get") == ["apple", 7, False]
    assert client.call("com.shop.item.pear.8.get", loud=True) == ["pear", 8, True]
    with pytest.raises(WampError, match="`number`: expected int, got 'x'"):
        client.call("com.shop.item.apple.x.get")


def test_a_prefix_and_the_actual_procedure(client: ConnectedClient) -> None:
    assert client.call("com.shop.log.a.b", "hello") == ["com.shop.log.a.b", "hello"]


def test_details_of_a_call(client: ConnectedClient) -> None:
    whoami = client.procedure("com.shop.whoami", disclose_me=True)
    module, caller, role, procedure, registration, pattern, silent = whoami()
    assert (module, procedure, pattern) == ("autobahn.wamp.types", *["com.shop.whoami"] * 2)
    assert caller in client.call("wamp.session.list")
    assert role == "anonymous"
    assert registration == client.call("wamp.registration.lookup", "com.shop.whoami")
    assert silent


def test_progressive_results(client: ConnectedClient) -> None:
    assert list(client.stream("com.shop.count", 3)) == [0, 1, 2, 3]
    assert client.call("com.shop.count", 3) == 3


def test_a_router_refuses_more_calls_than_the_mark_allows(
    client: ConnectedClient, seen: "queue.Queue[Any]"
) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.call, "com.shop.one")
        assert seen.get(timeout=DEADLINE) == "started"
        with pytest.raises(WampError, match=r"no_available_callee|max_concurrency_reached"):
            client.call("com.shop.one")
        client.call("com.shop.release")
        assert first.result(DEADLINE) == "one"


def test_types_are_checked_where_the_mark_says_so(client: ConnectedClient) -> None:
    assert client.call("com.shop.checked", 5) == 5
    for args, fault in ((["5"], "`number`: expected int"), ([5, 5], "`text`: expected str | None")):
        with pytest.raises(WampError) as caught:
            client.call("com.shop.checked", *args)
        assert caught.value.uri == ApplicationError.TYPE_CHECK_ERROR
        assert caught.value.message.startswith(fault)


def test_errors_keep_what_they_carry(client: ConnectedClient, router: Router) -> None:
    with pytest.raises(WampError) as caught:
        client.call("com.shop.order", "apple")
    error = caught.value
    assert (error.uri, error.args, error.kwargs) == ("com.shop.sold_out", ("apple", 0), {})
    with pytest.raises(WampError) as caught:
        client.call("com.shop.refuse")
    error = caught.value
    assert (error.uri, error.args, error.kwargs) == ("com.shop.closed", ("come back",), {"hour": 9})

    buyer = App(prefix="com.buyer")
    buyer.include(SoldOut)

    @buyer.register
    async def buy() -> list[Any]:
        try:
            await buyer.call("com.shop.order", "pear")
        except SoldOut as error:
            return [error.sku, error.left]
        return []

    with running(buyer, router.rs_url):
        assert client.call("com.buyer.buy") == ["pear", 0]


def test_details_of_an_event(client: ConnectedClient, seen: "queue.Queue[Any]") -> None:
    publication = client.publish("com.shop.news", "hello")
    text, module, topic, number, retained = seen.get(timeout=DEADLINE)
    assert (text, module, topic) == ("hello", "autobahn.wamp.types", "com.shop.news")
    assert number == publication
    assert not retained


def test_events_of_patterns(client: ConnectedClient, seen: "queue.Queue[Any]") -> None:
    client.publish("com.shop.stock.apple.changed", 2)
    assert seen.get(timeout=DEADLINE) == ("apple", 2)
    client.publish("com.shop.any.thing.at.all")
    assert seen.get(timeout=DEADLINE) == "com.shop.any.thing.at.all"


def test_a_handler_may_wait_for_the_next_event_of_its_topic(
    client: ConnectedClient, seen: "queue.Queue[Any]"
) -> None:
    client.publish("com.shop.pair", 1)
    client.publish("com.shop.pair", 2)
    assert {seen.get(timeout=DEADLINE), seen.get(timeout=DEADLINE)} == {1, 2}


def test_a_procedure_takes_itself_back(client: ConnectedClient) -> None:
    client.call("com.shop.leave")
    with pytest.raises(NoSuchProcedure):
        # It was answered before the router heard of it; a second call is behind that.
        client.call("com.shop.leave")
        client.call("com.shop.leave")


def test_a_module_a_prefix_and_a_blueprint(client: ConnectedClient, router: Router) -> None:
    @wamp.register("double")
    def double(number: int) -> int:
        return 2 * number

    @wamp.register("fail")
    def fail() -> None:
        raise KeyError("apple")

    module = ModuleType("handlers")
    vars(module).update(double=double, fail=fail)
    app = App(prefix="com.moved")
    app.include(module, prefix=".v2")
    app.include(module, prefix="org.other.")

    @app.errorhandler(KeyError)
    def on_key_error(error: KeyError) -> str:
        return f"no {error.args[0]}"

    with running(app, router.rs_url):
        assert client.call("com.moved.v2.double", 4) == 8
        assert client.call("org.other.double", 4) == 8
        assert client.call("org.other.fail") == "no apple"


class Shared:
    def __init__(self, name: str) -> None:
        self.name = name

    @wamp.register("com.shared.name", options=RegisterOptions(invoke="roundrobin"))
    def which(self) -> str:
        return self.name

    @wamp.register("com.shared.taken", options=RegisterOptions(force_reregister=True))
    def taken(self) -> str:
        return self.name


def test_several_sessions_share_or_take_a_procedure(
    client: ConnectedClient, router: Router
) -> None:
    apps = App(), App()
    for name, app in zip("ab", apps, strict=True):
        app.include(Shared(name))
    with running(apps[0], router.rs_url), running(apps[1], router.rs_url):
        assert {client.call("com.shared.name") for _ in range(2)} == {"a", "b"}
        assert client.call("com.shared.taken") == "b"
