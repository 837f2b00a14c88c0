"""The broker of one realm: the routing of events. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.protocol.messages import PUBLISH, PUBLISHED
from wampapp.router.publication import Publication, fault_of
from wampapp.router.retained import RetainedEvents
from wampapp.router.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.router.numbers import Numbers
    from wampapp.router.session import RouterSession
    from wampapp.router.subscriptions import Subscription

#: What WELCOME says of the broker ("Feature Announcement").
FEATURES: Final = {
    "publisher_exclusion": True,
    "subscriber_blackwhite_listing": True,
    "publisher_identification": True,
    "pattern_based_subscription": True,
    "event_retention": True,
    "payload_passthru_mode": True,
    "subscription_revocation": True,
    "session_meta_api": True,
    "subscription_meta_api": True,
}


class Broker:
    """Routes events from publishers to subscribers ("Publish and Subscribe").

    Args:
        next_id: returns the next id of the router scope.
        now: returns the time, in seconds since 1970.
        numbers: what the router counts.
        limits: what is retained at most.

    Attributes:
        subscriptions: who hears which topic.
        retained: the retained events.
    """

    def __init__(
        self,
        next_id: Callable[[], int],
        now: Callable[[], float],
        numbers: Numbers,
        limits: Limits,
    ) -> None:
        self._numbers = numbers
        self.retained = RetainedEvents(limits)
        self.subscriptions = Subscriptions(next_id, now, self.announce, self.retained)
        self._index = self.subscriptions.index

    def publish(self, session: RouterSession, message: Message) -> Publication | None:
        """Handle PUBLISH: ``[PUBLISH, Request, Options, Topic, Args?, Kwargs?]``.

        Returns:
            The event; None where it was refused.
        """
        request, options, name = message[1:4]
        acknowledge = options.get("acknowledge") is True
        fault = fault_of(name, options)
        if fault is not None:
            if acknowledge:
                session.send_error(PUBLISH, request, *fault)
            return None
        self._numbers.events += 1
        publication = Publication(session, message)
        subscriptions = self._index.all(name)
        if subscriptions:
            excluded = session if options.get("exclude_me") is not False else None
            for subscription in subscriptions:
                _deliver(publication, subscription, excluded)
        if options.get("retain") is True:
            self.retained.retain(name, publication)
        if acknowledge:
            session.send([PUBLISHED, request, publication.id])
        return publication

    def announce(self, topic: str, make_args: Callable[[], list[Any]]) -> None:
        """Publish an event of the router's own, under a URI that peers may not publish to.

        Args:
            topic: the topic.
            make_args: makes the positional arguments; called only if there are subscribers.
        """
        subscriptions = self._index.all(topic)
        if subscriptions:
            publication = Publication(None, [PUBLISH, 0, {}, topic, make_args()])
            for subscription in subscriptions:
                _deliver(publication, subscription, None)


def _deliver(
    publication: Publication, subscription: Subscription, excluded: RouterSession | None
) -> None:
    # Made once with the publisher's identity and once without, and encoded once for each
    # serializer, however many subscribers there are.
    events: dict[bool, tuple[Message, dict[Codec, bytes | None]]] = {}
    for subscriber, disclosed in subscription.subscribers.items():
        if subscriber is excluded or not publication.reaches(subscriber):
            continue
        made = events.get(disclosed)
        if made is None:
            event = publication.event(
                subscription.id, subscription.match, disclosed=disclosed, retained=False
            )
            made = events[disclosed] = (event, {})
        subscriber.send_event(*made)
