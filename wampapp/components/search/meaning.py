"""What was meant by the words of a query that an index does not have, or seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wampapp.components.search.matching import quoted, term
from wampapp.components.search.query import Part
from wampapp.components.search.tables import WORD_BITS
from wampapp.components.search.typos import (
    LONGEST,
    deletions,
    edits_allowed,
    nearest,
    trigrams,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.components.search.tables import Generation
    from wampapp.components.store import Transaction

#: How many choices of what was meant have documents among the first.
LIKELY: Final = 4
#: How many words one that was written wrongly stands for, and how many are compared with it.
_MEANT: Final = 8
_COMPARED: Final = 200
#: Up to how many documents are counted to choose between words.
_COUNTED: Final = 1000
#: The bits of a pair that are the number of a word.
_WORD: Final = (1 << WORD_BITS) - 1


class Meant(NamedTuple):
    """What may have been meant.

    Attributes:
        terms: what FTS5 is asked for each word and those near it.
        likely: what it is asked for each word, or one that was meant: first for those that were
            most likely meant, then for those that come next. Empty if there is nothing to choose.
        parts: the words, as they were most likely meant.
    """

    terms: list[str]
    likely: list[list[str]]
    parts: tuple[Part, ...]


class Meaning:
    """Finds out what was meant.

    Args:
        t: the transaction.
        generation: the tables of the index.
    """

    def __init__(self, t: Transaction, generation: Generation) -> None:
        self._t, self._g = t, generation

    def of(self, wanted: Sequence[Part]) -> Meant:
        """Return what may have been meant by the parts of a query.

        Args:
            wanted: the parts.
        """
        terms = [term(part, [part.text]) for part in wanted]
        parts = list(wanted)
        choices: dict[int, list[str]] = {}
        for place, part in enumerate(wanted):
            word = part.word
            if word is None or len(word) > LONGEST:
                continue
            is_known = self._has(terms[place])
            if not is_known and part.is_prefix:
                completed = self._completions(word)
                if completed:
                    whole = part._replace(is_prefix=False)
                    terms[place] = term(whole, completed)
                    continue
            meant = self._meant(word, part.field, is_known=is_known)
            if not meant:
                continue
            if is_known:
                terms[place] = term(part, [part.text, *meant])
            else:
                terms[place] = term(part, meant, prefix_of=None)
                choices[place] = [term(part, [one], prefix_of=None) for one in meant]
                parts[place] = part._replace(text=meant[0])
        count = max((len(some) for some in choices.values()), default=0)
        likely = []
        for number in range(min(count, LIKELY) if count > 1 else 0):
            likely.append(list(terms))
            for place, some in choices.items():
                likely[-1][place] = some[min(number, len(some) - 1)]
        return Meant(terms, likely, tuple(parts))

    def _meant(self, word: str, field: str | None, *, is_known: bool) -> list[str]:
        """Return words of the index that a written one may stand for, the best first.

        Args:
            word: the word, folded.
            field: the only field that counts; None for all.
            is_known: whether the index has the word itself.
        """
        allowed = edits_allowed(word)
        if not allowed:
            return []
        numbers = ", ".join(map(str, deletions(word)))
        rows = self._t.execute(
            f"select distinct w.word from json_each(?) d cross join {self._g.near} n"
            f" on n.pair between d.value << {WORD_BITS} and (d.value << {WORD_BITS}) + {_WORD}"
            f" cross join {self._g.word} w on w.number = n.pair & {_WORD} limit ?",
            (f"[{numbers}]", _COMPARED),
        )
        found = list(nearest(word, (one for (one,) in rows), 1))
        if is_known:
            return [one for _, one in found[:_MEANT]]
        if not found and allowed > 1:
            found = list(nearest(word, self._alike(word), allowed))
        found.sort(key=lambda one: (one[0], abs(len(one[1]) - len(word)), one[1]))
        # The more frequent one is meant. Words of documents that have gone are not meant at all.
        counted = [(edits, -self._frequency(one, field), one) for edits, one in found[:_MEANT]]
        return [one for _, count, one in sorted(counted) if count]

    def _alike(self, word: str) -> list[str]:
        """Return words that have the most trigrams in common with one."""
        grams = " OR ".join(f'"{gram}"' for gram in sorted(trigrams(word)))
        rows = self._t.execute(
            f"select w.word from {self._g.gram} g cross join {self._g.word} w"
            f" on w.number = g.rowid where g.{self._g.gram} match ?"
            " and length(w.word) between ? and ? order by g.rank limit ?",
            (grams, len(word) - 2, len(word) + 2, _COMPARED),
        )
        return [one for (one,) in rows]

    def _completions(self, word: str) -> list[str]:
        """Return words that begin with what was written; their stems need not."""
        rows = self._t.execute(
            f"select word from {self._g.word} where word >= ? and word < ? limit ?",
            (word, word + "\U0010ffff", _MEANT),
        )
        return [one for (one,) in rows if self._has(quoted(one))]

    def _has(self, match: str) -> bool:
        return bool(
            self._t.execute(
                f"select 1 from {self._g.fts} where {self._g.fts} match ? limit 1", (match,)
            )
        )

    def _frequency(self, word: str, field: str | None) -> int:
        found: int = self._t.execute(
            f"select count(*) from (select 1 from {self._g.fts} where {self._g.fts} match ?"
            " limit ?)",
            (term(Part(word, field), [word]), _COUNTED),
        )[0][0]
        return found
