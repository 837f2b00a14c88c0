"""What a search gives, and what bounds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypedDict, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

#: How many characters of a query count, and how many words.
MAX_QUERY: Final = 1000
MAX_WORDS: Final = 32
#: How many hits an answer has at most, how many may be skipped, and the bytes of documents.
MAX_HITS: Final = 1000
MAX_OFFSET: Final = 100_000
MAX_ANSWER: Final = 1024 * 1024
#: How many values of a facet are counted for an answer.
MAX_FACET_VALUES: Final = 1000
#: How many conditions a filter has at most, and values one of them.
MAX_FILTERS: Final = 32
MAX_FILTER_VALUES: Final = 1000
#: How many documents are put or deleted at once.
MAX_BATCH: Final = 1000
#: The most bytes of a document, as MessagePack, and of an id, in UTF-8.
MAX_DOCUMENT: Final = 1024 * 1024
MAX_ID: Final = 512

#: What a document is found by.
Id = int | str


class FindOptions(TypedDict, total=False):
    """The options of a query.

    Attributes:
        filter: of a facet or a sorted field its value, a list of values, or comparisons, such as
            ``{"tag": ["a", "b"], "written": {">=": monday}}``.
        facets: the facets whose values are counted.
        sort: the field that is sorted by, with a minus for the largest first; the best first, by
            default.
        limit: how many documents at most, up to 1,000; 10 by default. There are fewer if they take
            more than 1 MiB.
        offset: how many are skipped.
        prefix: whether the last word may be the beginning of one; it may, by default.
        typos: whether words may be written wrongly; they may, by default.
    """

    filter: Mapping[str, Any] | None
    facets: Sequence[str]
    sort: str | None
    limit: int
    offset: int
    prefix: bool
    typos: bool


class Hit(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A document that was found.

    Attributes:
        id: its id.
        document: the document.
        score: how well it fits; the larger, the better. 0 if nothing was to be ranked.
        html: of each text field, the part that fits best. It is escaped, so it can be put into a
            page; what was found is within ``<mark>``.
    """

    id: Id
    document: T
    score: float = 0.0
    html: dict[str, str] = {}


class Found(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What a query finds.

    Attributes:
        hits: the documents, the best first.
        total: how many there are in all.
        matched: ``any`` if no document has all the words, so that these have some of them.
        corrected: the query with words that the index has, if it had none like those that were
            written; else None.
        facets: of each facet that was asked for, how many documents have which value.
    """

    hits: list[Hit[T]]
    total: int
    matched: Literal["all", "any"] = "all"
    corrected: str | None = None
    facets: dict[str, dict[str, int]] = {}


class Version(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What a live query finds now.

    Attributes:
        found: that; None if it has not changed.
        version: stands for it, to ask for what comes after it.
    """

    found: Found[T] | None
    version: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rebuild has come.

    Attributes:
        documents: how many documents it has so far.
        is_done: whether that is all, and the index is the new one.
        seconds: how long it has taken.
    """

    documents: int
    is_done: bool = False
    seconds: float = 0.0
