"""A link without sockets, to a router in the same process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from wampapp.errors import ConnectionLost, PayloadTooLarge, ProtocolViolation
from wampapp.protocol.codec import MSGPACK
from wampapp.transport.link import LOCAL, MAX_MESSAGE_SIZE

if TYPE_CHECKING:
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp.transport")


class LocalLink:
    """One end of a link inside the process: no sockets, but the same bytes as on one.

    Messages are encoded and decoded, so that neither side can change what the other holds, and
    are delivered in a later turn of the loop, as a socket's would be.
    """

    codec: Codec = MSGPACK
    address = LOCAL
    #: Neither end can vanish without the other.
    heard = True
    channel = None
    request: dict[str, Any] | None = None
    sending = False

    def __init__(self, handler: Handler) -> None:
        self._handler: Handler | None = handler
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[bytes] = deque()
        self._pauses = 0
        self._closing = False
        self._other: LocalLink

    def send(self, message: Message) -> None:
        """Send a message; see :class:`Link`."""
        self.write(self.codec.encode(message))

    def write(self, payload: bytes) -> None:
        """Send an encoded message; see :class:`Link`."""
        other = self._other
        if len(payload) >= MAX_MESSAGE_SIZE:
            raise PayloadTooLarge(
                f"The message has {len(payload)} bytes; a link takes less than {MAX_MESSAGE_SIZE}."
            )
        if self._closing or other._handler is None:
            raise ConnectionLost("The link to the router is closed.")
        if not other._inbox:
            self._loop.call_soon(other._deliver)
        other._inbox.append(payload)

    def take(self, size: int, values: int) -> None:
        """Do nothing: who sends shares this process; see :class:`Link`."""

    def pause(self) -> None:
        """Stop delivering; see :class:`Link`."""
        self._pauses += 1

    def resume(self) -> None:
        """Deliver again; see :class:`Link`."""
        if self._pauses:
            self._pauses -= 1
            if not self._pauses:
                self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        while self._inbox and not self._pauses:
            payload = self._inbox.popleft()
            if self._handler is None:
                return
            try:
                message = self.codec.decode(payload)
            except ProtocolViolation as error:
                self._handler.violated(error)
                continue
            try:
                self._handler.received(message)
            except BaseException:
                logger.exception("A message could not be handled; closing its connection")
                self.close()

    def close(self) -> None:
        """Close both ends; see :class:`Link`."""
        self._closing = True
        # In later turns of the loop, after what was sent before.
        self._loop.call_soon(self._other._end)
        self._loop.call_soon(self._end)

    abort = close

    def _end(self) -> None:
        self._closing = True
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.lost("the peer closed the connection")


def connect_locally(client: Handler, router: Handler) -> None:
    """Link a client to a router in the same process.

    Both handlers' ``opened`` is called before this returns.

    Args:
        client: the client's side of the session.
        router: the router's side.
    """
    client_end, router_end = LocalLink(client), LocalLink(router)
    client_end._other, router_end._other = router_end, client_end
    router.opened(router_end)
    client.opened(client_end)
