"""Schemas compared: whether all values of one fit another, and where not."""

import operator
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import assume, given

from wampapp.describe.api import REFERENCE, Schema
from wampapp.describe.changes.comparing import narrowed, widened

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
NULL: Schema = {"type": "null"}
BYTES: Schema = {"type": "string", "contentEncoding": "base64", "pattern": "^\\u0000"}


def ref(name: str) -> Schema:
    return {"$ref": REFERENCE + name}


def compared(
    old: Schema,
    new: Schema,
    old_named: dict[str, Schema] | None = None,
    new_named: dict[str, Schema] | None = None,
) -> list[str]:
    misfits = narrowed(old, new, old_named or {}, old_named if new_named is None else new_named)
    return [f"{one.path}: {one.text}" for one in misfits]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (TEXT, WHOLE, ": a string is no longer taken"),
        (NUMBER, WHOLE, ": a fraction is no longer taken"),
        (TEXT, BYTES, ": a string is no longer taken"),
        (BYTES, TEXT, ": a byte string is no longer taken"),
        (TEXT, False, ": is no longer taken"),
        ({}, {"anyOf": [TEXT, NULL]}, ": must now be a string or null"),
        ({"type": ["string", "null"]}, TEXT, ": null is no longer taken"),
        ({"anyOf": [TEXT, WHOLE]}, TEXT, ": an integer is no longer taken"),
        ({"oneOf": [TEXT, WHOLE]}, WHOLE, ": a string is no longer taken"),
        ({"enum": [1, 2]}, {"enum": [2]}, ": 1 is no longer taken"),
        ({"enum": [True, False]}, {"enum": [True]}, ": must now be true"),
        ({"const": True}, {"const": 1}, ": true is no longer taken"),
        ({"const": "a"}, {**TEXT, "minLength": 2}, ': "a" is no longer taken'),
        (TEXT, {"const": "a"}, ': must now be "a"'),
        ({"enum": [None, "a"]}, {"enum": ["a"]}, ": null is no longer taken"),
        ({**WHOLE, "minimum": 1}, {**WHOLE, "minimum": 2}, ": must now be at least 2"),
        (WHOLE, {**WHOLE, "exclusiveMinimum": 2}, ": must now be at least 3"),
        (NUMBER, {**NUMBER, "exclusiveMinimum": 2}, ": must now be more than 2"),
        (NUMBER, {**NUMBER, "maximum": 2.5}, ": must now be at most 2.5"),
        ({**NUMBER, "maximum": 2}, {**NUMBER, "exclusiveMaximum": 2}, ": must now be less than 2"),
        (WHOLE, {**WHOLE, "maximum": 2**63 - 1}, f": must now be at most {2**63 - 1}"),
        (WHOLE, {**WHOLE, "multipleOf": 2}, ": must now be a multiple of 2"),
        (TEXT, {**TEXT, "minLength": 1}, ": must now have at least 1 character"),
        (
            {**TEXT, "maxLength": 5},
            {**TEXT, "maxLength": 4},
            ": must now have at most 4 characters",
        ),
        (TEXT, {**TEXT, "pattern": "^a"}, ": must now match '^a'"),
        (TEXT, {**TEXT, "format": "date"}, ": must now have the format date"),
        ({"type": "array"}, {"type": "array", "minItems": 2}, ": must now have at least 2 items"),
        ({"type": "array"}, {"type": "array", "items": TEXT}, "[]: must now be a string"),
        (
            {"type": "array", "items": TEXT},
            {"type": "array", "uniqueItems": True},
            ": must now hold no item twice",
        ),
        (
            {"type": "array", "items": [TEXT, WHOLE], "maxItems": 2},
            {"type": "array", "items": [TEXT, TEXT], "maxItems": 2},
            "[1]: an integer is no longer taken",
        ),
        (
            {"type": "array", "items": [TEXT, WHOLE], "maxItems": 2},
            {"type": "array", "items": TEXT},
            "[1]: an integer is no longer taken",
        ),
        (
            {"type": "array", "items": [TEXT]},
            {"type": "array", "items": [TEXT], "maxItems": 1},
            ": must now have at most 1 item",
        ),
        (
            {"type": "object", "additionalProperties": TEXT},
            {"type": "object", "additionalProperties": WHOLE},
            ".*: a string is no longer taken",
        ),
        (
            {"type": "object", "properties": {"a": TEXT}},
            {"type": "object", "additionalProperties": False, "properties": {"a": TEXT}},
            ": further fields are no longer taken",
        ),
        (
            {"type": "object", "additionalProperties": False, "properties": {"a": TEXT}},
            {"type": "object", "additionalProperties": False, "properties": {}},
            ".a: is no longer taken",
        ),
        (
            {"type": "object"},
            {"type": "object", "properties": {"a": TEXT}},
            ".a: must now be a string",
        ),
        (
            {"type": "object", "properties": {"a": TEXT}},
            {"type": "object", "properties": {"a": TEXT}, "required": ["b"]},
            ".b: must now be given",
        ),
        (
            {"type": "object", "propertyNames": {"pattern": "^a"}},
            {"type": "object", "propertyNames": {"pattern": "^b"}},
            " (a key): must now match '^b'",
        ),
        (
            {"type": "object"},
            {"type": "object", "maxProperties": 1},
            ": must now have at most 1 field",
        ),
        ({"not": TEXT}, {"not": WHOLE}, ": 'not' has changed"),
        (
            {"allOf": [{"type": "object", "properties": {"a": TEXT}}], "description": "What"},
            {"type": "object", "properties": {"a": WHOLE}},
            ".a: a string is no longer taken",
        ),
    ],
)
def test_what_no_longer_fits(old: Schema, new: Schema, found: str) -> None:
    assert compared(old, new) == [found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TEXT, {}),
        (TEXT, True),
        (False, TEXT),
        (WHOLE, NUMBER),
        ({"type": ["string", "null"]}, {"anyOf": [NULL, TEXT]}),
        ({"enum": [True, False]}, {"type": "boolean"}),
        ({"type": "boolean"}, {"enum": [False, True, "a"]}),
        ({"const": None}, NULL),
        (NULL, {"enum": ["a", None]}),
        ({"const": "ab"}, {**TEXT, "pattern": "^a", "minLength": 2}),
        ({"const": 4}, {**WHOLE, "multipleOf": 2, "minimum": 4, "exclusiveMaximum": 5}),
        ({"const": [1]}, {"type": "array", "items": WHOLE, "maxItems": 1}),
        ({"const": {"a": 1}}, {"type": "object", "properties": {"a": WHOLE}, "required": ["a"]}),
        ({**WHOLE, "exclusiveMinimum": 2}, {**WHOLE, "minimum": 3}),
        ({**WHOLE, "multipleOf": 6}, {**WHOLE, "multipleOf": 3}),
        ({"type": "array", "maxItems": 0}, {"type": "array", "items": WHOLE}),
        ({"not": TEXT}, {"not": TEXT, "title": "Other"}),
        ({"type": "object"}, {"type": "object", "additionalProperties": True}),
        (
            {"type": "object", "properties": {"a": TEXT}},
            {"type": "object", "properties": {"b": TEXT}},
        ),
        (
            {"type": "object", "propertyNames": {"enum": ["1", "2"]}},
            {"type": "object", "propertyNames": {"pattern": "^[0-9]$"}},
        ),
    ],
)
def test_what_still_fits(old: Schema, new: Schema) -> None:
    assert compared(old, new) == []


