"""The shortest texts of a format, or that match a pattern."""

from __future__ import annotations

import re
from typing import Any, Final

#: A text of each format.
FORMATS: Final = {
    "date": "1970-01-01",
    "date-time": "1970-01-01T00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "time": "00:00:00Z",
    "uri": "http://example.com/",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
#: A character of each class, and one that is not of it.
_CLASSES: Final = {
    "CATEGORY_DIGIT": "0",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": "-",
}
#: What is tried first where any character but some will do.
_COMMON: Final = "a0A -_."


def matching(pattern: str, least: int = 0) -> str | None:
    """Return a short text that matches a pattern.

    Args:
        pattern: a regular expression, which may match anywhere in the text.
        least: how long the text is at least.

    Returns:
        The text; None if none was found, as where the pattern looks back or ahead.
    """
    # A private module, but the only one that knows Python's own patterns.
    from re import _parser  # type: ignore[attr-defined]

    try:
        parts = _parser.parse(pattern)
        for more in range(least + 1):
            text = _text(parts, more)
            if len(text) < least and re.search(pattern, text + "a" * (least - len(text))):
                text += "a" * (least - len(text))
            if len(text) >= least and re.search(pattern, text):
                return text
    except (_Unknown, re.error, RecursionError, OverflowError):
        pass
    return None


class _Unknown(Exception):
    """A pattern holds what no text is made for."""


def _text(parts: Any, more: int) -> str:
    """Return a text for the parts of a pattern.

    Args:
        parts: the parts, as the parser of the standard library returns them.
        more: how often what may be repeated is, beyond what is needed.
    """
    return "".join(_part(str(kind), about, more) for kind, about in parts)


def _part(kind: str, about: Any, more: int) -> str:
    if kind == "LITERAL":
        return chr(about)
    if kind == "NOT_LITERAL":
        return next(one for one in _COMMON if one != chr(about))
    if kind == "ANY":
        return "a"
    if kind == "AT":
        return ""
    if kind == "IN":
        return _one_of(about)
    if kind == "BRANCH":
        return _text(about[1][0], more)
    if kind == "SUBPATTERN":
        return _text(about[-1], more)
    if kind == "ATOMIC_GROUP":
        return _text(about, more)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, repeated = about
        return _text(repeated, more) * min(int(most), int(least) + more)
    raise _Unknown


def _one_of(members: Any) -> str:
    if str(members[0][0]) != "NEGATE":
        return _member(*members[0])
    excluded = [(str(kind), about) for kind, about in members[1:]]
    for one in _COMMON:
        if not any(_is_member(one, kind, about) for kind, about in excluded):
            return one
    raise _Unknown


def _member(kind: Any, about: Any) -> str:
    if str(kind) == "LITERAL":
        return chr(about)
    if str(kind) == "RANGE":
        return chr(about[0])
    return _CLASSES[str(about)]


def _is_member(one: str, kind: str, about: Any) -> bool:
    if kind == "LITERAL":
        return one == chr(about)
    if kind == "RANGE":
        return chr(about[0]) <= one <= chr(about[1])
    classes = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}
    name = str(about).removeprefix("CATEGORY_")
    found = re.fullmatch(classes[name.removeprefix("NOT_")], one) is not None
    return found is not name.startswith("NOT_")
