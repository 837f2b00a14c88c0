"""Pages take turns while there are calls, so that a call waits for one page and not for all."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

#: For so many turns of the loop after something came over WAMP, pages take turns. A call, from the
#: first octet to its answer, takes about five.
_CAREFUL: Final = 16


class Turns:
    """Lets one connection go on in each turn of the event loop, while there are calls.

    A call goes through several turns on its way. With eight visitors who ask all the time it takes
    four times as long where each turn answers all of them. Turns cost pages a tenth, so there are
    none without calls.

    Args:
        loop: the event loop.
        traffic: returns a number that grows with what comes over WAMP.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, traffic: Callable[[], int]) -> None:
        self._loop = loop
        self._traffic = traffic
        self._seen = 0
        self._careful = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_taken = False

    def take(self, later: Callable[[], None]) -> bool:
        """Return whether the caller may go on at once.

        Args:
            later: called in a turn of its own if it may not.
        """
        seen = self._traffic()
        if seen != self._seen:
            self._seen, self._careful = seen, _CAREFUL
        elif not self._careful:
            return True
        if self._is_taken:
            self._waiting.append(later)
            return False
        self._is_taken = True
        self._loop.call_soon(self._next)
        return True

    def _next(self) -> None:
        self._careful = max(0, self._careful - 1)
        if not self._waiting:
            self._is_taken = False
            return
        self._loop.call_soon(self._next)
        self._waiting.popleft()()
