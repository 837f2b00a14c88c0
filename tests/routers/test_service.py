"""A service and its callers: what goes over the wire, on both routers and both transports."""

import asyncio
import logging
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

import wampapp
from tests.support.running import running
from wampapp import App, CallResult, ConnectedClient, WampError

DEADLINE = 60.0  # seconds


class Colour(Enum):
    RED = "red"


@dataclass
class Order:
    sku: str
    quantity: int = 1


@pytest.fixture(scope="module")
def released() -> threading.Event:
    return threading.Event()


@pytest.fixture(scope="module")
def app(url: str, released: threading.Event) -> Any:
    app = App(prefix="com.test", name="test")

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register(".async.add")
    async def async_add(a: int, b: int = 10) -> int:
        await asyncio.sleep(0)
        return a + b

    @app.register(".loop.add", run="loop")
    def loop_add(a: int, b: int) -> int:
        return a + b

    @app.register
    def echo(*args: Any, **kwargs: Any) -> CallResult:
        return CallResult(*args, **kwargs)

    @app.register
    def one(value: Any) -> Any:
        return value

    @app.register
    def order(order: Order) -> Order:
        return Order(order.sku, order.quantity * 2)

    @app.register
    def rich() -> dict[str, Any]:
        return {
            "when": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "id": UUID(int=5),
            "price": Decimal("1.50"),
            "colour": Colour.RED,
            "tags": ("a", "b"),
        }

    @app.register
    def nothing() -> None:
        return None

    @app.register
    def refuse() -> None:
        raise WampError("com.test.refused", "no", 1, options={"a": 1}, callee=2, self=3)

    @app.register
    def crash() -> None:
        raise ValueError("the secret is 42")

    @app.register
    async def async_crash() -> None:
        raise ValueError("the secret is 42")

    @app.register
    def unencodable() -> object:
        return object()

    @app.register
    def badly_named_error() -> None:
        raise WampError("no uri at all", "because")

    @app.register
    async def nested_async(a: int) -> int:
        return int(await app.call(".add", a, 1)) + int(await app.call("com.test.async.add", a))

    @app.register
    def nested_sync(a: int) -> int:
        return int(app.sync.call(".add", a, 1))

    @app.register
    def block() -> str:
        assert released.wait(DEADLINE)
        return "released"

    with running(app, url):
        yield app


@pytest.mark.parametrize("procedure", ["add", "async.add", "loop.add"])
def test_every_kind_of_function_answers(app: App, client: ConnectedClient, procedure: str) -> None:
    assert client.call(f"com.test.{procedure}", 2, 3) == 5
    assert client.call(f"com.test.{procedure}", 2, b=3) == 5
    assert client.call(f"com.test.{procedure}", b=2, a=3) == 5


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        2**53,
        1.5,
        "",
        "Grüße, 世界 🎈",
        "\0nul",
        b"",
        b"\x00\xff bytes",
        [],
        [1, [2, [3, {"a": [b"x"]}]]],
        {"a": {"b": None}, "ß": "ü"},
        list(range(1000)),
    ],
    ids=repr,
)
def test_values_come_back_as_they_went(app: App, client: ConnectedClient, value: Any) -> None:
    assert client.call("com.test.one", value) == value


def test_a_message_of_two_megabytes_passes(app: App, client: ConnectedClient) -> None:
    text = "ü" * 1_000_000
    assert client.call("com.test.one", text) == text


def test_several_values_and_names_come_as_a_call_result(app: App, client: ConnectedClient) -> None:
    assert client.call("com.test.echo", 1, "two", x=[3]) == CallResult(1, "two", x=[3])
    assert client.call("com.test.echo", self=1, uri=2, options=3, callee=4) == CallResult(
        self=1, uri=2, options=3, callee=4
    )
    assert client.call("com.test.nothing") is None
    assert client.call("com.test.echo") is None


def test_arguments_become_what_the_annotation_says(app: App, client: ConnectedClient) -> None:
    assert client.call("com.test.order", {"sku": "x", "quantity": 2}) == {"sku": "x", "quantity": 4}


