"""What a peer has not taken yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.transport.budget import Budget

#: What Twisted is given at a time: more than its buffer holds before it pauses a producer.
_CHUNK: Final = 128 * 1024


class Unsent:
    """The bytes that wait until a transport takes more. To Twisted it is a push producer.

    Twisted itself holds one chunk at most: so :attr:`size` is what the peer really has left unread,
    however much it has read before.

    Args:
        transport: where the bytes go.
        budget: what may wait for all peers; it is told what waits here.
        drop: disconnects the peer, for a reason that ends a sentence.
        direct: whether the link writes to the socket past the transport; then nothing may do so
            while the transport holds anything.

    Attributes:
        moved: whether the peer has taken something since this was last set to False.
        full: whether the transport takes nothing now, so that everything has to wait here.
    """

    __slots__ = (
        "_budget",
        "_bytes",
        "_counted",
        "_direct",
        "_given",
        "_transport",
        "drop",
        "full",
        "moved",
    )

    def __init__(
        self, transport: Any, budget: Budget, drop: Callable[[str], None], *, direct: bool
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._direct = direct
        self._bytes = bytearray()
        #: What the transport holds.
        self._given = 0
        #: What the budget was told.
        self._counted = 0
        self.drop = drop
        self.full = False
        self.moved = True

    @property
    def size(self) -> int:
        """How many bytes wait, here and in the transport."""
        return len(self._bytes) + self._given

    def add(self, data: bytes) -> None:
        """Send some bytes after all that wait already."""
        self._bytes += data
        if not self.full:
            self._hand_on()
        if self.full:
            self._account()

    def hand_over(self) -> None:
        """Give everything to the transport, which is about to close once it has sent it."""
        self.full = True  # nothing is written past the transport any more
        if self._bytes:
            self._given += len(self._bytes)
            self._transport.write(bytes(self._bytes))
            self._bytes = bytearray()

    def clear(self) -> None:
        """Forget what waits."""
        self._bytes = bytearray()
        self._given = 0
        self._account()

    def _hand_on(self) -> None:
        given = False
        while self._bytes and not self.full:
            chunk = bytes(self._bytes[:_CHUNK])
            del self._bytes[:_CHUNK]
            self._given += len(chunk)
            self._transport.write(chunk)  # which pauses us when its buffer is full
            given = True
        if given and self._direct:
            self.full = True
            self._transport.producerPaused = True  # it is to say when all of it is sent
        if not self.full:
            self._given = 0  # it never says so

    def _account(self) -> None:
        """Tell the budget how much waits."""
        size = self.size
        if size != self._counted:
            difference, self._counted = size - self._counted, size
            self._budget.changed(self, difference)

    def pauseProducing(self) -> None:
        """Wait: the transport's buffer is full. Twisted says so at every write."""
        self.full = True

    def resumeProducing(self) -> None:
        """Go on: the transport has sent everything."""
        self.full = False
        self.moved = True
        self._given = 0
        self._hand_on()
        self._account()

    def stopProducing(self) -> None:
        """Forget what waits: the connection is gone."""
        self.clear()
