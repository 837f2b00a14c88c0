"""Breaking changes: each kind is found and said in one line; other changes are not mentioned."""

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from wampapp import App
from wampapp.describe.api import Api, Capture, Failure, Parameter, Procedure, Schema, Topic
from wampapp.describe.asyncapi import to_document
from wampapp.describe.changes.breaking import breaking_changes
from wampapp.describe.describing import describe
from wampapp.describe.reading import from_document
from wampapp.describe.schemas import Schemas

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NULL: Schema = {"type": "null"}
URI = "com.shop.order"


def one(name: str, schema: Schema = TEXT, kind: Any = "any", *, required: bool = True) -> Parameter:
    return Parameter(name=name, schema=schema, kind=kind, required=required)


def takes(*parameters: Parameter, **more: Any) -> Api:
    """Describe a procedure."""
    schemas = more.pop("schemas", {})
    procedure = Procedure(**{"uri": URI, **more}, parameters=parameters)
    return Api(title="Shop", version="1", procedures=(procedure,), schemas=schemas)


def gives(result: Schema, **more: Any) -> Api:
    return takes(result=result, **more)


def event(*parameters: Parameter, published: bool = True, **more: Any) -> Api:
    topic = Topic(uri="com.shop.ordered", parameters=parameters, is_published=published, **more)
    return Api(title="Shop", version="1", topics=(topic,))


def fields(*required: str, closed: bool = False, **schemas: Schema) -> Schema:
    closing = {"additionalProperties": False} if closed else {}
    return {"type": "object", "properties": schemas, "required": list(required), **closing}


def either(*arms: Schema) -> Schema:
    return {"anyOf": list(arms)}


def shop(*functions: Callable[..., Any]) -> Api:
    """Describe real functions."""
    app = App(prefix="com.shop")
    for function in functions:
        app.register(function)
    return describe(app.registry, title="Shop", version="1")


# What breaks callers: their arguments.

