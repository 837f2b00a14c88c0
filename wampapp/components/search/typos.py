"""Words that were meant: those of an index that differ by an edit or two.

An edit is a letter too many, one too few, another one, or two letters swapped. Words that differ by
one have a deletion in common: a form of each with at most one letter left out. So each word of an
index is stored with its deletions, and those of a written word lead to it. Two edits are rarer, and
looked for by what three letters words have in common.

As Meilisearch has it, a word of less than 5 letters has to be right, one of less than 9 may have
one edit, and a longer one two; and an edit of the first letter counts as two. Beyond that, one of 4
letters may have two of them swapped.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: From how many letters on a word may have one edit, and two.
ONE: Final = 5
TWO: Final = 9
#: How long a word is at most that may be meant by another.
LONGEST: Final = 32


def edits_allowed(word: str) -> int:
    """Return how many edits a word may have."""
    if len(word) < ONE - 1 or len(word) > LONGEST:
        return 0
    return 1 if len(word) < TWO else 2


def can_be_meant(word: str) -> bool:
    """Return whether a folded word of a document may be meant by another."""
    return ONE - 1 <= len(word) <= LONGEST and word.isalpha()


def deletions(word: str) -> set[int]:
    """Return numbers that stand for a word, and for it with each of its letters left out.

    The first letter is not: an edit of it counts as two.
    """
    crc = zlib.crc32
    if word.isascii():
        data = word.encode()
        found = {crc(data[:i] + data[i + 1 :]) for i in range(1, len(data))}
        found.add(crc(data))
        return found
    found = {crc((word[:i] + word[i + 1 :]).encode()) for i in range(1, len(word))}
    found.add(crc(word.encode()))
    return found


def trigrams(word: str) -> set[str]:
    """Return what three letters a word has beside each other."""
    return {word[i : i + 3] for i in range(len(word) - 2)}


def distance(a: str, b: str, most: int) -> int:
    """Return how many edits make one word of another; more than ``most`` if it takes more.

    Args:
        a: the one.
        b: the other.
        most: how many are of interest.
    """
    if a == b:
        return 0
    first = 1 if a[:1] != b[:1] else 0
    if abs(len(a) - len(b)) + first > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            edits = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                edits = min(edits, before[j - 2] + 1)
            row.append(edits)
        if min(row) > most and min(last) > most:
            return most + 1
        before, last = last, row
    return last[-1] + first


def nearest(word: str, candidates: Iterable[str], most: int) -> Iterator[tuple[int, str]]:
    """Give the candidates that are near enough, with how many edits they take.

    Args:
        word: what was written.
        candidates: words that may be meant.
        most: how many edits it may have.
    """
    for candidate in candidates:
        if len(word) < ONE and sorted(word) != sorted(candidate):
            continue
        edits = distance(word, candidate, most)
        if 0 < edits <= most:
            yield edits, candidate
