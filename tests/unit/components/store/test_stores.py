"""What holds for every store: a file, PostgreSQL, and the memory."""

import asyncio
import logging
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import NOTES, Place, note, notes
from wampapp.components.store import Store, Transaction
from wampapp.components.store.migrations import Schema
from wampapp.errors import StorageFailed, StoreError, UsageError


def fail(do: Transaction) -> None:
    note("half a work")(do)
    raise ValueError("no")


def test_what_was_done_can_be_read(any_place: Place) -> None:
    async def use(store: Store) -> None:
        first = await store.do(note("one"))
        second = await store.do(note("two"), durable=False)
        assert second > first
        assert await store.read(notes) == ["one", "two"]
        assert await store.read(notes, is_long=True) == ["one", "two"]

    any_place.run(use)


def test_what_was_done_outlives_the_store(lasting: Place) -> None:
    lasting.run(lambda store: store.do(note("one")))
    lasting.run(lambda store: store.do(note("two")))
    assert lasting.run(lambda store: store.read(notes)) == ["one", "two"]


def test_values_come_back_as_they_were(any_place: Place) -> None:
    schema = Schema("kinds", ("create table kind(a text, b $int, c $blob, d $real, e text);",))
    rows = [
        ("grün ? % %s $1", 2**62, b"\0\xff", 0.1, None),
        ("", -1, b"", 1e300, "where '?'"),
    ]

    async def use(store: Store) -> Any:
        await store.do(lambda do: do.execute_many("insert into kind values (?, ?, ?, ?, ?)", rows))
        await store.do(lambda do: do.execute_many("insert into kind values (?, ?, ?, ?, ?)", []))
        found = await store.read(lambda read: read.execute("select * from kind order by b desc"))
        assert await store.read(
            lambda read: read.execute("select b from kind where e = 'where ''?''' and a = ?", ("",))
        ) == [(-1,)]
        assert await store.read(lambda read: read.execute("select '100 %', '?'")) == [
            ("100 %", "?")
        ]
        return found

    found = any_place.run(use, schema)
    assert found == rows
    assert [type(value) for value in found[0]] == [str, int, bytes, float, type(None)]


def test_a_nul_in_a_text_keeps_nothing_from_being_stored(any_place: Place) -> None:
    async def use(store: Store) -> list[str]:
        await store.do(note("a\0b"))
        return await store.read(notes)

    expected = "a␀b" if any_place.kind == "postgres" else "a\0b"
    assert any_place.run(use) == [expected]


def test_a_work_that_fails_is_undone_and_takes_no_other_with_it(any_place: Place) -> None:
    async def use(store: Store) -> list[Any]:
        works = [note("one"), fail, note("two"), fail, note("three")]
        asked = [asyncio.ensure_future(store.do(work)) for work in works]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert await store.read(notes) == ["one", "two", "three"]
        return outcomes

    outcomes = any_place.run(use)
    assert [type(one) for one in outcomes] == [int, ValueError, int, ValueError, int]
    assert str(outcomes[1]) == "no"


def test_what_waits_is_done_in_one_transaction(lasting: Place) -> None:
    """Seen from outside: of what is written while a work holds up the writer, all or nothing."""
    going, go = threading.Event(), threading.Event()
    seen: list[list[str]] = []

    def hold(do: Transaction) -> None:
        going.set()
        assert go.wait(30)

    async def use(store: Store) -> None:
        held = asyncio.ensure_future(store.do(hold))
        assert await asyncio.to_thread(going.wait, 30)
        some = [asyncio.ensure_future(store.do(note(f"{n}"))) for n in range(20)]
        await asyncio.sleep(0)  # each has asked
        second = threading.Event()

        def look(do: Transaction) -> None:
            seen.append(notes(do))
            second.set()

        looked = asyncio.ensure_future(store.do(look))
        await asyncio.sleep(0)
        go.set()
        await looked
        # All twenty are answered by the one turn that answers the work behind them.
        assert all(one.done() for one in some)
        await held

    lasting.run(use)
    assert seen == [[str(n) for n in range(20)]]


