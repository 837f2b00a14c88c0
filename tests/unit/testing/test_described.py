"""Stubs made of a document: an app is tested against services of which only that is known."""

import asyncio
import datetime as dt
import enum
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from wampapp import App, HandlerFailed, InvalidArgument, NoSuchProcedure, UsageError, WampError
from wampapp.describe.asyncapi import to_document
from wampapp.describe.describing import describe
from wampapp.testing import TestRealm

Meta = msgspec.Meta


@dataclass
class Line:
    sku: Annotated[str, Meta(pattern="^[a-z]+-[0-9]{3}$")]
    quantity: int = 1


@dataclass
class Receipt:
    lines: Annotated[list[Line], Meta(min_length=1)]
    paid: bool
    note: str | None = None


class Colour(enum.Enum):
    RED = "red"


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square", forbid_unknown_fields=True):
    side: float


@dataclass
class Parcel:
    lines: list[Line] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)


def make_shop() -> App:
    """Make the service that the tests below do without."""
    shop = App(prefix="com.shop")

    @shop.register
    def order(sku: str, quantity: Annotated[int, Meta(ge=1)] = 1, *, rush: bool = False) -> Receipt:
        raise NotImplementedError

    @shop.register("com.shop.<sku>.price")
    def price(sku: str, currency: str = "EUR") -> float:
        raise NotImplementedError

    @shop.register("com.shop.page.<number>")
    def page(number: int) -> Literal["left", "right"]:
        raise NotImplementedError

    @shop.register
    def articles(most: int) -> Iterator[str]:
        yield from ["tea"] * most

    @shop.register(match="prefix")
    def shelf() -> bytes:
        raise NotImplementedError

    @shop.register
    def send(parcel: Parcel, *more: int, **others: str) -> None: ...

    @shop.register
    def check(
        *,
        colour: Colour | None = None,
        shape: Circle | Square | None = None,
        word: Annotated[str, Meta(min_length=2, max_length=4)] = "",
        code: Annotated[str, Meta(pattern="^a")] = "",
        share: Annotated[float, Meta(gt=0, lt=1)] = 0.5,
        most: Annotated[int, Meta(gt=0, lt=9)] = 1,
        pairs: Annotated[int, Meta(multiple_of=2)] = 0,
        some: Annotated[list[int], Meta(min_length=1)] = [],  # noqa: B006
        pair: tuple[int, str] = (1, ""),
        mixed: int | str | None = None,
        when: dt.datetime | None = None,
        day: dt.date = dt.date(2026, 1, 1),
        long: dt.timedelta = dt.timedelta(1),
        key: uuid.UUID | None = None,
        raw: bytes = b"",
        two: Literal[1, 2] = 1,
        named: Literal["a", "b"] = "a",
    ) -> None: ...

    return shop


def document_of(app: App) -> dict[str, Any]:
    document = to_document(describe(app.registry, title="Shop", version="1"))
    again: dict[str, Any] = json.loads(json.dumps(document))
    return again


DOCUMENT = document_of(make_shop())


def make_site() -> App:
    """Make an app that calls the shop."""
    site = App(prefix="com.site")

    @site.register
    async def buy(sku: Any, *, quantity: Any = 1) -> Any:
        return await site.call("com.shop.order", sku, quantity=quantity)

    @site.register
    async def price(sku: str) -> Any:
        return await site.call(f"com.shop.{sku}.price")

    return site


# Answers.


def test_an_app_gets_values_that_fit() -> None:
    with make_site().test_client() as client:
        stubs = client.stub_from(DOCUMENT)
        assert client.call(".buy", "tea") == {
            "lines": [{"sku": "a-000", "quantity": 1}],
            "paid": False,
            "note": None,
        }
        assert client.call(".price", "tea") == 0.0
    assert stubs["com.shop.order"].calls == [(("tea",), {"quantity": 1})]
    assert stubs["com.shop.<sku>.price"].calls == [((), {"sku": "tea"})]
    assert not stubs["com.shop.articles"].called