SKU, QUANTITY = one("sku"), one("quantity", WHOLE, required=False)
RUSH = one("rush", {"type": "boolean"}, "keyword", required=False)
REST, OTHERS = one("more", {}, "rest", required=False), one("extra", {}, "others", required=False)
NAMED_REST = one("more", WHOLE, "others", required=False)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (takes(SKU), Api(title="Shop", version="2"), ["the procedure is gone"]),
        (
            takes(SKU, match="prefix"),
            takes(SKU),
            ["its URI is matched by exact now, and was by prefix"],
        ),
        (
            takes(NAMED_REST),
            takes(one("note", kind="keyword", required=False), NAMED_REST),
            ["**more, as note: an integer is no longer taken"],
        ),
        (
            takes(SKU, NAMED_REST),
            takes(SKU, one("note", either(TEXT, WHOLE), required=False), NAMED_REST, REST),
            [],
        ),
        (
            takes(one("note", kind="positional"), NAMED_REST),
            takes(one("note"), NAMED_REST),
            ["**more, as note: an integer is no longer taken"],
        ),
        (
            takes(NAMED_REST),
            takes(one("note", kind="positional", required=False), NAMED_REST),
            [],
        ),
        (takes(SKU), takes(SKU, one("who")), ["the argument 'who' is new and required"]),
        (takes(SKU, RUSH), takes(SKU), ["the argument 'rush' is gone"]),
        (
            takes(SKU, QUANTITY),
            takes(SKU),
            ["the argument 'quantity' is gone"],
        ),
        (
            takes(SKU),
            takes(one("article")),
            ["the argument 'sku' is gone", "the argument 'article' is new and required"],
        ),
        (
            takes(QUANTITY),
            takes(one("quantity", WHOLE)),
            ["the argument 'quantity' is now required"],
        ),
        (takes(SKU), takes(is_described=False), ["it is no longer described"]),
        (
            takes(SKU),
            takes(one("sku", kind="positional")),
            ["the argument 'sku' can no longer be given by name"],
        ),
        (
            takes(SKU),
            takes(one("sku", kind="keyword")),
            ["the argument 'sku' can no longer be given by place"],
        ),
        (
            takes(SKU),
            takes(OTHERS),
            ["the argument 'sku' can no longer be given by place"],
        ),
        (takes(SKU), takes(REST), ["the argument 'sku' can no longer be given by name"]),
        (
            takes(SKU, one("to")),
            takes(one("to"), SKU),
            ["by place, the arguments are now in the order to and sku"],
        ),
        (
            takes(SKU, QUANTITY),
            takes(SKU, one("note", required=False), QUANTITY),
            ["by place, the arguments are now in the order sku, note and quantity"],
        ),
        (takes(SKU, REST), takes(SKU), ["further arguments by place are no longer taken"]),
        (takes(SKU, OTHERS), takes(SKU), ["further arguments by name are no longer taken"]),
        (
            takes(OTHERS),
            takes(NAMED_REST),
            ["**extra: must now be an integer"],
        ),
        (
            takes(one("rest", TEXT, "rest", required=False)),
            takes(QUANTITY, one("rest", TEXT, "rest", required=False)),
            ["*rest, as quantity: a string is no longer taken"],
        ),
        (
            takes(one("sku", kind="keyword")),
            takes(NAMED_REST),
            ["sku: a string is no longer taken"],
        ),
    ],
)
def test_a_change_of_the_arguments(old: Api, new: Api, lines: list[str]) -> None:
    assert breaking_changes(old, new) == [f"{URI}: {line}" for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("com.shop.<path:sku>", "com.shop.<sku>.price", ["the procedure is gone"]),
        ("com.shop.<sku>.price", "com.shop.<sku>.cost", ["the procedure is gone"]),
        ("com.shop.<sku>.price", "com.shop.apple.price", ["the procedure is gone"]),
        ("com.shop.<sku>", "com.shop.<sku>.price", ["the procedure is gone"]),
        ("com.shop.<sku>.price", "com.shop.<path:sku>", []),
        ("com.shop.<sku>.price", "com.shop.<id>.price", []),
        ("com.shop.apple.price", "com.shop.<sku>.price", []),
        ("com.shop.apple.price", "com.<path:rest>", []),
        ("com.shop.<path:rest>", "com.<path:rest>", []),
        ("com.shop.apple.price", "com.<path:rest>.price", ["the procedure is gone"]),
    ],
)
def test_a_change_of_what_is_captured(old: str, new: str, lines: list[str]) -> None:
    assert breaking_changes(captures(old), captures(new)) == [f"{old}: {line}" for line in lines]


def captures(uri: str, schema: Schema = TEXT) -> Api:
    name = uri.partition("<")[2].partition(">")[0].removeprefix("path:")
    if not name:
        return takes(uri=uri)
    capture = Capture(name=name, schema=schema, rest="<path:" in uri)
    return takes(uri=uri, match="prefix" if capture.rest else "wildcard", captures=(capture,))


def test_a_captured_component_is_text_whatever_becomes_of_it() -> None:
    uri = "com.shop.<sku>.price"
    text, number = captures(uri), captures(uri, WHOLE)
    assert breaking_changes(number, text) == []
    assert breaking_changes(text, number) == [f"{uri}: sku: a string is no longer taken"]
    renamed = captures("com.shop.<id>.price", WHOLE)
    assert breaking_changes(number, renamed) == []
    assert breaking_changes(text, renamed) == [f"{uri}: sku: a string is no longer taken"]
    for name, lines in (("7", []), ("apple", ['sku: "apple" is no longer taken'])):
        plain = captures(f"com.shop.{name}.price")
        assert breaking_changes(plain, number) == [f"com.shop.{name}.price: {one}" for one in lines]
        assert breaking_changes(plain, text) == []
    raw = takes(uri="com.shop..price", match="wildcard")
    assert breaking_changes(raw, text) == []
    assert breaking_changes(raw, number) == ["com.shop..price: sku: a string is no longer taken"]


def test_what_takes_over_is_what_a_router_would_choose() -> None:
    old = takes(uri="com.shop.apple.price")
    widest = takes(uri="com", match="prefix").procedures
    nearer = takes(one("why"), uri="com.shop.", match="prefix").procedures
    wildcard = captures("com.shop.<sku>.price").procedures
    for order in ((*widest, *nearer, *wildcard), (*wildcard, *nearer, *widest)):
        new = Api(title="Shop", version="1", procedures=order)
        assert breaking_changes(old, new) == [
            "com.shop.apple.price: the argument 'why' is new and required"
        ]


