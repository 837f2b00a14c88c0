"""What `wamp.subscription.get_events` is asked for ("Event History"). Sans-I/O."""

from __future__ import annotations

import datetime as dt
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from wampapp.errors import INVALID_ARGUMENT, WampError
from wampapp.protocol.messages import MAX_ID, short_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: An answer has at most so many events.
MAX_EVENTS: Final = 1_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_TIMES: Final[dict[str, Callable[[int, int], bool]]] = {
    "from_time": operator.ge,
    "after_time": operator.gt,
    "before_time": operator.lt,
    "until_time": operator.le,
}
#: Whether the named event bounds the first or the last one, and how far it is from the bound.
_PUBLICATIONS: Final = {
    "from_publication": (True, 0),
    "after_publication": (True, 1),
    "before_publication": (False, 0),
    "until_publication": (False, 1),
}
_OPTIONS: Final = ("reverse", "limit", "topic", *_TIMES, *_PUBLICATIONS)


class Past(Protocol):
    """A past event, as a question looks at it."""

    @property
    def microseconds(self) -> int:
        """When it was published, since 1970."""

    @property
    def topic(self) -> str:
        """Its topic."""

    @property
    def number(self) -> int:
        """The id of its publication."""


@dataclass(slots=True)
class HistoryQuery:
    """A question about past events.

    Attributes:
        subscription: the subscription's id.
        limit: how many events are returned at most.
        reverse: whether the newest comes first.
        topic: the one topic; None for all of the subscription's.
        times: how each event's time, in microseconds, must compare to others.
        publications: the events between which they are, by their ids: whether it is the first of
            them or the last, and how far the bound is behind it.
    """

    subscription: int
    limit: int = MAX_EVENTS
    reverse: bool = False
    topic: str | None = None
    times: list[tuple[Callable[[int, int], bool], int]] = field(default_factory=list)
    publications: list[tuple[bool, int, int]] = field(default_factory=list)

    def select(self, events: Sequence[Past]) -> list[int]:
        """Return the places of the events that are asked for, in the order that is asked for.

        Args:
            events: the events that the caller may know of, the oldest first.

        Raises:
            WampError: an event that the question names is not there.
        """
        places = {event.number: place for place, event in enumerate(events)}
        first, end = 0, len(events)
        for is_first, offset, number in self.publications:
            place = places.get(number)
            if place is None:
                text = f"There is no past event of this subscription with the publication {number}."
                raise WampError(INVALID_ARGUMENT, text)
            if is_first:
                first = max(first, place + offset)
            else:
                end = min(end, place + offset)
        found = [place for place in range(first, end) if self._takes(events[place])]
        return found[::-1][: self.limit] if self.reverse else found[: self.limit]

    def _takes(self, event: Past) -> bool:
        if self.topic is not None and event.topic != self.topic:
            return False
        return all(compare(event.microseconds, time) for compare, time in self.times)


def history_query(args: list[Any], kwargs: dict[str, Any]) -> HistoryQuery:
    """Read the arguments: ``[subscription]`` and the specification's filters by name.

    Crossbar.io's form, ``[subscription, limit]``, returns the newest event first.

    Raises:
        WampError: they are not such arguments.
    """
    if not 1 <= len(args) <= 2 or (len(args) == 2 and kwargs):
        raise _refused("they are a subscription's id, and filters by name")
    query = HistoryQuery(_id(args[0], "subscription"))
    if len(args) > 1:
        kwargs = {"limit": args[1], "reverse": True}
    for name, value in kwargs.items():
        if name == "limit":
            query.limit = _id(value, name)
            if not 1 <= query.limit <= MAX_EVENTS:
                raise _refused(f"the limit is how many events, from 1 to {MAX_EVENTS:,}")
        elif name == "reverse":
            if not isinstance(value, bool):
                raise _refused("'reverse' is true or false")
            query.reverse = value
        elif name == "topic":
            if not isinstance(value, str):
                raise _refused("'topic' is a URI")
            query.topic = value
        elif name in _TIMES:
            query.times.append((_TIMES[name], _microseconds(name, value)))
        elif name in _PUBLICATIONS:
            query.publications.append((*_PUBLICATIONS[name], _id(value, name)))
        else:
            raise _refused(f"there is no {short_repr(name)}; the filters are {', '.join(_OPTIONS)}")
    return query


def _microseconds(name: str, value: Any) -> int:
    try:
        time = dt.datetime.fromisoformat(value)
        return (time - _EPOCH) // _MICROSECOND
    except (TypeError, ValueError, OverflowError):  # also of a time without an offset
        raise _refused(f"{name!r} is a time with an offset, as 2026-01-31T12:00:00Z") from None


def _id(value: Any, name: str) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)  # as some peers write their ids
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise _refused(f"{name!r} is a whole number")
    return value


def _refused(text: str) -> WampError:
    return WampError(INVALID_ARGUMENT, f"The arguments do not fit: {text}.")
