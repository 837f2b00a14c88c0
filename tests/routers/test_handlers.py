"""What a handler can be and ask for, on both routers: kinds, patterns, options, cancelling."""

import asyncio
import contextlib
import contextvars
import functools
import logging
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.task import deferLater

import wampapp
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, Event, Invocation, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar
tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


def larger(a: int, b: int) -> int:
    return max(a, b)


class Counter:
    """A class whose instances serve calls."""

    def __init__(self) -> None:
        self.count = 0

    def increase(self, by: int = 1) -> int:
        self.count += by
        return self.count

    def __call__(self, factor: int) -> int:
        return self.count * factor


class Kinds:
    """One app with every kind of function, made once for each router."""

    def __init__(self) -> None:
        self.closed: queue.Queue[str] = queue.Queue()
        self.cancelled: queue.Queue[str] = queue.Queue()
        self.started: queue.Queue[str] = queue.Queue()
        self.app = app = App(prefix="com.kinds")
        counter = Counter()
        app.add_registration(counter.increase, ".method")
        app.add_registration(counter, ".object")
        app.add_registration(functools.partial(larger, 5), ".partial")
        self.plain(app)
        self.generators(app)
        self.contexts(app)
        self.cancelling(app)

    def plain(self, app: App) -> None:
        @app.register
        @inlineCallbacks
        def callbacks(a: int, b: int) -> Any:
            first = yield succeed(a)
            second = yield deferLater(get_runtime().reactor, 0, lambda: b)
            return first + second

        @app.register
        def deferred(a: int) -> "Deferred[int]":
            assert get_runtime().in_loop_thread
            return succeed(a + 1)

        @app.register
        async def both(a: int) -> int:
            await asyncio.sleep(0)
            return a + await succeed(1) + await deferLater(get_runtime().reactor, 0, lambda: 1)

        @app.register
        def around() -> Any:
            async def inner() -> str:
                return "awaited"

            return inner()

    def generators(self, app: App) -> None:
        @app.register
        def count(upto: int) -> Iterator[int]:
            yield from range(upto)

        @app.register
        def total(*numbers: int) -> Any:
            so_far = 0
            for number in numbers:
                so_far += number
                yield so_far
            return {"total": so_far}

        @app.register
        async def acount(upto: int) -> AsyncIterator[int]:
            for number in range(upto):
                yield number

        @app.register
        def breaks() -> Iterator[int]:
            yield 1
            raise WampError("com.kinds.broken", "half way")

        @app.register
        async def reports(invocation: Invocation, steps: int) -> str:
            for step in range(steps):
                invocation.progress(step, of=steps)
            return "done"

        @app.register
        def thread_reports(steps: int, invocation: Invocation) -> str:
            for step in range(steps):
                invocation.progress(step)
            return "done"

    def contexts(self, app: App) -> None:
        @app.register
        def who(call: Invocation | None) -> list[Any]:
            assert call is not None
            return [call.caller, call.caller_authid, call.caller_authrole, call.procedure]

        @app.register(".shop.<sku>.price")
        def price(sku: str, quantity: int = 1) -> list[Any]:
            return [sku, quantity]

        @app.register(".item.<number>")
        async def item(factor: int, number: int, invocation: Invocation) -> list[Any]:
            return [factor * number, invocation.procedure, invocation.pattern]

        @app.register(".file.<path:rest>")
        def file(rest: str) -> str:
            return rest

        @app.register(".raw", match="prefix")
        def raw(invocation: Invocation) -> str:
            return invocation.procedure

        @app.register
        async def context() -> list[str]:
            before = tenant.get()
            tenant.set("async")
            return [before, tenant.get()]

        @app.register
        def thread_context() -> list[str]:
            before = tenant.get()
            tenant.set("thread")
            return [before, tenant.get()]

    def cancelling(self, app: App) -> None:
        @app.register
        async def wait() -> None:
            self.started.put("wait")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.put("wait")
                raise

        @app.register
        def wait_in_thread(call: Invocation) -> None:
            self.started.put("thread")
            threads = threading.Event()
            while not call.cancelled:
                threads.wait(0.01)
            self.cancelled.put("thread")

        @app.register
        def forever() -> Iterator[int]:
            number = 0
            try:
                while True:
                    yield number
                    number += 1
            finally:
                self.closed.put("forever")

        @app.register
        async def aforever() -> AsyncIterator[int]:
            number = 0
            try:
                while True:
                    yield number
                    number += 1
            finally:
                self.closed.put("aforever")

        @app.register(timeout=0.05)
        async def slow() -> None:
            await self.wait_cancelled("slow")

        @app.register(timeout=0.05)
        def slow_in_thread(call: Invocation) -> None:
            threads = threading.Event()
            while not call.cancelled:
                threads.wait(0.01)
            self.cancelled.put("slow thread")

    async def wait_cancelled(self, name: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.put(name)
            raise


@pytest.fixture(scope="module")
def kinds(router: Router) -> Iterator[Kinds]:
    made = Kinds()
    with running(made.app, router.rs_url):
        yield made


@pytest.mark.parametrize(
    ("procedure", "args", "expected"),
    [
        ("callbacks", (2, 3), 5),
        ("deferred", (2,), 3),
        ("both", (2,), 4),
        ("around", (), "awaited"),
        ("partial", (7,), 7),
        ("partial", (3,), 5),
        ("count", (3,), [0, 1, 2]),
        ("count", (0,), []),
        ("acount", (3,), [0, 1, 2]),
        ("total", (1, 2, 3), {"total": 6}),
        ("reports", (3,), "done"),
        ("thread_reports", (3,), "done"),
        ("context", (), ["nobody", "async"]),
        ("thread_context", (), ["nobody", "thread"]),
        ("shop.apple.price", (2,), ["apple", 2]),
        ("shop.Ü_1.price", (), ["Ü_1", 1]),
        ("item.7", (6,), [42, "com.kinds.item.7", "com.kinds.item.<number>"]),
        ("file.a.b.c", (), "a.b.c"),
        ("rawest", (), "com.kinds.rawest"),
    ],
)
def test_every_kind_answers(
    kinds: Kinds, client: ConnectedClient, procedure: str, args: tuple[Any, ...], expected: Any
) -> None:
    for _ in range(2):  # a second call finds nothing of the first
        assert client.call(f"com.kinds.{procedure}", *args) == expected


def test_methods_and_objects_serve(kinds: Kinds, client: ConnectedClient) -> None:
    before = client.call("com.kinds.method")
    assert client.call("com.kinds.method", by=2) == before + 2
    assert client.call("com.kinds.object", 10) == 10 * (before + 2)


def test_a_captured_segment_that_does_not_fit_is_told(
    kinds: Kinds, client: ConnectedClient
) -> None:
    with pytest.raises(wampapp.InvalidArgument, match="`number`: expected int, got str"):
        client.call("com.kinds.item.seven", 1)
    with pytest.raises(wampapp.InvalidArgument, match="`number`: there is no such parameter"):
        client.call("com.kinds.item.7", 1, number=3)


def test_the_caller_is_told(kinds: Kinds, client: ConnectedClient) -> None:
    caller, authid, role, procedure = client.call("com.kinds.who")
    assert type(caller) is int
    assert authid
    assert role == "anonymous"
    assert procedure == "com.kinds.who"


# Progressive results


@pytest.mark.parametrize(
    ("procedure", "args", "expected"),
    [
        ("count", (3,), [0, 1, 2]),
        ("count", (500,), list(range(500))),
        ("acount", (500,), list(range(500))),
        ("total", (1, 2, 3), [1, 3, 6, {"total": 6}]),
        ("thread_reports", (3,), [0, 1, 2, "done"]),
        ("deferred", (1,), [2]),
    ],
)
def test_a_stream_brings_each_result(
    kinds: Kinds, client: ConnectedClient, procedure: str, args: tuple[Any, ...], expected: Any
) -> None:
    assert list(client.stream(f"com.kinds.{procedure}", *args)) == expected


def test_progress_carries_names_too(kinds: Kinds, client: ConnectedClient) -> None:
    *progress, last = client.stream("com.kinds.reports", 2)
    assert progress == [wampapp.CallResult(0, of=2), wampapp.CallResult(1, of=2)]
    assert last == "done"


def test_a_stream_ends_with_the_generators_error(kinds: Kinds, client: ConnectedClient) -> None:
    stream = client.stream("com.kinds.breaks")
    assert next(stream) == 1
    with pytest.raises(WampError, match="half way"):
        next(stream)
    with pytest.raises(WampError, match="half way"):
        client.call("com.kinds.breaks")


@pytest.mark.parametrize("procedure", ["forever", "aforever"])
def test_leaving_a_stream_closes_the_generator(
    kinds: Kinds, client: ConnectedClient, procedure: str
) -> None:
    for item in client.stream(f"com.kinds.{procedure}"):
        if item == 3:
            break
    assert kinds.closed.get(timeout=DEADLINE) == procedure
    while not kinds.closed.empty():
        kinds.closed.get()


def test_async_for_and_its_end(kinds: Kinds, client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.streams")

    @app.register
    async def collect(procedure: str, most: int) -> list[int]:
        got = []
        async for item in app.stream(procedure):
            got.append(item)
            if len(got) == most:
                break
        return got

    with running(app, router.rs_url):
        assert client.call("com.streams.collect", "com.kinds.aforever", 4) == [0, 1, 2, 3]
    assert kinds.closed.get(timeout=DEADLINE) == "aforever"


# Cancelling and deadlines


@pytest.mark.parametrize(("procedure", "name"), [("wait", "wait"), ("wait_in_thread", "thread")])
def test_a_caller_that_gives_up_cancels_the_handler(
    kinds: Kinds, router: Router, procedure: str, name: str
) -> None:
    with connect(router.rs_url, timeout=1) as hurried:  # enough for the handler to begin
        with pytest.raises(wampapp.CallTimeout):
            hurried.call(f"com.kinds.{procedure}")
        assert kinds.started.get(timeout=DEADLINE) == name
        assert kinds.cancelled.get(timeout=DEADLINE) == name


@pytest.mark.parametrize("how", ["task", "timeout", "handle"])
def test_every_way_to_cancel_in_a_coroutine(
    kinds: Kinds, client: ConnectedClient, router: Router, how: str
) -> None:
    app = App(prefix="com.cancels")

    @app.register
    async def give_up() -> str:
        if how == "task":
            task = asyncio.ensure_future(app.call("com.kinds.wait"))
            await asyncio.to_thread(kinds.started.get, timeout=DEADLINE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await app.call("com.kinds.wait")
        else:
            with pytest.raises(wampapp.CallTimeout, match=r"com\.kinds\.wait .* 1 s"):
                await app.procedure("com.kinds.wait", timeout=1)()
        return "gave up"

    with running(app, router.rs_url):
        assert client.call("com.cancels.give_up") == "gave up"
        assert kinds.cancelled.get(timeout=DEADLINE) == "wait"
    while not kinds.started.empty():
        kinds.started.get()


def test_a_caller_that_is_gone_cancels_the_handler(kinds: Kinds, router: Router) -> None:
    caller = connect(router.rs_url)

    def call() -> None:
        with pytest.raises(wampapp.ConnectionLost):
            caller.call("com.kinds.wait")

    thread = threading.Thread(target=call)
    thread.start()
    assert kinds.started.get(timeout=DEADLINE) == "wait"
    caller.close()
    thread.join()
    assert kinds.cancelled.get(timeout=DEADLINE) == "wait"


@pytest.mark.parametrize(
    ("procedure", "name"), [("slow", "slow"), ("slow_in_thread", "slow thread")]
)
def test_a_handlers_own_timeout(
    kinds: Kinds, client: ConnectedClient, procedure: str, name: str
) -> None:
    with pytest.raises(wampapp.CallTimeout, match=rf"com\.kinds\.{procedure} took longer"):
        client.call(f"com.kinds.{procedure}")
    assert kinds.cancelled.get(timeout=DEADLINE) == name


# Options


def test_concurrency_queues_and_then_refuses(client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.limits")
    release = asyncio.Event()
    most = [0, 0]

    @app.register(concurrency=2)
    async def work(number: int) -> int:
        most[0] += 1
        most[1] = max(most)
        await release.wait()
        most[0] -= 1
        return number

    @app.register
    async def overflow() -> list[Any]:
        calls = [asyncio.ensure_future(app.call(".work", n)) for n in range(1003)]
        try:
            await calls[-1]
        except wampapp.Overloaded as error:
            release.set()
            done = await asyncio.gather(*calls[:-1])
            return [error.uri, done == list(range(1002)), most[1]]
        return ["not refused"]

    with running(app, router.rs_url):
        assert client.call("com.limits.overflow") == ["wampapp.error.overloaded", True, 2]


def test_events_may_run_side_by_side(client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.side")
    met = threading.Barrier(2, timeout=DEADLINE)
    heard: queue.Queue[int] = queue.Queue()

    @app.subscribe(concurrency=2)
    def news(number: int) -> None:
        met.wait()  # it takes two at one time to go on
        heard.put(number)

    with running(app, router.rs_url):
        client.publish("com.side.news", 1)
        client.publish("com.side.news", 2)
        assert {heard.get(timeout=DEADLINE), heard.get(timeout=DEADLINE)} == {1, 2}


def test_a_backlog_of_events_pauses_the_transport_and_loses_nothing(
    client: ConnectedClient, url: str
) -> None:
    app = App(prefix="com.backlog")
    release = threading.Event()
    got: list[int] = []
    done = threading.Event()

    @app.subscribe
    def news(number: int, padding: str) -> None:
        assert release.wait(DEADLINE)
        got.append(number)
        if number == 1999:
            done.set()

    with running(app, url) as service:
        assert service.connection
        session = service.connection.session
        for number in range(2000):
            client.publish("com.backlog.news", number, "x" * 100)
        assert session._backlog.waiting < 1900  # the rest waits in the transports
        assert session._backlog.paused
        release.set()
        assert done.wait(DEADLINE)
    assert got == list(range(2000))


def test_a_handler_under_a_backlog_can_still_call(client: ConnectedClient, url: str) -> None:
    app = App(prefix="com.backlog")
    release, done = threading.Event(), threading.Event()
    got: list[int] = []

    @app.register
    def double(number: int) -> int:
        return 2 * number

    @app.subscribe
    async def news(number: int) -> None:
        await asyncio.to_thread(release.wait, DEADLINE)
        got.append(await app.call(".double", number))
        if number == 1499:
            done.set()

    with running(app, url) as service:
        assert service.connection
        for number in range(1500):
            client.publish("com.backlog.news", number)
        assert service.connection.session._backlog.paused
        release.set()
        assert done.wait(DEADLINE)
    assert got == [2 * number for number in range(1500)]


def test_several_sessions_share_a_procedure(client: ConnectedClient, router: Router) -> None:
    def make(name: str) -> App:
        app = App(prefix="com.shared")
        app.add_registration(lambda: name, ".name", invoke="roundrobin")
        return app

    with running(make("one"), router.rs_url), running(make("two"), router.rs_url):
        assert {client.call("com.shared.name") for _ in range(4)} == {"one", "two"}


def test_a_procedure_is_taken_by_force(
    client: ConnectedClient, embedded: EmbeddedRouter, caplog: pytest.LogCaptureFixture
) -> None:
    def make(name: str, **options: Any) -> App:
        app = App(prefix="com.force")
        app.add_registration(lambda: name, ".name", **options)
        return app

    with connect(embedded.rs_url, timeout=DEADLINE) as caller, caplog.at_level(logging.WARNING):
        with running(make("old"), embedded.rs_url):
            with running(make("new", force_reregister=True), embedded.rs_url):
                assert caller.call("com.force.name") == "new"
    assert "com.force.name was taken away by the router" in caplog.text


def open_to_all(folder: Path) -> str:
    """Write the file of a router that has the procedures of realms with roles."""
    file = folder / "router.toml"
    file.write_text(
        '[realms.realm1]\nanonymous = "all"\n[realms.realm1.roles.all]\npermissions = [\n'
        '{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] },\n'
        '{ uri = "wamp.", match = "prefix", allow = ["call", "subscribe"] },\n]\n'
    )
    return str(file)


def test_a_subscription_is_taken_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = App(prefix="com.revoked")
    heard: queue.Queue[int] = queue.Queue()
    app.subscribe(".news")(heard.put)
    with (
        EmbeddedRouter(0, "--config", open_to_all(tmp_path)) as router,
        connect(router.rs_url, timeout=DEADLINE) as client,
        caplog.at_level(logging.WARNING),
        running(app, router.rs_url) as service,
    ):
        client.publish("com.revoked.news", 1)
        assert heard.get(timeout=DEADLINE) == 1
        number = client.call("wamp.subscription.lookup", "com.revoked.news")
        assert service.connection
        session = service.connection.session
        assert session
        # It says so on the session that the answer to the next call comes by.
        client.call("wamp.subscription.remove_subscriber", number, session.id, "moved")
        app.sync.call("wamp.session.count")
    assert "com.revoked.news was taken away by the router: moved" in caplog.text


@pytest.mark.parametrize("others", [0, 1])
def test_a_callee_that_is_unavailable_passes_its_call_on(
    others: int, embedded: EmbeddedRouter
) -> None:
    asked: queue.Queue[int] = queue.Queue()

    def make(number: int) -> App:
        app = App(prefix="com.busy")

        @app.register(".work", invoke="first")
        def work() -> int:
            asked.put(number)
            if number == 0:
                raise WampError("wamp.error.unavailable", "The database is away.")
            return number

        return app

    with contextlib.ExitStack() as apps, connect(embedded.rs_url, timeout=DEADLINE) as client:
        for number in range(others + 1):
            apps.enter_context(running(make(number), embedded.rs_url))
        if others:
            assert client.call("com.busy.work") == 1
        else:
            with pytest.raises(WampError) as raised:
                client.call("com.busy.work")
            assert raised.value.uri == "wamp.error.no_available_callee"
    assert [asked.get_nowait() for _ in range(others + 1)] == list(range(others + 1))


def test_topics_have_patterns_and_contexts(client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.topics")
    heard: queue.Queue[Any] = queue.Queue()

    @app.subscribe(".<room>.said")
    def said(room: str, text: str, event: Event) -> None:
        heard.put((room, text, event.topic, event.publication, event.retained))

    @app.subscribe(".log.<path:rest>")
    async def log(rest: str, *args: Any) -> None:
        heard.put((rest, *args))

    with running(app, router.rs_url):
        number = client.publish("com.topics.kitchen.said", "hi")
        assert heard.get(timeout=DEADLINE) == (
            "kitchen", "hi", "com.topics.kitchen.said", number, False,
        )  # fmt: skip
        client.publish("com.topics.log.a.b", 1)
        assert heard.get(timeout=DEADLINE) == ("a.b", 1)


def test_topic_handles_carry_their_options(client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.handles")
    heard: queue.Queue[Any] = queue.Queue()

    @app.subscribe(".news")
    def news(text: str, event: Event) -> None:
        heard.put((text, event.publisher is not None))

    @app.register
    async def tell(text: str) -> Any:
        topic = app.topic(".news", acknowledge=True, exclude_me=False, disclose_me=True)
        return await topic.publish(text)

    with running(app, router.rs_url):
        assert client.call("com.handles.tell", "me too") > 0
        assert heard.get(timeout=DEADLINE) == ("me too", True)


def test_a_retained_event_reaches_who_comes_late(
    client: ConnectedClient, embedded: EmbeddedRouter
) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    first, late = App(prefix="com.state"), App(prefix="com.state")

    @first.register
    async def put(value: int) -> None:
        await first.topic(".value", retain=True, acknowledge=True).publish(value)

    @late.subscribe(".value", get_retained=True)
    def value(number: int, event: Event) -> None:
        heard.put((number, event.retained))

    with connect(embedded.rs_url, timeout=DEADLINE) as caller, running(first, embedded.rs_url):
        caller.call("com.state.put", 7)
        with running(late, embedded.rs_url):
            assert heard.get(timeout=DEADLINE) == (7, True)


def test_procedure_handles_convert_results(
    kinds: Kinds, client: ConnectedClient, router: Router
) -> None:
    app = App(prefix="com.returns")

    @app.register
    async def check() -> str:
        numbers = app.procedure("com.kinds.count", returns=tuple[int, ...])
        assert await numbers(3) == (0, 1, 2)
        with pytest.raises(wampapp.InvalidResult, match=r"com\.kinds\.count does not fit"):
            await app.procedure("com.kinds.count", returns=list[str])(3)
        assert [n async for n in app.procedure("com.kinds.count", returns=int).stream(2)] == [0, 1]
        return "checked"

    with running(app, router.rs_url):
        assert client.call("com.returns.check") == "checked"
    with pytest.raises(wampapp.UsageError, match="There is no option 'retian'"):
        app.topic("com.a", retian=True)  # type: ignore[call-arg]
    with pytest.raises(wampapp.UsageError, match="timeout is -1"):
        app.procedure("com.a", timeout=-1)


# Declarations that cannot be


def lacks(text: str) -> None: ...


def asks_event(event: Event) -> None: ...


def asks_invocation(call: Invocation) -> None: ...


def asks_twice(one: Invocation, two: Invocation) -> None: ...


def generates() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("verb", "uri", "function", "options", "sentence"),
    [
        ("register", "com.a.<sku>", lacks, {}, "has no parameter 'sku', which its URI captures"),
        ("register", "com.<a>.<a>", lacks, {}, "captures 'a' twice"),
        ("register", "com.a<sku>", lacks, {}, "a capture is a whole component"),
        ("register", "com.<path:a>.b", lacks, {}, "must stand at the end"),
        ("register", "com.<a>.<path:b>", lacks, {}, "must stand at the end"),
        ("register", "<a>", lacks, {}, "no plain component"),
        ("register", "com.<text>", lacks, {"match": "prefix"}, "leave match= out"),
        ("register", "com.a", lacks, {"match": "regex"}, "match is 'regex'"),
        ("register", "com.a", lacks, {"invoke": "any"}, "invoke is 'any'"),
        ("register", "com.a", lacks, {"concurrency": 0}, "concurrency is 0"),
        ("register", "com.a", lacks, {"timeout": "1"}, "timeout is '1'"),
        ("register", "com.a", lacks, {"concurency": 1}, "Did you mean 'concurrency'?"),
        ("register", "com.a", asks_event, {}, "a procedure gets an Invocation"),
        ("register", "com.a", asks_twice, {}, "asks twice for its context"),
        ("subscribe", "com.a", asks_invocation, {}, "a procedure gets an Invocation"),
        ("subscribe", "com.a", generates, {}, "is a generator"),
        ("subscribe", "com.a", lacks, {"invoke": "first"}, "There is no option 'invoke'"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(
    verb: str, uri: str, function: Any, options: Any, sentence: str
) -> None:
    with pytest.raises(wampapp.DeclarationError) as caught:
        getattr(App(), verb)(uri, **options)(function)
    assert sentence in str(caught.value)


def test_patterns_that_differ_in_names_alone_are_the_same() -> None:
    app = App()
    app.add_registration(lambda a: a, "com.<a>.x")
    with pytest.raises(wampapp.DuplicateUri):
        app.add_registration(lambda b: b, "com.<b>.x")


def test_pydantic_models_are_arguments_and_results(client: ConnectedClient, router: Router) -> None:
    from pydantic import BaseModel, Field

    class Item(BaseModel):
        sku: str
        quantity: int = Field(ge=1)

    class Order(BaseModel):
        items: list[Item]

    app = App(prefix="com.pydantic")

    @app.register
    def double(order: Order, others: list[Item] | None = None) -> Order:
        assert others is None or all(type(item) is Item for item in others)
        items = [Item(sku=i.sku, quantity=2 * i.quantity) for i in order.items]
        return Order(items=items)

    item = {"sku": "apple", "quantity": 2}
    with running(app, router.rs_url):
        assert client.call("com.pydantic.double", {"items": [item]}, [item]) == {
            "items": [{"sku": "apple", "quantity": 4}]
        }
        with pytest.raises(wampapp.InvalidArgument) as caught:
            client.call("com.pydantic.double", {"items": [{"sku": "apple", "quantity": 0}]})
        assert "`order`: items.0.quantity: Input should be greater" in caught.value.message
        with pytest.raises(wampapp.InvalidArgument, match="valid integer"):
            client.call("com.pydantic.double", {"items": [{"sku": "apple", "quantity": "2"}]})