def test_topics_that_cover_others() -> None:
    def topic(uri: str, match: Any = "exact", *, published: bool = False) -> Api:
        topics = (Topic(uri=uri, match=match, is_published=published),)
        return Api(title="Shop", version="1", topics=topics)

    assert breaking_changes(topic("com.a"), topic("com", "prefix")) == []
    assert breaking_changes(topic("com..b", "wildcard"), topic("com.", "prefix")) == []
    gone = "the topic is no longer subscribed to"
    assert breaking_changes(topic("com..b", "wildcard"), topic("com.a", "prefix")) == [
        f"com..b: {gone}"
    ]
    told = topic("com", "prefix", published=True)
    assert breaking_changes(topic("com.a", published=True), told) == [
        "com.a: the topic is no longer published"
    ]


# What breaks callers: results, progress.


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (gives(TEXT), gives(either(TEXT, NULL)), ["result: may now be null"]),
        (
            gives(fields("total", total=WHOLE)),
            gives(fields("sum", sum=WHOLE)),
            ["result.total: is gone"],
        ),
        (
            gives(fields("total", total=WHOLE)),
            gives(fields(total=WHOLE)),
            ["result.total: may now be missing"],
        ),
        (gives(fields(note=TEXT)), gives(fields()), ["result.note: is gone"]),
        (
            gives({"enum": ["paid", "open"]}),
            gives({"enum": ["paid", "open", "lost"]}),
            ['result: may now be "lost"'],
        ),
        (gives(WHOLE), gives(TEXT), ["result: may now be a string"]),
        (gives(WHOLE), gives({"type": "number"}), ["result: may now be a fraction"]),
        (gives(WHOLE), gives({}), ["result: may now be anything"]),
        (gives({"enum": ["paid"]}), gives(TEXT), ["result: may now be any string"]),
        (
            gives({**WHOLE, "minimum": 0}),
            gives(WHOLE),
            ["result: need no longer be at least 0"],
        ),
        (
            gives({"type": "array", "items": WHOLE}),
            gives({"type": "array", "items": either(WHOLE, NULL)}),
            ["result[]: may now be null"],
        ),
        (gives(WHOLE), gives(WHOLE, progress=WHOLE), ["it sends progressive results now"]),
        (gives(WHOLE, progress=WHOLE), gives(WHOLE), ["it no longer sends progressive results"]),
        (
            gives({"type": "array", "items": WHOLE}, progress=WHOLE),
            gives({"type": "array", "items": TEXT}, progress=TEXT),
            ["progress: may now be a string"],
        ),
        (
            gives(TEXT, progress=WHOLE),
            gives(NULL, progress=WHOLE),
            ["result: may now be null"],
        ),
    ],
)
def test_a_change_of_the_results(old: Api, new: Api, lines: list[str]) -> None:
    assert breaking_changes(old, new) == [f"{URI}: {line}" for line in lines]


# What breaks publishers and subscribers.


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (event(SKU), event(SKU, published=False), ["the topic is no longer published"]),
        (
            event(SKU, published=False),
            event(SKU),
            ["the topic is no longer subscribed to"],
        ),
        (event(SKU, QUANTITY), event(SKU), ["the argument 'quantity' is gone"]),
        (event(SKU), event(one("sku", required=False)), ["the argument 'sku' may now be missing"]),
        (event(SKU), event(one("sku", either(TEXT, NULL))), ["sku: may now be null"]),
        (
            event(SKU),
            event(SKU, RUSH),
            ["the argument 'rush' is new, and handlers that do not take it refuse the event"],
        ),
        (
            event(one("sku", kind="keyword")),
            event(SKU),
            ["the argument 'sku' may now be given by place"],
        ),
        (
            event(SKU, one("to")),
            event(one("to"), SKU),
            ["by place, the arguments are now in the order to and sku"],
        ),
        (
            event(SKU, published=False),
            event(one("sku", WHOLE), published=False),
            ["sku: a string is no longer taken"],
        ),
        (
            event(SKU, published=False),
            event(SKU, one("to"), published=False),
            ["the argument 'to' is new and required"],
        ),
    ],
)
def test_a_change_of_an_event(old: Api, new: Api, lines: list[str]) -> None:
    assert breaking_changes(old, new) == [f"com.shop.ordered: {line}" for line in lines]


