"""The verbs of the store, as an app and its tests use them: in memory, and without waiting."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from wampapp import (
    App,
    InvalidArgument,
    InvalidResult,
    NoSuchProcedure,
    Overloaded,
    PayloadTooLarge,
    UsageError,
)
from wampapp.components import KV
from wampapp.components.kv import BlockingKV, Conflict, Entry
from wampapp.testing import TestClient


@dataclass
class Cart:
    owner: str
    day: date
    items: list[str]


CART = Cart("ann", date(2026, 5, 1), ["apple"])


@pytest.fixture
def app() -> App:
    app = App(prefix="com.shop")
    app.include(KV(app, max_keys=1000, max_bytes=3_000_000))
    return app


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with app.test_client() as client:
        yield client


@pytest.fixture
def kv(client: TestClient) -> BlockingKV:
    kv: BlockingKV = client.kv
    return kv


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**63), 2**64 - 1, 1.5, "ß\0🎈", b"\0\xff", [], {"a": [{"b": None}]}]
)
def test_values_come_back(kv: BlockingKV, value: Any) -> None:
    assert kv.get("k", default="none") == "none"
    assert kv.set("k", value) == 1
    entry = kv.entry("k")
    assert entry == Entry(key="k", value=value, revision=1)
    assert kv.get("k", default="none") == value
    assert type(kv.get("k")) is type(value)


def test_typed_values(kv: BlockingKV) -> None:
    kv.set("cart", CART)
    assert kv.get("cart") == {"owner": "ann", "day": "2026-05-01", "items": ["apple"]}
    assert kv.get("cart", type=Cart) == CART
    assert kv.get("none", type=Cart) is None
    assert kv.get("none", type=Cart, default=CART) == CART
    entry = kv.entry("cart", type=Cart)
    assert entry is not None
    assert entry.value == CART
    assert [entry.value for entry in kv.scan("c", type=Cart)] == [CART]
    with pytest.raises(InvalidResult, match="The value of 'cart' does not fit: Expected `int`"):
        kv.get("cart", type=int)
    with pytest.raises(UsageError, match="type is 7, which is not a type"):
        kv.get("cart", type=7)  # type: ignore[call-overload]


def test_compare_and_set(kv: BlockingKV) -> None:
    first = kv.create("stock", 5)
    with pytest.raises(Conflict, match="'stock' is there already, but at 1") as caught:
        kv.create("stock", 6)
    assert caught.value.current == Entry(key="stock", value=5, revision=first)
    second = kv.set("stock", 4, expect=first)
    with pytest.raises(Conflict, match="'stock' is not at revision 1, but at 3") as caught:
        kv.set("stock", 3, expect=first)
    assert caught.value.current.revision == second
    with pytest.raises(Conflict, match="'none' is not there") as caught:
        kv.delete("none", expect=1)
    assert caught.value.current is None
    assert kv.delete("stock", expect=second) is True
    assert kv.delete("stock") is False


def test_numbers(kv: BlockingKV, client: TestClient) -> None:
    assert kv.incr("hits") == 1
    total = kv.incr("hits", 41)
    assert (total, type(total)) == (42, int)
    assert kv.incr("hits", -0.5) == 41.5
    assert kv.incr("visits", ttl=10) == 1
    client.clock.advance(5)
    assert kv.incr("visits", ttl=10) == 2
    client.clock.advance(5)
    assert kv.get("visits") is None
    kv.set("text", "7")
    with pytest.raises(InvalidArgument, match="the value of 'text' is not a number"):
        kv.incr("text")


def test_keys_expire(kv: BlockingKV, client: TestClient) -> None:
    kv.set("a", 1, ttl=10)
    kv.set("b", 1, ttl=10)
    kv.set("c", 1, ttl=10)
    kv.set("c", 2)  # for good now
    client.clock.advance(9.5)
    assert kv.touch("b", ttl=10) is True
    assert kv.set("a", 2, keep_ttl=True) > 0
    client.clock.advance(0.5)
    assert (kv.get("a"), kv.get("b"), kv.get("c")) == (None, 1, 2)
    client.clock.advance(9.5)
    assert kv.get("b") is None
    assert kv.touch("b", ttl=10) is False
    assert client.call("com.shop.kv.stats")["keys"] == 1


def test_each_expiry_is_told(kv: BlockingKV, client: TestClient) -> None:
    for number in range(3):
        kv.set(f"k{number}", number, ttl=1 + number)
    kv.set("k1", "again", ttl=100)
    client.clock.advance(4)
    told = client.call("com.shop.kv.changes", since=4, wait=0)
    assert [(one["kind"], one["key"]) for one in told["changes"]] == [
        ("expired", "k0"),
        ("expired", "k2"),
    ]
    client.clock.advance(200)
    told = client.call("com.shop.kv.changes", since=told["revision"], wait=0)
    assert [(one["kind"], one["key"]) for one in told["changes"]] == [("expired", "k1")]


def test_entries_page_by_page(kv: BlockingKV) -> None:
    keys = [f"user.{number:04}" for number in range(999)]
    for key in keys:
        kv.set(key, "x" * 1500)
    kv.set("other", 1)
    assert [entry.key for entry in kv.scan("user.")] == keys
    assert [entry.key for entry in kv.scan("user.012")] == keys[120:130]


def test_what_is_too_large(kv: BlockingKV) -> None:
    kv.set("large", "x" * (1024 * 1024 - 5))
    with pytest.raises(PayloadTooLarge, match=r"the value has 1,048,577 bytes; 1,048,576 is the"):
        kv.set("large", "x" * (1024 * 1024 - 4))
    kv.set("large2", "x" * (1024 * 1024 - 5))
    with pytest.raises(Overloaded, match="The store is full: it has 2 keys and 2,097,152 bytes"):
        kv.set("large3", "x" * (1024 * 1024 - 5))
    kv.delete("large")
    kv.set("large3", "x" * (1024 * 1024 - 5))
    kv.delete("large3")
    for number in range(999):
        kv.set(f"k{number}", number)
    with pytest.raises(Overloaded, match="The store is full: it has 1,000 keys"):
        kv.incr("one more")
    # What is there can be changed.
    assert kv.incr("k7") == 8
    assert kv.set("k7", "text") > 0


@pytest.mark.parametrize("value", [float("nan"), [1, float("inf")], {"a": (-float("inf"),)}])
def test_numbers_that_json_does_not_have(kv: BlockingKV, value: Any) -> None:
    with pytest.raises(InvalidArgument, match="a number in the value is not finite"):
        kv.set("k", value)
    assert kv.get("k") is None
    kv.set("k", [b"\xcb\x7f\xf0", 1e308])  # it only looks like one


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "why"),
    [
        ("get", [""], {}, "a key has 1 to 512 bytes"),
        ("set", ["k", 1], {"ttl": 0}, "`ttl`: expected float > 0"),
        ("set", ["k", 1], {"ttl": float("nan")}, "ttl"),
        ("set", ["k", 1], {"expect": -1}, "`expect`: expected int >= 0"),
        ("scan", ["a\0"], {}, "may not contain NUL"),
        ("scan", [""], {"limit": 1001}, "`limit`: expected int <= 1000"),
        ("changes", [""], {"wait": 61}, "`wait`: expected float <= 60"),
        ("hold", ["k"], {}, "holder"),
        ("backup", ["../x"], {}, "give a file's plain name"),
        ("backup", ["x"], {}, "only in memory"),
    ],
)
def test_what_peers_get_wrong(
    client: TestClient, name: str, args: list[Any], kwargs: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidArgument, match=why):
        client.call(f"com.shop.kv.{name}", *args, **kwargs)


def test_nobody_serves_it() -> None:
    app = App(prefix="com.shop")
    kv = KV(app)

    @app.register
    async def both() -> list[str]:
        found = []
        for ask in (kv.get("a"), kv.set("a", 1), kv.set("a", 1, session=True)):
            with pytest.raises(NoSuchProcedure, match="Nobody serves com.shop.kv; call app.inc"):
                await ask
            found.append("refused")
        return found

    with app.test_client() as client:
        assert client.call("com.shop.both") == ["refused"] * 3


def test_verbs_in_handlers_of_both_kinds(app: App) -> None:
    kv = app.extensions["kv"]

    @app.register
    async def on_loop() -> Any:
        await kv.set("a", 1)
        await kv.create("b", 2)
        assert [entry.key async for entry in kv.scan()] == ["a", "b"]
        return await asyncio.gather(kv.get("a"), kv.incr("a"), kv.delete("b"), kv.touch("a", 5))

    @app.register
    def in_thread() -> Any:
        return kv.sync.get("a"), kv.sync.entry("a").revision

    with app.test_client() as client:
        assert client.call("com.shop.on_loop")[1:] == [2, True, True]
        assert client.call("com.shop.in_thread") == [2, 3]


def test_an_app_has_one() -> None:
    app = App(prefix="com.shop")
    KV(app)
    with pytest.raises(UsageError, match="The app has a component 'kv' already"):
        KV(app, "com.shop.cache")
