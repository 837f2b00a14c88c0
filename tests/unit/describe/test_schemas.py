"""Schemas of annotations: they admit what a handler accepts, and refuse what it refuses."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import typing
import uuid
import warnings
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import jsonschema
import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wampapp import InvalidArgument, InvalidHandler
from wampapp.describe.api import REFERENCE, Schema
from wampapp.describe.schemas import BYTES, Schemas
from wampapp.protocol.codec import JSON
from wampapp.protocol.messages import RESULT
from wampapp.protocol.plain_forms import plain_form
from wampapp.registry.binding import Binding


class Colour(enum.Enum):
    red = "r"
    blue = "b"


class Size(enum.IntEnum):
    small = 1
    large = 2


@dataclasses.dataclass
class Item:
    """What is sold.

    Attributes:
        sku: its number in the stock.
    """

    sku: str
    quantity: int = 1
    inner: "Item | None" = None


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Options(TypedDict):
    rush: bool
    note: NotRequired[str]


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog", forbid_unknown_fields=True):
    name: str


class Row(msgspec.Struct, array_like=True):
    number: int
    text: str = ""


class Model(pydantic.BaseModel):
    """A model."""

    name: str
    part: "Part | None" = None


class Part(pydantic.BaseModel):
    number: int = pydantic.Field(gt=0)
    data: bytes = b""


Model.model_rebuild()


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (bool, {"type": "boolean"}),
        (bytes, BYTES),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal[1, "a"], {"enum": [1, "a"]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            dict[int, str],
            {
                "type": "object",
                "propertyNames": {"pattern": "^(0|-?[1-9][0-9]*)$"},
                "additionalProperties": {"type": "string"},
            },
        ),
        (dict[Literal["a"], Any], {"type": "object", "propertyNames": {"enum": ["a"]}}),
        (
            tuple[int, str],
            {
                "type": "array",
                "items": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            Annotated[int, msgspec.Meta(ge=1, lt=10, description="How many.")],
            {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "description": "How many."},
        ),
        (
            Annotated[str, msgspec.Meta(max_length=3, pattern="^a")],
            {"type": "string", "maxLength": 3, "pattern": "^a"},
        ),
        (dt.datetime, {"type": "string", "format": "date-time"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (Annotated[int, pydantic.Field(gt=1)], {"type": "integer", "exclusiveMinimum": 1}),
        (Iterable[int], {"type": "array"}),
        (type("Unknown", (), {}), {}),
    ],
    ids=str,
)
def test_what_an_annotation_becomes(annotation: Any, schema: Schema) -> None:
    assert Schemas().of(annotation) == schema


def test_a_class_has_a_name_and_its_own_words() -> None:
    schemas = Schemas()
    assert schemas.of(list[Item]) == {"type": "array", "items": {"$ref": f"{REFERENCE}Item"}}
    pytest.importorskip("docstring_parser")
    assert schemas.named == {
        "Item": {
            "title": "Item",
            "type": "object",
            "description": "What is sold.",
            "properties": {
                "sku": {"type": "string", "description": "its number in the stock."},
                "quantity": {"type": "integer", "default": 1},
                "inner": {
                    "anyOf": [{"$ref": f"{REFERENCE}Item"}, {"type": "null"}],
                    "default": None,
                },
            },
            "required": ["sku"],
        }
    }


def test_what_a_dataclass_writes_of_itself_is_not_a_description() -> None:
    plain = dataclasses.make_dataclass("Plain", [("x", int)])
    schemas = Schemas()
    schemas.of(plain)
    assert "description" not in schemas.named["Plain"]


def test_two_classes_of_one_name_stay_two() -> None:
    one, other = msgspec.defstruct("Same", [("x", int)]), msgspec.defstruct("Same", ["y"])
    schemas = Schemas()
    assert schemas.of(one) == schemas.of(one) == {"$ref": f"{REFERENCE}Same"}
    assert schemas.of(other) == {"$ref": f"{REFERENCE}Same_2"}


def test_a_name_that_documents_cannot_have_is_written_otherwise() -> None:
    T = typing.TypeVar("T")

    class Page(msgspec.Struct, typing.Generic[T]):
        items: list[T]

    schemas = Schemas()
    assert schemas.of(Page[int]) == {"$ref": f"{REFERENCE}Page_int"}


def test_models_of_pydantic_are_described_by_pydantic() -> None:
    schemas = Schemas()
    assert schemas.of(list[Model])["items"] == {"$ref": f"{REFERENCE}Model"}
    assert schemas.named["Part"]["properties"]["number"]["exclusiveMinimum"] == 0
    assert schemas.named["Part"]["properties"]["data"] == BYTES
    json.dumps(schemas.named)


class Price(pydantic.BaseModel):
    amount: decimal.Decimal
    currency: str = pydantic.Field(
        "EUR", validation_alias="currencyIn", serialization_alias="currencyOut"
    )

    @pydantic.computed_field
    def text(self) -> str:
        return f"{self.amount} {self.currency}"


class Bill(msgspec.Struct):
    price: Price
    model: Model | None = None


def test_what_is_given_of_pydantic_is_described_as_it_is_sent() -> None:
    taken = Schemas()
    given = taken.reversed()
    assert given.reversed() is taken
    assert given.named is taken.named
    for annotation in (Bill, Price, Model, Part, Colour, Item):
        for _ in range(2):
            taken.of(annotation)
            given.of(annotation)
    assert taken.of(Bill) == {"$ref": f"{REFERENCE}Bill"}
    assert given.of(list[Bill]) == {"type": "array", "items": {"$ref": f"{REFERENCE}Bill_Output"}}
    assert taken.named.keys() == {
        *("Bill", "Bill_Output", "Price", "Price_Output", "Model", "Part", "Colour", "Item"),
    }
    assert taken.named["Bill"]["properties"]["price"] == taken.of(Price)
    assert taken.named["Bill_Output"]["properties"]["price"] == given.of(Price)
    sent = msgspec.json.decode(msgspec.json.encode(Bill(Price(amount=1)), enc_hook=plain_form))
    assert sent["price"] == {"amount": "1", "currencyOut": "EUR", "text": "1 EUR"}
    rest = {"components": {"schemas": taken.named}}
    jsonschema.validate(sent, {**given.of(Bill), **rest})
    assert set(taken.named["Price"]["properties"]) == {"amount", "currencyIn"}
    assert set(taken.named["Price_Output"]["properties"]) == {"amount", "currencyOut", "text"}


def test_types_of_pydantic_that_share_a_name() -> None:
    first = pydantic.create_model("Same", a=(int, ...))
    second = pydantic.create_model("Same", b=(int, ...))
    schemas = Schemas()
    for _ in range(2):
        for number, inner in enumerate((first, second, first)):
            kind = pydantic.create_model(f"Outer{number}", same=(inner, ...))
            assert schemas.of(kind)
    assert schemas.named.keys() >= {"Same", "Same_2"}
    assert not {"Same_3", "Same_Input"} & schemas.named.keys()
    properties = schemas.named["Outer1"]["properties"]
    assert properties == {"same": {"$ref": f"{REFERENCE}Same_2"}}


def test_what_is_only_given_keeps_its_name() -> None:
    given = Schemas(given=True)
    assert given.of(Price) == {"$ref": f"{REFERENCE}Price"}
    assert given.reversed().of(Price) == {"$ref": f"{REFERENCE}Price_Input"}

    # What holds one that differs differs as well.
    class Inner(pydantic.BaseModel):
        price: Price

    class Outer(pydantic.BaseModel):
        inner: Inner

    assert given.of(Outer) == {"$ref": f"{REFERENCE}Outer"}
    assert given.reversed().of(Outer) == {"$ref": f"{REFERENCE}Outer_Input"}
    outer = given.named["Outer_Input"]["properties"]["inner"]
    assert outer == {"$ref": f"{REFERENCE}Inner_Input"}
    assert given.named["Inner_Input"]["properties"]["price"] == {"$ref": f"{REFERENCE}Price_Input"}
    assert given.reversed().of(list[Outer])
    assert given.reversed().of(pydantic.create_model("More", inner=(Inner, ...)))
    assert given.named["More"]["properties"]["inner"] == outer
    assert not any(name.endswith("_2") for name in given.named)


def test_a_field_without_a_schema_spoils_nothing_else() -> None:
    class Odd(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)

        name: str
        call: Callable[[], int]

    class Broken(pydantic.BaseModel):
        @classmethod
        def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
            raise ValueError(core, handler)

    kind = msgspec.defstruct("Around", [("odd", Odd), ("broken", Broken), ("number", int)])
    for schemas in (Schemas(), Schemas(given=True)):
        assert schemas.of(kind) == {"$ref": f"{REFERENCE}Around"}
        assert schemas.named["Around"]["properties"] == {
            "odd": {"$ref": f"{REFERENCE}Odd"},
            "broken": {},
            "number": {"type": "integer"},
        }
        assert schemas.named["Odd"]["properties"]["name"]["type"] == "string"
        assert "type" not in schemas.named["Odd"]["properties"]["call"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = pydantic.create_model("Default", x=(Any, object()))
        assert Schemas().of(model)


def test_an_alias_that_holds_itself_admits_everything() -> None:
    typing_extensions = pytest.importorskip("typing_extensions")
    alias = typing_extensions.TypeAliasType("Json", "list[Json] | int")
    assert Schemas().of(alias) == {}


def test_a_default_that_is_not_plain_is_left_out() -> None:
    kind = msgspec.defstruct("Odd", [("x", Any, object()), ("y", bytes, b"1"), ("z", int, 3)])
    schemas = Schemas()
    schemas.of(kind)
    properties = schemas.named["Odd"]["properties"]
    assert properties["x"] == {}
    assert "default" not in properties["y"]
    assert properties["z"]["default"] == 3


# Every value that a schema admits is accepted by the handler, and the reverse.

#: A type, and plain values of it, as WAMP's JSON carries them.
Kind = tuple[Any, st.SearchStrategy[Any]]
_INTS = st.integers(-(2**53), 2**53)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
_KEYS = st.sampled_from(["sku", "quantity", "inner", "rush", "note", "type", "lives", "name", "1"])
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | _INTS
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
    | _TEXTS
    | st.sampled_from(["r", "cat", "dog", "\0AAE=", "1.5", "7"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=6,
)
_ITEMS: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {"sku": _TEXTS}, optional={"quantity": _INTS, "inner": st.none() | _ITEMS}
    )
)
_SCALARS: list[Kind] = [
    (int, _INTS),
    (str, _TEXTS),
    (bool, st.booleans()),
    (float, _INTS | st.floats(allow_nan=False, allow_infinity=False)),
    (bytes, st.sampled_from(["\0", "\0AAE=", "\0aGVsbG8="])),
    (None, st.none()),
    (Any, _ANYTHING),
    (Colour, st.sampled_from(["r", "b"])),
    (Size, st.sampled_from([1, 2])),
    (Literal["r", 7], st.sampled_from(["r", 7])),
    (decimal.Decimal, _INTS | st.sampled_from(["1.5", "-2", "1e3"])),
    (Annotated[int, msgspec.Meta(ge=0, le=9)], st.integers(0, 9)),
    (
        Annotated[str, msgspec.Meta(min_length=1, max_length=3)],
        st.text("abc", min_size=1, max_size=3),
    ),
    (Annotated[float, msgspec.Meta(gt=0)], st.floats(0.1, 100)),
    (Item, _ITEMS),
    (Point, st.lists(_INTS, min_size=1, max_size=2)),
    (Options, st.fixed_dictionaries({"rush": st.booleans()}, optional={"note": _TEXTS})),
    (Cat, st.fixed_dictionaries({"type": st.just("cat"), "lives": _INTS})),
    (Dog, st.fixed_dictionaries({"type": st.just("dog"), "name": _TEXTS})),
    (
        Cat | Dog,
        st.fixed_dictionaries({"type": st.just("cat"), "lives": _INTS})
        | st.fixed_dictionaries({"type": st.just("dog"), "name": _TEXTS}),
    ),
    (Row, st.tuples(_INTS, _TEXTS).map(list) | st.tuples(_INTS).map(list)),
]


def _held(kind: Kind) -> st.SearchStrategy[Kind]:
    annotation, values = kind
    return st.sampled_from(
        [
            (list[annotation], st.lists(values, max_size=3)),
            (set[annotation], st.lists(values, max_size=3)),
            (tuple[annotation, ...], st.lists(values, max_size=3)),
            (tuple[annotation, int], st.tuples(values, _INTS).map(list)),
            (dict[str, annotation], st.dictionaries(_TEXTS, values, max_size=3)),
            (dict[int, annotation], st.dictionaries(_INTS.map(str), values, max_size=3)),
            (typing.Optional[annotation], st.none() | values),  # noqa: UP045 - it may be None
            (
                Annotated[list[annotation], msgspec.Meta(max_length=2)],
                st.lists(values, max_size=2),
            ),
        ]
    )


_KINDS = st.recursive(st.sampled_from(_SCALARS), lambda inner: inner.flatmap(_held), max_leaves=3)


def spoilt(data: st.DataObject, value: Any) -> Any:
    """Return a value of which one thing, at any depth, is another."""
    what = data.draw(st.integers(0, 3))
    if isinstance(value, list) and value and what:
        place = data.draw(st.integers(0, len(value) - 1))
        new = [] if what == 1 else [spoilt(data, value[place])]
        return [*value[:place], *new, *value[place + 1 :], *(value if what == 2 else [])]
    if isinstance(value, dict) and value and what:
        key = data.draw(st.sampled_from(list(value)))
        rest = {k: v for k, v in value.items() if k != key}
        if what == 1:
            return rest
        return {
            **rest,
            **({data.draw(_KEYS): value[key]} if what == 2 else {key: spoilt(data, value[key])}),
        }
    return data.draw(_ANYTHING)


#: For WAMP, 1.0 is a number with a fraction, and not an int.
_TYPES = jsonschema.Draft7Validator.TYPE_CHECKER.redefine(
    "integer", lambda _checker, value: type(value) is int
)
_Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, type_checker=_TYPES)


def admits(schemas: Schemas, schema: Schema, value: Any) -> bool:
    whole = {"allOf": [schema], "components": {"schemas": schemas.named}}
    return bool(_Validator(whole).is_valid(value))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_schema_and_handler_agree(data: st.DataObject) -> None:
    annotation, values = data.draw(_KINDS)

    def handler(value: Any) -> None: ...

    handler.__annotations__ = {"value": annotation}
    try:
        binding = Binding(handler)
    except InvalidHandler:
        assume(False)  # such as a set of dictionaries
    schemas = Schemas()
    schema = schemas.of(annotation)
    assert schema or annotation is Any
    for _ in range(4):
        value = data.draw(values)
        if data.draw(st.booleans()):
            value = spoilt(data, value)
        [sent] = JSON.decode(json.dumps([RESULT, 1, {}, [value]]).encode())[3]
        try:
            binding.bind([sent], {})
            accepted = True
        except InvalidArgument:
            accepted = False
        except TypeError:
            assume(False)  # a set of what cannot be hashed
        assert accepted == admits(schemas, schema, value), (annotation, value, schema)