# What breaks nobody.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Api(title="Shop", version="1"), takes(SKU)),
        (Api(title="Shop", version="1"), event(SKU)),
        (takes(SKU), takes(SKU, QUANTITY)),
        (takes(SKU), takes(SKU, RUSH)),
        (takes(SKU), takes(SKU, REST, OTHERS)),
        (takes(SKU), takes(one("sku", required=False))),
        (takes(one("sku", kind="keyword")), takes(SKU)),
        (takes(one("sku", kind="positional")), takes(one("article"))),
        (takes(SKU, RUSH), takes(SKU, OTHERS)),
        (takes(SKU), takes(REST, OTHERS)),
        (takes(one("n", WHOLE)), takes(one("n", {"type": "number"}))),
        (takes(one("n", WHOLE)), takes(one("n", either(NULL, TEXT, WHOLE)))),
        (takes(one("n", {"enum": ["a"]})), takes(one("n", {"enum": ["b", "a"]}))),
        (takes(one("n", {"enum": ["a"]})), takes(one("n", TEXT))),
        (takes(one("n", {**WHOLE, "minimum": 1})), takes(one("n", {**WHOLE, "minimum": 0}))),
        (takes(one("o", fields("a", a=TEXT))), takes(one("o", fields("a", a=TEXT, b=WHOLE)))),
        (takes(one("o", fields("a", a=TEXT))), takes(one("o", fields(a=TEXT)))),
        (takes(one("o", fields(a=TEXT, closed=True))), takes(one("o", fields(a=TEXT)))),
        (gives(either(TEXT, NULL)), gives(TEXT)),
        (gives({"type": "number"}), gives(WHOLE)),
        (gives(fields(a=TEXT)), gives(fields("a", "b", a=TEXT, b=TEXT))),
        (gives({"enum": ["a", "b"]}), gives({"const": "b"})),
        (gives({}), gives(fields("a", a=TEXT))),
        (event(SKU, RUSH), event(SKU, one("rush", {"type": "boolean"}, "keyword"))),
        (event(SKU, OTHERS), event(SKU, RUSH, OTHERS)),
        (event(one("sku", either(TEXT, NULL))), event(SKU)),
        (event(SKU, published=False), event(SKU, QUANTITY, published=False)),
        (
            takes(SKU),
            takes(
                one("sku", {**TEXT, "title": "SKU", "description": "What", "default": "tea"}),
                summary="Take an order.",
                description="More of it.",
                examples=({"sku": "tea"},),
                deprecated="Use another.",
                name="other",
                invoke="roundrobin",
                timeout=3.0,
            ),
        ),
        (takes(SKU), takes(SKU, errors=(Failure(uri="com.shop.error.gone"),))),
        (takes(SKU, errors=(Failure(uri="com.shop.error.gone"),)), takes(SKU)),
        (takes(SKU, is_described=False), takes(one("n", WHOLE))),
    ],
)
def test_a_compatible_change_is_not_mentioned(old: Api, new: Api) -> None:
    assert breaking_changes(old, new) == []


def test_the_order_of_procedures_means_nothing() -> None:
    def first(a: int) -> int: ...  # type: ignore[empty-body]

    def second(b: str) -> str: ...  # type: ignore[empty-body]

    assert breaking_changes(shop(first, second), shop(second, first)) == []


# Real handlers.


@dataclass
class Line:
    sku: str
    quantity: int = 1


@dataclass
class Order:
    lines: list[Line]
    parts: "list[Order]" = field(default_factory=list)


@dataclass
class NewLine:
    sku: int
    quantity: int


def order(order: Order, notes: dict[str, Line], *, rush: bool = False) -> Line: ...  # type: ignore[empty-body]


