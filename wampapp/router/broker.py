"""The broker of one realm: topics, subscriptions, and the routing of events. Sans-I/O."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import INVALID_ARGUMENT, INVALID_URI, NO_SUCH_SUBSCRIPTION, PayloadNotEncodable
from wampapp.protocol import uris
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.messages import (
    EVENT,
    PUBLISH,
    PUBLISHED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    short_repr,
)
from wampapp.protocol.patterns import is_match
from wampapp.router.index import EXACT, UriIndex
from wampapp.router.meta import SubscriptionMeta, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wampapp.protocol.codec import Codec
    from wampapp.protocol.messages import Message
    from wampapp.router.core import RouterSession

#: What WELCOME says of the broker ("Feature Announcement").
FEATURES: Final = {
    "publisher_exclusion": True,
    "subscriber_blackwhite_listing": True,
    "publisher_identification": True,
    "pattern_based_subscription": True,
    "event_retention": True,
    "session_meta_api": True,
    "subscription_meta_api": True,
}

#: The most topics of a realm whose last event is retained, and the most bytes of all those
#: events; the oldest goes first.
MOST_RETAINED: Final = 10_000
MOST_RETAINED_BYTES: Final = 64 * 2**20

#: Not Python's own one, which a program in this process may have seeded.
_random: Final = random.Random()  # noqa: S311

_NO_DETAILS: Final[dict[str, Any]] = {}
_LISTS: Final = (
    "exclude",
    "exclude_authid",
    "exclude_authrole",
    "eligible",
    "eligible_authid",
    "eligible_authrole",
)


class Subscription:
    """A pattern that has subscribers.

    Attributes:
        id: the subscription's id, the same for all its subscribers.
        match: ``exact``, ``prefix`` or ``wildcard``.
        uri: the topic or pattern.
        subscribers: the sessions, in the order of their arrival, and whether each asked to be
            told the publisher.
        created: when it was made, in seconds since 1970.
    """

    __slots__ = ("created", "id", "match", "subscribers", "uri")

    def __init__(self, number: int, match: str, pattern: str, created: float) -> None:
        self.id = number
        self.match = match
        self.uri = pattern
        self.subscribers: dict[RouterSession, bool] = {}
        self.created = created

    @property
    def sessions(self) -> Collection[RouterSession]:
        """The subscribers."""
        return self.subscribers

    def describe(self) -> dict[str, Any]:
        """Return what the subscription meta API tells of it ("SubscriptionDetails")."""
        return {
            "id": self.id,
            "created": utc_text(self.created),
            "uri": self.uri,
            "match": self.match,
        }


class Publication:
    """An event on its way, or retained.

    Args:
        session: the publisher; None for the router itself.
        message: the PUBLISH.

    Attributes:
        id: the publication's id.
    """

    def __init__(self, session: RouterSession | None, message: Message) -> None:
        options = message[2]
        # Random by the specification ("IDs"), but no secret: no system call for each event.
        self.id = 1 + _random.getrandbits(53)
        self._topic: str = message[3]
        self._payload = message[4:]
        self._publisher: dict[str, Any] = {}
        if session is not None:
            self._publisher = {
                "publisher": session.id,
                "publisher_authid": session.authid,
                "publisher_authrole": session.authrole,
            }
        self._disclosed = options.get("disclose_me") is True
        self._allowed = _audience(options)

    @functools.cached_property
    def size(self) -> int:
        """About how many bytes the payload has; asked for where the event is retained."""
        try:
            return len(self._topic) + len(MSGPACK.encode(self._payload))
        except PayloadNotEncodable:
            return MOST_RETAINED_BYTES + 1  # not to be kept

    def reaches(self, session: RouterSession) -> bool:
        """Tell whether a subscriber is of the audience that the publisher named."""
        return self._allowed is None or self._allowed(session)

    def event(self, subscription: Subscription, *, disclosed: bool, retained: bool) -> Message:
        """Make the EVENT for a subscription's subscribers."""
        details: dict[str, Any] = _NO_DETAILS
        if disclosed or self._disclosed or retained or subscription.match != EXACT:
            details = {}
            if disclosed or self._disclosed:
                details.update(self._publisher)
            if subscription.match != EXACT:
                details["topic"] = self._topic
            if retained:
                details["retained"] = True
        return [EVENT, subscription.id, self.id, details, *self._payload]


