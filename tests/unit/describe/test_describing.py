"""What is described of an app, without a connection."""

import asyncio
import typing
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

import msgspec
import pydantic
import pytest

from tests.unit.describe import shop
from wampapp import (
    App,
    Blueprint,
    DuplicateUri,
    Event,
    InvalidHandler,
    InvalidUri,
    Invocation,
)
from wampapp.describe.api import Api, Capture, Failure, Parameter, Procedure, Topic
from wampapp.describe.describing import describe, describe_app

ORDER = {"$ref": "#/components/schemas/Order"}
INTEGER = {"type": "integer"}
TEXT = {"type": "string"}


@pytest.fixture(scope="module")
def api() -> Api:
    return describe_app(shop.app)


def of(app: App) -> Api:
    return describe(app.registry, title="test", version="1")


def only(app: App) -> Procedure:
    [found] = of(app).procedures
    return found


def test_the_whole(api: Api) -> None:
    assert (api.title, api.version, api.realm, api.router) == ("The shop", "1.4", "realm1", None)
    assert [one.uri for one in api.procedures] == [
        "com.shop.order",
        "com.shop.<sku>.price",
        "com.shop.pack",
        "com.shop.follow",
        "com.shop.log",
    ]
    assert [(one.uri, one.is_published) for one in api.topics] == [
        ("com.stock.<path:rest>", False),
        ("com.shop.ordered", True),
        ("com.shop.<sku>.sold_out", True),
    ]
    assert list(api.schemas) == ["Order", "Ordered"]


def test_a_procedure(api: Api) -> None:
    pytest.importorskip("docstring_parser")
    assert api.procedures[0] == Procedure(
        uri="com.shop.order",
        name="order",
        summary="Order something.",
        description="It is sent on the same day.",
        parameters=(
            Parameter(name="sku", schema={**TEXT, "description": "what to send"}),
            Parameter(
                name="quantity",
                schema={**INTEGER, "description": "how many", "default": 1},
                required=False,
            ),
            Parameter(
                name="rush",
                schema={"type": "boolean", "default": False},
                kind="keyword",
                required=False,
            ),
        ),
        examples=({"sku": "apple", "quantity": 2},),
        result=ORDER,
        result_description="the order, with its number",
        errors=(
            Failure(uri="com.shop.out_of_stock", description="There is none left."),
            Failure(uri="com.shop.closed"),
            Failure(uri="wamp.error.invalid_argument", description="there is no such thing"),
        ),
    )


def test_components_that_vary(api: Api) -> None:
    price, stock = api.procedures[1], api.topics[0]
    assert price.captures == (Capture(name="sku", schema=TEXT),)
    assert [one.name for one in price.parameters] == ["quantity"]
    assert price.match == "wildcard"
    assert len(price.examples) == 2
    assert stock.captures == (Capture(name="rest", schema=TEXT, rest=True),)
    assert [one.name for one in stock.parameters] == ["left"]


def test_progressive_results_and_options(api: Api) -> None:
    pack, follow, log = api.procedures[2:]
    assert [(one.name, one.kind, one.required) for one in pack.parameters] == [
        ("first", "positional", True),
        ("more", "rest", False),
        ("notes", "others", False),
    ]
    assert (pack.progress, pack.result) == (INTEGER, {"type": "array", "items": INTEGER})
    assert (pack.concurrency, pack.timeout, pack.invoke) == (2, 5, "roundrobin")
    assert (pack.deprecated, follow.deprecated) == ("", None)
    assert (follow.progress, follow.result) == (ORDER, {"type": "array", "items": ORDER})
    assert (log.match, log.result, log.captures) == ("prefix", {"type": "null"}, ())


def test_published_topics(api: Api) -> None:
    ordered, sold_out = api.topics[1:]
    assert ordered == Topic(
        uri="com.shop.ordered",
        name="Ordered",
        summary="An order has come in.",
        parameters=(Parameter(name="ordered", schema={"$ref": "#/components/schemas/Ordered"}),),
        examples=({"ordered": {"sku": "apple"}},),
        is_published=True,
    )
    assert sold_out.captures == (Capture(name="sku", schema=TEXT),)
    assert sold_out.parameters == (Parameter(name="left", schema=INTEGER),)
    assert sold_out.deprecated == "Use .ordered."


