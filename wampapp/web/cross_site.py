"""Keeps the pages of other sites from sending requests that change something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({"same-origin", "none"})


def is_foreign(request: Request, trusted: Callable[[str], bool]) -> bool:
    """Return whether a page of another origin sends a request that may change something.

    Browsers say so themselves, in ``Sec-Fetch-Site``, which pages cannot set; older ones send at
    least their page's origin. What sends neither is not a browser, and has no cookies of one.

    Args:
        request: the request.
        trusted: returns whether pages of an origin may send such requests.
    """
    if request.method in _SAFE:
        return False
    origin = request.headers.get("Origin")
    if origin is not None and trusted(origin):
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OWN
    return origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
