"""Which URIs a procedure or a topic has, and what it makes of their components."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.api import Capture, Operation


def covers(new: Operation, old: Operation) -> bool:
    """Return whether all URIs of an operation are another one's as well.

    Args:
        new: the other one.
        old: the operation.
    """
    (match, uri), (old_match, old_uri) = new.on_wire, old.on_wire
    if match == "exact":
        return (old_match, old_uri) == (match, uri)
    if match == "prefix":
        components = old_uri.split(".")
        if old_match == "wildcard":
            known = components.index("") if "" in components else len(components)
            old_uri = "".join(f"{component}." for component in components[:known])
        return old_uri.startswith(uri)
    parts, old_parts = uri.split("."), old_uri.split(".")
    return (
        old_match != "prefix"
        and len(parts) == len(old_parts)
        and all(part in ("", known) for part, known in zip(parts, old_parts, strict=True))
    )


def captured(old: Operation, new: Operation) -> Iterator[tuple[Capture | str | None, Capture]]:
    """Find out what becomes of the components of an operation's URIs.

    Args:
        old: the operation.
        new: the one that has its URIs now.

    Yields:
        What a component was, and what captures it now: a text, where it did not vary; what captured
        it; None where any was taken. With a rest of the URI, it is the same.
    """
    known = {one.name: one for one in old.captures}
    components = old.uri.split(".")
    for place, part in enumerate(new.uri.split(".")):
        now = next((one for one in new.captures if part in _written(one)), None)
        if now is None or place >= len(components):
            continue
        there = components[place:] if now.rest else components[place : place + 1]
        captures = [one for text in there for one in known.values() if text in _written(one)]
        if captures:
            same = len(there) == 1 and captures[0].rest == now.rest
            yield (captures[0] if same else None), now
        else:
            yield (None if "" in there or old.match == "prefix" else ".".join(there)), now


def _written(capture: Capture) -> tuple[str, str]:
    return f"<{capture.name}>", f"<path:{capture.name}>"


def readings(text: str) -> Iterator[Any]:
    """Return what a handler may read a component as: itself, and the number that it may be."""
    yield text
    try:
        number = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(number, int | float):
        yield number