class Task(msgspec.Struct):
    """Named like what is waited for."""

    number: int


def _task() -> Task:
    return Task(1)


def _iterator() -> Iterator:  # type: ignore[type-arg]
    yield 1


def _typed_as_it_was() -> typing.Iterator:  # type: ignore[type-arg]
    yield 1


async def _coroutine() -> int:
    return 1


def _awaitable() -> Awaitable[int]:
    return _coroutine()


def _future() -> asyncio.Future[int]:
    raise NotImplementedError


def _returning() -> Generator[str, None, int]:
    yield "half"
    return 1


def _bare() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "result", "progress"),
    [
        (_coroutine, INTEGER, None),
        (_awaitable, INTEGER, None),
        (_future, INTEGER, None),
        (_returning, INTEGER, TEXT),
        (_bare, {"type": "array"}, {}),
        (_task, {"$ref": "#/components/schemas/Task"}, None),
        (_iterator, {"type": "array"}, {}),
        (_typed_as_it_was, {"type": "array"}, {}),
        (lambda: None, {}, None),
    ],
)
def test_what_a_handler_returns(function: Callable[..., Any], result: Any, progress: Any) -> None:
    app = App()
    app.add_registration(function, "com.x")
    assert (only(app).result, only(app).progress) == (result, progress)


def test_what_is_said_at_the_function_itself() -> None:
    app = App()

    def old() -> None: ...

    old.__deprecated__ = "Use new."  # type: ignore[attr-defined]  # as @warnings.deprecated does
    app.register("com.old")(old)
    assert only(app).deprecated == "Use new."


def test_a_blueprint_brings_what_it_publishes() -> None:
    parts, app = Blueprint(prefix=".parts"), App(prefix="com.shop")
    parts.publishes(".changed")(shop.Ordered)
    app.include(parts)
    assert [one.uri for one in of(app).topics] == ["com.shop.parts.changed"]


def test_of_several_handlers_of_a_topic_the_first_speaks() -> None:
    app = App()

    @app.subscribe("com.x")
    def first(a: int) -> None:
        """Do this."""

    @app.subscribe("com.x")
    def second(a: int) -> None:
        """Do that."""

    [topic] = of(app).topics
    assert topic.summary == "Do this."


