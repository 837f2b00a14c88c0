"""Values made of schemas: each fits, is small, and is what the schema offers if it offers one."""

import datetime as dt
import decimal
import re
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Optional

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from wampapp.describe.api import REFERENCE, Schema
from wampapp.describe.schemas import Schemas
from wampapp.describe.stubs.fitting import Fitting
from wampapp.describe.stubs.sampling import NoSample, Sampler
from wampapp.describe.stubs.texts import matching
from wampapp.registry.conversion import convert, convertible_type

Meta = msgspec.Meta
TEXT: Schema = {"type": "string"}


def sample(schema: Schema, **named: Schema) -> Any:
    return Sampler(named, Fitting(named, "the test").fits).sample(schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, None),
        (TEXT, ""),
        ({"type": "integer"}, 0),
        ({"type": "number"}, 0.0),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": "string", "contentEncoding": "base64"}, b""),
        ({"type": ["string", "null"]}, None),
        ({"anyOf": [TEXT, {"type": "integer"}]}, ""),
        ({"anyOf": [TEXT, {"type": "null"}]}, None),
        ({"anyOf": [False, {"type": "integer"}]}, 0),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 3}, 3),
        ({**TEXT, "minLength": 3}, "aaa"),
        ({**TEXT, "format": "date"}, "1970-01-01"),
        ({**TEXT, "pattern": "^[A-Z]{3}$"}, "AAA"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "exclusiveMaximum": -3, "multipleOf": 2}, -4),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 0}, 1.0),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "array", "items": TEXT, "minItems": 2}, ["", ""]),
        ({"type": "array", "items": [TEXT, {"type": "integer"}], "minItems": 1}, [""]),
        (
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["b"]},
            {"b": ""},
        ),
        ({"type": "object", "properties": {"a": {**TEXT, "default": "x"}}}, {"a": "x"}),
        ({"type": "object", "properties": {"a": {**TEXT, "default": None}}}, {}),
        ({"type": "object", "required": ["a"], "additionalProperties": TEXT}, {"a": ""}),
        ({"type": "object", "minProperties": 1, "additionalProperties": TEXT}, {"a": ""}),
        ({"properties": {"a": TEXT}, "required": ["a"]}, {"a": ""}),
        ({**TEXT, "examples": ["tea", "milk"], "default": "water"}, "tea"),
        ({**TEXT, "examples": [1], "default": "water"}, "water"),
        ({"allOf": [{"$ref": REFERENCE + "Sku"}], "default": "tea"}, "tea"),
        ({"$ref": REFERENCE + "Sku"}, "a"),
        ({"$ref": REFERENCE + "Tree"}, {"left": None}),
    ],
)
def test_the_smallest_value(schema: Schema, value: Any) -> None:
    tree = {"anyOf": [{"$ref": REFERENCE + "Tree"}, {"type": "null"}]}
    named = {
        "Sku": {**TEXT, "minLength": 1},
        "Tree": {"type": "object", "properties": {"left": tree}, "required": ["left"]},
    }
    made = sample(schema, **named)
    assert (made, type(made)) == (value, type(value))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"not": {}}, "result has limits that no short value keeps"),
        ({"enum": []}, "result admits no value"),
        ({**TEXT, "pattern": "^(?=b)b"}, "result must match '^(?=b)b', for which no text is known"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "result has limits that no number keeps"),
        ({"type": "array", "items": {"enum": []}, "minItems": 1}, "result[0] admits no value"),
        ({"$ref": REFERENCE + "Chain"}, "result.next holds itself"),
    ],
)
def test_where_there_is_none(schema: Schema, why: str) -> None:
    again = {"$ref": REFERENCE + "Chain"}
    chain = {"type": "object", "properties": {"next": again}, "required": ["next"]}
    with pytest.raises(NoSample, match=f"^{re.escape(why)}$"):
        sample(schema, Chain=chain)


# Texts that match.


@pytest.mark.parametrize(
    ("pattern", "least", "text"),
    [
        ("a", 0, "a"),
        ("^$", 0, ""),
        ("^[a-z]+$", 0, "a"),
        ("^[a-z]*$", 3, "aaa"),
        (r"^\d{3}-\w+\s?$", 0, "000-a"),
        ("^(red|green)$", 0, "red"),
        ("^[^a]$", 0, "0"),
        (r"^[^\w]$", 0, " "),
        (r"^[^\d\sa-z]$", 0, "A"),
        (r"^[\d]$", 0, "0"),
        ("^.$", 0, "a"),
        ("^[^x]{2}(?:ab)?$", 0, "aa"),
        ("^x", 4, "xaaa"),
        ("^a$", 2, None),
        (r"^(a)\1$", 0, None),
        ("(", 0, None),
    ],
)
def test_a_text_for_a_pattern(pattern: str, least: int, text: str | None) -> None:
    assert matching(pattern, least) == text


# What is made for an annotation, a handler with that annotation takes.


@dataclass
class Line:
    sku: Annotated[str, Meta(pattern="^[a-z]+-[0-9]{3}$")]
    quantity: Annotated[int, Meta(gt=0)] = 3
    parts: "list[Line] | None" = None


class Point(NamedTuple):
    x: float
    y: float = 1.5


class Circle(msgspec.Struct, tag="circle", forbid_unknown_fields=True):
    centre: Point
    radius: Annotated[float, Meta(gt=0, lt=1)]


class Square(msgspec.Struct, tag="square"):
    side: decimal.Decimal


LEAVES: list[Any] = [
    Any,
    bool,
    bytes,
    float,
    int,
    None,
    str,
    dt.date,
    dt.datetime,
    dt.time,
    dt.timedelta,
    uuid.UUID,
    decimal.Decimal,
    Circle | Square,
    Line,
    Point,
    Literal["a", "b"],
    Annotated[int, Meta(ge=5, multiple_of=3)],
    Annotated[str, Meta(min_length=2)],
]


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda kind: list[kind]),
        inner.map(lambda kind: Annotated[list[kind], Meta(min_length=1)]),
        inner.map(lambda kind: dict[str, kind]),
        inner.map(lambda kind: Annotated[dict[int, kind], Meta(min_length=1)]),
        inner.map(lambda kind: Optional[kind]),  # noqa: UP045 - of None too
        st.tuples(inner, inner).map(lambda kinds: tuple[kinds]),  # type: ignore[valid-type]
    )


@given(annotation=st.recursive(st.sampled_from(LEAVES), _nested, max_leaves=4))
def test_a_handler_takes_what_is_made_for_it(annotation: Any) -> None:
    schemas = Schemas()
    schema = schemas.of(annotation)
    value = sample(schema, **schemas.named)
    convert(value, convertible_type(annotation))