# References.


def node(**fields: Schema) -> dict[str, Schema]:
    children = {"type": "array", "items": ref("Node")}
    return {"Node": {"type": "object", "properties": {**fields, "children": children}}}


def test_a_type_that_holds_itself() -> None:
    assert compared(ref("Node"), ref("Node"), node(name=TEXT)) == []
    assert compared(ref("Node"), ref("Node"), node(name=TEXT), node(name=WHOLE)) == [
        ".name: a string is no longer taken"
    ]


def test_a_reference_and_what_it_stands_for_are_the_same() -> None:
    named = {"Name": TEXT}
    assert compared(ref("Name"), TEXT, named, {}) == []
    assert compared(TEXT, {"allOf": [ref("Name")], "default": "a"}, {}, named) == []


def test_what_stands_around_a_reference_counts_too() -> None:
    named = {"Circle": {"type": "object", "properties": {"r": WHOLE}, "required": ["r"]}}
    old = {"allOf": [ref("Circle")], "required": ["kind"]}
    new = {"allOf": [ref("Circle")], "required": ["kind", "colour"]}
    assert compared(old, old, named) == []
    assert compared(old, new, named) == [".colour: must now be given"]
    assert compared(new, old, named) == []


def test_limits_that_disagree_are_compared_as_they_are_written() -> None:
    old, new = (
        {"allOf": [{**TEXT, "minLength": 2}], "minLength": at, "maxLength": 9} for at in (3, 4)
    )
    assert compared(old, old) == []
    assert compared(old, new) == [": 'allOf' has changed"]


def test_references_in_a_circle_end() -> None:
    named = {"A": ref("B"), "B": ref("A")}
    assert compared(ref("A"), ref("B"), named) == []


def test_what_was_found_under_way_is_forgotten_where_it_does_not_hold() -> None:
    """Trees fit trees only as long as the leaves do; the second field shows what was kept."""
    leaves = {"L": {"type": "object", "properties": {"up": ref("N")}}}
    old = {**leaves, "N": {"type": "object", "properties": {"l": ref("L"), "v": TEXT}}}
    new = {**leaves, "N": {"type": "object", "properties": {"l": ref("L"), "v": WHOLE}}}
    pair = {"type": "object", "properties": {"n": ref("N"), "l": ref("L")}}
    assert compared(pair, pair, old, new) == [
        ".n.v: a string is no longer taken",
        ".l.up.v: a string is no longer taken",
    ]


def test_an_arm_that_was_lost_is_called_by_its_title() -> None:
    named = {
        name: {"title": name, "type": "object", "properties": {size: NUMBER}, "required": [size]}
        for name, size in (("Circle", "radius"), ("Square", "side"), ("Point", "x"))
    }
    three = {"anyOf": [ref("Circle"), ref("Square"), ref("Point")]}
    two = {"anyOf": [ref("Circle"), ref("Point")]}
    assert compared(three, two, named) == [": Square is no longer taken"]
    assert [one.text for one in widened(two, three, named, named)] == ["may now be Square"]


