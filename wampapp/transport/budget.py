"""What goes over all links, and what their peers leave unread: the worst of them go first."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger("wampapp.transport")

#: For how many seconds a peer is held that sends what others do not read. Meanwhile these can catch
#: up; one that takes nothing all the while has stopped reading.
HOLD_SECONDS: Final = 1.0


class Holder(Protocol):
    """What waits for one peer."""

    #: Whether the peer has taken something since this was last set to False.
    moved: bool

    @property
    def size(self) -> int:
        """How many bytes wait."""

    def drop(self, reason: str) -> None:
        """Disconnect the peer, and forget what waits for it."""


class Sender(Protocol):
    """A link that can be held."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Read again."""


class Budget:
    """Counts what goes over all links, and bounds what may wait to be sent.

    Above half of it, a peer whose messages add to what waits is not read for a while, and so waits
    in turn. If the others catch up meanwhile, nobody is cut off.

    Args:
        maximum: the budget, in bytes; None for none.
        call_later: the event loop's; it takes seconds and a callback.

    Attributes:
        total: how many bytes wait.
        pressed: whether more was added above half of the budget since this was set to False.
        dropped: how many peers were cut off because they did not read.
        received: how many bytes have come.
        sent: how many bytes of messages were sent, or wait.
    """

    def __init__(
        self,
        maximum: int | None = None,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._maximum = sys.maxsize if maximum is None else maximum
        self._high = self._maximum // 2
        self._low = self._maximum // 4
        self._call_later = call_later
        self._holders: set[Holder] = set()
        self._held: list[Sender] = []
        self.total = 0
        self.pressed = False
        self.dropped = 0
        self.received = 0
        self.sent = 0

    def changed(self, holder: Holder, difference: int) -> None:
        """Account for a change of what waits for one peer.

        Args:
            holder: what waits for it.
            difference: how many bytes more; negative where it is less.
        """
        self.total += difference
        if difference > 0:
            self._holders.add(holder)
            if self.total > self._high:
                self.pressed = True
                if self.total > self._maximum:
                    self._shed(self._holders, self._high)
        else:
            if not holder.size:
                self._holders.discard(holder)
            if self._held and self.total <= self._low:
                self._later(0.0, self._release)

    def hold(self, sender: Sender) -> None:
        """Do not read from a peer for a while, for it makes more wait."""
        if self._call_later is None:
            return
        sender.pause()
        self._held.append(sender)
        if len(self._held) == 1:
            for holder in self._holders:
                holder.moved = False
            self._later(HOLD_SECONDS, self._judge)

    def _judge(self) -> None:
        """Cut off who took nothing, if there is still too much, and read on."""
        if self._held and self.total > self._high:
            asleep = [holder for holder in self._holders if not holder.moved]
            worst = max((holder.size for holder in asleep), default=0)
            # All that are alike at once: those that are left would soon hold up everybody again.
            # Who has little waiting may just have paused.
            self._shed([holder for holder in asleep if 2 * holder.size >= worst], 0)
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for sender in held:
            sender.resume()

    def _shed(self, holders: Iterable[Holder], goal: int) -> None:
        """Cut peers off, those with the most first, until only so much waits."""
        for holder in sorted(holders, key=lambda holder: holder.size, reverse=True):
            if self.total <= goal:
                return
            holder.drop(
                f"it left {holder.size:,} bytes unread, and {self.total:,} wait for all peers"
            )

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._call_later is not None:
            self._call_later(seconds, callback)
