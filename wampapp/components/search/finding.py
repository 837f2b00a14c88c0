"""How a query is answered: what is found, in which order, and what if that is too little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.components.search import filters
from wampapp.components.search.highlights import BEGIN, END, marked
from wampapp.components.search.matching import term, within
from wampapp.components.search.meaning import Meaning
from wampapp.components.search.query import Part, Query, parse
from wampapp.components.search.records import (
    MAX_ANSWER,
    MAX_FACET_VALUES,
    Found,
    Hit,
)
from wampapp.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.components.search.meaning import Meant
    from wampapp.components.search.records import Id
    from wampapp.components.search.tables import Generation
    from wampapp.components.store import Transaction

#: A query that finds fewer documents than that also finds words that are nearly those of it.
FEW: Final = 10
#: How many documents are first for what was less likely meant.
_SHARE: Final = 2
#: How many documents are ranked with each other.
_RANKED: Final = 1500
#: How many words are shown of a text, and how many letters where words are not told apart.
_SHOWN: Final = 24
_SHOWN_GRAMS: Final = 60
#: How many letters a trigram has: shorter words are looked for in the texts themselves.
_GRAM: Final = 3
#: How many letters are shown of a text that was not searched.
_BEGINNING: Final = 200


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of an index.

    Attributes:
        text: what somebody has written.
        filter: conditions; see :func:`filters.conditions`.
        facets: the facets whose values are counted.
        sort: the field that is sorted by, with a minus for the largest first; None for the best.
        limit: how many documents at most.
        offset: how many are skipped.
        prefix: whether the last word may be the beginning of one.
        typos: whether words may be written wrongly.
    """

    text: str = ""
    filter: dict[str, Any] = {}
    facets: tuple[str, ...] = ()
    sort: str | None = None
    limit: int = 10
    offset: int = 0
    prefix: bool = True
    typos: bool = True


class _Where(NamedTuple):
    """Which documents are meant.

    Attributes:
        match: what FTS5 is asked; None if it is not.
        sql: conditions on documents.
        values: their values.
    """

    match: str | None
    sql: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def also(self, condition: str, value: Any) -> _Where:
        """Return that with one more condition."""
        return _Where(self.match, (*self.sql, condition), (*self.values, value))

    def but_for(self, hits: Sequence[Hit[Any]]) -> _Where:
        """Return that without some documents."""
        packed = msgspec.json.encode([hit.id for hit in hits]).decode()
        return self.also("d.id not in (select value from json_each(?))", packed)


def check(generation: Generation, ask: Ask) -> None:
    """Raise an error if something is asked for that the index does not have.

    Raises:
        InvalidArgument: it has no such field.
    """
    filters.conditions(generation.declaration, ask.filter)
    facets = [field.name for field in generation.declaration.of_role("facet")]
    for name in ask.facets:
        if name not in facets:
            raise InvalidArgument(
                f"{name!r} is not a facet() of the index; it has {', '.join(facets) or 'none'}",
                parameter="facets",
            )
    _order(generation, ask.sort)


def find(t: Transaction, generation: Generation, ask: Ask) -> Found[Any]:
    """Answer a query. What is asked for was checked.

    Args:
        t: the transaction.
        generation: the tables of the index.
        ask: the query.
    """
    # All of it sees the same documents.
    t.execute("begin")
    try:
        return _Search(t, generation, ask).answer()
    finally:
        t.execute("rollback")


