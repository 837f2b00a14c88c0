"""What of an older description no longer holds, for callers and for subscribers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wampapp.describe.api import Capture, Topic
from wampapp.describe.changes.comparing import narrowed, widened
from wampapp.describe.changes.passing import TO_PASSERS, TO_TAKERS, Passing
from wampapp.describe.changes.places import captured, covers, readings
from wampapp.protocol.patterns import MATCHES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wampapp.describe.api import AnyOperation, Api, Operation, Procedure, Schema
    from wampapp.describe.changes.misfits import Misfit

_CAPTURE: Final = re.compile(r"<(path:)?\w+>")


def breaking_changes(old: Api, new: Api) -> list[str]:
    """Compare two descriptions of an app as its callers and subscribers see it.

    Args:
        old: the description that they were written for.
        new: the description of what they meet now.

    Returns:
        A line for each change that may break them, which begins with the URI:
        ``com.shop.order: the argument 'rush' is gone``. Nothing is said of what they need not know,
        such as a new procedure, a new optional argument at the end, or a longer docstring.
    """
    changes = _Changes(old, new)
    lines = [line for one in old.procedures for line in changes.of_procedure(one)]
    return lines + [line for one in old.topics for line in changes.of_topic(one)]


class _Changes:
    """Compares the operations of two descriptions."""

    def __init__(self, old: Api, new: Api) -> None:
        self._old, self._new = old, new
        self._procedures = _by_place(new.procedures)
        self._topics = {
            is_published: _by_place(t for t in new.topics if t.is_published is is_published)
            for is_published in (False, True)
        }

    def _narrowed(self, old: Schema, new: Schema) -> list[Misfit]:
        return narrowed(old, new, self._old.schemas, self._new.schemas)

    def _widened(self, old: Schema, new: Schema) -> list[Misfit]:
        return widened(old, new, self._old.schemas, self._new.schemas)

    def of_procedure(self, old: Procedure) -> Iterator[str]:
        new = _found(self._procedures, old)
        if new is None:
            yield f"{old.uri}: the procedure is gone"
            return
        said = [*self._of_uri(old, new)]
        if old.is_described and not new.is_described:
            said.append("it is no longer described")
        elif old.is_described:
            said += self._of_arguments(old, new)
            said += self._of_results(old, new)
        yield from (f"{old.uri}: {line}" for line in said)

    def of_topic(self, old: Topic) -> Iterator[str]:
        new = _found(self._topics[old.is_published], old)
        if new is None:
            verb = "published" if old.is_published else "subscribed to"
            yield f"{old.uri}: the topic is no longer {verb}"
            return
        said = [*self._of_uri(old, new)]
        if old.is_described and new.is_described:
            said += self._of_event(old, new)
        yield from (f"{old.uri}: {line}" for line in said)

    def _of_arguments(self, old: Operation, new: Operation) -> Iterator[str]:
        return Passing(old.parameters, new.parameters, self._narrowed, TO_PASSERS).faults()

    def _of_event(self, old: Topic, new: Topic) -> Iterator[str]:
        if not old.is_published:
            return self._of_arguments(old, new)

        def compare(now: Schema, before: Schema) -> list[Misfit]:
            return self._widened(before, now)

        return Passing(new.parameters, old.parameters, compare, TO_TAKERS).faults()

    def _of_uri(self, old: Operation, new: Operation) -> Iterator[str]:
        is_taken = not (isinstance(old, Topic) and old.is_published)
        if old.match != new.match and not (is_taken and covers(new, old)):
            yield f"its URI is matched by {new.match} now, and was by {old.match}"
        for before, now in captured(old, new):
            # Components are text, whatever a handler makes of them.
            if not self._narrowed({"type": "string"}, now.schema):
                continue
            for misfit in self._of_component(before, now.schema):
                yield f"{getattr(before, 'name', now.name)}{misfit.path}: {misfit.text}"

    def _of_component(self, before: Capture | str | None, now: Schema) -> list[Misfit]:
        if before is None:
            return self._narrowed({"type": "string"}, now)
        if isinstance(before, Capture):
            return self._narrowed(before.schema, now)
        tried = [self._narrowed({"enum": [value]}, now) for value in readings(before)]
        return [] if [] in tried else tried[0]

    def _of_results(self, old: Procedure, new: Procedure) -> Iterator[str]:
        if old.progress is None or new.progress is None:
            if new.progress is not None:
                yield "it sends progressive results now"
            elif old.progress is not None:
                yield "it no longer sends progressive results"
            else:
                yield from _lines("result", self._widened(old.result, new.result))
            return
        yield from _lines("progress", self._widened(old.progress, new.progress))
        # Without progress, a caller gets all of it in a list, of which the same is to be said.
        if not (old.collects and new.collects):
            yield from _lines("result", self._widened(old.result, new.result))


def _by_place(operations: Iterable[AnyOperation]) -> dict[tuple[str, str], AnyOperation]:
    found: dict[tuple[str, str], AnyOperation] = {}
    for one in operations:
        found.setdefault((_place(one), one.match), one)
    return found


def _found(new: dict[tuple[str, str], AnyOperation], old: Operation) -> AnyOperation | None:
    """Return what is where something was: matched as it was, else in whatever way."""
    place = _place(old)
    alike = new.get((place, old.match)) or _covering(new.values(), old)
    return alike or next((one for (where, _), one in new.items() if where == place), None)


def _covering(new: Iterable[AnyOperation], old: Operation) -> AnyOperation | None:
    """Return what has taken over all the URIs of something; None for nothing."""
    if isinstance(old, Topic) and old.is_published:
        return None  # those who listen would have to listen to more
    # As a router chooses: exactly, by the longest prefix, by a wildcard.
    found = [one for one in new if covers(one, old)]
    return min(found, key=_rank, default=None)


def _rank(operation: Operation) -> tuple[int, int]:
    match, uri = operation.on_wire
    return MATCHES.index(match), -len(uri)


def _place(operation: Operation) -> str:
    """Return the URI without the names of what it captures."""
    return _CAPTURE.sub(lambda found: f"<{found[1] or ''}>", operation.uri)


def _lines(what: str, misfits: list[Misfit]) -> Iterator[str]:
    return (f"{what}{misfit.path}: {misfit.text}" for misfit in misfits)
