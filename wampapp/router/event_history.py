"""The last events of a realm, which subscribers may ask for ("Event History"). Sans-I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import INVALID_ARGUMENT, NO_SUCH_SUBSCRIPTION, WampError
from wampapp.protocol.messages import MAX_ID, short_repr
from wampapp.router.index import EXACT, UriIndex
from wampapp.router.meta import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import Message
    from wampapp.router.broker import Broker
    from wampapp.router.meta import Procedure
    from wampapp.router.publication import Publication
    from wampapp.router.session import RouterSession
    from wampapp.router.subscriptions import Subscription

#: An answer has at most so many events, and ends with the one that fills so many bytes.
MAX_EVENTS: Final = 1_000
MAX_SIZE: Final = 2**20
_DEFAULT_EVENTS: Final = 10
_ARGUMENTS: Final = ("subscription", "limit")


class EventHistory:
    """Keeps the last events of a realm, whether or not somebody heard them.

    A realm that keeps none does not have one, and so its events cost nothing more.

    Args:
        broker: the realm's broker.
        now: returns the time, in seconds since 1970.
        limits: how many are kept, and how many bytes of all of them; the oldest goes first.

    Attributes:
        procedures: what returns them, by the procedure's URI.
    """

    def __init__(self, broker: Broker, now: Callable[[], float], limits: Limits) -> None:
        self._publish = broker.publish
        self._subscriptions = broker.subscriptions
        self._now = now
        self._most = limits.history_events
        self._most_bytes = limits.history_size
        #: Each with its time, its topic and its size.
        self._kept: deque[tuple[float, str, int, Publication]] = deque()
        self._bytes = 0
        self.procedures: dict[str, Procedure] = {"wamp.subscription.get_events": self._get}

    def publish(self, session: RouterSession, message: Message) -> None:
        """Handle PUBLISH in place of the broker: it publishes the event, which is kept then."""
        publication = self._publish(session, message)
        size = None if publication is None else publication.pack()
        if publication is None or size is None:
            return
        self._kept.append((self._now(), message[3], size, publication))
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._kept.popleft()[2]

    def _get(
        self, session: RouterSession, args: list[Any], kwargs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Return the last events of one of the caller's own subscriptions, the newest first."""
        number, most = _arguments(args, kwargs)
        # Who hears the topic may know what it said; anybody else may not be allowed to.
        if number not in session.subscriptions:
            text = f"This session has no subscription {short_repr(number)}."
            raise WampError(NO_SUCH_SUBSCRIPTION, text)
        subscription = self._subscriptions.by_id(number)
        disclosed = subscription.subscribers[session]
        events: list[dict[str, Any]] = []
        room = MAX_SIZE
        for time, topic, size, publication in self._matching(subscription):
            if len(events) == most or room <= 0:
                break
            if publication.reaches(session):
                room -= size
                _, _, publication_id, details, *payload = publication.event(
                    number, subscription.match, disclosed=disclosed, retained=False
                )
                defaults: list[Any] = [[], {}]
                event_args, event_kwargs = payload + defaults[len(payload) :]
                events.append(
                    {
                        **details,
                        "timestamp": utc_text(time),
                        "subscription": number,
                        "publication": publication_id,
                        "topic": topic,
                        "args": event_args,
                        "kwargs": event_kwargs,
                    }
                )
        return events

    def _matching(
        self, subscription: Subscription
    ) -> Iterator[tuple[float, str, int, Publication]]:
        """Yield the events of a subscription's topics, the newest first."""
        if subscription.match == EXACT:
            uri = subscription.uri
            return (kept for kept in reversed(self._kept) if kept[1] == uri)
        index: UriIndex[bool] = UriIndex()
        index.add(subscription.match, subscription.uri, True)
        return (kept for kept in reversed(self._kept) if index.best(kept[1]))


def _arguments(args: list[Any], kwargs: dict[str, Any]) -> tuple[int, int]:
    """Return the subscription's id, and how many events are asked for."""
    given = dict(zip(_ARGUMENTS, args, strict=False))
    values = {"limit": _DEFAULT_EVENTS, **kwargs, **given}
    number, most = _whole(values.get("subscription")), _whole(values["limit"])
    is_known = len(values) == len(_ARGUMENTS) and len(args) <= len(_ARGUMENTS)
    if (
        not is_known
        or not given.keys().isdisjoint(kwargs)
        or number is None
        or most is None
        or not 1 <= most <= MAX_EVENTS
    ):
        raise WampError(
            INVALID_ARGUMENT,
            "The arguments are a subscription's id and, if any, the limit: how many events, from 1 "
            f"to {MAX_EVENTS:,}.",
        )
    return number, most


def _whole(value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)  # as some peers write their ids
    return value if type(value) is int and 0 <= value <= MAX_ID else None
