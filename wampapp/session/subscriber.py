"""The subscriber's part of a session: SUBSCRIBE, and EVENT for the handlers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wampapp.protocol.messages import SUBSCRIBE, UNSUBSCRIBE, payload_of
from wampapp.session.events import MAX_WAITING_EVENTS, EventQueue

if TYPE_CHECKING:
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.registry.endpoint import Endpoint
    from wampapp.session.caller import Caller
    from wampapp.session.events import Backlog

logger = logging.getLogger("wampapp.session")


class Subscriber:
    """Subscribes handlers, and hands them their events.

    Args:
        dispatcher: what runs the handlers.
        caller: what makes requests of the router.
        backlog: counts the events that wait.
    """

    def __init__(self, dispatcher: Dispatcher, caller: Caller, backlog: Backlog) -> None:
        self._dispatcher = dispatcher
        self._caller = caller
        self._backlog = backlog
        #: The handlers of each subscription, by its id.
        self._queues: dict[int, list[EventQueue]] = {}
        #: Those whose SUBSCRIBE has yet to be answered.
        self._asking: list[Endpoint] = []

    async def subscribe(self, endpoint: Endpoint) -> int:
        """Subscribe a handler to a topic.

        Args:
            endpoint: the handler.

        Returns:
            The subscription's id, the same for all handlers of one topic.

        Raises:
            WampError: the router refuses.
            NotJoined: the session is not joined.
            ConnectionLost: the link broke.
        """

        def add(subscription: int) -> None:
            self._asking.remove(endpoint)
            endpoint.id = subscription
            queue = EventQueue(self._dispatcher, endpoint, self._backlog)
            self._queues.setdefault(subscription, []).append(queue)

        self._asking.append(endpoint)
        try:
            return await self._caller.request(
                SUBSCRIBE, endpoint.options, endpoint.pattern.uri, on_answer=add
            )
        except Exception:
            self._asking.remove(endpoint)
            raise

    def find(self, endpoint: Endpoint) -> int | None:
        """Return the id of a handler's subscription, in any thread; None if it has none."""
        for number, queues in list(self._queues.items()):
            if any(queue.endpoint is endpoint for queue in queues):
                return number
        return None

    def remove(self, endpoint: Endpoint) -> int | None:
        """Hand a handler no more events.

        Args:
            endpoint: the handler.

        Returns:
            The id of its subscription if that is to be taken back: no other handler has it.
        """
        number = self.find(endpoint)
        if number is None:
            return None
        left = []
        for queue in self._queues[number]:
            if queue.endpoint is endpoint:
                queue.close()
            else:
                left.append(queue)
        if left:
            self._queues[number] = left  # a new list, for on_event() may go through the old one
            return None
        del self._queues[number]
        # The router answers a SUBSCRIBE that is on its way with the same id.
        same = any(
            (asking.pattern.uri, asking.pattern.match)
            == (endpoint.pattern.uri, endpoint.pattern.match)
            for asking in self._asking
        )
        return None if same else number

    async def unsubscribe(self, subscription: int) -> None:
        """Take a subscription back that has no handlers left.

        Args:
            subscription: its id.

        Raises:
            WampError: the router refuses.
            NotJoined: the session is not joined.
            ConnectionLost: the link broke.
        """
        await self._caller.request(UNSUBSCRIBE, subscription)

    def on_unsubscribed(self, message: Message) -> None:
        """Handle ``[UNSUBSCRIBED, Request]``, and the router's own, whose request is 0."""
        if message[1] != 0:
            self._caller.on_answer(message)
            return
        # "Subscription Revocation": the router has taken a subscription away.
        details = message[2] if len(message) > 2 else {}
        number = details.get("subscription")
        queues = self._queues.pop(number, []) if type(number) is int else []
        for queue in queues:
            queue.close()
        if queues:
            reason = details.get("reason") or "it gives no reason"
            logger.warning("%s was taken away by the router: %s", queues[0].topic, reason)

    def refuse(self, error: MalformedMessage) -> None:
        """Drop an event that cannot be read."""
        queues = self._queues.get(error.head[1])
        what = f"An event of {queues[0].topic}" if queues else "An event"
        logger.warning("%s was dropped: %s", what, error.message)

    def on_event(self, message: Message) -> None:
        """Handle ``[EVENT, Subscription, Publication, Details, Args?, Kwargs?]``."""
        # An event may overtake our UNSUBSCRIBE; then there is no handler any more.
        args, kwargs = payload_of(message, 4)
        for queue in self._queues.get(message[1], ()):
            queue.put(args, kwargs, message[3], message[2])
        if self._backlog.waiting > MAX_WAITING_EVENTS:
            self._backlog.pause()
