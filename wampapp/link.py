"""What a session sends on, and the link that needs no sockets."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from wampapp.codec import MSGPACK, Codec
from wampapp.errors import ConnectionLost, PayloadTooLarge

if TYPE_CHECKING:
    from wampapp.errors import ProtocolViolation
    from wampapp.messages import Message

logger = logging.getLogger("wampapp.transport")

#: The largest message either way, in bytes: the most that RawSocket's handshake can announce.
MAX_MESSAGE_SIZE: Final = 2**24


class Link(Protocol):
    """A connected transport; what a session sends on.

    Attributes:
        heard: whether anything came in since this was last set to False.
    """

    heard: bool

    @property
    def sending(self) -> bool:
        """Whether bytes wait that the peer has not taken yet."""

    @property
    def codec(self) -> Codec:
        """The serializer that was negotiated."""

    def send(self, message: Message) -> None:
        """Encode and send a message whose payload is plain.

        Raises:
            PayloadNotEncodable: the serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
            ConnectionLost: the link is closed.
        """

    def write(self, payload: bytes) -> None:
        """Send a message that :attr:`codec` has encoded already; raises as :meth:`send`."""

    def pause(self) -> None:
        """Stop reading; the peer's transport holds what comes. Pausing twice does nothing."""

    def resume(self) -> None:
        """Read on."""

    def close(self) -> None:
        """Close the link once everything is sent."""

    def abort(self) -> None:
        """Close the link at once; what is not sent yet is lost."""


class Handler(Protocol):
    """What a link hands its news to; a client's or a router's side of a session."""

    def opened(self, link: Link) -> None:
        """Take the link; its handshake is done."""

    def received(self, message: Message) -> None:
        """Take a checked message."""

    def violated(self, error: ProtocolViolation) -> None:
        """Hear that the peer sent something that is no message; the link still is open."""

    def lost(self, reason: str) -> None:
        """Hear that the link is gone, and why; called once, last."""


class LocalLink:
    """One end of a link inside the process: no sockets, and the same bytes as on one.

    Messages are encoded and decoded, so that neither side can change what the other holds, and
    are delivered in a later turn of the loop, as a socket's would be.
    """

    codec: Codec = MSGPACK
    #: Neither end can vanish without the other.
    heard = True
    sending = False

    def __init__(self, handler: Handler) -> None:
        self._handler: Handler | None = handler
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[bytes] = deque()
        self._paused = False
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
        if self._handler is None or other._handler is None:
            raise ConnectionLost("The link to the router is closed.")
        if not other._inbox:
            self._loop.call_soon(other._deliver)
        other._inbox.append(payload)

    def pause(self) -> None:
        """Stop delivering; see :class:`Link`."""
        self._paused = True

    def resume(self) -> None:
        """Deliver on; see :class:`Link`."""
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        while self._inbox and not self._paused:
            payload = self._inbox.popleft()
            if self._handler is None:
                return
            try:
                self._handler.received(self.codec.decode(payload))
            except BaseException:
                logger.exception("A message could not be handled; closing its connection")
                self.close()

    def close(self) -> None:
        """Close both ends; see :class:`Link`."""
        # After what was sent before: both ends hear of it in their own turn.
        self._loop.call_soon(self._other._end)
        self._loop.call_soon(self._end)

    abort = close

    def _end(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.lost("the peer closed the connection")


def connect_locally(client: Handler, router: Handler) -> None:
    """Link a client to a router in the same process; both hear ``opened`` before it returns.

    Args:
        client: the client's side of the session.
        router: the router's side.
    """
    client_end, router_end = LocalLink(client), LocalLink(router)
    client_end._other, router_end._other = router_end, client_end
    router.opened(router_end)
    client.opened(client_end)
