"""Events that wait for the session to come back."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import ConnectionLost, NotJoined, WampError
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.messages import PUBLISH, payload_of
from wampapp.protocol.payload import append_payload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.session.session import Session

logger = logging.getLogger("wampapp")

#: The most events that wait, and the most bytes of them.
MAX_EVENTS: Final = 1000
MAX_BYTES: Final = 16 * 2**20


class Outbox:
    """A bounded queue of events. One that does not fit is refused, so that its publisher knows."""

    def __init__(self) -> None:
        self._events: deque[bytes] = deque()
        self._bytes = 0

    def put(
        self, topic: str, args: Sequence[Any], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> None:
        """Add an event. It is encoded now, so the arguments may change afterwards.

        Raises:
            NotJoined: the outbox is full.
            PayloadNotEncodable: an argument cannot be sent.
        """
        event = MSGPACK.encode(append_payload([PUBLISH, 0, options, topic], args, kwargs))
        if len(self._events) >= MAX_EVENTS or self._bytes + len(event) > MAX_BYTES:
            raise NotJoined(
                f"There is no session with a router at the moment, and {len(self._events)} events "
                f"({self._bytes} bytes) wait for it already; this one was not published."
            )
        self._events.append(event)
        self._bytes += len(event)

    def flush(self, session: Session) -> None:
        """Publish everything, in order.

        Raises:
            ConnectionLost: the link broke meanwhile; what was not sent still waits.
            NotJoined: the session has ended; what was not sent still waits.
        """
        while self._events:
            message = MSGPACK.decode(self._events[0])
            args, kwargs = payload_of(message, 4)
            try:
                session.publish(message[3], args, kwargs, options=message[2])
            except (ConnectionLost, NotJoined):
                raise
            except WampError as error:
                logger.error("An event of %s cannot be published: %s", message[3], error)  # noqa: TRY400
            self._bytes -= len(self._events.popleft())

    def clear(self) -> int:
        """Drop everything, and return how many events there were."""
        lost = len(self._events)
        self._events.clear()
        self._bytes = 0
        return lost