def test_every_kind_of_procedure_is_played() -> None:
    with TestRealm() as client:
        client.stub_from(DOCUMENT)
        assert client.call("com.shop.page.7") == "left"
        assert client.call("com.shop.shelf") == client.call("com.shop.shelf.2") == b""
        assert client.call("com.shop.send", {}, 1, 2, by="post") is None


def test_progress_is_one_item_where_there_is_progress() -> None:
    with TestRealm() as client:
        stubs = client.stub_from(DOCUMENT)
        assert list(client.stream("com.shop.articles", 3)) == [""]
        assert client.call("com.shop.articles", 3) == [""]
        assert list(client.stream("com.shop.order", "tea")) == [
            client.call("com.shop.order", "tea")
        ]
        stubs["com.shop.articles"].returns = ["tea", "milk"]
        assert list(client.stream("com.shop.articles", 3)) == ["tea", "milk"]


def test_a_result_after_progress_is_the_result() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    messages = document["channels"]["com.shop.articles"]["messages"]
    messages["result"]["payload"] = {"type": "integer", "minimum": 3}
    with TestRealm() as client:
        client.stub_from(document)
        assert client.call("com.shop.articles", 3) == 3


def test_a_test_may_say_what_a_stub_does() -> None:
    with make_site().test_client() as client:
        stubs = client.stub_from(DOCUMENT)
        stubs["com.shop.order"].returns = "sold"
        assert client.call(".buy", "tea") == "sold"
        stubs["com.shop.order"].raises = WampError("com.shop.out_of_stock", "no tea")
        with pytest.raises(WampError, match="no tea"):
            client.call(".buy", "tea")


def test_examples_and_defaults_come_first() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    document["components"]["schemas"]["Receipt"]["examples"] = [
        {"lines": []},  # does not fit
        {"lines": [{"sku": "tea-001"}], "paid": True},
    ]
    with TestRealm() as client:
        client.stub_from(document)
        assert client.call("com.shop.order", "tea") == {"lines": [{"sku": "tea-001"}], "paid": True}


def test_what_has_no_sample_says_so_when_it_is_called() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    line = document["components"]["schemas"]["Line"]["properties"]["sku"]
    line["pattern"] = "^(?=a)a$"
    with TestRealm() as client:
        stubs = client.stub_from(document)
        with pytest.raises(HandlerFailed) as failed:
            client.call("com.shop.order", "tea")
        assert str(failed.value.__cause__) == (
            "com.shop.order: result.lines[0].sku must match '^(?=a)a$', for which no text is "
            "known; say what the stub returns: stubs['com.shop.order'].returns = ..."
        )
        stubs["com.shop.order"].returns = None
        assert client.call("com.shop.order", "tea") is None


