"""What is done in the tables of the store, on each database that may keep them."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from tests.support.stores import Place
from wampapp import Conflict, InvalidArgument
from wampapp.components.kv import tables
from wampapp.components.kv.records import Entry
from wampapp.components.kv.tables import Done, encode
from wampapp.components.store import Store

T = TypeVar("T")
NOW = 1000.0


class Tables:
    """The tables in an open store, for plain tests: each call is a transaction."""

    def __init__(self, store: Store, run: Callable[..., Any]) -> None:
        self._store = store
        self._run = run
        self._revision = 0
        self.do(tables.begin)

    @property
    def next(self) -> int:
        """The next revision."""
        self._revision += 1
        return self._revision

    def do(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async def ask() -> T:
            return await self._store.do(lambda do: function(do, *args, **kwargs))

        found: T = self._run(ask())
        return found

    def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        found: T = self._run(self._store.read(lambda read: function(read, *args, **kwargs)))
        return found

    def put(self, key: str, value: Any, now: float = NOW, **options: Any) -> int:
        done = self.do(tables.put, key, encode(value), now, self.next, **options)
        assert isinstance(done, Done)
        return done.revision

    def keys(self, prefix: str = "", now: float = NOW) -> list[str]:
        rows, more = self.read(tables.scan, prefix, None, 100, now)
        assert not more
        return [row.key for row in rows]

    def changes(self, since: int, prefix: str = "") -> list[tuple[str, str]]:
        rows, _, more = self.read(tables.changes, prefix, since, 0, 100)
        assert not more
        assert [row.revision for row in rows] == sorted({row.revision for row in rows})
        return [(row.kind, row.key) for row in rows]


@pytest.fixture
def kept(any_place: Place) -> Iterator[Tables]:
    with asyncio.Runner() as runner:
        store = any_place.make(tables.SCHEMA)
        runner.run(store.open())
        try:
            yield Tables(store, runner.run)
        finally:
            runner.run(store.close())


def test_a_key_is_set_changed_and_removed(kept: Tables) -> None:
    assert kept.put("a", {"x": [1, None, b"\0\xff"]}) == 1
    found = kept.read(tables.get, "a", NOW)
    assert found is not None
    assert found == Entry(key="a", value={"x": [1, None, b"\0\xff"]}, revision=1)
    assert kept.do(tables.put, "a", encode(""), NOW, kept.next) == Done(2, 1, 1)
    assert kept.do(tables.remove, "a", NOW, kept.next) == Done(3, -1, -1)
    assert kept.read(tables.get, "a", NOW) is None
    assert kept.do(tables.remove, "a", NOW, kept.next) is None
    assert kept.put("a", 1) == 5
    assert kept.read(tables.totals) == (1, 1, 1, 5)


def test_a_revision_that_is_expected(kept: Tables) -> None:
    assert kept.put("a", "old", expect=0) == 1
    refused = kept.do(tables.put, "a", encode(1), NOW, kept.next, expect=0)
    assert isinstance(refused, Conflict)
    assert refused.current == {
        "key": "a",
        "value": "old",
        "revision": 1,
        "expires": None,
        "held": False,
    }
    assert kept.put("a", "new", expect=1) == 3
    refused = kept.do(tables.remove, "a", NOW, kept.next, expect=1)
    assert isinstance(refused, Conflict)
    refused = kept.do(tables.put, "b", encode(1), NOW, kept.next, expect=7)
    assert isinstance(refused, Conflict)
    assert refused.current is None
    assert isinstance(kept.do(tables.remove, "b", NOW, kept.next, expect=7), Conflict)
    assert kept.do(tables.remove, "a", NOW, kept.next, expect=3) == Done(7, -1, -len(encode("new")))


def test_a_key_whose_time_has_come_is_not_there(kept: Tables) -> None:
    kept.put("a", 1, expires=NOW + 10)
    assert kept.read(tables.get, "a", NOW + 9.99) is not None
    assert kept.read(tables.get, "a", NOW + 10) is None
    assert kept.keys(now=NOW + 10) == []
    assert kept.do(tables.touch, "a", None, NOW + 10) is False
    assert kept.do(tables.remove, "a", NOW + 10, kept.next) is None
    assert kept.put("a", 2, now=NOW + 10, expect=0) == 3
    kept.put("a", 2, now=NOW, expires=NOW + 5)
    assert kept.do(tables.add, "a", 1, NOW + 5, kept.next) == Done(5, 1, 1, 1)


def test_what_expires(kept: Tables) -> None:
    for number in range(3):
        kept.put(f"k{number}", number, expires=NOW + number)
    kept.put("stays", 1)
    assert kept.read(tables.next_expiry) == NOW
    kept.put("k3", 1, expires=NOW)
    assert kept.read(tables.due, NOW + 1) == ["k0", "k3", "k1"]
    kept.put("k3", 1)  # it was set again before they are removed
    found = kept.do(tables.expire, ["k0", "k3", "k1", "none"], NOW + 1, 7)
    assert [(key, done.revision) for key, done in found] == [("k0", 7), ("k1", 9)]
    assert kept.read(tables.next_expiry) == NOW + 2
    assert kept.changes(6) == [("expired", "k0"), ("expired", "k1")]
    assert kept.do(tables.touch, "k2", None, NOW) is True
    assert kept.read(tables.next_expiry) is None
    assert kept.read(tables.due, NOW + 99) == []


def test_a_time_to_live_that_is_kept(kept: Tables) -> None:
    kept.put("a", 1, expires=NOW + 10)
    kept.put("a", 2, expires=NOW + 99, keeps_ttl=True)
    assert kept.read(tables.next_expiry) == NOW + 10
    kept.put("a", 3)
    assert kept.read(tables.next_expiry) is None


def test_numbers(kept: Tables) -> None:
    assert kept.do(tables.add, "n", 2, NOW, kept.next, expires=NOW + 10) == Done(1, 1, 1, 2)
    assert kept.do(tables.add, "n", -0.5, NOW, kept.next, expires=NOW + 99) == Done(2, 1, 9, 1.5)
    assert kept.read(tables.next_expiry) == NOW + 10  # a time to live is for a new number
    kept.put("large", 2**63)
    assert kept.do(tables.add, "large", 1, NOW, kept.next) == Done(4, 1, 9, 2**63 + 1)
    for key, value in [("text", "1"), ("truth", True), ("nothing", None)]:
        kept.put(key, value)
        refused = kept.do(tables.add, key, 1, NOW, kept.next)
        assert isinstance(refused, InvalidArgument)
        assert f"the value of '{key}' is not a number" in str(refused)
    assert "not a finite number" in str(kept.do(tables.add, "n", float("inf"), NOW, kept.next))
    kept.put("large", 2**64 - 1)
    refused = kept.do(tables.add, "large", 1, NOW, kept.next)
    assert "more than 64 bits" in str(refused)


def test_entries_in_the_order_of_their_keys(kept: Tables) -> None:
    keys = ["B", "a", "a.", "a.b", "a.ä", "a/", "b", "ß", "🎈"]
    for key in reversed(keys):
        kept.put(key, key)
    assert kept.keys() == keys  # by code points, on every database
    assert kept.keys("a.") == ["a.", "a.b", "a.ä"]
    assert kept.keys("🎈") == ["🎈"]
    rows, more = kept.read(tables.scan, "a", "a.", 2, NOW)
    assert ([row.key for row in rows], more) == (["a.b", "a.ä"], True)
    rows, more = kept.read(tables.scan, "a", "a.ä", 2, NOW)
    assert ([row.key for row in rows], more) == (["a/"], False)


def test_pages_are_bounded_by_their_bytes(kept: Tables) -> None:
    large = "x" * 600_000
    for number in range(3):
        kept.put(f"k{number}", large)
    rows, more = kept.read(tables.scan, "", None, 100, NOW)
    assert ([row.key for row in rows], more) == (["k0"], True)
    changed, revision, more = kept.read(tables.changes, "", 0, 0, 100)
    assert ([row.key for row in changed], revision, more) == (["k0"], 1, True)
    kept.put("k9", "x" * 2_000_000)
    rows, more = kept.read(tables.scan, "k9", None, 100, NOW)
    assert (len(rows), more) == (1, False)  # one is always given


def test_what_has_changed_since(kept: Tables) -> None:
    kept.put("a.1", 1)
    kept.put("b", 1)
    kept.put("a.2", 1)
    kept.put("a.1", 2)
    kept.do(tables.remove, "b", NOW, kept.next)
    assert kept.changes(0) == [("set", "a.2"), ("set", "a.1"), ("deleted", "b")]
    assert kept.changes(3) == [("set", "a.1"), ("deleted", "b")]
    assert kept.changes(0, "a.") == [("set", "a.2"), ("set", "a.1")]
    assert kept.read(tables.changes, "a.", 4, 5, 100) == ([], 5, False)
    assert kept.read(tables.changes, "", 0, 5, 2)[1:] == (4, True)
    kept.put("b", 2)
    # What had happened before is not forgotten at once.
    assert kept.changes(0) == [("set", "a.2"), ("set", "a.1"), ("deleted", "b"), ("set", "b")]


def test_deletions_are_forgotten(kept: Tables) -> None:
    for number in range(5):
        kept.put(f"k{number}", 1)
        kept.do(tables.remove, f"k{number}", NOW, kept.next)
    assert kept.do(tables.forget, 5) == 0
    assert kept.do(tables.forget, 2) == 3
    assert kept.read(tables.state).horizon == 6
    assert kept.read(tables.totals).revision == 10
    assert kept.changes(6) == [("deleted", "k3"), ("deleted", "k4")]


def test_keys_that_are_held(kept: Tables) -> None:
    kept.put("a", 1, holder="h")
    assert kept.read(tables.held) == [("a", "h")]
    entry = kept.read(tables.get, "a", NOW)
    assert entry is not None
    assert entry.held is True
    assert kept.do(tables.claim, "a", "h", NOW) == 1
    assert kept.do(tables.claim, "a", "other", NOW) is None
    assert kept.do(tables.remove, "a", NOW, kept.next, holder="other") is None
    assert kept.do(tables.add, "a", 1, NOW, kept.next) == Done(3, 1, 1, 2)
    assert kept.read(tables.held) == []
    kept.put("a", 3)
    assert kept.do(tables.remove, "a", NOW, kept.next, holder="h") is None
    assert kept.do(tables.remove, "a", NOW, kept.next) is not None


def test_a_store_keeps_its_name(lasting: Place) -> None:
    async def begin(store: Store) -> Any:
        return await store.do(tables.begin), (await store.read(tables.state)).name

    totals, name = lasting.run(begin, tables.SCHEMA)
    assert (totals, len(name)) == ((0, 0, 0, 0), 16)
    assert lasting.run(begin, tables.SCHEMA) == (totals, name)
