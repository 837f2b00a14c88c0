"""What may be meant by a realm that nobody else has joined, or a procedure that does not exist."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import NoSuchProcedure, WampappError
from wampapp.protocol.features import DESCRIBE, HEALTH, OTHER_REALMS

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds for the router's answers.
TIMEOUT: Final = 0.4
#: The most registrations or subscriptions that are asked for.
_MAX_ASKED: Final = 500
_MAX_NAMED: Final = 3
#: How alike two words are that may be meant for each other: 1 is the same.
_ALIKE: Final = 0.7


def realms_hint(realm: str, details: dict[str, Any]) -> str:
    """Return what to say of a realm that nobody else has joined; empty if somebody has.

    Args:
        realm: the realm that was joined.
        details: those of WELCOME; only the embedded router, where a realm need not be configured,
            names the others.
    """
    others = details.get(OTHER_REALMS)
    if not isinstance(others, list) or not others:
        return ""
    names = " and ".join(map(repr, others))
    return f"Nobody else is in the realm {realm!r}; there are sessions in {names}."


async def held_uris(call: Callable[..., Any], kind: str, found: set[str]) -> None:
    """Ask the router's meta API for the URIs that are registered or subscribed, without patterns.

    Args:
        call: calls a procedure with a list and a dictionary of arguments.
        kind: ``registration`` or ``subscription``.
        found: gets the URIs as they come, within :data:`TIMEOUT`; nothing if there is no meta API.
            Those by which apps tell what they offer are left out.
    """

    async def get(number: int) -> None:
        about = await call(f"wamp.{kind}.get", (number,), {})
        uri = about.get("uri") if isinstance(about, dict) else None
        if isinstance(uri, str) and not uri.startswith((DESCRIBE, HEALTH)):
            found.add(uri)

    try:
        async with asyncio.timeout(TIMEOUT):
            ids = await call(f"wamp.{kind}.list", (), {})
            exact = ids.get("exact") if isinstance(ids, dict) else None
            if isinstance(exact, list):
                await asyncio.gather(*map(get, exact[:_MAX_ASKED]), return_exceptions=True)
    except (WampappError, TimeoutError):
        return


async def with_nearest(
    call: Callable[..., Any], procedure: str, error: NoSuchProcedure
) -> NoSuchProcedure:
    """Return an error whose message names the registered procedures that may be meant.

    Args:
        call: see :func:`held_uris`.
        procedure: the URI that was called.
        error: the answer. It may be about another procedure, which the one that was called calls.
    """
    found: set[str] = set()
    await held_uris(call, "registration", found)
    if procedure in found:
        return error
    near = nearest(procedure, found)
    if not near:
        return error
    message = error.message or f"There is no procedure {procedure!r}."
    return NoSuchProcedure(f"{message} Did you mean {' or '.join(near)}?", **error.kwargs)


def naming_nearest(call: Callable[..., asyncio.Future[Any]]) -> Callable[..., asyncio.Future[Any]]:
    """Return a function that calls, and whose error for a missing procedure names the nearest ones.

    Args:
        call: calls a procedure with a list and a dictionary of arguments.
    """

    def calling(procedure: str, *args: Any, **options: Any) -> asyncio.Future[Any]:
        answer = call(procedure, *args, **options)

        async def wait() -> Any:
            try:
                return await answer
            except NoSuchProcedure as error:
                raise await with_nearest(call, procedure, error) from None

        return asyncio.get_running_loop().create_task(wait())

    return calling


def nearest(uri: str, known: set[str]) -> list[str]:
    """Return the URIs that one may be meant for, the nearest first.

    Their last components are alike. The rest may be missing, or be another service's.
    """
    import difflib  # only once something is amiss

    def likeness(one: str, other: str) -> float:
        return difflib.SequenceMatcher(None, one, other).ratio()

    last = uri.rpartition(".")[2]
    near = [found for found in known if likeness(last, found.rpartition(".")[2]) >= _ALIKE]
    return sorted(near, key=lambda found: (-likeness(uri, found), found))[:_MAX_NAMED]