def test_autobahns_options_and_details() -> None:
    from autobahn.wamp.types import RegisterOptions

    app = App()

    @app.register("com.x", options=RegisterOptions(details_arg="details"))
    def handler(a: int, details: Any = None) -> None: ...

    assert [one.name for one in only(app).parameters] == ["a"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"example": {"b": 1}}, "does not fit handler: `b`: there is no such parameter."),
        ({"example": {"a": "x"}}, "does not fit handler: `a`: expected int, got str."),
        ({"example": {}}, "does not fit handler: `a`: missing."),
        ({"example": [1]}, "give its arguments by their names, as a dictionary"),
        ({"example": 5}, "give its arguments by their names, as a dictionary"),
        ({"errors": [5]}, "errors has 5; give exceptions, or the URIs of errors."),
        ({"errors": [int]}, "give exceptions, or the URIs of errors."),
        ({"errors": "e.x"}, "errors is 'e.x'; give a list: errors=['e.x']"),
        ({"errors": KeyError}, "give a list: errors=[KeyError]"),
        ({"errors": 5}, "errors is 5; give a list"),
        ({"deprecated": 5}, "deprecated is 5; give True, or say what to use instead"),
    ],
)
def test_what_cannot_be_said(options: dict[str, Any], sentence: str) -> None:
    def handler(a: int) -> None: ...

    handler.__qualname__ = "handler"
    with pytest.raises(InvalidHandler) as caught:
        App().add_registration(handler, "com.x", **options)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "example", "sentence"),
    [
        ("com.<a>.x", {"b": 1, "c": 1}, "`a`: missing."),
        ("com.<a>.x", {"a": "apple", "b": 1}, "`a`: expected int, got str."),
        ("com.<c>.x", {"a": 1, "b": 1, "c": "x y"}, "`c`: 'x y' cannot be a component of a URI."),
        ("com.<c>.x", {"a": 1, "b": 1, "c": "x.y"}, "`c`: 'x.y' cannot be a component of a URI."),
        ("com.<c>.x", {"a": 1, "b": 1, "c": ""}, "`c`: '' cannot be a component of a URI."),
        ("com.<path:c>", {"a": 1, "b": 1, "c": "x..y"}, "`c`: 'x..y' cannot be the end of a URI."),
        ("com.<c>.x", {"a": 1, "b": 1, "c": [1]}, "`c`: expected str, got list."),
        ("com.<a>.x", {"a": 7, "b": 1, "c": "x"}, None),
        ("com.<a>.x", {"a": "7", "b": 1, "c": "x"}, None),
        ("com.<c>.x", {"a": 1, "b": 1, "c": "x"}, None),
        ("com.<path:c>", {"a": 1, "b": 1, "c": "x.y"}, None),
        ("com.<a>.<c>", {"a": 1, "c": "x"}, "`b`: missing."),
    ],
)
@pytest.mark.parametrize("kind", ["procedure", "topic", "published"])
def test_components_in_examples_are_checked(
    uri: str, example: dict[str, Any], sentence: str | None, kind: str
) -> None:
    def called(a: int, invocation: Invocation, b: int, c: str) -> None: ...
    def heard(a: int, event: Event, b: int, c: str) -> None: ...
    def told(a: int, b: int, c: str) -> None: ...

    def declare() -> None:
        app = App()
        if kind == "procedure":
            app.add_registration(called, uri, example=example)
        elif kind == "topic":
            app.add_subscription(heard, uri, example=example)
        else:
            app.publishes(uri, example=example)(told)

    if sentence is None:
        declare()
        return
    with pytest.raises(InvalidHandler) as caught:
        declare()
    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"version": 1.4}, "version is 1.4; give a text, in quotes."),
        ({"version": None}, "version is None; give a text"),
        ({"title": ["x"]}, "title is ['x']; give a text"),
        ({"description": b"x"}, "description is b'x'; give a text"),
    ],
)
def test_what_an_app_is_called_is_text(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TypeError) as caught:
        App(**options)
    assert str(caught.value).startswith(sentence)


def test_what_cannot_be_published() -> None:
    app = App(prefix="com.shop")
    app.publishes(".ordered")(shop.Ordered)
    with pytest.raises(DuplicateUri, match="is declared already, by Ordered"):
        app.publishes(".ordered")(shop.Ordered)
    with pytest.raises(InvalidUri):
        app.publishes("com..x")(shop.Ordered)
    with pytest.raises(InvalidHandler, match="does not fit Ordered"):
        app.publishes(".other", example={"ordered": {"sku": 1}})(shop.Ordered)
    with pytest.raises(InvalidHandler, match="cannot be called"):
        app.publishes(".more")(5)  # type: ignore[type-var]


def test_a_thousand_procedures_are_described() -> None:
    app = App(prefix="com.many")
    for number in range(1000):
        app.register(f".p{number}")(shop.order)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(of(app).procedures) == 1000


def test_results_and_events_are_described_as_they_are_sent() -> None:
    class Price(pydantic.BaseModel):
        amount: int

        @pydantic.computed_field
        def text(self) -> str:
            return str(self.amount)

    app = App(prefix="com.shop")

    @app.register
    def double(price: Price) -> Price:
        return price

    @app.publishes(".changed")
    def changed(price: Price) -> None: ...

    @app.subscribe(".seen")
    def seen(price: Price) -> None: ...

    api = describe_app(app)
    taken, given = ({"$ref": f"#/components/schemas/{name}"} for name in ("Price", "Price_Output"))
    assert api.procedures[0].parameters[0].schema == taken
    assert api.procedures[0].result == given
    found = {topic.uri: topic.parameters[0].schema for topic in api.topics}
    assert found == {"com.shop.changed": given, "com.shop.seen": taken}
    assert "text" in api.schemas["Price_Output"]["properties"]
