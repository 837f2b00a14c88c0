"""WAMP URIs: which ones are valid, and what a relative one stands for."""

from __future__ import annotations

import functools
import re
from typing import Final

from wampapp.errors import InvalidUri

#: "Relaxed/Loose URIs" of the specification, no empty components, and no half of a surrogate pair,
#: which cannot be sent.
_LOOSE: Final = re.compile(r"(?:[^\s.#\ud800-\udfff]+\.)*[^\s.#\ud800-\udfff]+")

#: URIs below ``wamp.`` belong to the protocol ("Reserved URIs").
RESERVED: Final = "wamp."

_MAX_LENGTH: Final = 4096


@functools.lru_cache(4096)
def is_valid(uri: str) -> bool:
    """Return whether ``uri`` is valid by the loose rules, without empty components ("URIs")."""
    return len(uri) <= _MAX_LENGTH and _LOOSE.fullmatch(uri) is not None


def check(uri: object, what: str = "URI") -> str:
    """Check a URI that a user wrote.

    Args:
        uri: the URI.
        what: what it is, for the error message: ``"procedure"``, ``"topic"``.

    Returns:
        The same URI.

    Raises:
        InvalidUri: it is not a string, or the specification does not allow it.
    """
    uri = check_string(uri, what)
    if not is_valid(uri):
        raise InvalidUri(
            f"The {what} {uri[:120]!r} is not a valid URI; write components joined by single dots, "
            "with no white space and no '#', such as 'com.example.add'."
        )
    return uri


def check_string(uri: object, what: str) -> str:
    """Check that a URI is a string at all; its form is checked elsewhere.

    Raises:
        InvalidUri: it is not a string.
    """
    if not isinstance(uri, str):
        raise InvalidUri(
            f"The {what} {uri!r} is not a string; write a URI such as 'com.example.add'."
        )
    return uri


def check_declared(uri: object, what: str) -> str:
    """Check a URI that an app registers or publishes under; like :func:`check`, and not reserved.

    Raises:
        InvalidUri: also where it starts with ``wamp.``, which belongs to the protocol.
    """
    checked = check(uri, what)
    check_unreserved(checked, what)
    return checked


def check_unreserved(uri: str, what: str) -> None:
    """Check that a URI, or a pattern, does not belong to the protocol ("Reserved URIs").

    Raises:
        InvalidUri: it starts with ``wamp.``.
    """
    if uri.startswith(RESERVED):
        raise InvalidUri(
            f"The {what} {uri!r} starts with 'wamp.', which is reserved for the protocol; "
            "choose another first component."
        )


def resolve(uri: object, prefix: str | None, what: str = "URI") -> str:
    """Make a URI absolute.

    Args:
        uri: an absolute URI, or one that starts with a dot and is relative to ``prefix``.
        prefix: the prefix of the app; None where it has none.
        what: what the URI is, for the error message.

    Returns:
        The absolute URI. Relative to no prefix, ``.add`` is ``add``.

    Raises:
        InvalidUri: ``uri`` is not a string, or the result is not valid.
    """
    if type(uri) is str and uri[:1] != "." and is_valid(uri):
        return uri  # as nearly all are: 0.15 µs less for each call and each event
    if isinstance(uri, str) and uri.startswith("."):
        uri = f"{prefix}{uri}" if prefix else uri[1:]
    return check(uri, what)
