"""How two patterns of URIs lie to each other: whether one covers or meets the other. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.router.index import EXACT, PREFIX

if TYPE_CHECKING:
    #: How it matches, ``exact``, ``prefix`` or ``wildcard``; and the URI, prefix or pattern.
    Pattern = tuple[str, str]


def covers(outer: Pattern, inner: Pattern) -> bool:
    """Return whether each URI that the inner pattern matches is matched by the outer one too."""
    (match, pattern), (inner_match, uri) = outer, inner
    if inner_match == EXACT:
        return meets(outer, inner)
    if match == EXACT:
        return False
    if match == PREFIX:
        # A wildcard pattern's URIs all begin with what stands before its first gap.
        known = uri if inner_match == PREFIX else _before_gap(uri)
        return known.startswith(pattern)
    if inner_match == PREFIX:
        return False  # its URIs have any number of components
    outer_parts, inner_parts = pattern.split("."), uri.split(".")
    return len(outer_parts) == len(inner_parts) and all(
        not one or one == other for one, other in zip(outer_parts, inner_parts, strict=True)
    )


def meets(one: Pattern, other: Pattern) -> bool:
    """Return whether there is a URI that both patterns match."""
    if other[0] == EXACT or one[0] == PREFIX:
        one, other = other, one
    (match, pattern), (other_match, other_pattern) = one, other
    if other_match == PREFIX:
        return _meets_prefix(one, other_pattern)
    if match == EXACT and other_match == EXACT:
        return pattern == other_pattern
    parts, others = pattern.split("."), other_pattern.split(".")
    return len(parts) == len(others) and all(
        not part or not opposite or part == opposite
        for part, opposite in zip(parts, others, strict=True)
    )


def rank(pattern: Pattern) -> tuple[int, int, tuple[bool, ...]]:
    """Return what patterns are sorted by, where several match a URI: the smallest one decides."""
    match, uri = pattern
    if match == EXACT:
        return 0, 0, ()
    if match == PREFIX:
        return 1, -len(uri), ()
    return 2, 0, tuple(not part for part in uri.split("."))


def _meets_prefix(one: Pattern, prefix: str) -> bool:
    match, uri = one
    if match == EXACT:
        return uri.startswith(prefix)
    if match == PREFIX:
        return uri.startswith(prefix) or prefix.startswith(uri)
    parts = uri.split(".")
    *whole, last = prefix.split(".")
    if len(whole) >= len(parts):
        return False
    return all(not part or part == wanted for part, wanted in zip(parts, whole, strict=False)) and (
        not parts[len(whole)] or parts[len(whole)].startswith(last)
    )


def _before_gap(pattern: str) -> str:
    parts = pattern.split(".")
    whole = parts[: parts.index("")] if "" in parts else parts
    return "".join(f"{part}." for part in whole)
