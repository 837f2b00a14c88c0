"""Pydantic's types: as annotations, and as results."""

import dataclasses
import datetime as dt
import ipaddress
import math
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import annotated_types
import msgspec
import pydantic
import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    PositiveInt,
    SecretStr,
    StringConstraints,
)
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from tests.support.names import shown
from wampapp.client.handles import Procedure
from wampapp.errors import InvalidArgument, InvalidHandler, InvalidResult, UsageError
from wampapp.protocol.payload import to_plain
from wampapp.registry.binding import Binding


class Colour(Enum):
    RED = "red"


class Item(BaseModel):
    sku: str
    quantity: int = Field(gt=0)


class Picture(BaseModel):
    data: bytes
    weight: float = 0.0
    taken: dt.date | None = None
    shutter: int | dt.time = 0
    colour: Colour = Colour.RED
    tags: set[str] = set()
    by_number: dict[int, str] = {}
    items: list[Item] = []


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=False)
    sku: str = Field(alias="SKU")


class Linked(BaseModel):
    url: HttpUrl
    address: ipaddress.IPv4Address
    path: Path
    data: bytes


@pydantic.dataclasses.dataclass
class Order:
    quantity: PositiveInt
    sku: str = Field(alias="SKU")


@dataclasses.dataclass
class Plain:
    quantity: PositiveInt


class Keys(TypedDict):
    quantity: PositiveInt


class Pair(NamedTuple):
    quantity: PositiveInt
    sku: str


Code = Annotated[str, StringConstraints(pattern="^[a-z]+$")]
Even = Annotated[int, pydantic.AfterValidator(lambda number: number + number % 2)]


def taking(kind: Any) -> Callable[..., Any]:
    """Return a function with one parameter of a type."""

    def handler(value: kind) -> Any:
        return value

    return handler


def called(kind: Any, value: Any) -> Any:
    args, kwargs = Binding(taking(kind)).bind([value], {})
    assert Binding(taking(kind)).bind([], {"value": value})[1] == {"value": args[0]}
    return taking(kind)(*args, **kwargs)


def refused(kind: Any, value: Any) -> str:
    with pytest.raises(InvalidArgument) as caught:
        called(kind, value)
    return caught.value.message


# Models.


def test_a_model_is_validated_in_python_mode() -> None:
    assert called(Picture, {"data": b"\xff\x00"}).data == b"\xff\x00"
    assert math.isnan(called(Picture, {"data": b"", "weight": math.nan}).weight)
    picture = called(
        Picture,
        {
            "data": b"\xff",
            "taken": "2026-01-02",
            "shutter": "03:04:05",
            "colour": "red",
            "tags": ["a"],
            "by_number": {"1": "one"},
            "items": [{"sku": "apple", "quantity": 2}],
        },
    )
    assert picture == Picture(
        data=b"\xff",
        taken=dt.date(2026, 1, 2),
        shutter=dt.time(3, 4, 5),
        tags={"a"},
        by_number={1: "one"},
        items=[Item(sku="apple", quantity=2)],
    )


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (Item, {"sku": "a", "quantity": "2"}, "`value`: quantity: Input should be a valid integer"),
        (Item, {"sku": b"a", "quantity": 2}, "`value`: sku: Input should be a valid string"),
        (Item, {"sku": "a", "quantity": 0}, "`value`: quantity: Input should be greater than 0"),
        (Picture, {"data": "text"}, "`value`: data: Input should be a valid bytes"),
        (Picture, {"data": b"", "weight": "1"}, "`value`: weight: Input should be a valid number"),
        (Picture, {"data": b"", "taken": "soon"}, "`value`: taken: Input should be a valid date"),
        (Picture, {"data": b"", "items": [{"sku": "a", "quantity": "2"}]}, "`value`: items.0.quan"),
        (list[Item], [{"sku": "a", "quantity": "2"}], "`value[0]`: quantity: Input should be a"),
    ],
    ids=shown,
)
def test_what_does_not_fit_a_model_is_refused(kind: Any, value: Any, sentence: str) -> None:
    assert refused(kind, value).lower().startswith(sentence.lower())


# What msgspec would skip.


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (PositiveInt, 1, 0),
        (PositiveInt, 1, "1"),
        (Annotated[int, Field(gt=0)], 1, 0),
        (Annotated[int, annotated_types.Gt(0)], 1, 0),
        (Annotated[list[int], annotated_types.Len(1)], [1], []),
        (list[PositiveInt], [1], [0]),
        (dict[str, PositiveInt], {"a": 1}, {"a": 0}),
        (PositiveInt | None, 1, 0),
        (PositiveInt | str, "a", 0),
        (Code, "abc", "ABC"),
        (tuple[Code, PositiveInt], ("a", 1), ("a", 0)),
        (Keys, {"quantity": 1}, {"quantity": 0}),
    ],
    ids=shown,
)
def test_constraints_of_pydantic_are_enforced(kind: Any, right: Any, wrong: Any) -> None:
    assert called(kind, right) == right
    assert refused(kind, wrong).startswith("`value`: ")


