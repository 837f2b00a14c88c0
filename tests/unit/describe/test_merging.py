"""What several apps say, as one description."""

import itertools

import msgspec
import pytest

from tests.unit.describe import shop
from wampapp import App
from wampapp.describe.api import Api, Procedure, Topic
from wampapp.describe.describing import describe_app
from wampapp.describe.merging import merge

other = App(prefix="com.other", title="Another", version="2")


class Order(msgspec.Struct):
    number: int
    before: "Order | None" = None


@other.register
def take(order: Order) -> list[Order]:
    return [order]


APIS = [describe_app(shop.app), describe_app(other)]


@pytest.mark.parametrize("apis", [*itertools.permutations([*APIS, APIS[0]])])
def test_types_of_one_name_stay_apart(apis: list[Api]) -> None:
    merged = merge(apis)
    found = {one.uri: one for one in merged.procedures}
    assert merged.resolve(found["com.other.take"].parameters[0].schema)["required"] == ["number"]
    assert merged.resolve(found["com.shop.order"].result)["required"] == ["id", "sku"]
    assert sorted(merged.schemas) == ["Order", "Order_2", "Ordered"]
    for name, schema in merged.schemas.items():
        if schema.get("required") == ["number"]:
            assert schema["properties"]["before"]["anyOf"][0] == {
                "$ref": f"#/components/schemas/{name}"
            }


def test_what_several_offer_is_there_once() -> None:
    merged = merge([APIS[0], APIS[0]])
    assert merged == APIS[0]


def test_one_is_called_by_its_name_and_several_by_their_realm() -> None:
    assert merge([APIS[0]]).title == "The shop"
    several = merge(APIS, realm="market", router="rs://127.0.0.1:1")
    assert (several.title, several.version, several.description) == (
        "market",
        "1.4, 2",
        "Another, The shop",
    )
    assert several.router == "rs://127.0.0.1:1"
    nobody = merge([], realm="market")
    assert (nobody.title, nobody.version) == ("market", "0")


def test_what_nobody_describes_is_added() -> None:
    bare = Procedure(uri="com.stranger", is_described=False)
    heard = Topic(uri="com.heard", is_described=False)
    merged = merge(APIS, procedures=[bare], topics=[heard])
    assert merged.procedures[-1] == bare
    assert merged.topics[-1] == heard
