"""The last events of a realm, which subscribers may ask for ("Event History"). Sans-I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import NO_SUCH_SUBSCRIPTION, WampError
from wampapp.protocol.messages import short_repr
from wampapp.router.history_query import history_query
from wampapp.router.index import EXACT, UriIndex
from wampapp.router.meta import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import Message
    from wampapp.router.broker import Broker
    from wampapp.router.meta import Procedure
    from wampapp.router.publication import Publication
    from wampapp.router.session import RouterSession
    from wampapp.router.subscriptions import Subscription

#: An answer ends with the event that fills so many bytes.
MAX_SIZE: Final = 2**20
_MILLISECOND: Final = 1_000  # in microseconds
#: An audience of sessions: their ids mean others, or nobody, when somebody asks.
_SESSION_LISTS: Final = ("exclude", "eligible")


class PastEvent:
    """An event that is kept.

    Args:
        seconds: when it was published, since 1970.
        topic: its topic.
        size: about how many bytes it takes.
        publication: the event.

    Attributes:
        microseconds: the time, in whole milliseconds: as callers are told it.
        topic: its topic.
        size: about how many bytes it takes.
        publication: the event.
        number: its id.
    """

    __slots__ = ("microseconds", "number", "publication", "size", "topic")

    def __init__(self, seconds: float, topic: str, size: int, publication: Publication) -> None:
        self.microseconds = int(seconds * 1000) * _MILLISECOND
        self.topic = topic
        self.size = size
        self.publication = publication
        self.number = publication.id


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
        self._kept: deque[PastEvent] = deque()
        self._bytes = 0
        self.procedures: dict[str, Procedure] = {"wamp.subscription.get_events": self._get}

    def publish(self, session: RouterSession, message: Message) -> None:
        """Handle PUBLISH in place of the broker: it publishes the event, which is kept then."""
        publication = self._publish(session, message)
        if publication is None or any(name in message[2] for name in _SESSION_LISTS):
            return
        size = publication.pack()
        if size is None:
            return
        self._kept.append(PastEvent(self._now(), message[3], size, publication))
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._kept.popleft().size

    def _get(
        self, session: RouterSession, args: list[Any], kwargs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Return past events of one of the caller's own subscriptions."""
        query = history_query(args, kwargs)
        number = query.subscription
        # Who hears the topic may know what it said; anybody else may not be allowed to.
        if number not in session.subscriptions:
            text = f"This session has no subscription {short_repr(number)}."
            raise WampError(NO_SUCH_SUBSCRIPTION, text)
        subscription = self._subscriptions.by_id(number)
        disclosed = subscription.subscribers[session]
        known = self._known(subscription, session)
        events: list[dict[str, Any]] = []
        room = MAX_SIZE
        for place in query.select(known):
            if room <= 0:
                break
            past = known[place]
            room -= past.size
            _, _, _, details, *payload = past.publication.event(
                number, subscription.match, disclosed=disclosed, retained=False
            )
            defaults: list[Any] = [[], {}]
            event_args, event_kwargs = payload + defaults[len(payload) :]
            events.append(
                {
                    "timestamp": utc_text(past.microseconds / 1e6),
                    "subscription": number,
                    "publication": past.number,
                    "topic": past.topic,
                    "details": details,
                    "args": event_args,
                    "kwargs": event_kwargs,
                }
            )
        return events

    def _known(self, subscription: Subscription, session: RouterSession) -> list[PastEvent]:
        """Return the events of a subscription's topics that a session may hear, oldest first."""
        if subscription.match == EXACT:
            uri = subscription.uri
            of_topic = [past for past in self._kept if past.topic == uri]
        else:
            index: UriIndex[bool] = UriIndex()
            index.add(subscription.match, subscription.uri, True)
            of_topic = [past for past in self._kept if index.best(past.topic)]
        return [past for past in of_topic if past.publication.reaches(session)]