def test_validators_of_pydantic_run() -> None:
    assert called(Even, 3) == 4


@pytest.mark.parametrize("kind", [Plain, Pair], ids=shown)
def test_constraints_in_fields_are_enforced(kind: Any) -> None:
    value = {"quantity": 1} if kind is Plain else [1, "a"]
    made = called(kind, value)
    assert type(made) is kind
    assert made.quantity == 1
    refused(kind, {"quantity": 0} if kind is Plain else [0, "a"])


def test_a_dataclass_of_pydantics_is_validated() -> None:
    order = called(Order, {"SKU": "apple", "quantity": 2})
    assert (type(order), order.sku, order.quantity) == (Order, "apple", 2)
    assert refused(Order, {"SKU": "apple", "quantity": 0}).startswith("`value`: quantity: ")
    assert refused(list[Order], [{"quantity": 1}]).startswith("`value`: 0.SKU: ")


def test_types_that_only_pydantic_knows_are_made() -> None:
    assert str(called(HttpUrl, "http://example.com")) == "http://example.com/"
    assert called(SecretStr, "secret").get_secret_value() == "secret"
    assert refused(HttpUrl, "example").startswith("`value`: ")


def test_a_component_of_the_uri_is_checked_too() -> None:
    binding = Binding(taking(PositiveInt), captured=["value"])
    assert binding.bind([], {}, {"value": "7"}) == ([], {"value": 7}) or binding.bind(
        [], {}, {"value": "7"}
    ) == ([7], {})
    with pytest.raises(InvalidArgument, match="greater than 0"):
        binding.bind([], {}, {"value": "0"})


class Struct(msgspec.Struct):
    quantity: PositiveInt


@pytest.mark.parametrize(
    "kind", [Struct, list[Struct], Annotated[int, Field(gt=0), msgspec.Meta(lt=9)]], ids=shown
)
def test_what_nobody_would_check_is_refused_at_the_declaration(kind: Any) -> None:
    with pytest.raises(InvalidHandler, match="no WAMP argument can become"):
        Binding(taking(kind))


def test_a_constraint_without_pydantic_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(InvalidHandler, match=r"pip install pydantic\); msgspec\.Meta needs no"):
        Binding(taking(Annotated[int, annotated_types.Gt(0)]))


def test_decorations_of_other_packages_are_left_alone() -> None:
    assert called(Annotated[int, "a comment", object()], 0) == 0


# Results.


def test_a_model_goes_out_as_it_comes_in() -> None:
    assert to_plain(Aliased(SKU="a")) == {"SKU": "a"}
    assert called(Aliased, to_plain(Aliased(SKU="a"))) == Aliased(SKU="a")
    order = Order(SKU="a", quantity=1)
    for value, expected in [
        (order, {"SKU": "a", "quantity": 1}),
        ([order], [{"SKU": "a", "quantity": 1}]),
        ({"k": (order,)}, {"k": [{"SKU": "a", "quantity": 1}]}),
    ]:
        assert to_plain(value) == expected
    picture = Picture(data=b"\xff", weight=math.inf, by_number={1: "a"}, taken=dt.date(2026, 1, 2))
    plain = to_plain([picture])[0]
    assert (plain["data"], plain["weight"], plain["taken"]) == (b"\xff", math.inf, "2026-01-02")
    assert called(Picture, plain) == picture


def test_types_that_only_pydantic_knows_can_be_in_a_result() -> None:
    linked = Linked(url="http://example.com", address="1.2.3.4", path="/a/b", data=b"\xff")
    plain = {"url": "http://example.com/", "address": "1.2.3.4", "path": "/a/b", "data": b"\xff"}
    assert to_plain(linked) == plain
    assert to_plain({"k": [linked]}) == {"k": [plain]}
    assert called(Linked, plain) == linked


def nowhere() -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    ("returns", "right", "wrong"),
    [
        (Item, {"sku": "a", "quantity": 1}, {"sku": "a", "quantity": 0}),
        (list[Item], [{"sku": "a", "quantity": 1}], [{"sku": "a"}]),
        (PositiveInt, 1, 0),
        (Order, {"SKU": "a", "quantity": 1}, {"SKU": "a", "quantity": 0}),
    ],
    ids=shown,
)
def test_a_result_is_converted_to_what_the_caller_asks_for(
    returns: Any, right: Any, wrong: Any
) -> None:
    procedure = Procedure(nowhere, "com.example.item", {}, returns=returns)
    assert to_plain(procedure._converted(right)) == right
    with pytest.raises(InvalidResult, match="does not fit: "):
        procedure._converted(wrong)


def test_a_type_that_no_result_can_become_is_refused() -> None:
    with pytest.raises(UsageError, match="returns is <class 'pathlib.*Path'>, which is not a type"):
        Procedure(nowhere, "com.example.item", {}, returns=Path)