# Refusals.


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("order", (), {}),
        ("order", ("tea", 1, True), {}),
        ("order", ("tea",), {"sku": "tea"}),
        ("order", ("tea",), {"colour": 1}),
        ("order", (7,), {}),
        ("order", ("tea", "many"), {}),
        ("order", ("tea", True), {}),
        ("order", ("tea", 1.0), {}),
        ("order", ("tea", 0), {}),
        ("order", ("tea",), {"rush": None}),
        ("page.one", (), {}),
        ("tea.price", (1,), {}),
        ("articles", ("a",), {}),
        ("send", ("a",), {}),
        ("send", ({"lines": {}},), {}),
        ("send", ({"lines": [{}]},), {}),
        ("send", ({"lines": [{"sku": "a-001"}, {"sku": 1}]},), {}),
        ("send", ({"labels": {"a": "b"}},), {}),
        ("send", ({}, 1, "a"), {}),
        ("send", ({}, 1), {"by": 1}),
        ("check", (), {"colour": "blue"}),
        ("check", (), {"colour": 1}),
        ("check", (), {"shape": 1}),
        ("check", (), {"word": "a"}),
        ("check", (), {"word": "abcde"}),
        ("check", (), {"code": "b"}),
        ("check", (), {"share": 0.0}),
        ("check", (), {"share": 1.5}),
        ("check", (), {"most": 0}),
        ("check", (), {"most": 9}),
        ("check", (), {"pairs": 3}),
        ("check", (), {"some": []}),
        ("check", (), {"some": [1, "a"]}),
        ("check", (), {"pair": [1]}),
        ("check", (), {"pair": [1, 2]}),
        ("check", (), {"pair": "a"}),
        ("check", (), {"mixed": 1.5}),
        ("check", (), {"mixed": [1]}),
        ("check", (), {"when": "noon"}),
        ("check", (), {"when": 1}),
        ("check", (), {"day": "2026-13-01"}),
        ("check", (), {"long": "a"}),
        ("check", (), {"key": "a"}),
        ("check", (), {"raw": "a"}),
        ("check", (), {"word": b"a"}),
        ("check", (), {"two": 3}),
        ("check", (), {"two": "a"}),
        ("check", (), {"named": "c"}),
    ],
)
def test_a_refusal_has_the_words_of_the_handler(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    uri = f"com.shop.{name}"
    with make_shop().test_client() as client, pytest.raises(InvalidArgument) as theirs:
        client.call(uri, *args, **kwargs)
    with TestRealm() as client:
        stubs = client.stub_from(DOCUMENT)
        with pytest.raises(InvalidArgument) as ours:
            client.call(uri, *args, **kwargs)
    assert (ours.value.args, ours.value.kwargs) == (theirs.value.args, theirs.value.kwargs)
    assert not any(stub.called for stub in stubs.values())


@pytest.mark.parametrize(
    "kwargs",
    [
        {"shape": {"type": "circle", "radius": 1.5}},
        {"shape": {"type": "square", "side": 1}},
        {"when": "2026-01-01T12:00:00Z", "day": "2026-01-01", "long": "PT1H"},
        {"raw": b"\0", "two": 2, "named": "b", "mixed": None, "pair": [3, "a"]},
        {"share": 0.25, "most": 8, "pairs": -2, "some": [1], "word": "abc", "code": "ab"},
    ],
)
def test_what_the_handler_takes_is_taken(kwargs: dict[str, Any]) -> None:
    with make_shop().test_client() as client:
        client.call("com.shop.check", **kwargs)
    with TestRealm() as client:
        stubs = client.stub_from(DOCUMENT)
        client.call("com.shop.check", **kwargs)
        assert stubs["com.shop.check"].calls == [((), kwargs)]


def test_an_app_sees_the_refusal() -> None:
    with make_site().test_client() as client:
        client.stub_from(DOCUMENT)
        with pytest.raises(InvalidArgument, match="`quantity`: expected int >= 1"):
            client.call(".buy", "tea", quantity=0)


def test_a_bare_procedure_takes_anything() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    document["operations"]["com.shop.order"]["x-wamp"]["is_described"] = False
    with TestRealm() as client:
        client.stub_from(document)
        assert client.call("com.shop.order", 1, 2, 3, four=4)["paid"] is False


# Who plays what.


@pytest.mark.parametrize("before", [True, False])
def test_a_stub_of_its_own_comes_first(before: bool) -> None:
    realm = make_site().test_client()
    if before:
        realm.stub("com.shop.order", returns="mine")
    stubs = realm.stub_from(DOCUMENT)
    if not before:
        realm.stub("com.shop.order", returns="mine")
    with realm as client:
        assert client.call(".buy", 1) == "mine"
        assert client.call(".price", "tea") == 0.0
    assert not stubs["com.shop.order"].called


def test_in_the_block_too() -> None:
    with make_site().test_client() as client:
        client.register("com.shop.<sku>.price", lambda sku: sku)
        stubs = client.stub_from(DOCUMENT)
        client.stub("com.shop.order", returns="mine")
        client.as_("other").register("com.shop.articles", lambda: "theirs")
        assert client.call(".buy", "tea") == "mine"
        assert client.call(".price", "tea") == "tea"
        assert client.call("com.shop.articles") == "theirs"
        client.stub_from(DOCUMENT)
        assert client.call(".buy", "tea") == "mine"
    assert not stubs["com.shop.order"].called


@pytest.mark.parametrize("before", [True, False])
def test_an_app_under_test_plays_its_own(before: bool) -> None:
    shop = App(prefix="com.shop")
    shop.register(".order")(lambda sku: f"sold {sku}")
    shop.register("com.shop.<article>.price")(lambda article: article)
    realm = TestRealm(make_site(), shop)
    if before:
        realm.stub_from(DOCUMENT)
    with realm as client:
        if not before:
            client.stub_from(DOCUMENT)
        assert client.call("com.shop.order", "tea") == "sold tea"
        assert client.call("com.site.price", "tea") == "tea"
        assert client.call("com.shop.page.1") == "left"


def test_stubs_are_there_when_an_app_joins() -> None:
    app = App(prefix="com.till")
    seen: list[Any] = []

    @app.on_join
    async def ask() -> None:
        seen.append(await app.call("com.shop.page.1"))

    realm = app.test_client()
    stubs = realm.stub_from(DOCUMENT)
    with realm:
        assert seen == ["left"]
    assert stubs["com.shop.page.<number>"].called


def test_nothing_is_played_once_the_block_has_ended() -> None:
    app = make_site()
    with app.test_client() as client:
        client.stub_from(DOCUMENT)
    with app.test_client() as client, pytest.raises(NoSuchProcedure):
        client.call(".buy", "tea")


def test_a_test_that_is_a_coroutine() -> None:
    async def main() -> None:
        prepared = make_site().test_session()
        stubs = prepared.stub_from(DOCUMENT)
        async with prepared as session:
            assert (await session.call(".buy", "tea"))["paid"] is False
            await session.register("com.shop.<sku>.price", lambda sku: sku)
            assert await session.call(".price", "tea") == "tea"
            with pytest.raises(UsageError, match="before the block"):
                session.stub_from(DOCUMENT)
        assert len(stubs["com.shop.order"].calls) == 1

    asyncio.run(main())


# Documents.


def test_a_document_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.asyncapi.json"
    file.write_text(json.dumps(DOCUMENT), "utf-8")
    for path in (file, str(file)):
        with TestRealm() as client:
            client.stub_from(path)
            assert client.call("com.shop.page.1") == "left"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "There is no file"),
        ("{", "is not JSON"),
        ("{}", "it is not an AsyncAPI document."),
        ('{"asyncapi": "2.6.0"}', "version 3 is needed."),
        (
            '{"asyncapi": "3.0.0", "info": {"title": "a", "version": "1"}, "operations": []}',
            "'wampapp docs' did not write it: ",
        ),
    ],
)
def test_a_file_that_is_something_else(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "shop.json"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as wrong:
        TestRealm().stub_from(file)
    assert said in str(wrong.value)
    assert repr(str(file)) in str(wrong.value)
    assert str(wrong.value).endswith(".")


def test_a_mapping_that_is_something_else() -> None:
    with pytest.raises(UsageError, match=r"^The document cannot be used: it is not an AsyncAPI"):
        TestRealm().stub_from({})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("result", "payload"), {"type": "text"}, "is not a schema"),
        (("call", "payload", "properties", "sku"), {"minLength": "a"}, "did not write it"),
        (("call", "payload", "properties", "sku"), {"pattern": "("}, "is not a schema"),
        (
            ("call", "payload", "properties"),
            {"a-b": {}},
            "com.shop.order: its arguments cannot be those of a function",
        ),
    ],
)
def test_a_document_that_was_edited(path: tuple[str, ...], value: Any, said: str) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    place = document["channels"]["com.shop.order"]["messages"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(UsageError, match=said):
        TestRealm().stub_from(document)


def test_a_reference_to_nothing() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    payload = document["channels"]["com.shop.order"]["messages"]["call"]["payload"]
    payload["properties"]["sku"] = {"$ref": "#/components/schemas/Nothing"}
    with TestRealm() as client:
        client.stub_from(document)
        with pytest.raises(HandlerFailed) as failed:
            client.call("com.shop.order", "tea")
    assert str(failed.value.__cause__) == (
        "A schema refers to '#/components/schemas/Nothing', which is not there."
    )


def test_without_jsonschema_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as missing:
        TestRealm().stub_from(DOCUMENT)
    assert str(missing.value) == (
        "stub_from needs jsonschema, which is missing; run: pip install 'wampapp[docs]'"
    )
