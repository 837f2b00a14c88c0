"""The ``match`` option of REGISTER and SUBSCRIBE. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.protocol.messages import short_repr
from wampapp.router.index import EXACT, PREFIX, WILDCARD

if TYPE_CHECKING:
    from wampapp.router.session import RouterSession

OPTION_NOT_ALLOWED: Final = "wamp.error.option_not_allowed"


def match_of(
    session: RouterSession, kind: int, request: int, options: dict[str, Any]
) -> str | None:
    """Return the ``match`` option of a request, ``exact`` if there is none.

    An unknown one is answered with ERROR; then the result is None.

    Args:
        session: who sent the request.
        kind: the code of the request's message.
        request: the request's id.
        options: the request's options.
    """
    match = options.get("match", EXACT)
    if match in (EXACT, PREFIX, WILDCARD):
        return str(match)
    session.send_error(
        kind,
        request,
        OPTION_NOT_ALLOWED,
        f"There is no match {short_repr(match)}; use 'exact', 'prefix' or 'wildcard'.",
    )
    return None