class _Search:
    """A query that is answered.

    Args:
        t: the transaction.
        generation: the tables of the index.
        ask: the query.
    """

    def __init__(self, t: Transaction, generation: Generation, ask: Ask) -> None:
        self._t, self._g, self._ask = t, generation, ask
        declaration = generation.declaration
        facets = [field.name for field in declaration.of_role("facet")]
        self._query: Query = parse(ask.text, generation.text_names, facets, prefix=ask.prefix)
        found = filters.conditions(declaration, ask.filter)
        found += filters.of_query(declaration, self._query.filters)
        self._sql = [sql for sql, _ in found]
        self._values = [value for _, values in found for value in values]
        self._short: list[Part] = []
        self._wanted = [part for part in self._query.wanted if not self._is_short(part)]

    def _is_short(self, part: Part) -> bool:
        """Set a part aside that is too short for trigrams."""
        if self._g.has_words or len(part.text) >= _GRAM:
            return False
        self._short.append(part)
        return True

    def answer(self) -> Found[Any]:
        """Return what is found."""
        exact = [term(part, [part.text]) for part in self._wanted]
        where = self._where(" AND ".join(exact))
        total = self._count(where)
        before: list[Hit[Any]] = []
        corrected: str | None = None
        matched: Any = "all"
        if total < FEW and exact:
            terms = exact
            if self._ask.typos and self._g.has_words:
                meant = Meaning(self._t, self._g).of(self._wanted)
                terms = meant.terms
                if meant.parts != tuple(self._wanted):
                    corrected = str(self._query._replace(wanted=meant.parts))
                if terms != exact:
                    wider = self._where(" AND ".join(terms))
                    if (more := self._count(wider)) > total:
                        # What was written comes first, or else some of all that was likely meant.
                        before = self._ranked(where, total, 0) if total else self._mixed(meant)
                        where, total = wider, more
            if not total and len(terms) > 1:
                matched, where = "any", self._where(" OR ".join(terms))
                total = self._count(where)
        return Found(
            hits=self._hits(where, before, total),
            total=total,
            matched=matched if total else "all",
            corrected=corrected if total else None,
            facets={name: self._facet(where, name) for name in self._ask.facets},
        )

    # What is found.

    def _mixed(self, meant: Meant) -> list[Hit[Any]]:
        """Return some documents for each choice of what was meant, and the most for the likeliest.

        Otherwise, documents with a word that is rarer would leave no room for them.
        """
        found: dict[Id, Hit[Any]] = {}
        for terms in meant.likely:
            share = _SHARE if found else FEW - _SHARE * (len(meant.likely) - 1)
            where = self._where(" AND ".join(terms))
            for hit in self._best(where, self._count(where), share, 0):
                found.setdefault(hit.id, hit)
        return list(found.values())

    def _where(self, match: str) -> _Where:
        sql, values = list(self._sql), list(self._values)
        for part in self._short:
            condition, value = within(self._g, part)
            sql.append(condition)
            values += value
        unwanted = []
        for part in self._query.unwanted:
            if self._g.has_words or len(part.text) >= _GRAM:
                unwanted.append(term(part, [part.text]))
            else:
                condition, value = within(self._g, part)
                sql.append(f"not {condition}")
                values += value
        if unwanted:
            negative = " OR ".join(unwanted)
            if match:
                match = f"({match}) NOT ({negative})"
            else:
                sql.append(
                    f"d.number not in (select rowid from {self._g.fts} where {self._g.fts} match ?)"
                )
                values.append(negative)
        return _Where(match or None, tuple(sql), tuple(values))

    def _from(self, where: _Where) -> tuple[str, list[Any]]:
        """Return ``from … where …``, and its values."""
        g = self._g
        conditions, values = list(where.sql), list(where.values)
        if where.match is None:
            tables = f"{g.doc} d"
        else:
            # In this order: documents are looked up that have the words.
            tables = f"{g.fts} f cross join {g.doc} d on d.number = f.rowid"
            conditions.insert(0, f"f.{g.fts} match ?")
            values.insert(0, where.match)
        return f"from {tables} where {' and '.join(conditions) or '1'}", values

    def _count(self, where: _Where) -> int:
        if where.match is not None and not where.sql:
            sql = f"select count(*) from {self._g.fts} where {self._g.fts} match ?"
            return int(self._t.execute(sql, (where.match,))[0][0])
        tables, values = self._from(where)
        return int(self._t.execute(f"select count(*) {tables}", values)[0][0])

    def _hits(self, where: _Where, before: list[Hit[Any]], total: int) -> list[Hit[Any]]:
        """Return the documents; those of ``before`` come first if they are not sorted."""
        ask = self._ask
        if not ask.limit:
            return []
        order = _order(self._g, ask.sort)
        if where.match is None:
            return self._unsearched(where, order)
        if order is not None:
            tables, values = self._from(where)
            numbers = self._t.execute(
                f"select d.number {tables} order by {order} limit ? offset ?",
                [*values, ask.limit, ask.offset],
            )
            one = _Where(where.match, ("f.rowid = ?",))
            return _bounded(
                hit for (n,) in numbers for hit in self._ranked(one._replace(values=(n,)), 1, 0)
            )
        if not before:
            return _bounded(self._best(where, total, ask.limit, ask.offset))
        found = before[ask.offset : ask.offset + ask.limit]
        left = ask.limit - len(found)
        if left:
            offset = max(0, ask.offset - len(before))
            found += self._best(where.but_for(before), total, left, offset)
        return _bounded(found)

    def _best(self, where: _Where, total: int, limit: int, offset: int) -> list[Hit[Any]]:
        """Return the best documents. If they are very many, the newest of them come first.

        What so many have does not tell them apart, and to rank each takes a microsecond.
        """
        if total <= _RANKED:
            return self._ranked(where, limit, offset)
        tables, values = self._from(where)
        ((last,),) = self._t.execute(
            f"select f.rowid {tables} order by f.rowid desc limit 1 offset ?",
            [*values, _RANKED - 1],
        ) or [(0,)]
        found = []
        if offset < _RANKED:
            found = self._ranked(where.also("f.rowid >= ?", last), limit, offset)
        if len(found) < limit:
            older = where.also("f.rowid < ?", last)
            found += self._ranked(older, limit - len(found), max(0, offset - _RANKED))
        return found

    def _ranked(self, where: _Where, limit: int, offset: int) -> list[Hit[Any]]:
        g = self._g
        shown = _SHOWN if g.has_words else _SHOWN_GRAMS
        snippets = ", ".join(
            f"snippet({g.fts}, {place}, '{BEGIN}', '{END}', '…', {shown})"
            for place in range(len(g.texts))
        )
        texts = ", ".join(f"d.{text}" for text in g.texts)
        tables, values = self._from(where)
        rows = self._t.execute(
            f"select f.rank, {snippets}, d.id, d.rest, {texts} {tables}"
            " order by f.rank limit ? offset ?",
            [*values, limit, offset],
        )
        hits = []
        for rank, *row in rows:
            document = g.document(row[len(g.texts) :])
            html = {
                name: marked(shown)
                for name, shown in zip(g.text_names, row, strict=False)
                if shown is not None
            }
            hits.append(Hit(id=document["id"], document=document, score=-rank, html=html))
        return hits

    def _unsearched(self, where: _Where, order: str | None) -> list[Hit[Any]]:
        g = self._g
        tables, values = self._from(where)
        texts = ", ".join(f"d.{text}" for text in g.texts)
        rows = self._t.execute(
            f"select d.id, d.rest, {texts} {tables} order by {order or _newest(g)}"
            " limit ? offset ?",
            [*values, self._ask.limit, self._ask.offset],
        )
        hits = []
        for row in rows:
            document = g.document(row)
            html = {
                name: marked(_beginning(document[name]))
                for name in g.text_names
                if document[name] is not None
            }
            hits.append(Hit(id=document["id"], document=document, html=html))
        return _bounded(hits)

    def _facet(self, where: _Where, name: str) -> dict[str, int]:
        field = next(one for one in self._g.fields if one.name == name)
        tables, values = self._from(where)
        column = f"d.c_{name}"
        if field.many:
            column = "m.value"
            tables = tables.replace(" where ", f" cross join json_each(d.c_{name}) m where ", 1)
        rows = self._t.execute(
            f"select {column}, count(*) {tables} and {column} is not null"
            f" group by 1 order by 2 desc, 1 limit {MAX_FACET_VALUES}",
            values,
        )
        if field.kind == "flag":
            return {"true" if value else "false": count for value, count in rows}
        return {str(value): count for value, count in rows}


def _order(generation: Generation, sort: str | None) -> str | None:
    if not sort:
        return None
    name = sort.removeprefix("-")
    names = [field.name for field in generation.declaration.of_role("sort")]
    if name not in names:
        raise InvalidArgument(
            f"{name!r} is not a sort() of the index; it has {', '.join(names) or 'none'}",
            parameter="sort",
        )
    direction = "desc" if sort.startswith("-") else "asc"
    return f"d.c_{name} {direction} nulls last, d.number {direction}"


def _newest(generation: Generation) -> str:
    names = [field.name for field in generation.declaration.of_role("sort")]
    return f"d.c_{names[0]} desc, d.number desc" if names else "d.number desc"


def _beginning(text: str) -> str:
    return text if len(text) <= _BEGINNING else f"{text[:_BEGINNING]}…"


def _bounded(hits: Any) -> list[Hit[Any]]:
    """Return hits as long as they fit into an answer."""
    found: list[Hit[Any]] = []
    size = 0
    for hit in hits:
        size += len(msgspec.msgpack.encode(hit.document))
        if size > MAX_ANSWER and found:
            break
        found.append(hit)
    return found
