"""One trace across a page, services, a task and an event, on both routers."""

import asyncio
import logging
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
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

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import (
    App,
    ConnectedClient,
    Event,
    InvalidArgument,
    Invocation,
    WampError,
    connect,
)
from wampapp.components import Telemetry
from wampapp.components.tasks import Task, Tasks
from wampapp.config.settle import settle
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime
from wampapp.observe.logs import LineFormatter, TraceFilter
from wampapp.observe.tracing import current_trace_id
from wampapp.protocol.traceparent import parsed
from wampapp.web import request

DEADLINE = 30.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{PARENT}-01"


class Said(logging.Handler):
    """What was logged, as a terminal shows it and with the attribute that handlers get."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(TraceFilter())
        self.lines = SimpleQueue[tuple[str, str | None]]()
        self._form = LineFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        line = self._form.format(record)[10:]  # without the clock
        self.lines.put((line, getattr(record, "trace", None)))

    def next(self) -> tuple[str, str | None]:
        return self.lines.get(timeout=DEADLINE)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    return f"com.traces.{name}"


class Realm:
    """Where apps and clients meet until the test ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stack = ExitStack()

    def join(self, *apps: App) -> None:
        for app in apps:
            self.stack.enter_context(running(app, self.url))

    def client(self) -> ConnectedClient:
        return self.stack.enter_context(connect(self.url, "realm1", timeout=DEADLINE))


@pytest.fixture
def realm(router: EmbeddedRouter | Crossbar) -> Iterator[Realm]:
    realm = Realm(router.ws_url)
    with realm.stack:
        yield realm


@contextmanager
def serving(app: App, url: str) -> Iterator[str]:
    """Run an app with pages at a port of their own; gives where they are."""
    runtime = get_runtime()
    service = app.make_service(settle(app.config, url=url, http="127.0.0.1:0"), runtime)
    app.attach(service)
    runtime.call(service.start())
    try:
        assert service.pages is not None
        assert service.pages.url is not None
        yield service.pages.url
    finally:
        runtime.call(service.stop())
        app.attach(None)


def test_one_trace_across_a_page_two_services_a_task_and_an_event(
    realm: Realm, prefix: str, tmp_path: Path
) -> None:
    seen: SimpleQueue[tuple[str, str | None, Any]] = SimpleQueue()

    packing = App(prefix=prefix, name="packing")
    tasks = Tasks(packing, store=tmp_path / "tasks.sqlite")
    packing.include(tasks)

    @tasks.task(retries=1, backoff=0)
    def label(task: Task, parcel: int) -> None:
        seen.put((f"task {task.attempt}", task.trace_id, current_trace_id()))
        if task.attempt == 1:
            raise ValueError("no paper")
        packing.sync.publish(".labelled", parcel)

    @packing.register
    async def pack(parcel: int, call: Invocation) -> int:
        seen.put(("packing", call.trace_id, call.caller))
        await label.enqueue(parcel)
        return parcel

    orders = App(prefix=prefix, name="orders")

    @orders.register
    def order(sku: str) -> int:  # in a thread
        seen.put(("orders", current_trace_id(), sku))
        return int(orders.sync.call(".pack", 7))

    @orders.subscribe
    async def labelled(event: Event, parcel: int) -> None:
        seen.put(("event", event.trace_id, parcel))

    shop = App(prefix=prefix, name="shop")

    @shop.get("/buy/<sku>")
    async def buy(sku: str) -> str:
        seen.put(("page", request.trace_id, sku))
        return f"parcel {await shop.call('.order', sku)}"

    realm.join(packing, orders)
    with serving(shop, realm.url) as site:
        asked = urllib.request.Request(f"{site}buy/tea", headers={"traceparent": HEADER})
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            assert answer.read() == b"parcel 7"
        names, traces = [], set()
        while not names or names[-1] != "event":
            name, trace, _ = seen.get(timeout=DEADLINE)
            names.append(name)
            traces.add(trace)
        assert names == ["page", "orders", "packing", "task 1", "task 2", "event"]
        assert traces == {TRACE}
        with urllib.request.urlopen(f"{site}buy/tea", timeout=DEADLINE):
            pass  # without the header it is another one, of its own
        traces = {seen.get(timeout=DEADLINE)[1] for _ in range(6)}
        assert len(traces) == 1
        assert traces not in ({TRACE}, {None})


