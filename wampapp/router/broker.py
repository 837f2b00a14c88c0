"""The broker of one realm: topics, subscriptions, and the routing of events. Sans-I/O."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from wampapp import uri
from wampapp.errors import INVALID_URI, NO_SUCH_SUBSCRIPTION
from wampapp.messages import (
    EVENT,
    MAX_ID,
    PUBLISH,
    PUBLISHED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.codec import Codec
    from wampapp.messages import Message
    from wampapp.router.core import RouterSession

#: What WELCOME says of the broker ("Feature Announcement").
FEATURES: Final[dict[str, bool]] = {}


class Topic:
    """A topic that has subscribers.

    Attributes:
        id: the subscription's id, the same for all its subscribers.
        uri: the topic.
        subscribers: the sessions, in the order of their arrival.
    """

    __slots__ = ("id", "subscribers", "uri")

    def __init__(self, number: int, topic: str) -> None:
        self.id = number
        self.uri = topic
        self.subscribers: dict[RouterSession, None] = {}


class Broker:
    """Routes events from publishers to subscribers ("Publish and Subscribe").

    Args:
        next_id: gives the next id of the router scope.
    """

    def __init__(self, next_id: Callable[[], int]) -> None:
        self._next_id = next_id
        self._topics: dict[str, Topic] = {}
        self._by_id: dict[int, Topic] = {}

    @property
    def topics(self) -> dict[str, Topic]:
        """The topics with subscribers, by URI."""
        return self._topics

    def subscribe(self, session: RouterSession, message: Message) -> None:
        """Handle SUBSCRIBE: ``[SUBSCRIBE, Request, Options, Topic]``."""
        _, request, options, name = message
        if not uri.is_valid(name):
            session.send_error(SUBSCRIBE, request, INVALID_URI, f"The topic {name!r} is invalid.")
            return
        if not session.allows_match(SUBSCRIBE, request, options):
            return
        topic = self._topics.get(name)
        if topic is None:
            topic = Topic(self._next_id(), name)
            self._topics[name] = self._by_id[topic.id] = topic
        topic.subscribers[session] = None
        session.subscriptions.add(topic.id)
        session.send([SUBSCRIBED, request, topic.id])

    def unsubscribe(self, session: RouterSession, message: Message) -> None:
        """Handle UNSUBSCRIBE: ``[UNSUBSCRIBE, Request, Subscription]``."""
        _, request, number = message
        if number not in session.subscriptions:
            session.send_error(
                UNSUBSCRIBE, request, NO_SUCH_SUBSCRIPTION, f"There is no subscription {number}."
            )
            return
        self._drop(session, number)
        session.send([UNSUBSCRIBED, request])

    def publish(self, session: RouterSession, message: Message) -> None:
        """Handle PUBLISH: ``[PUBLISH, Request, Options, Topic, Args?, Kwargs?]``."""
        request, options, name = message[1:4]
        acknowledge = options.get("acknowledge") is True
        if not uri.is_valid(name) or name.startswith(uri.RESERVED):
            if acknowledge:
                session.send_error(
                    PUBLISH, request, INVALID_URI, f"The topic {name!r} is invalid or reserved."
                )
            return
        publication = 1 + secrets.randbelow(MAX_ID)
        topic = self._topics.get(name)
        if topic is not None:
            exclude_me = options.get("exclude_me") is not False
            event = [EVENT, topic.id, publication, {}, *message[4:]]
            # Encoded once for each serializer, however many subscribers there are.
            frames: dict[Codec, bytes | None] = {}
            for subscriber in topic.subscribers:
                if subscriber is not session or not exclude_me:
                    subscriber.send_shared(event, frames)
        if acknowledge:
            session.send([PUBLISHED, request, publication])

    def remove(self, session: RouterSession) -> None:
        """Forget a session that has left."""
        for number in list(session.subscriptions):
            self._drop(session, number)

    def _drop(self, session: RouterSession, number: int) -> None:
        session.subscriptions.discard(number)
        topic = self._by_id[number]
        del topic.subscribers[session]
        if not topic.subscribers:
            del self._topics[topic.uri], self._by_id[number]
