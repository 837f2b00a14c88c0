"""What is done in the tables of settings, on each database that may keep them."""

from typing import Any

import pytest

from tests.support.stores import Place
from wampapp.components.settings import tables
from wampapp.components.settings.records import Version
from wampapp.components.store import Store


def version(number: int, **changes: Any) -> Version:
    return Version(version=number, at=1000.5 + number, by="ann", why="ß", changes=changes)


def test_changes_are_kept(any_place: Place) -> None:
    first = version(1, banner={"after": "ß 🎈"}, speed={"after": 3})
    second = version(2, banner={"before": "ß 🎈"}, speed={"before": 3, "after": None})

    async def use(store: Store) -> None:
        begun = await store.do(tables.begin)
        assert (begun.version, begun.values, len(begun.store)) == (0, {}, 16)
        for one in (first, second):
            await store.do(lambda t, one=one: tables.change(t, one))  # type: ignore[misc]
        again = await store.do(tables.begin)
        assert (again.store, again.version, again.values) == (begun.store, 2, {"speed": None})
        assert await store.read(lambda t: tables.history(t, None, 5)) == [second, first]
        assert await store.read(lambda t: tables.history(t, 2, 5)) == [first]
        assert await store.read(lambda t: tables.history(t, None, 1)) == [second]
        assert await store.read(lambda t: tables.since(t, 1)) == [second]

    any_place.run(use, tables.SCHEMA)


def test_the_oldest_are_forgotten(any_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_HISTORY", 3)

    async def use(store: Store) -> None:
        await store.do(tables.begin)
        for number in range(1, 6):
            one = version(number, speed={"after": number})
            await store.do(lambda t, one=one: tables.change(t, one))  # type: ignore[misc]
        found = await store.read(lambda t: tables.history(t, None, 9))
        assert [one.version for one in found] == [5, 4, 3]

    any_place.run(use, tables.SCHEMA)
