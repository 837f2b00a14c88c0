"""Watching: what there is, every change after it, and nothing twice or left out."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from wampapp import App, InvalidHandler, InvalidResult, InvalidUri
from wampapp.components import KV
from wampapp.components.kv import BlockingKV, Change, owner
from wampapp.testing import TestClient


class Shop:
    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.kv = KV(self.app)
        self.app.include(self.kv)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with shop.app.test_client() as client:
        yield client


@pytest.fixture
def kv(client: TestClient) -> BlockingKV:
    kv: BlockingKV = client.kv
    return kv


def told(changes: Iterator[Change[Any]], count: int) -> list[tuple[str, str, Any, int]]:
    found = [next(changes) for _ in range(count)]
    return [(one.kind, one.key, one.value, one.revision) for one in found]


def test_what_there_is_comes_first(kv: BlockingKV) -> None:
    kv.set("user.1", "a")
    kv.set("other", "-")
    kv.set("user.2", "b")
    kv.set("user.1", "c")
    kv.set("user.3", "gone")
    kv.delete("user.3")
    changes = kv.watch("user.")
    assert told(changes, 2) == [("set", "user.2", "b", 3), ("set", "user.1", "c", 4)]
    kv.set("other", "!")
    kv.delete("user.2")
    kv.incr("user.4")
    assert told(changes, 2) == [("deleted", "user.2", None, 8), ("set", "user.4", 1, 9)]


def test_only_what_changes_from_now_on(kv: BlockingKV, client: TestClient) -> None:
    kv.set("a", 1)
    changes = kv.watch(initial=False)
    seen: list[Any] = []
    ready = threading.Event()

    def follow() -> None:
        ready.set()
        seen.extend(told(changes, 1))

    thread = threading.Thread(target=follow)
    thread.start()
    ready.wait(10)
    number = 1
    while thread.is_alive():  # it may not have asked yet
        number += 1
        kv.set("a", number)
        thread.join(0.01)
    assert seen[0][2] > 1


def test_a_slow_watcher_sees_the_last_value(kv: BlockingKV) -> None:
    changes = kv.watch()
    kv.set("a", 0)
    assert told(changes, 1) == [("set", "a", 0, 1)]
    for number in range(1, 3000):
        kv.set("a", number)
    last, seen = 0, 0
    while last < 2999:
        ((_, _, last, _),) = told(changes, 1)
        seen += 1
    assert seen < 2999  # what is out of reach at hand is read as it is now


def test_changes_of_many_keys_in_pages(kv: BlockingKV) -> None:
    changes = kv.watch()
    kv.set("first", 0)
    told(changes, 1)
    for number in range(2500):
        kv.set(f"k{number}", number)
    found = told(changes, 2500)
    assert [one[2] for one in found] == list(range(2500))


def test_a_watcher_that_was_away_for_too_long(
    kv: BlockingKV, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "MAX_GONE", 10)
    monkeypatch.setattr(owner, "_SLACK", 5)
    kv.set("stays", 1)
    kv.set("goes", 1)
    known = client.call("com.shop.kv.changes", wait=0)
    for number in range(20):
        kv.set(f"k{number}", 1)
        kv.delete(f"k{number}")
    kv.delete("goes")
    for _ in range(3):
        client.clock.advance(0)
    again = {"since": known["revision"], "store": known["store"], "began": known["began"]}
    found = client.call("com.shop.kv.changes", wait=0, **again)
    assert found["reset"] is True
    assert [(one["kind"], one["key"]) for one in found["changes"]] == [("set", "stays")]
    # Another store, such as a file that was replaced; and a revision that is not there yet.
    for changed in ({"store": "another"}, {"since": 10_000}):
        assert client.call("com.shop.kv.changes", wait=0, **{**again, **changed})["reset"] is True


def test_a_watcher_of_quiet_keys_is_not_reset(kv: BlockingKV, client: TestClient) -> None:
    found = client.call("com.shop.kv.changes", "quiet.", wait=0)
    kv.set("other", 1)
    again = client.call("com.shop.kv.changes", "quiet.", since=found["revision"], wait=0)
    assert (again["changes"], again["revision"]) == ([], 1)


def test_waiting_has_an_end(shop: Shop) -> None:
    answers: list[Any] = []

    @shop.app.register
    async def begin() -> None:
        asking.append(asyncio.create_task(ask()))

    async def ask() -> None:
        answers.append(await shop.app.call("com.shop.kv.changes", since=0, wait=30))

    asking: list[asyncio.Task[None]] = []
    with shop.app.test_client() as client:
        client.call("com.shop.begin")
        client.clock.advance(29)
        assert answers == []
        client.clock.advance(1)
        assert answers[0]["changes"] == []


def test_the_stream_for_other_languages(kv: BlockingKV, client: TestClient) -> None:
    kv.set("a", {"x": 1}, ttl=10)
    stream = client.stream("com.shop.kv.watch", "")
    first = next(stream)
    assert (first["kind"], first["key"], first["value"]) == ("set", "a", {"x": 1})
    assert next(stream) == {"kind": "current", "revision": 1}
    client.clock.advance(11)
    assert next(stream) == {"kind": "expired", "key": "a", "revision": 2}


def test_typed_changes(kv: BlockingKV) -> None:
    kv.set("a", [1, 2])
    kv.delete("b")
    changes = kv.watch(type=tuple[int, int])
    assert next(changes).value == (1, 2)
    kv.delete("a")
    assert next(changes).value is None
    kv.set("a", "text")
    with pytest.raises(InvalidResult, match="The value of 'a' does not fit: Expected `array`"):
        next(changes)


@dataclass
class Cart:
    items: list[str]


def test_handlers_of_changes(shop: Shop) -> None:
    seen: list[Any] = []

    @shop.kv.on_change("user.<number>.cart")
    async def cart(cart: Cart | None, number: str) -> None:
        seen.append(("cart", number, cart))

    @shop.kv.on_change("log.<path:rest>")
    def log(value: Any, rest: str) -> None:
        seen.append(("log", rest, value, threading.current_thread() is threading.main_thread()))

    @shop.kv.on_change("flag")
    async def flag(value: bool | None) -> None:
        seen.append(("flag", value))

    with shop.app.test_client() as client:
        kv = client.kv
        kv.set("user.7.cart", Cart(["apple"]))
        kv.set("user.7.cart.x", Cart([]))
        kv.set("user.7", 1)
        kv.set("users.7.cart", 1)
        kv.delete("user.7.cart")
        kv.set("log.a.b", 1)
        kv.set("log.", 1)
        kv.set("flag", True, ttl=10)
        kv.set("flags", True)
        client.clock.advance(10)
        client.clock.advance(0)
    assert [one for one in seen if one[0] == "cart"] == [
        ("cart", "7", Cart(["apple"])),
        ("cart", "7", None),
    ]
    assert [one for one in seen if one[0] == "log"] == [("log", "a.b", 1, False)]
    assert [one for one in seen if one[0] == "flag"] == [("flag", True), ("flag", None)]


def test_a_handler_that_fails_is_told_of_the_next_change(shop: Shop) -> None:
    seen: list[int] = []

    @shop.kv.on_change("n")
    async def handle(n: int) -> None:
        seen.append(n)
        if n == 1:
            raise ValueError("one")

    with pytest.raises(ValueError, match="one"), shop.app.test_client() as client:
        client.kv.set("n", 1)
        client.kv.set("n", 2)
        client.clock.advance(0)
    assert seen == [1, 2]


def test_a_handler_that_is_slow_holds_nobody_up(shop: Shop) -> None:
    gate = asyncio.Event()
    seen: list[int] = []

    @shop.kv.on_change("n")
    async def handle(n: int) -> None:
        await gate.wait()
        seen.append(n)

    @shop.app.register
    async def open_gate() -> None:
        gate.set()

    with shop.app.test_client() as client:
        for number in range(4000):
            client.kv.set("n", number)
        client.call("com.shop.open_gate")
        client.clock.advance(0)
        while not seen or seen[-1] != 3999:
            client.clock.advance(0)
    assert seen == sorted(set(seen))
    assert len(seen) < 4000


@pytest.mark.parametrize("pattern", ["", ".a", "a b", "<id", 7])
def test_patterns_that_are_not_valid(shop: Shop, pattern: Any) -> None:
    with pytest.raises(InvalidUri):

        @shop.kv.on_change(pattern)
        def handle(value: Any) -> None: ...


def test_handlers_that_do_not_fit(shop: Shop) -> None:
    with pytest.raises(InvalidHandler, match="id"):

        @shop.kv.on_change("user.<id>")
        def handle(value: Any) -> None: ...
