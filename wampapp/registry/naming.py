"""What a declaration is called: its URI, its pattern, and the line where it stands."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from wampapp.errors import InvalidUri
from wampapp.protocol import patterns, uris
from wampapp.registry.records import Source, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.patterns import Match, Pattern


def source_of(function: Callable[..., Any]) -> Source | None:
    """Return the file and line where a handler stands; None where Python does not know."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else Source(code.co_filename, code.co_firstlineno)


def written_uri(uri: str | None, function: object) -> str:
    """Return the URI of a declaration as it was written, or as the function's name stands for."""
    return f".{getattr(function, '__name__', '')}" if uri is None else uri


def check_absolute_prefix(prefix: str | None, whose: str) -> None:
    """Check that a prefix does not start with a dot.

    Args:
        prefix: the prefix; None is right.
        whose: who has it, for the message.

    Raises:
        InvalidUri: it does.
    """
    if prefix is not None and prefix.startswith("."):
        raise InvalidUri(
            f"The prefix {prefix!r} starts with a dot, but {whose}'s prefix is relative to "
            "nothing; leave the dot out."
        )


def check_relative(uri: object, prefix: str | None, what: str, why: str) -> None:
    """Check that a URI is not relative where there is no prefix.

    Args:
        uri: the URI.
        prefix: what relative URIs are relative to; None for nothing.
        what: ``"procedure"`` or ``"topic"``.
        why: who has no prefix, and what to do, for the message.

    Raises:
        InvalidUri: it is.
    """
    if prefix is None and isinstance(uri, str) and uri.startswith("."):
        raise InvalidUri(f"The {what} {uri!r} is relative to a prefix, but {why}.")


def absolute_uri(uri: str, prefix: str | None) -> str:
    """Put the prefix before a relative URI. What comes of it is not checked."""
    if not uri.startswith("."):
        return uri
    return f"{prefix}{uri}".removeprefix(".") if prefix else uri[1:]


def bare_word(uri: str | None, prefix: str | None, what: str) -> str | None:
    """Return a sentence about a URI that is probably meant to be relative; None for any other.

    Args:
        uri: the URI as it was written.
        prefix: what relative URIs are relative to.
        what: ``"procedure"`` or ``"topic"``.
    """
    if not prefix or not isinstance(uri, str) or "." in uri or not uris.is_valid(uri):
        return None
    return (
        f"The {what} {uri!r} is outside of the prefix {prefix!r}: only a URI that starts with a "
        f"dot is relative to it. Write {'.' + uri!r} for {absolute_uri('.' + uri, prefix)!r}."
    )


def declared_pattern(
    uri: str | None,
    function: Callable[..., Any],
    prefix: str | None,
    what: str,
    match: Match | None,
) -> Pattern:
    """Return the pattern that a declaration stands for.

    Args:
        uri: the URI as it was written; None for ``.`` and the function's name.
        function: what is declared.
        prefix: what relative URIs are relative to.
        what: ``"procedure"`` or ``"topic"``.
        match: how a URI without captures is matched; None for exactly.

    Raises:
        InvalidUri: the URI is not valid, is reserved, or the function has no name to make it of.
    """
    if uri is None:
        name = getattr(function, "__name__", None)
        if name is None or name == "<lambda>":
            raise InvalidUri(
                f"{name_of(function)} has no name to make a {what} of; give the URI: "
                f"'com.example.{what}'."
            )
        uri = f".{name}"
    pattern = patterns.parse(absolute_uri(uris.check_string(uri, what), prefix), what, match)
    if what == "procedure":
        # Topics of the protocol can be subscribed to: they are the router's meta events.
        uris.check_unreserved(pattern.text, what)
    return pattern


def pattern_unless_exact(pattern: Pattern) -> Pattern | None:
    """Return a pattern, or None where the URI itself says everything."""
    return None if pattern.match == "exact" else pattern