class Told:
    """A service that tells what was carried to it."""

    def __init__(self, prefix: str) -> None:
        self.app = App(prefix=prefix, name="told")
        self._carried: SimpleQueue[str | None] = SimpleQueue()

        @self.app.register(options=RegisterOptions(details_arg="details"))
        async def end(details: CallDetails) -> None:
            self._carried.put(details.transaction_hash)

        @self.app.subscribe(options=SubscribeOptions(details_arg="details"))
        async def news(details: EventDetails) -> None:
            self._carried.put(details.transaction_hash)

    def next(self) -> str | None:
        return self._carried.get(timeout=DEADLINE)


def test_each_run_is_an_operation_of_its_own(realm: Realm, prefix: str) -> None:
    told, app = Told(prefix), App(prefix=prefix)

    @app.register
    async def relay() -> None:
        await app.call(".end")
        await app.procedure(".end")()
        await app.topic(".news", acknowledge=True).publish()

    @app.register
    def blocking() -> None:
        app.sync.call(".end")
        app.sync.procedure(".end")()
        app.sync.topic(".news").publish()

    realm.join(told.app, app)
    client = realm.client()
    seen = {HEADER}
    for name in ("relay", "blocking", "relay"):
        client.procedure(f"{prefix}.{name}", CallOptions(transaction_hash=HEADER))()
        [carried] = {told.next() for _ in range(3)}
        place = parsed(carried)
        assert place is not None
        assert (place.trace_id, place.flags) == (TRACE, 1)
        assert carried not in seen
        seen.add(carried)


def test_what_an_application_carries_by_itself_is_left_alone(realm: Realm, prefix: str) -> None:
    told, app = Told(prefix), App(prefix=prefix)

    @app.register
    async def relay(call: Invocation) -> str:
        await app.call(".end", options=CallOptions(transaction_hash="mine"))
        await app.publish(".news", options=PublishOptions(transaction_hash="mine, too"))
        await app.call(".end")
        return call.trace_id

    realm.join(told.app, app)
    client = realm.client()
    client.call(f"{prefix}.end")
    assert told.next() is None  # outside of calls, nothing is sent
    client.publish(f"{prefix}.news")
    assert told.next() is None
    trace = client.procedure(f"{prefix}.relay", CallOptions(transaction_hash="theirs"))()
    assert [told.next(), told.next()] == ["mine", "mine, too"]
    place = parsed(told.next())
    assert place is not None
    assert place.trace_id == trace  # what came is not a trace, so it has one of its own


def test_calls_that_run_at_the_same_time_are_told_apart(realm: Realm, prefix: str) -> None:
    app = App(prefix=prefix, threads=4)
    both = asyncio.Event()
    waiting: list[str] = []

    @app.register
    async def waits() -> str | None:
        before = current_trace_id()
        waiting.append("")
        if len(waiting) == 2:
            both.set()
        await both.wait()
        assert current_trace_id() == before
        return before

    @app.register(run="loop")
    def on_loop() -> str | None:
        return current_trace_id()

    @app.register(concurrency=1)
    async def one_by_one() -> str | None:
        await asyncio.sleep(0)
        return current_trace_id()

    @app.register(concurrency=1)
    def in_a_thread() -> str | None:
        return current_trace_id()

    @app.register
    def several() -> Iterator[str | None]:
        yield current_trace_id()

    @app.register
    async def fails(number: int) -> None: ...

    @app.errorhandler(InvalidArgument)
    async def explain(_error: InvalidArgument) -> str | None:
        return current_trace_id()

    realm.join(app)
    traces = [f"{number:032x}" for number in range(1, 9)]

    async def call_all(connection: Any) -> None:
        for name in ("waits", "on_loop", "one_by_one", "in_a_thread", "several", "fails"):
            some = traces[:2] if name == "waits" else traces
            calls = [
                connection.call(
                    f"{prefix}.{name}", [], {}, options={"transaction_hash": f"00-{t}-{PARENT}-00"}
                )
                for t in some
            ]
            found = [(await call) for call in calls]
            assert [one[0] if isinstance(one, list) else one for one in found] == some

    client = realm.client()
    client.on_loop(call_all)