class Broker:
    """Routes events from publishers to subscribers ("Publish and Subscribe").

    Args:
        next_id: gives the next id of the router scope.
        now: tells the time, in seconds since 1970.

    Attributes:
        meta: tells of the subscriptions.
    """

    def __init__(self, next_id: Callable[[], int], now: Callable[[], float]) -> None:
        self._next_id = next_id
        self._index: UriIndex[Subscription] = UriIndex()
        self._by_id: dict[int, Subscription] = {}
        self._now = now
        self.meta = SubscriptionMeta(self._by_id, self._index, self.announce)
        self._retained: dict[str, Publication] = {}
        self._retained_bytes = 0

    @property
    def subscriptions(self) -> dict[int, Subscription]:
        """The subscriptions, by id."""
        return self._by_id

    @property
    def retained(self) -> dict[str, Publication]:
        """The retained events, by topic."""
        return self._retained

    def subscribe(self, session: RouterSession, message: Message) -> None:
        """Handle SUBSCRIBE: ``[SUBSCRIBE, Request, Options, Topic]``."""
        _, request, options, name = message
        match = session.match_of(SUBSCRIBE, request, options)
        if match is None:
            return
        if not is_match(match, name):
            session.send_error(
                SUBSCRIBE, request, INVALID_URI, f"The topic {short_repr(name)} is invalid."
            )
            return
        subscription = self._index.get(match, name)
        if subscription is None:
            subscription = Subscription(self._next_id(), match, name, self._now())
            self._index.add(match, name, subscription)
            self._by_id[subscription.id] = subscription
        disclosed = options.get("x_disclose") is True
        is_new = session not in subscription.subscribers
        subscription.subscribers[session] = disclosed
        session.subscriptions.add(subscription.id)
        session.send([SUBSCRIBED, request, subscription.id])
        if options.get("get_retained") is True:
            for publication in self._retained_for(subscription):
                if publication.reaches(session):
                    event = publication.event(subscription, disclosed=disclosed, retained=True)
                    session.send_shared(event, {})
        if is_new:
            self.meta.added(session, subscription)

    def _retained_for(self, subscription: Subscription) -> list[Publication]:
        if subscription.match == EXACT:
            found = self._retained.get(subscription.uri)
            return [] if found is None else [found]
        index: UriIndex[Subscription] = UriIndex()
        index.add(subscription.match, subscription.uri, subscription)
        return [p for topic, p in self._retained.items() if index.best(topic) is not None]

    def unsubscribe(self, session: RouterSession, message: Message) -> None:
        """Handle UNSUBSCRIBE: ``[UNSUBSCRIBE, Request, Subscription]``."""
        _, request, number = message
        if number not in session.subscriptions:
            session.send_error(
                UNSUBSCRIBE, request, NO_SUCH_SUBSCRIPTION, f"There is no subscription {number}."
            )
            return
        subscription = self._drop(session, number)
        session.send([UNSUBSCRIBED, request])
        self.meta.removed(session, subscription)

    def publish(self, session: RouterSession, message: Message) -> None:
        """Handle PUBLISH: ``[PUBLISH, Request, Options, Topic, Args?, Kwargs?]``."""
        request, options, name = message[1:4]
        acknowledge = options.get("acknowledge") is True
        fault = _fault(name, options)
        if fault is not None:
            if acknowledge:
                session.send_error(PUBLISH, request, *fault)
            return
        publication = Publication(session, message)
        subscriptions = self._index.all(name)
        if subscriptions:
            excluded = session if options.get("exclude_me") is not False else None
            for subscription in subscriptions:
                _deliver(publication, subscription, excluded)
        if options.get("retain") is True:
            self._retain(name, publication)
        if acknowledge:
            session.send([PUBLISHED, request, publication.id])

    def announce(self, topic: str, make: Callable[[], list[Any]]) -> None:
        """Publish an event of the router's own, under a URI that peers may not publish to.

        Args:
            topic: the topic.
            make: makes the positional arguments; asked only where somebody listens.
        """
        subscriptions = self._index.all(topic)
        if subscriptions:
            publication = Publication(None, [PUBLISH, 0, {}, topic, make()])
            for subscription in subscriptions:
                _deliver(publication, subscription, None)

    def _retain(self, name: str, publication: Publication) -> None:
        self._forget(name)
        self._retained[name] = publication
        self._retained_bytes += publication.size
        while len(self._retained) > MOST_RETAINED or self._retained_bytes > MOST_RETAINED_BYTES:
            self._forget(next(iter(self._retained)))

    def _forget(self, name: str) -> None:
        earlier = self._retained.pop(name, None)
        if earlier is not None:
            self._retained_bytes -= earlier.size

    def remove(self, session: RouterSession) -> list[Subscription]:
        """Forget a session that has left.

        Returns:
            The subscriptions that it was taken from.
        """
        return [self._drop(session, number) for number in sorted(session.subscriptions)]

    def _drop(self, session: RouterSession, number: int) -> Subscription:
        session.subscriptions.discard(number)
        subscription = self._by_id[number]
        del subscription.subscribers[session]
        if not subscription.subscribers:
            self._index.remove(subscription.match, subscription.uri)
            del self._by_id[number]
        return subscription


def _deliver(
    publication: Publication, subscription: Subscription, excluded: RouterSession | None
) -> None:
    # Made once for those who are told the publisher and once for those who are not, and encoded
    # once for each serializer, however many subscribers there are.
    events: dict[bool, tuple[Message, dict[Codec, bytes | None]]] = {}
    for subscriber, disclosed in subscription.subscribers.items():
        if subscriber is excluded or not publication.reaches(subscriber):
            continue
        made = events.get(disclosed)
        if made is None:
            event = publication.event(subscription, disclosed=disclosed, retained=False)
            made = events[disclosed] = (event, {})
        subscriber.send_shared(*made)


def _fault(name: str, options: dict[str, Any]) -> tuple[str, str] | None:
    """What is wrong with a PUBLISH: error URI and sentence."""
    if not uris.is_valid(name) or name.startswith(uris.RESERVED):
        return INVALID_URI, f"The topic {short_repr(name)} is invalid or reserved."
    for option in _LISTS:
        if option in options and not isinstance(options[option], list):
            return INVALID_ARGUMENT, f"The option {option} must be a list."
    return None


def _audience(options: dict[str, Any]) -> Callable[[RouterSession], bool] | None:
    """Make the test for "Subscriber Black- and Whitelisting"; None where all may hear."""
    if not any(option in options for option in _LISTS):
        return None
    lists = [options.get(option) for option in _LISTS]

    def reaches(session: RouterSession) -> bool:
        marks = (session.id, session.authid, session.authrole)
        return not any(
            listed is not None and mark in listed
            for mark, listed in zip(marks, lists[:3], strict=True)
        ) and all(
            listed is None or mark in listed for mark, listed in zip(marks, lists[3:], strict=True)
        )

    return reaches
