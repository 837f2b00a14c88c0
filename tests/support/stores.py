"""The kinds of stores, each with a place of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.postgres import Postgres
from wampapp.components.store import Store, Transaction, make_store
from wampapp.components.store.migrations import Schema

#: A table to write to.
NOTES: Final = Schema("notes", ("create table note(id $id, text text not null, size $int);",))

KINDS: Final = ("memory", "file", "postgres")
#: Those that outlive the process.
LASTING: Final = ("file", "postgres")


class Place:
    """Where a store of a kind is: each one made here is of the same data, if it lasts."""

    def __init__(self, kind: str, folder: Path, server: Callable[[], Postgres]) -> None:
        self.kind = kind
        if kind == "postgres":
            self.server = server()
            self.schema = self.server.new_schema()
            self.url = self.server.url(self.schema)
        else:
            self.url = ":memory:" if kind == "memory" else str(folder / "data" / "notes.sqlite")

    def make(self, schema: Schema = NOTES) -> Store:
        return make_store(self.url, schema)

    def run(self, use: Callable[[Store], Awaitable[Any]], schema: Schema = NOTES) -> Any:
        """Open a store, use it in an event loop, and close it."""

        async def main() -> Any:
            store = self.make(schema)
            await store.open()
            try:
                return await use(store)
            finally:
                await store.close()

        return asyncio.run(main())


def place(request: pytest.FixtureRequest, folder: Path) -> Place:
    """The place of the kind that a fixture's parameter says."""
    return Place(request.param, folder, lambda: request.getfixturevalue("postgres"))


def note(text: str, size: int | None = None) -> Callable[[Transaction], int]:
    """A work that writes a note, and returns its number."""

    def work(do: Transaction) -> int:
        sql = "insert into note(text, size) values (?, ?) returning id"
        ((number,),) = do.execute(sql, (text, size))
        return int(number)

    return work


def notes(read: Transaction) -> list[str]:
    """Return all notes; a work."""
    return [text for (text,) in read.execute("select text from note order by id")]
