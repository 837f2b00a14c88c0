"""The subscriptions of one realm: which session hears which topic. Sans-I/O."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from wampapp.errors import INVALID_URI, LIMIT_EXCEEDED, NO_SUCH_SUBSCRIPTION
from wampapp.protocol.messages import SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED, short_repr
from wampapp.protocol.patterns import is_match
from wampapp.router.index import EXACT, PREFIX, UriIndex
from wampapp.router.matching import match_of
from wampapp.router.meta import SubscriptionMeta, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from wampapp.protocol.messages import Message
    from wampapp.router.meta import Announce
    from wampapp.router.retained import RetainedEvents
    from wampapp.router.session import RouterSession

    #: A prefix's length, or which components of a wildcard pattern are gaps.
    Shape = int | tuple[bool, ...]


class Subscription:
    """A pattern that has subscribers.

    Attributes:
        id: the subscription's id, the same for all its subscribers.
        match: ``exact``, ``prefix`` or ``wildcard``.
        uri: the topic or pattern.
        subscribers: the sessions, in the order of their arrival, and whether each asked for the
            publisher's identity.
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
        """Return its details as the subscription meta API gives them ("SubscriptionDetails")."""
        return {
            "id": self.id,
            "created": utc_text(self.created),
            "uri": self.uri,
            "match": self.match,
        }


class Subscriptions:
    """Handles SUBSCRIBE and UNSUBSCRIBE ("Subscribing and Unsubscribing").

    Args:
        next_id: returns the next id of the router scope.
        now: returns the time, in seconds since 1970.
        announce: publishes an event of the router's own.
        retained: the retained events, which a new subscriber may ask for.

    Attributes:
        index: the subscriptions, by pattern.
        meta: the meta API of the subscriptions.
    """

    def __init__(
        self,
        next_id: Callable[[], int],
        now: Callable[[], float],
        announce: Announce,
        retained: RetainedEvents,
    ) -> None:
        self._next_id = next_id
        self._now = now
        self._retained = retained
        self._by_id: dict[int, Subscription] = {}
        #: How many patterns of each shape a session subscribes to.
        self._shapes: dict[RouterSession, Counter[Shape]] = {}
        self.index: UriIndex[Subscription] = UriIndex()
        self.meta = SubscriptionMeta(self._by_id, self.index, announce)

    def subscribe(self, session: RouterSession, message: Message) -> None:
        """Handle SUBSCRIBE: ``[SUBSCRIBE, Request, Options, Topic]``."""
        _, request, options, name = message
        match = match_of(session, SUBSCRIBE, request, options)
        if match is None:
            return
        if not is_match(match, name):
            session.send_error(
                SUBSCRIBE, request, INVALID_URI, f"The topic {short_repr(name)} is invalid."
            )
            return
        subscription = self.index.get(match, name)
        is_new = subscription is None or session not in subscription.subscribers
        most = session.limits.subscriptions
        if is_new and len(session.subscriptions) >= most:
            text = f"A session has at most {most:,} subscriptions here."
            session.send_error(SUBSCRIBE, request, LIMIT_EXCEEDED, text)
            return
        if is_new and match != EXACT and not self._add_shape(session, _shape_of(match, name)):
            text = (
                f"A session subscribes to patterns of at most {session.limits.pattern_shapes:,} "
                "shapes here: lengths of a prefix, and places of the wildcards."
            )
            session.send_error(SUBSCRIBE, request, LIMIT_EXCEEDED, text)
            return
        if subscription is None:
            subscription = Subscription(self._next_id(), match, name, self._now())
            self.index.add(match, name, subscription)
            self._by_id[subscription.id] = subscription
        disclosed = options.get("x_disclose") is True
        subscription.subscribers[session] = disclosed
        session.subscriptions.add(subscription.id)
        session.send([SUBSCRIBED, request, subscription.id])
        if options.get("get_retained") is True:
            for publication in self._retained.matching(match, name):
                if publication.reaches(session):
                    event = publication.event(
                        subscription.id, match, disclosed=disclosed, retained=True
                    )
                    session.send_event(event, {})
        if is_new:
            self.meta.added(session, subscription)

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

    def revoke(self, subscriber: RouterSession, number: int, reason: str) -> None:
        """Take a subscription from a subscriber ("Subscription Revocation").

        Args:
            subscriber: the subscriber.
            number: the subscription's id.
            reason: why, for the subscriber.
        """
        subscription = self._drop(subscriber, number)
        if subscriber.supports("subscriber", "subscription_revocation"):
            subscriber.send([UNSUBSCRIBED, 0, {"subscription": number, "reason": reason}])
        self.meta.removed(subscriber, subscription)

    def by_id(self, number: int) -> Subscription:
        """Return the subscription with an id; there is one."""
        return self._by_id[number]

    def of(self, session: RouterSession) -> list[Subscription]:
        """Return the subscriptions of a session."""
        return [self._by_id[number] for number in session.subscriptions]

    def removing(self, session: RouterSession) -> Iterator[Subscription]:
        """Take a session that has left out of its subscriptions, one at each step."""
        for number in sorted(session.subscriptions):
            yield self._drop(session, number)

    def _add_shape(self, session: RouterSession, shape: Shape) -> bool:
        """Count a pattern of a session; return False, and don't, if it has too many shapes.

        Of the patterns of one shape, at most one matches a topic. So an event is not multiplied,
        however many patterns a session has.
        """
        shapes = self._shapes.setdefault(session, Counter())
        if shape not in shapes and len(shapes) >= session.limits.pattern_shapes:
            return False
        shapes[shape] += 1
        return True

    def _remove_shape(self, session: RouterSession, shape: Shape) -> None:
        shapes = self._shapes[session]
        shapes[shape] -= 1
        if not shapes[shape]:
            del shapes[shape]
            if not shapes:
                del self._shapes[session]

    def _drop(self, session: RouterSession, number: int) -> Subscription:
        session.subscriptions.discard(number)
        subscription = self._by_id[number]
        del subscription.subscribers[session]
        if subscription.match != EXACT:
            self._remove_shape(session, _shape_of(subscription.match, subscription.uri))
        if not subscription.subscribers:
            self.index.remove(subscription.match, subscription.uri)
            del self._by_id[number]
        return subscription


def _shape_of(match: str, pattern: str) -> Shape:
    if match == PREFIX:
        return len(pattern)
    return tuple(not component for component in pattern.split("."))