def test_in_an_optional_object_the_field_is_named() -> None:
    old = {"title": "A", "type": "object", "properties": {"a": TEXT}}
    new = {**old, "required": ["a"]}
    assert compared({"anyOf": [old, NULL]}, {"anyOf": [NULL, new]}) == [".a: must now be given"]


# Any schemas, each with a strategy for its values: what is said to fit does.

Pair = tuple[Schema, st.SearchStrategy[Any]]

TEXTS, WHOLES = st.text(max_size=3), st.integers(-9, 9)
NUMBERS = WHOLES | st.floats(-9, 9, allow_nan=False)
ANYTHING = TEXTS | NUMBERS | st.none() | st.booleans() | st.just([]) | st.just({})
SCALARS: list[Pair] = [
    ({}, ANYTHING),
    (TEXT, TEXTS),
    (WHOLE, WHOLES),
    (NUMBER, NUMBERS),
    (NULL, st.none()),
    ({"type": "boolean"}, st.booleans()),
    ({"type": ["string", "integer"]}, TEXTS | WHOLES),
    ({"enum": ["a", 1, None]}, st.sampled_from(["a", 1, None])),
    ({"enum": [True, 2]}, st.sampled_from([True, 2])),
    ({"const": "aa"}, st.just("aa")),
    ({**TEXT, "minLength": 1}, TEXTS.filter(bool)),
    ({**TEXT, "maxLength": 2}, st.text(max_size=2)),
    ({**WHOLE, "minimum": 1}, st.integers(1, 9)),
    ({**WHOLE, "exclusiveMinimum": 0, "maximum": 6}, st.integers(1, 6)),
    ({**NUMBER, "exclusiveMaximum": 6}, st.floats(-9, 6, exclude_max=True)),
    ({**WHOLE, "multipleOf": 2}, WHOLES.map(lambda number: 2 * number)),
]


@st.composite
def _nested(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    kind = draw(st.sampled_from(["list", "row", "object", "union", "wrapped"]))
    schema, values = draw(inner)
    if kind == "list":
        sizes = draw(st.sampled_from([(0, 2), (1, 2), (0, 1)]))
        limits = {"minItems": sizes[0], "maxItems": sizes[1]}
        lists = st.lists(values, min_size=sizes[0], max_size=sizes[1])
        return {"type": "array", "items": schema, **limits}, lists
    if kind == "wrapped":
        return {"allOf": [schema], "description": "What"}, values
    other, others = draw(inner)
    if kind == "union":
        return {"anyOf": [schema, other]}, values | others
    if kind == "row":
        row = {"type": "array", "items": [schema, other], "minItems": 1, "maxItems": 2}
        return row, st.tuples(values).map(list) | st.tuples(values, others).map(list)
    return draw(_objects({"a": (schema, values), "b": (other, others)}, inner))


@st.composite
def _objects(draw: st.DrawFn, fields: dict[str, Pair], inner: st.SearchStrategy[Pair]) -> Pair:
    fields = {name: fields[name] for name in draw(st.sets(st.sampled_from("ab")))}
    needed = draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    more = draw(st.none() | inner)
    schema = {
        "type": "object",
        "properties": {name: one for name, (one, _) in fields.items()},
        "required": sorted(needed),
        "additionalProperties": False if more is None else more[0],
    }
    values = st.fixed_dictionaries(
        {name: fields[name][1] for name in needed},
        optional={name: fields[name][1] for name in fields.keys() - needed},
    )
    if more is None:
        return schema, values
    names = st.sampled_from([name for name in "abc" if name not in fields])
    return schema, st.builds(operator.or_, st.dictionaries(names, more[1], max_size=1), values)


PAIRS = st.recursive(st.sampled_from(SCALARS), _nested, max_leaves=4)


@given(data=st.data(), old=PAIRS, other=PAIRS)
def test_what_is_said_to_fit_does(data: st.DataObject, old: Pair, other: Pair) -> None:
    schema, values = old
    new = data.draw(st.sampled_from([other[0], {"anyOf": [other[0], _loosened(schema)]}]))
    assume(narrowed(schema, new, {}, {}) == [])
    value = data.draw(values)
    jsonschema.Draft7Validator(new).validate(value)


def _loosened(schema: Any) -> Any:
    """Return a schema without its limits, as deep as they are."""
    if isinstance(schema, list):
        return [_loosened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    limits = ("required", "minItems", "maxItems", "minLength", "minimum", "multipleOf")
    return {word: _loosened(part) for word, part in schema.items() if word not in limits}


@given(pair=PAIRS)
def test_a_schema_fits_itself_and_a_looser_one(pair: Pair) -> None:
    assert narrowed(pair[0], pair[0], {}, {}) == []
    assert widened(pair[0], pair[0], {}, {}) == []
    assert narrowed(pair[0], _loosened(pair[0]), {}, {}) == []
