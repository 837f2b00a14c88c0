"""AsyncAPI documents: what is written is read again, and what is not ours is refused."""

import copy
import json
from typing import Any, get_args

import msgspec
import pytest

from tests.unit.describe import shop
from wampapp.describe.api import Api, Parameter, Procedure
from wampapp.describe.asyncapi import to_document
from wampapp.describe.describing import describe_app
from wampapp.describe.files import Format, write
from wampapp.describe.merging import merge
from wampapp.describe.reading import from_document
from wampapp.errors import UsageError


@pytest.fixture
def api() -> Api:
    return describe_app(shop.app)


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    return to_document(api)


def test_nothing_is_lost(api: Api, document: dict[str, Any]) -> None:
    assert from_document(json.loads(json.dumps(document))) == api


def test_a_description_is_plain_data(api: Api) -> None:
    assert msgspec.json.decode(msgspec.json.encode(api), type=Api) == api


def test_the_router_is_named() -> None:
    api = Api(title="x", version="1", router="wss://user@shop.example:8443/ws", realm="shop")
    [server] = to_document(api)["servers"].values()
    assert (server["host"], server["pathname"]) == ("shop.example:8443", "/ws")
    assert from_document(to_document(api)) == api


def test_of_a_list_of_routers_the_first_is_named() -> None:
    api = Api(title="x", version="1", router="rs://a:8080, rs://b:8080", realm="shop")
    [server] = to_document(api)["servers"].values()
    assert server["host"] == "a:8080"
    assert server["x-wamp"]["url"] == "rs://a:8080,rs://b:8080"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("wss://me:secret@shop.example/ws?token=secret", "wss://shop.example/ws"),
        ("ws://shop.example?token=secret", "ws://shop.example"),
        ("ws://me:s?cr#t@shop.example/ws#secret", "ws://shop.example/ws"),
        ("ws://[::1]:8080/a@b", "ws://[::1]:8080/a@b"),
        ("unix:///run/router?1", "unix:///run/router?1"),
    ],
)
def test_what_is_secret_in_a_url_is_not_told(url: str, told: str) -> None:
    api = Api(title="x", version="1", router=url)
    assert api.router == told
    assert to_document(api)["servers"]["router"]["x-wamp"]["url"] == told
    for form in get_args(Format):
        assert "secret" not in write(api, form)
    assert merge([api], router=url).router == told


def test_keys_are_plain_and_differ() -> None:
    uris = ("com.x.<a>", "com.x.<b>", "com.grüße", "com.x", "")
    api = Api(
        title="x",
        version="1",
        procedures=tuple(Procedure(uri=uri, is_described=False) for uri in uris),
    )
    document = to_document(api)
    assert list(document["operations"]) == [
        "com.x._a",
        "com.x._b",
        "com.gr_e",
        "com.x",
        "everything",
    ]
    assert from_document(document) == api


def test_rest_stands_before_what_is_given_only_by_name() -> None:
    parameters = (
        Parameter(name="a", schema={}),
        Parameter(name="more", schema={"type": "integer"}, kind="rest", required=False),
        Parameter(name="b", schema={}, kind="keyword"),
        Parameter(name="others", schema={"type": "string"}, kind="others", required=False),
    )
    api = Api(title="x", version="1", procedures=(Procedure(uri="com.x", parameters=parameters),))
    assert from_document(to_document(api)) == api


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: [], "it is not an AsyncAPI document"),
        (lambda d: {}, "it is not an AsyncAPI document"),
        (lambda d: {**d, "asyncapi": "2.6.0"}, "it is of AsyncAPI 2.6.0, and version 3 is needed"),
        (lambda d: {**d, "info": 5}, "'wampapp docs' did not write it: Expected `object`"),
        (lambda d: {**d, "channels": {}}, "it lacks 'com.shop.order'"),
    ],
)
def test_what_is_not_ours_is_refused(document: dict[str, Any], change: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_document(change(copy.deepcopy(document)))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": 5},
        {"anyOf": [5]},
        {"$ref": ["x"]},
        {"enum": "abc"},
        {"type": {"a": 1}},
        {"properties": {"a": 5}},
        {"items": {"items": {"items": {"oneOf": {}}}}},
        {"description": ["x"]},
        {"required": 5},
        {"minimum": "many"},
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["parameter", "result", "component"])
def test_a_schema_that_nothing_can_read_is_refused(
    document: dict[str, Any], schema: dict[str, Any], place: str
) -> None:
    messages = document["channels"]["com.shop.order"]["messages"]
    if place == "parameter":
        messages["call"]["payload"]["properties"]["sku"] = schema
    elif place == "result":
        messages["result"]["payload"] = schema
    else:
        document["components"]["schemas"]["Order"] = schema
    with pytest.raises(UsageError, match="'wampapp docs' did not write it: Expected"):
        from_document(document)


def test_a_schema_that_is_too_deep_is_refused(document: dict[str, Any]) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"items": deep}
    document["components"]["schemas"]["Order"] = deep
    try:
        with pytest.raises(UsageError, match="nested too deeply"):
            from_document(document)
    finally:
        while deep:  # taken apart from outside, or Python would recurse over it
            deep = deep.pop("items")


def test_a_pattern_that_is_not_valid_is_taken_as_it_is(document: dict[str, Any]) -> None:
    document["operations"]["com.shop._sku_.price"]["x-wamp"]["uri"] = "com..<<x"
    found = next(one for one in from_document(document).procedures if one.captures)
    assert found.on_wire == ("wildcard", "com..<<x")


def test_another_apps_operation_is_refused(document: dict[str, Any]) -> None:
    del document["operations"]["com.shop.order"]["x-wamp"]
    with pytest.raises(UsageError, match="missing required field `x-wamp`"):
        from_document(document)
