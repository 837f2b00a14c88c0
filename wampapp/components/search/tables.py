"""The tables of indexes, and what is done in them. Each function is the work of a transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.components.search.declaring import Declaration
from wampapp.components.search.highlights import without_marks
from wampapp.components.search.query import words_of
from wampapp.components.search.typos import TWO, can_be_meant, deletions
from wampapp.components.store.migrations import Schema

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wampapp.components.search.declaring import Field
    from wampapp.components.search.records import Id
    from wampapp.components.store import Transaction

#: Each index has a generation of tables, and another one while it is rebuilt.
SCHEMA: Final = Schema(
    "search",
    (
        """
        create table search_generation(number $int primary key, declaration $blob not null);
        create table search_index(
            name $text primary key, generation $int not null, is_filled $int not null);
        """,
    ),
)

#: How words are told apart, by language. Small and large letters are the same.
_TOKENIZERS: Final = {
    None: "unicode61 remove_diacritics 2",
    "english": "porter unicode61 remove_diacritics 2",
    "cjk": "trigram",
}
#: How many KiB of pages the connection that writes remembers, and after how many changed pages they
#: are brought from the log into the file.
_CACHE: Final = 32 * 1024
_LOG: Final = 8000
#: How many bits of a pair are the number of a word.
WORD_BITS: Final = 31
#: How many ids are looked up at once.
_IDS: Final = 500
#: From how many letters on a word may be meant by one with two edits.
_TWO_MEANT: Final = TWO - 2

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_declaration = msgspec.msgpack.Decoder(Declaration).decode


class Stored(NamedTuple):
    """An index as it is stored.

    Attributes:
        generation: its tables.
        is_filled: whether it has what its source has.
    """

    generation: Generation
    is_filled: bool


class Changed(NamedTuple):
    """What a change has done.

    Attributes:
        number: how many documents are other than before, or gone.
        words: the words that the index knows by now.
    """

    number: int
    words: Collection[str] = ()


class Generation:
    """The tables of an index.

    Args:
        number: what they are told apart by.
        declaration: what they are made by.

    Attributes:
        number: the same.
        declaration: the same.
        columns: the columns of what is filtered and sorted by.
        texts: the columns of what is searched.
        doc: the table of the documents.
        fts: that of their words.
        word: that of the words that may be meant by others.
        near: that of their deletions: a deletion and a word's number in one.
        gram: that of their trigrams.
    """

    def __init__(self, number: int, declaration: Declaration) -> None:
        self.number = number
        self.declaration = declaration
        self.fields = declaration.of_role("facet", "sort")
        self.columns = [f"c_{field.name}" for field in self.fields]
        self.text_names = [field.name for field in declaration.of_role("text")]
        self.texts = [f"t_{name}" for name in self.text_names]
        self.doc, self.fts = f"search_doc_{number}", f"search_fts_{number}"
        self.word, self.near = f"search_word_{number}", f"search_near_{number}"
        self.gram = f"search_gram_{number}"
        #: Whether words are told apart, so that they can be compared.
        self.has_words = declaration.language != "cjk"
        #: Columns of what is short come first, so that they are read without the long ones.
        self._columns = ["id", *self.columns, *self.texts, "rest"]
        marks = ", ".join("?" * (len(self._columns) + 1))
        self._insert = f"insert or replace into {self.doc} values ({marks})"
        texts = ", ".join(self.texts)
        marks = ", ".join("?" * (len(self.texts) + 1))
        self._index = f"insert into {self.fts}(rowid, {texts}) values ({marks})"
        self._forget = (
            f"insert into {self.fts}({self.fts}, rowid, {texts}) values ('delete', {marks})"
        )
        #: Names of fields that are kept as columns, and not in ``rest``.
        self._kept = frozenset(self.text_names) | {"id"}

    # Making.

    def add(self, t: Transaction) -> None:
        """Make the tables, and take note that they are there."""
        t.execute(
            "insert into search_generation values (?, ?)",
            (self.number, msgspec.msgpack.encode(self.declaration)),
        )
        self.create(t)

    def create(self, t: Transaction) -> None:
        """Make the tables."""
        columns = ", ".join([*self.columns, *self.texts])
        t.execute(
            f"create table {self.doc}(number integer primary key, id not null unique,"
            f" {columns}, rest blob not null)"
        )
        for field, column in zip(self.fields, self.columns, strict=True):
            if field.role == "sort":
                t.execute(f"create index search_by_{self.number}_{column} on {self.doc}({column})")
        t.execute(
            f"create virtual table {self.fts} using fts5({', '.join(self.texts)},"
            f" content='{self.doc}', content_rowid='number',"
            f" tokenize='{_TOKENIZERS[self.declaration.language]}')"
        )
        weights = ", ".join(str(field.weight) for field in self.declaration.of_role("text"))
        t.execute(f"insert into {self.fts}({self.fts}, rank) values ('rank', 'bm25({weights})')")
        if self.has_words:
            t.execute(
                f"create table {self.word}(number integer primary key, word text not null unique)"
            )
            t.execute(f"create table {self.near}(pair integer primary key)")
            t.execute(
                f"create virtual table {self.gram} using"
                " fts5(word, tokenize='trigram', detail=none, content='')"
            )

    def drop(self, t: Transaction) -> None:
        """Remove them."""
        for table in (self.fts, self.doc, self.word, self.near, self.gram):
            t.execute(f"drop table if exists {table}")
        t.execute("delete from search_generation where number = ?", (self.number,))

    # Changing.

    def put(self, t: Transaction, documents: Sequence[dict[str, Any]], known: set[str]) -> Changed:
        """Put documents; one of the same id is replaced, one that is the same stays.

        Args:
            t: the transaction.
            documents: the documents, as plain values.
            known: words that the index is known to have.
        """
        by_id = {document["id"]: document for document in documents}
        rows = {key: self._row(document) for key, document in by_id.items()}
        was = self._former(t, list(rows))
        ((newest,),) = t.execute(f"select coalesce(max(number), 0) from {self.doc}")
        inserted, forgotten = [], []
        first = 1 + len(self.columns)
        last = first + len(self.texts)
        for key, row in rows.items():
            former = was.get(key)
            if former is None:
                newest += 1
                number = newest
            elif former[1:] == row:
                continue
            else:
                number = former[0]
                forgotten.append((number, *former[1 + first : 1 + last]))
            inserted.append((number, *row))
        if forgotten:
            t.execute_many(self._forget, forgotten)
        if inserted:
            t.execute_many(self._insert, inserted)
            texts = [(row[0], *row[1 + first : 1 + last]) for row in inserted]
            t.execute_many(self._index, texts)
            if self.has_words:
                said = "\n".join([text for _, *all_of in texts for text in all_of if text])
                return Changed(len(inserted), self._learn(t, said, known))
        return Changed(len(inserted))

    def delete(self, t: Transaction, ids: Sequence[Id]) -> int:
        """Remove documents, and return how many there were."""
        first = 1 + len(self.columns)
        last = first + len(self.texts)
        was = self._former(t, ids).values()
        t.execute_many(self._forget, [(row[0], *row[1 + first : 1 + last]) for row in was])
        t.execute_many(f"delete from {self.doc} where number = ?", [(row[0],) for row in was])
        return len(was)

    def _former(self, t: Transaction, ids: Sequence[Id]) -> dict[Id, tuple[Any, ...]]:
        found: dict[Id, tuple[Any, ...]] = {}
        for start in range(0, len(ids), _IDS):
            some = ids[start : start + _IDS]
            if len(some) == 1:
                rows = t.execute(f"select * from {self.doc} where id = ?", some)
            else:
                rows = t.execute(
                    f"select * from {self.doc} where id in (select value from json_each(?))",
                    (msgspec.json.encode(some).decode(),),
                )
            found.update((row[1], row) for row in rows)
        return found

    def _row(self, document: dict[str, Any]) -> tuple[Any, ...]:
        columns = [column_value(document.get(field.name), field) for field in self.fields]
        texts = []
        for name in self.text_names:
            text = document.get(name)
            texts.append(without_marks(text) if isinstance(text, str) else None)
        rest = {name: value for name, value in document.items() if name not in self._kept}
        return (document["id"], *columns, *texts, _encode(rest))

    def _learn(self, t: Transaction, text: str, known: set[str]) -> Collection[str]:
        """Take note of words that may be meant by others."""
        # Most words are there many times, and in most cases white space is what is between them.
        unique = words_of(" ".join(set(text.split())))
        new = [word for word in set(unique) - known if can_be_meant(word)]
        had: set[str] = set()
        for start in range(0, len(new), _IDS):
            rows = t.execute(
                f"select word from {self.word} where word in (select value from json_each(?))",
                (msgspec.json.encode(new[start : start + _IDS]).decode(),),
            )
            had.update(word for (word,) in rows)
        fresh = sorted(set(new) - had)
        if fresh:
            ((newest,),) = t.execute(f"select coalesce(max(number), 0) from {self.word}")
            numbered = list(enumerate(fresh, start=newest + 1))
            t.execute_many(f"insert into {self.word} values (?, ?)", numbered)
            # In their order, each is put beside the last one.
            pairs = sorted(
                deletion << WORD_BITS | number
                for number, word in numbered
                for deletion in deletions(word)
            )
            t.execute_many(f"insert into {self.near} values (?)", zip(pairs, strict=True))
            long = [one for one in numbered if len(one[1]) >= _TWO_MEANT]
            t.execute_many(f"insert into {self.gram}(rowid, word) values (?, ?)", long)
        return new

    # Reading.

    def document(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return a document of its id, its ``rest`` and its texts."""
        key, rest, *texts = row
        return {"id": key, **_decode(rest), **dict(zip(self.text_names, texts, strict=True))}

    def documents(self, t: Transaction, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return documents in the order of their numbers.

        Args:
            t: the transaction.
            after: the number that they come after.
            limit: how many at most.
        """
        rows = t.execute(
            f"select number, id, rest, {', '.join(self.texts)} from {self.doc}"
            " where number > ? order by number limit ?",
            (after, limit),
        )
        return [(number, self.document(row)) for number, *row in rows]

    def count(self, t: Transaction) -> int:
        """Return how many documents there are."""
        found: int = t.execute(f"select count(*) from {self.doc}")[0][0]
        return found

    def totals(self, t: Transaction) -> dict[str, int]:
        """Return how many documents and words there are."""
        words = t.execute(f"select count(*) from {self.word}")[0][0] if self.has_words else 0
        return {"documents": self.count(t), "words": words}

    def check(self, t: Transaction) -> None:
        """Compare what is found with the documents.

        Raises:
            sqlite3.DatabaseError: they differ.
        """
        t.execute(f"insert into {self.fts}({self.fts}, rank) values ('integrity-check', 1)")


def prepare(t: Transaction) -> None:
    """Have the connection that writes fit an index: many pages change with a few documents."""
    t.execute(f"pragma cache_size={-_CACHE}")
    t.execute(f"pragma wal_autocheckpoint={_LOG}")


def indexes(t: Transaction) -> dict[str, Stored]:
    """Return the indexes that there are; tables that none of them has are dropped."""
    found = {}
    generations = {
        number: Generation(number, _decode_declaration(declaration))
        for number, declaration in t.execute("select number, declaration from search_generation")
    }
    for name, number, is_filled in t.execute(
        "select name, generation, is_filled from search_index"
    ):
        found[name] = Stored(generations.pop(number), bool(is_filled))
    for generation in generations.values():
        generation.drop(t)
    return found


def add_index(t: Transaction, name: str, declaration: Declaration, *, is_filled: bool) -> Stored:
    """Make an index that has nothing yet."""
    ((newest,),) = t.execute("select coalesce(max(number), 0) from search_generation")
    generation = Generation(newest + 1, declaration)
    generation.add(t)
    t.execute("insert into search_index values (?, ?, ?)", (name, generation.number, is_filled))
    return Stored(generation, is_filled)


def swap(t: Transaction, name: str, generation: Generation) -> None:
    """Have an index use tables that have been built."""
    t.execute(
        "update search_index set generation = ?, is_filled = 1 where name = ?",
        (generation.number, name),
    )


def column_value(value: Any, field: Field) -> Any:
    """Return a plain value as its column has it; None for one that does not fit."""
    if field.many:
        if not isinstance(value, list | tuple):
            return None
        found = [one for each in value if (one := _scalar(each, field.kind)) is not None]
        return msgspec.json.encode(found).decode()
    return _scalar(value, field.kind)


def _scalar(value: Any, kind: str) -> Any:
    try:
        if kind == "text":
            return value if isinstance(value, str) else None
        if kind == "flag":
            return int(value) if isinstance(value, bool) else None
        if kind == "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and isinstance(value, int) and not -(2**63) <= value < 2**63:
                return float(value)
            return value if is_number else None
        if kind == "day":
            return msgspec.convert(value, date).isoformat()
        found = msgspec.convert(value, datetime)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (msgspec.ValidationError, OverflowError, TypeError, ValueError):
        return None
