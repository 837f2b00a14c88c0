"""Every kind of handler with every kind of argument, on both routers."""

import asyncio
import datetime as dt
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypedDict
from uuid import UUID

import msgspec
import pytest
from twisted.internet.defer import Deferred, inlineCallbacks, succeed

import wampapp
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, connect
from wampapp.crossbar import Crossbar

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar


@dataclass
class Point:
    x: int
    y: int = 0


class Item(msgspec.Struct):
    sku: str
    price: Decimal


class Options(TypedDict, total=False):
    loud: bool


class Colour(enum.Enum):
    RED = "red"


WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
ID = UUID(int=7)

#: An annotation, what a caller sends, what the handler gets, and what comes back; and what does
#: not fit, with the fault.
ARGUMENTS: dict[str, tuple[Any, Any, Any, Any, Any, str]] = {
    "int": (int, 5, 5, 5, "5", "expected int, got str"),
    "float": (float, 2, 2.0, 2.0, "2", "expected float, got str"),
    "bool": (bool, True, True, True, 1, "expected bool, got int"),
    "str": (str, "ß 🎈", "ß 🎈", "ß 🎈", 5, "expected str, got int"),
    "bytes": (bytes, b"\0\xff", b"\0\xff", b"\0\xff", "AA==", "expected bytes, got str"),
    "optional": (int | None, None, None, None, "x", "expected int | null, got str"),
    "union": (int | str, "x", "x", "x", 1.5, "expected int | str, got float"),
    "list": (list[int], [1, 2], [1, 2], [1, 2], [1, "2"], "expected int, got str"),
    "dict": (dict[str, int], {"a": 1}, {"a": 1}, {"a": 1}, {"a": "1"}, "expected int, got str"),
    "dataclass": (Point, {"x": 1}, Point(1), {"x": 1, "y": 0}, {"x": "1"}, "expected int"),
    "struct": (
        Item,
        {"sku": "a", "price": "1.50"},
        Item("a", Decimal("1.50")),
        {"sku": "a", "price": "1.50"},
        {"sku": "a"},
        "missing required field price",
    ),
    "typeddict": (Options, {"loud": True}, {"loud": True}, {"loud": True}, [], "expected object"),
    "enum": (Colour, "red", Colour.RED, "red", "blue", "invalid enum value"),
    "literal": (Literal["a", "b"], "a", "a", "a", "c", "invalid enum value"),
    "datetime": (dt.datetime, "2026-01-02T03:04:05Z", WHEN, "2026-01-02T03:04:05Z", "x", "invalid"),
    "date": (dt.date, "2026-01-02", WHEN.date(), "2026-01-02", "2026-13-01", "invalid"),
    "uuid": (UUID, str(ID), ID, str(ID), "7", "invalid"),
    "decimal": (Decimal, "1.50", Decimal("1.50"), "1.50", "x", "invalid decimal"),
    "any": (Any, [1, {"a": None}], [1, {"a": None}], [1, {"a": None}], None, ""),
}


def handlers(kind: Any, expected: Any) -> dict[str, Callable[..., Any]]:
    """Make a handler of each kind for one annotation; each returns what it got."""

    def check(value: Any) -> Any:
        assert value == expected
        assert type(value) is type(expected)
        return value

    def plain(value: Any) -> Any:
        return check(value)

    async def coroutine(value: Any) -> Any:
        await asyncio.sleep(0)
        return check(value)

    @inlineCallbacks
    def callbacks(value: Any) -> Any:
        return check((yield succeed(value)))

    def generator(value: Any) -> Any:
        yield 1
        return [check(value)]

    async def stream(value: Any) -> Any:
        yield check(value)

    made = {
        "thread": plain,
        "loop": plain,
        "coroutine": coroutine,
        "callbacks": callbacks,
        "generator": generator,
        "stream": stream,
    }
    for function in made.values():
        function.__annotations__ = {"value": kind}
        wrapped = getattr(function, "__wrapped__", None)
        if wrapped is not None:
            wrapped.__annotations__ = {"value": kind}
    return made


KINDS = ["thread", "loop", "coroutine", "callbacks", "generator", "stream"]


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    app = App(prefix="com.table")
    for name, (annotation, _, expected, *_rest) in ARGUMENTS.items():
        for kind, function in handlers(annotation, expected).items():
            run: Any = "loop" if kind == "loop" else None
            app.add_registration(function, f".{kind}.{name}", run=run)
    with running(app, router.rs_url), connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_arrives_converted(client: ConnectedClient, kind: str, name: str) -> None:
    _, sent, _, back, *_ = ARGUMENTS[name]
    returned = [back] if kind in ("generator", "stream") else back
    assert client.call(f"com.table.{kind}.{name}", sent) == returned
    assert client.call(f"com.table.{kind}.{name}", value=sent) == returned


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name != "any"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_is_told(client: ConnectedClient, kind: str, name: str) -> None:
    *_, wrong, fault = ARGUMENTS[name]
    for args, kwargs in (((wrong,), {}), ((), {"value": wrong})):
        with pytest.raises(wampapp.InvalidArgument) as caught:
            client.call(f"com.table.{kind}.{name}", *args, **kwargs)
        assert caught.value.message.startswith("`value")
        assert fault in caught.value.message
        assert caught.value.kwargs["parameter"] == "value"


def test_inline_callbacks_call_through_a_deferred(client: ConnectedClient, router: Router) -> None:
    app = App(prefix="com.inline")

    @app.register
    @inlineCallbacks
    def twice(value: int) -> Any:
        first = yield Deferred.fromFuture(app.call("com.table.loop.int", value))
        return 2 * first

    with running(app, router.rs_url):
        assert client.call("com.inline.twice", 5) == 10


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [200, 250, 5000])
def test_what_nests_too_deep_is_refused_where_it_is_sent_and_ends_no_session(
    client: ConnectedClient, router: Router, depth: int
) -> None:
    app = App(prefix="com.deep")

    @app.register
    async def echo(value: Any) -> Any:
        return value

    @app.register
    def dig(depth: int) -> Any:
        return nested(depth)

    with running(app, router.rs_url) as service:
        assert service.connection is not None
        session = service.connection.session
        with pytest.raises(wampapp.PayloadNotEncodable, match="nests more than 200"):
            client.call("com.deep.echo", nested(depth))
        with pytest.raises(wampapp.PayloadNotEncodable, match="nests more than 200"):
            client.publish("com.deep.news", value=nested(depth))
        with pytest.raises(wampapp.PayloadNotEncodable, match="nests more than 200"):
            client.call("com.deep.dig", depth)
        assert client.call("com.deep.echo", nested(150)) == nested(150)
        assert service.connection.session is session
