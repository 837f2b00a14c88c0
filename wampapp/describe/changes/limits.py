"""The limits of numbers, texts, lists and objects: which hold for all values of a schema."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.api import Schema

#: Lower and upper limits of sizes, and what they count.
_SIZES: Final = {
    "minLength": "character",
    "maxLength": "character",
    "minItems": "item",
    "maxItems": "item",
    "minProperties": "field",
    "maxProperties": "field",
}
_BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
#: Every limit.
LIMITS: Final = frozenset({*_SIZES, *_BOUNDS, "multipleOf", "pattern", "format", "uniqueItems"})
#: What is rather a type than a limit.
FORMAT: Final = frozenset({"format"})


def broken_limits(values: Schema, taker: Schema, asked: frozenset[str] = LIMITS) -> Iterator[str]:
    """Find the limits of a schema that values of another one need not keep.

    Args:
        values: the other schema, an arm.
        taker: the schema with the limits, an arm.
        asked: the limits that count, beside those of a list each of whose places has a schema.

    Yields:
        What each limit demands, after "must": ``be at least 3``.
    """
    if not isinstance(taker.get("items"), list):
        taker = {word: part for word, part in taker.items() if word in asked}
    if values.get("type") in ("integer", "number"):
        yield from _broken_bounds(values, taker)
    for word, noun in _SIZES.items():
        limit, given = taker.get(word), values.get(word)
        if word.startswith("min") and limit and (given is None or given < limit):
            yield f"have at least {_counted(limit, noun)}"
        if word.startswith("max") and limit is not None and (given is None or given > limit):
            yield f"have at most {_counted(limit, noun)}"
    if not _keeps_pattern(values, taker.get("pattern")):
        yield f"match {taker['pattern']!r}"
    if taker.get("format") not in (None, values.get("format")):
        yield f"have the format {taker['format']}"
    if taker.get("uniqueItems") and not values.get("uniqueItems"):
        yield "hold no item twice"


def _broken_bounds(values: Schema, taker: Schema) -> Iterator[str]:
    whole = values["type"] == "integer"
    for sign, words in ((1, ("at least", "more than")), (-1, ("at most", "less than"))):
        limit, given = _bound(taker, sign, whole=whole), _bound(values, sign, whole=whole)
        if limit is not None and (given is None or given < limit):
            place, is_open = limit
            yield f"be {words[is_open]} {sign * place}"
    step = taker.get("multipleOf")
    if step and not _keeps_step(values, step):
        yield f"be a multiple of {step}"


def _bound(schema: Schema, sign: int, *, whole: bool) -> tuple[float, bool] | None:
    """Return the lower bound of a schema's numbers, or the upper one.

    Args:
        schema: the schema, an arm.
        sign: 1 for the lower bound; -1 for the upper one, which is then that of the negatives.
        whole: whether the numbers are whole.

    Returns:
        Where it is, and whether it is not itself among the numbers; the larger, the tighter.
    """
    word = "inimum" if sign > 0 else "aximum"
    found: list[tuple[float, bool]] = []
    if (at := schema.get(f"m{word}")) is not None:
        found.append((math.ceil(sign * at) if whole else sign * at, False))
    if (at := schema.get(f"exclusiveM{word}")) is not None:
        found.append((math.floor(sign * at) + 1, False) if whole else (sign * at, True))
    return max(found, default=None)


def _keeps_step(values: Schema, step: float) -> bool:
    if "const" in values:
        return bool(values["const"] % step == 0)
    given = values.get("multipleOf", 1 if values["type"] == "integer" else None)
    return given is not None and given % step == 0


def _keeps_pattern(values: Schema, pattern: Any) -> bool:
    if pattern is None or pattern == values.get("pattern"):
        return True
    try:
        return re.search(pattern, values["const"]) is not None
    except (KeyError, TypeError, re.error):  # not one text, or not a pattern of Python's
        return False


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
