"""Annotations as callers read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from autobahn import wamp
from autobahn.wamp.types import RegisterOptions

from tests.support.names import shown
from wampapp import App, Invocation
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.shapes import with_keys
from wampapp.runner.banner import signature_text


@dataclass
class Item:
    sku: str
    quantity: int = 1
    tags: list[str] = field(default_factory=list)
    made: int = field(default=0, init=False)


@dataclass
class Order:
    items: list[Item]
    n: int


@dataclass
class Tree:
    children: list[Tree]


@dataclass
class Broken:
    other: Missing  # type: ignore[name-defined] # noqa: F821


class Struct(msgspec.Struct, rename="camel"):
    long_name: int
    kind: str = "a"


class Keys(TypedDict):
    a: int
    b: NotRequired[str]


class Model(pydantic.BaseModel):
    sku: str = pydantic.Field(alias="SKU")
    quantity: int = 2


@pydantic.dataclasses.dataclass
class Checked:
    sku: str


Wide = msgspec.defstruct("Wide", [(f"field_{number}", int) for number in range(100)])


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (dt.date, "date"),
        (Iterator[int], "Iterator[int]"),
        (Literal["Item"], "Literal['Item']"),
        (Item, "Item{sku: str, quantity: int = 1, tags: list[str] = ...}"),
        (list[Keys], "list[Keys{a: int, b: str = ...}]"),
        (dict[str, Struct | None], "dict[str, Struct{longName: int, kind: str = 'a'} | None]"),
        (Model, "Model{SKU: str, quantity: int = 2}"),
        (Checked, "Checked{sku: str}"),
        (Tree, "Tree{children: list[Tree]}"),
        (
            Order,
            "Order{items: list[Item{sku: str, quantity: int = 1, tags: list[str] = ...}], n: int}",
        ),
        (Broken, "Broken"),
        (Any, "Any"),
    ],
    ids=shown,
)
def test_an_annotation_shows_the_keys_of_what_is_sent_as_a_dictionary(
    annotation: Any, text: str
) -> None:
    assert with_keys(annotation) == text


def test_a_class_with_very_many_keys_is_cut() -> None:
    text = with_keys(Wide)
    assert text.startswith("Wide{field_0: int, field_1: int, ")
    assert text.endswith(", ...}")
    assert len(text) < 200


def test_a_signature_shows_the_keys_of_its_parameters() -> None:
    app = App()

    def place(order: Keys, note: str = "", *, call: Invocation) -> Order: ...

    record = app.add_registration(place)
    assert signature_text(record, returns=True) == (
        "(order: Keys{a: int, b: str = ...}, note: str = '') -> Order"
    )


def test_a_signature_shows_what_a_caller_sends_to_what_was_written_for_autobahn() -> None:
    @wamp.register("com.<sku>.place", options=RegisterOptions(details_arg="info"))
    def place(sku: str, count: Missing = 1, info: Any = None) -> Missing:  # type: ignore[name-defined] # noqa: F821
        """Its annotations name what is not there, which Autobahn does not mind."""

    blueprint = Blueprint()
    blueprint.include(place)
    [record] = blueprint.registry.registrations
    assert signature_text(record, returns=True) == "(count: 'Missing' = 1) -> 'Missing'"
    assert signature_text(record, returns=False) == "(count: 'Missing' = 1)"
