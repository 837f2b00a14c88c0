"""How fast a session may send. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.messages import Message
    from wampapp.router.peer import Peer

_SPAN = 1.0


class Meter:
    """Counts the messages of a session, and reads no more of them in a second than it may send.

    What it sends faster waits in its sockets: nothing is lost, and nobody else notices.

    Args:
        peer: the session.
        rate: how many messages it may send in a second.
        receive: handles a message.
        call_later: calls a function after some seconds.
    """

    def __init__(
        self,
        peer: Peer,
        rate: int,
        receive: Callable[[Message], None],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._peer = peer
        self._rate = rate
        self._receive = receive
        self._call_later = call_later
        self._count = 0
        self._is_paused = False

    def received(self, message: Message) -> None:
        """Handle a message, and pause the link if it was the last one for this second."""
        if not self._count:
            self._call_later(_SPAN, self._begin)
        self._count += 1
        link = self._peer.link
        if self._count >= self._rate and not self._is_paused and link is not None:
            self._is_paused = True
            link.pause()
        self._receive(message)

    def _begin(self) -> None:
        """Begin another second."""
        self._count = 0
        link = self._peer.link
        if self._is_paused and link is not None:
            self._is_paused = False
            link.resume()