def test_hooks_and_timers_belong_to_no_trace(realm: Realm, prefix: str) -> None:
    told, app = Told(prefix), App(prefix=prefix)
    seen: SimpleQueue[str | None] = SimpleQueue()

    @app.on_join
    async def joined() -> None:
        seen.put(current_trace_id())
        await app.call(".end")

    @app.every(0.05)
    async def tick() -> None:
        seen.put(current_trace_id())
        await app.call(".end")

    realm.join(told.app, app)
    for _ in range(2):
        assert seen.get(timeout=DEADLINE) is None
        assert told.next() is None


def test_each_line_of_a_call_has_its_trace(realm: Realm, prefix: str) -> None:
    app = App(prefix=prefix, name="shop")
    said = Said()
    app.logger.addHandler(said)
    realm.stack.callback(app.logger.removeHandler, said)
    realm.stack.callback(app.logger.setLevel, app.logger.level)
    app.logger.setLevel(logging.INFO)
    told = Told(prefix)

    @app.register
    async def quiet() -> None:
        app.log("one")
        app.log("two")

    @app.register
    def asks() -> None:
        app.log("before")
        app.sync.call(".end")
        app.log("after")

    @app.register
    def fails() -> None:
        raise ValueError("no tea")

    @app.subscribe
    async def spilt() -> None:
        raise ValueError("no milk")

    realm.join(told.app, app)
    client = realm.client()
    client.call(f"{prefix}.quiet")
    (one, first), (two, second) = said.next(), said.next()
    assert (one, two) == ("shop  one", "shop  two")  # nobody else knows of the trace
    assert first == second != None  # noqa: E711 - all three are compared
    client.call(f"{prefix}.asks")
    (before, first), (after, second) = said.next(), said.next()
    place = parsed(told.next())
    assert place is not None
    assert (before, after) == ("shop  before", f"shop  after  trace={place.trace_id[:8]}")
    assert first == second == place.trace_id
    carried = CallOptions(transaction_hash=HEADER)
    client.procedure(f"{prefix}.quiet", carried)()
    assert said.next() == (f"shop  one  trace={TRACE[:8]}", TRACE)
    assert said.next() == (f"shop  two  trace={TRACE[:8]}", TRACE)
    with pytest.raises(WampError):
        client.procedure(f"{prefix}.fails", carried)()
    line, trace = said.next()
    assert line.splitlines()[0].endswith(f"  trace={TRACE[:8]}")
    assert "no tea" in line
    assert trace == TRACE
    client.topic(f"{prefix}.spilt", PublishOptions(transaction_hash=HEADER)).publish()
    line, trace = said.next()
    assert line.splitlines()[0].endswith(f"  trace={TRACE[:8]}")
    assert "no milk" in line
    assert trace == TRACE
    with pytest.raises(WampError):
        client.procedure(f"{prefix}.nothing", carried)()


def test_what_services_have_logged_is_found_by_its_trace(
    realm: Realm, prefix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    orders, packing = App(prefix=prefix, name="orders"), App(prefix=prefix, name="packing")
    telemetry = Telemetry(orders, store=tmp_path / "telemetry.sqlite", metrics=None)
    orders.include(telemetry)

    @orders.register
    def order(sku: str) -> None:
        orders.log("order of", sku)
        orders.sync.call(".pack", sku)

    @packing.register
    async def pack(sku: str) -> None:
        packing.log("packs", sku)
        if sku == "tea":
            raise ValueError("out of tea")

    realm.join(packing, orders)
    client = realm.client()
    client.call(f"{prefix}.order", "jam")
    with pytest.raises(WampError):
        client.procedure(f"{prefix}.order", CallOptions(transaction_hash=HEADER))("tea")
    telemetry.sync.flush()
    for beginning in (TRACE, TRACE[:8]):
        found = telemetry.sync.logs(trace=beginning)
        assert {line.trace for line in found} == {TRACE}
        assert [(line.logger, line.message) for line in found[:2]] == [
            ("orders", "order of tea"),
            ("packing", "packs tea"),
        ]
        assert "pack failed" in found[2].message
