"""What a user's query asks for. Every text is a query: what has no meaning is taken literally."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from wampapp.components.search.records import MAX_QUERY, MAX_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection

#: A minus, a field, and what is within quotation marks or up to the next space; the last closing
#: quotation mark may be missing.
_PART: Final = re.compile(r'(-?)(?:([A-Za-z][A-Za-z0-9_]*):)?(?:"([^"]*)("?)|([^\s"]+))')
_LETTERS: Final = re.compile(r"[^\W_]+")
_QUOTES: Final = str.maketrans("“”„«»", '"""""', "\0")


class Part(NamedTuple):
    """A word or a phrase of a query.

    Attributes:
        text: what is looked for, as it was written.
        field: the only field in which it counts; None for all.
        is_phrase: whether it was within quotation marks.
        is_prefix: whether it may be the beginning of a word: it is what is being typed.
        is_negative: whether nothing is to be found that has it.
    """

    text: str
    field: str | None = None
    is_phrase: bool = False
    is_prefix: bool = False
    is_negative: bool = False

    @property
    def word(self) -> str | None:
        """The word, folded, if it is one that may be written wrongly."""
        if self.is_phrase or self.is_negative:
            return None
        words = words_of(self.text)
        return words[0] if len(words) == 1 and words[0].isalpha() else None

    def __str__(self) -> str:
        text = f'"{self.text}"' if self.is_phrase else self.text
        field = f"{self.field}:" if self.field else ""
        return f"{'-' if self.is_negative else ''}{field}{text}"


class Query(NamedTuple):
    """A query.

    Attributes:
        wanted: what is to be found.
        unwanted: what is not.
        filters: values of facets that were asked for as ``tag:python``.
    """

    wanted: tuple[Part, ...] = ()
    unwanted: tuple[Part, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        filters = (f"{name}:{_quoted(value)}" for name, value in self.filters)
        return " ".join([*map(str, self.wanted), *map(str, self.unwanted), *filters])


def parse(
    text: str, fields: Collection[str] = (), facets: Collection[str] = (), *, prefix: bool = True
) -> Query:
    """Return what a text asks for.

    A word is found as it is, ``"words in quotation marks"`` as a phrase, ``-word`` is not to be
    there, and ``title:word`` is to be in that field. Everything else is taken literally. What comes
    after 1,000 characters or 32 words is left out.

    Args:
        text: whatever somebody has written.
        fields: the names of the text fields.
        facets: the names of the facets.
        prefix: whether the last word may be the beginning of one.
    """
    text = text[:MAX_QUERY].translate(_QUOTES)
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is not a character
    wanted: list[Part] = []
    unwanted: list[Part] = []
    filters: list[tuple[str, str]] = []
    for found in _PART.finditer(text):
        minus, field, phrase, _, word = found.groups()
        is_last = found.end() == len(text)
        if field is not None and field not in fields and field not in facets:
            word = None if word is None else f"{field}:{word}"
            if phrase is not None:
                phrase = f"{field} {phrase}"
            field = None
        content = word if phrase is None else phrase
        if field in facets and field is not None and not minus:
            filters.append((field, content))
            continue
        if _LETTERS.search(content) is None:
            continue  # nothing of it is in an index
        part = Part(
            content,
            field if field in fields else None,
            phrase is not None,
            prefix and is_last and phrase is None and not minus and _may_go_on(content),
            bool(minus),
        )
        (unwanted if minus else wanted).append(part)
        if len(wanted) + len(unwanted) + len(filters) >= MAX_WORDS:
            break
    return Query(tuple(wanted), tuple(unwanted), tuple(filters))


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded."""
    return _LETTERS.findall(fold(text))


def fold(text: str) -> str:
    """Return a text in small letters, without what is above and below them."""
    if text.isascii():
        return text.lower()
    found = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in found if not unicodedata.combining(letter))


def _may_go_on(word: str) -> bool:
    # Of a single letter, too many words are the continuation.
    return len(word) > 1 and word[-1].isalnum()


def _quoted(value: str) -> str:
    return f'"{value}"' if not value or any(letter.isspace() for letter in value) else value