def test_an_error_of_the_database_is_told_in_the_log_and_not_to_who_asked(
    lasting: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wampapp.store")

    async def use(store: Store) -> None:
        with pytest.raises(StorageFailed, match="nothing was changed") as told:
            await store.do(lambda do: do.execute("select * from nowhere"))
        assert "nowhere" not in str(told.value)
        with pytest.raises(StorageFailed):
            await store.do(lambda do: do.execute("select * from elsewhere"))
        await store.do(note("one"))
        assert await store.read(notes) == ["one"]

    lasting.run(use)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2, lines
    assert "cannot be written to: " in lines[0] and "nowhere" in lines[0]
    assert lines[1].endswith("can be written to again.")


def test_a_read_changes_nothing(lasting: Place) -> None:
    async def use(store: Store) -> None:
        with pytest.raises(StorageFailed, match="could not be read"):
            await store.read(note("one"))
        assert await store.read(notes) == []

    lasting.run(use)


def test_what_a_read_raises_comes_out(any_place: Place) -> None:
    async def use(store: Store) -> None:
        for is_long in (False, True):
            with pytest.raises(ZeroDivisionError):
                await store.read(lambda read: 1 // 0, is_long=is_long)
        assert await store.read(notes) == []

    any_place.run(use)


def test_a_store_in_a_thread_leaves_the_loop_alone(lasting: Place) -> None:
    threads = []

    async def use(store: Store) -> None:
        await store.do(lambda do: threads.append(threading.current_thread()))
        await store.read(lambda do: threads.append(threading.current_thread()), is_long=True)
        if lasting.kind == "postgres":
            await store.read(lambda do: threads.append(threading.current_thread()))

    lasting.run(use)
    assert threading.main_thread() not in threads


def test_closing_does_what_was_asked_before(any_place: Place) -> None:
    async def use(store: Store) -> Store:
        asked = [asyncio.ensure_future(store.do(note(f"{n}"))) for n in range(5)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*asked)
        with pytest.raises(StorageFailed, match="not open"):
            await store.do(note("late"))
        with pytest.raises(StorageFailed, match="not open"):
            await store.read(notes)
        return store

    any_place.run(use)
    if any_place.kind != "memory":
        assert len(any_place.run(lambda store: store.read(notes))) == 5


def test_a_store_that_was_never_opened_can_be_closed(any_place: Place) -> None:
    async def main() -> None:
        store = any_place.make()
        with pytest.raises(StorageFailed):
            await store.do(note("one"))
        await store.close()
        await store.close()

    asyncio.run(main())


# The versions of the tables.

TWO = Schema(
    "notes", (*NOTES.versions, "alter table note add column author text; create table x(y $int);")
)
WRONG = Schema("notes", (*NOTES.versions, "create table x(y $int); create table x(y $int);"))


def test_tables_are_brought_to_the_present_version(lasting: Place) -> None:
    lasting.run(lambda store: store.do(note("one")))

    async def use(store: Store) -> Any:
        await store.do(lambda do: do.execute("update note set author = ?", ("Ada",)))
        return await store.read(lambda read: read.execute("select text, author from note"))

    assert lasting.run(use, TWO) == [("one", "Ada")]
    assert lasting.run(use, TWO) == [("one", "Ada")]


def test_a_version_that_fails_leaves_everything_as_it_was(lasting: Place) -> None:
    lasting.run(lambda store: store.do(note("one")))
    with pytest.raises(StoreError, match=r"cannot be opened: .*x.* already exists\.$"):
        lasting.run(lambda store: store.read(notes), WRONG)

    async def use(store: Store) -> list[str]:
        with pytest.raises(StorageFailed):
            await store.read(lambda read: read.execute("select * from x"))
        return await store.read(notes)

    assert lasting.run(use) == ["one"]


def test_what_a_newer_version_has_written_is_refused(lasting: Place) -> None:
    lasting.run(lambda store: store.do(note("one")), TWO)
    with pytest.raises(StoreError) as refused:
        lasting.run(lambda store: store.read(notes))
    assert "was written by a newer wampapp (version 2 of its tables; this one knows 1)" in str(
        refused.value
    )
    assert lasting.run(lambda store: store.read(notes), TWO) == ["one"]  # and is free again


# Copies.


def test_a_copy_is_a_store_of_its_own(tmp_path: Path) -> None:
    place = Place("file", tmp_path, pytest.fail)
    copy = tmp_path / "copy.sqlite"

    async def use(store: Store) -> None:
        await store.do(note("one"))
        await store.back_up(copy)
        await store.do(note("two"))
        with pytest.raises(UsageError, match="exists already"):
            await store.back_up(copy)
        with pytest.raises(StorageFailed, match="could not be written"):
            await store.back_up(tmp_path / "nowhere" / "copy.sqlite")

    place.run(use)
    connection = sqlite3.connect(copy)
    assert connection.execute("select text from note").fetchall() == [("one",)]
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("any_place", ["memory", "postgres"], indirect=True)
def test_what_is_no_file_says_how_it_is_copied(any_place: Place, tmp_path: Path) -> None:
    expected = "pg_dump" if any_place.kind == "postgres" else "only in memory"
    with pytest.raises(UsageError, match=expected):
        any_place.run(lambda store: store.back_up(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()