def test_rich_results_are_plain_on_the_wire(app: App, client: ConnectedClient) -> None:
    assert client.call("com.test.rich") == {
        "when": "2026-01-02T03:04:05Z",
        "id": "00000000-0000-0000-0000-000000000005",
        "price": "1.50",
        "colour": "red",
        "tags": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("args", "message", "parameter"),
    [
        ((1, "x"), "`b`: expected int, got str", "b"),
        ((1,), "`b`: missing", "b"),
        ((1, 2, 3), "expected at most 2 arguments, got 3", None),
    ],
)
def test_a_wrong_argument_is_told_by_name(
    app: App, client: ConnectedClient, args: Any, message: str, parameter: str | None
) -> None:
    with pytest.raises(wampapp.InvalidArgument) as caught:
        client.call("com.test.add", *args)
    assert caught.value.message == message
    assert caught.value.kwargs.get("parameter") == parameter


def test_a_handlers_wamp_error_arrives_whole(app: App, client: ConnectedClient) -> None:
    with pytest.raises(WampError) as caught:
        client.call("com.test.refuse")
    assert caught.value.uri == "com.test.refused"
    assert caught.value.args == ("no", 1)
    assert caught.value.kwargs == {"options": {"a": 1}, "callee": 2, "self": 3}


@pytest.mark.parametrize("procedure", ["crash", "async_crash"])
def test_a_handlers_exception_is_logged_and_hidden(
    app: App, client: ConnectedClient, caplog: pytest.LogCaptureFixture, procedure: str
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(wampapp.HandlerFailed) as caught:
        client.call(f"com.test.{procedure}")
    error_id = caught.value.kwargs["error_id"]
    assert error_id in caught.value.message
    assert "secret" not in repr(caught.value)
    assert error_id in caplog.text
    assert "the secret is 42" in caplog.text
    # The traceback starts in the handler: what is ours is nobody's business.
    assert "wampapp/dispatch.py" not in caplog.text


def test_an_unencodable_result_ends_the_call_and_not_the_session(
    app: App, client: ConnectedClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(wampapp.PayloadNotEncodable):
        client.call("com.test.unencodable")
    assert "com.test.unencodable" in caplog.text
    assert client.call("com.test.add", 1, 1) == 2


def test_an_unencodable_argument_is_refused_here(app: App, client: ConnectedClient) -> None:
    with pytest.raises(wampapp.PayloadNotEncodable):
        client.call("com.test.one", object())
    assert client.call("com.test.add", 1, 1) == 2


def test_an_error_with_an_invalid_uri_ends_the_call_and_not_the_session(
    app: App, client: ConnectedClient
) -> None:
    with pytest.raises(wampapp.HandlerFailed, match="because"):
        client.call("com.test.badly_named_error")
    assert client.call("com.test.add", 1, 1) == 2


def test_a_procedure_that_is_not_there(app: App, client: ConnectedClient) -> None:
    with pytest.raises(wampapp.NoSuchProcedure):
        client.call("com.test.nobody")


def test_handlers_call_other_procedures(app: App, client: ConnectedClient) -> None:
    assert client.call("com.test.nested_async", 5) == 21
    assert client.call("com.test.nested_sync", 5) == 6


def test_a_blocking_handler_stops_nobody_else(
    app: App, client: ConnectedClient, released: threading.Event
) -> None:
    released.clear()
    results: queue.Queue[Any] = queue.Queue()
    blocked = threading.Thread(target=lambda: results.put(client.call("com.test.block")))
    blocked.start()
    for number in range(50):
        assert client.call("com.test.add", number, 1) == number + 1
    assert results.empty()
    released.set()
    assert results.get(timeout=DEADLINE) == "released"
    blocked.join()


def test_events_arrive_in_order(client: ConnectedClient, url: str) -> None:
    got: list[int] = []
    done = threading.Event()
    app = App(prefix="com.order")

    @app.subscribe
    async def tick(number: int) -> None:
        # An earlier event takes longer than a later one would.
        await asyncio.sleep(0.001 if number % 7 == 0 else 0)
        got.append(number)
        if number == 499:
            done.set()

    with running(app, url):
        for number in range(500):
            client.publish("com.order.tick", number)
        assert done.wait(DEADLINE)
    assert got == list(range(500))


def test_two_handlers_of_one_topic_both_hear(client: ConnectedClient, url: str) -> None:
    app = App(prefix="com.two")
    heard: queue.Queue[tuple[str, str]] = queue.Queue()

    @app.subscribe("com.two.news")
    def first(text: str) -> None:
        heard.put(("first", text))

    @app.subscribe("com.two.news")
    async def second(text: str) -> None:
        heard.put(("second", text))

    with running(app, url):
        client.publish("com.two.news", "hi")
        assert {heard.get(timeout=DEADLINE), heard.get(timeout=DEADLINE)} == {
            ("first", "hi"),
            ("second", "hi"),
        }


def test_a_failing_event_handler_is_logged_and_the_next_event_goes_on(
    client: ConnectedClient, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.fail")
    heard: queue.Queue[int] = queue.Queue()

    @app.subscribe
    def news(number: int) -> None:
        if number == 1:
            raise RuntimeError("kaput")
        heard.put(number)

    with running(app, url), caplog.at_level(logging.ERROR):
        client.publish("com.fail.news", "not a number")
        client.publish("com.fail.news", 1)
        client.publish("com.fail.news", 2)
        assert heard.get(timeout=DEADLINE) == 2
    assert "`number`: expected int, got str" in caplog.text
    assert "RuntimeError: kaput" in caplog.text


def test_handlers_publish_and_do_not_hear_themselves(client: ConnectedClient, url: str) -> None:
    app = App(prefix="com.pub")
    heard: queue.Queue[str] = queue.Queue()

    @app.register
    async def from_async(text: str) -> None:
        await app.publish(".news", text)

    @app.register
    def from_thread(text: str) -> int:
        return app.sync.publish(".news", text)

    @app.subscribe
    def news(text: str) -> None:
        heard.put(f"own {text}")

    with running(app, url):
        client.subscribe("com.pub.news", heard.put)
        client.call("com.pub.from_async", "one")
        assert client.call("com.pub.from_thread", "two") > 0
        assert [heard.get(timeout=DEADLINE), heard.get(timeout=DEADLINE)] == ["one", "two"]
        client.publish("com.pub.news", "three")
        assert heard.get(timeout=DEADLINE) == "own three"
    assert heard.empty()


def test_a_procedure_of_another_session_is_refused_with_a_sentence(url: str) -> None:
    def make() -> App:
        app = App()
        app.add_registration(lambda: 1, "com.taken.once")
        return app

    with running(make(), url):
        with pytest.raises(wampapp.RouterRefused, match=r"com\.taken\.once.*already") as caught:
            with running(make(), url):
                pass
        assert caught.value.exit_code == 4
    with running(make(), url):  # and free again once the first has left
        pass


def test_a_call_has_a_timeout(app: App, url: str, released: threading.Event) -> None:
    released.clear()
    try:
        with wampapp.connect(url, timeout=0.05) as hurried:
            with pytest.raises(wampapp.CallTimeout, match=r"com\.test\.block.*0\.05 s"):
                hurried.call("com.test.block")
    finally:
        released.set()


def test_verbs_on_the_wrong_thread_are_refused(app: App, url: str) -> None:
    with pytest.raises(wampapp.WrongThread, match=r"app\.sync\.call"):
        app.call(".add", 1, 1)
    other = App()

    @other.register("com.wrong.thread")
    async def wrong() -> str:
        with pytest.raises(wampapp.WrongThread, match="await app.call"):
            other.sync.call("com.test.add", 1, 1)
        return "refused"

    with running(other, url), wampapp.connect(url) as client:
        assert client.call("com.wrong.thread") == "refused"


def test_nothing_can_be_called_before_the_app_runs() -> None:
    app = App(prefix="com.idle")
    with pytest.raises(wampapp.NotJoined, match="not running"):
        app.sync.call(".add")
    with pytest.raises(wampapp.NotJoined, match="not running"):
        app.call(".add")


def test_a_closed_client_says_so(url: str) -> None:
    client = wampapp.connect(url)
    client.close()
    client.close()
    with pytest.raises(wampapp.NotJoined, match="closed"):
        client.call("com.test.add", 1, 1)


def test_a_realm_that_is_not_there_is_refused(crossbar: Any) -> None:
    with pytest.raises(wampapp.RouterRefused, match="nowhere") as caught:
        wampapp.connect(crossbar.rs_url, "nowhere")
    assert caught.value.reason == "wamp.error.no_such_realm"


def test_a_credential_is_for_a_router_that_is_named() -> None:
    """The embedded router asks for none, and what else holds our port might be anybody's."""
    app = App(prefix="com.named", auth=wampapp.Ticket("joe", "sesame"))
    app.add_registration(lambda: 1, "com.named.one")

    async def run() -> tuple[str, Any]:
        async with app.running(port=0):
            assert app._service is not None
            session = app._service.connection.session  # type: ignore[union-attr]
            return session.details["authmethod"], await app.call("com.named.one")

    assert asyncio.run(run()) == ("anonymous", 1)
