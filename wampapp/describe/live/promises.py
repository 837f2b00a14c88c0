"""Whether what is registered is what somebody who calls it has written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.describe.changes.promises import differences
from wampapp.describe.describing import describe_functions
from wampapp.describe.live.asking import descriptions
from wampapp.describe.live.meta_api import MetaApi
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.describe.live.meta_api import Caller


async def check_promise(
    session: Caller,
    url: str,
    name: str,
    functions: Mapping[str, Callable[..., Any]],
    *,
    is_complete: bool,
) -> None:
    """Check that procedures are there, and are what functions say.

    Args:
        session: the session to ask on.
        url: the router's URL, for messages.
        name: what has the functions, for messages.
        functions: the functions, by the URIs of the procedures.
        is_complete: whether each must be there; else one of them.

    Raises:
        UsageError: one is not there, differs, or is not described by the app that has it.
        InvalidHandler: an annotation is of no type that an argument can have.
        RouterRefused: this session's role may not call the meta API.
        WampError: the router has no meta API.
    """
    meta = MetaApi(session, url, with_own=True)
    rows = await meta.procedures()
    reached = await meta.registrations_for(list(functions))
    there = {uri: number for uri, number in reached.items() if number is not None}
    if not there:
        raise UsageError(f"None of the procedures of {name} is registered at {url}.")
    lines = [f"{uri} is not registered" for uri in functions if uri not in there and is_complete]
    promise = describe_functions({uri: functions[uri] for uri in there})
    described = {
        one.on_wire: (one, api)
        for api in reversed((await descriptions(session, rows)).apis)
        for one in api.procedures
    }
    places = {row["registration"]: (row["match"], row["uri"]) for row in rows}
    unknown: list[str] = []
    for promised in promise.procedures:
        found = described.get(places.get(there[promised.uri]))  # type: ignore[arg-type]
        if found is None:
            unknown.append(promised.uri)
        else:
            lines += [f"{promised.uri}: {one}" for one in differences(promised, promise, *found)]
    if lines:
        raise UsageError(f"{name} differs from what is registered: {'; '.join(lines)}.")
    if unknown:
        raise UsageError(
            f"{name} cannot be checked: no app describes {', '.join(unknown)}; pass "
            "App(describe=True) where it is registered."
        )
