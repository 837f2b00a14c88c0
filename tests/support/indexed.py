"""An index in memory, without WAMP."""

from collections.abc import Iterable
from typing import Any

from wampapp.components.search import tables
from wampapp.components.search.declaring import Declared
from wampapp.components.search.finding import Ask, check, find
from wampapp.components.search.records import Found, Id
from wampapp.components.store.sqlite import SqliteConnection


class Indexed:
    """An index of a class, and what is asked of it."""

    def __init__(self, kind: type[Any], *, language: str | None = None, file: str = "") -> None:
        self.declared = Declared("things", kind, language=language)
        self.connection = SqliteConnection(file or ":memory:")
        self.connection.migrate(tables.SCHEMA, "the memory")
        tables.prepare(self.connection)
        stored = tables.add_index(
            self.connection, "things", self.declared.declaration, is_filled=True
        )
        self.generation = stored.generation
        self.known: set[str] = set()

    def put(self, documents: Iterable[dict[str, Any]]) -> int:
        self.connection.begin(durable=False)
        changed = self.generation.put(self.connection, list(documents), self.known)
        self.connection.commit()
        self.known.update(changed.words)
        return changed.number

    def delete(self, *ids: Id) -> int:
        return self.generation.delete(self.connection, ids)

    def find(self, text: str = "", **options: Any) -> Found[Any]:
        ask = Ask(text=text, **options)
        check(self.generation, ask)
        return find(self.connection, self.generation, ask)

    def ids(self, text: str = "", **options: Any) -> list[Id]:
        return [hit.id for hit in self.find(text, **options).hits]

    def check(self) -> None:
        self.generation.check(self.connection)

    def close(self) -> None:
        self.connection.close()
