"""What a handler gets besides its arguments: captured components, and its context."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from wampapp.dispatch.autobahn_details import call_details, event_details
from wampapp.registry.context import DetailsOfEvent, Event, Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.dispatch.execution import Run


def extras_for(
    loop: asyncio.AbstractEventLoop, run: Run, details: dict[str, Any], publication: int
) -> dict[str, Any]:
    """Return what a handler gets besides its arguments, by name.

    Args:
        loop: the event loop, on which progressive results are sent.
        run: the run.
        details: the details of INVOCATION or EVENT.
        publication: the id of an event's publication.
    """
    endpoint = run.endpoint
    pattern = endpoint.pattern
    actual = details.get("procedure") or details.get("topic") or pattern.uri
    extras: dict[str, Any] = dict(pattern.capture(actual)) if pattern.captured else {}
    name = endpoint.binding.context
    if name is None:
        return extras
    kind = endpoint.binding.context_kind
    if kind is Event:
        extras[name] = Event(actual, pattern.text, publication, details, endpoint.withdraw, run)
    elif kind is DetailsOfEvent:
        extras[name] = event_details(endpoint, actual, publication, details)
    else:

        def progress(args: Sequence[Any], kwargs: dict[str, Any]) -> None:
            if asyncio._get_running_loop() is loop:
                run.progress(args, kwargs)
            else:
                loop.call_soon_threadsafe(run.progress, args, kwargs)

        if kind is Invocation:
            extras[name] = run.context = Invocation(
                actual, pattern.text, details, progress, endpoint.withdraw, run
            )
        else:
            takes = progress if run.takes_progress else None
            extras[name] = call_details(endpoint, actual, details, takes)
    return extras