def test_a_class_deep_inside_is_compared() -> None:
    old = shop(order)
    # The same class, written anew.
    new = msgspec.structs.replace(old, schemas={**old.schemas, "Line": _only_schema(NewLine)})
    assert breaking_changes(old, new) == [
        f"{URI}: order.lines[].sku: a string is no longer taken",
        f"{URI}: order.lines[].quantity: must now be given",
        f"{URI}: notes.*.sku: a string is no longer taken",
        f"{URI}: notes.*.quantity: must now be given",
        f"{URI}: result.sku: may now be an integer",
    ]


def _only_schema(kind: type) -> Schema:
    schemas = Schemas()
    schemas.of(kind)
    return schemas.named[kind.__name__]


# An app compared with itself.


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square", forbid_unknown_fields=True):
    side: float
    corners: tuple[str, str] = ("a", "b")


class Point(msgspec.Struct, array_like=True):
    x: int
    y: int = 0


ANNOTATIONS: list[Any] = [
    Any,
    None,
    bool,
    bytes,
    float,
    int,
    int | None,
    str | list[int],
    Literal["a", "b"],
    Literal["a", 1] | None,
    dict[int, Line],
    dict[str, Any],
    tuple[int, str],
    tuple[Point, ...],
    Circle | Square,
    Line,
    Order,
    list[Order] | None,
]
KINDS = list(inspect._ParameterKind)


@st.composite
def signatures(draw: st.DrawFn, result: Any) -> inspect.Signature:
    """Make any signature of a handler."""
    kinds = sorted(draw(st.lists(st.sampled_from(KINDS), max_size=6)))
    parameters: list[inspect.Parameter] = []
    has_default = False
    for number, kind in enumerate(kinds):
        annotation = draw(st.sampled_from(ANNOTATIONS))
        if kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            if kind in kinds[:number]:
                continue
            default = inspect.Parameter.empty
        else:
            in_row = kind is not inspect.Parameter.KEYWORD_ONLY
            is_optional = draw(st.booleans()) or (has_default and in_row)
            has_default = has_default or (is_optional and in_row)
            default = draw(st.sampled_from([None, 1, "a"])) if is_optional else inspect._empty
        parameters.append(
            inspect.Parameter(f"p{number}", kind, default=default, annotation=annotation)
        )
    return inspect.Signature(parameters, return_annotation=result)


@st.composite
def apis(draw: st.DrawFn) -> Api:
    """Describe an app of handlers with any signature."""
    app = App(prefix="com.shop")
    for number in range(draw(st.integers(1, 3))):

        def plain(*args: Any, **kwargs: Any) -> None: ...

        def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
            yield

        annotation = draw(st.sampled_from(ANNOTATIONS))
        plain.__signature__ = draw(signatures(annotation))  # type: ignore[attr-defined]
        generator.__signature__ = draw(signatures(Iterator[annotation]))  # type: ignore[attr-defined]
        app.register(f".plain{number}")(plain)
        app.register(f".generator{number}")(generator)
        app.subscribe(f".heard{number}")(plain)
        app.publishes(f".told{number}")(plain)
    return describe(app.registry, title="Shop", version="1")


@given(api=apis())
def test_an_app_that_has_not_changed_breaks_nobody(api: Api) -> None:
    assert api.procedures[0].is_described
    again = from_document(json.loads(json.dumps(to_document(api))))
    assert breaking_changes(api, again) == []
    assert breaking_changes(again, api) == []


def test_one_uri_that_is_matched_in_two_ways_is_two_procedures() -> None:
    app = App()

    @app.register("com.shop.log")
    def exact(line: str) -> None: ...

    @app.register("com.shop.log", match="prefix")
    def prefix(*lines: str) -> int:
        return len(lines)

    @app.subscribe("com.shop.said")
    def said(line: str) -> None: ...

    @app.subscribe("com.shop.said", match="prefix")
    def all_said(*lines: int) -> None: ...

    api = describe(app.registry, title="x", version="1")
    assert len(api.procedures) == len(api.topics) == 2
    assert breaking_changes(api, api) == []
    kept = msgspec.structs.replace(api, procedures=api.procedures[1:])
    assert breaking_changes(api, kept)
    assert breaking_changes(kept, api) == []
