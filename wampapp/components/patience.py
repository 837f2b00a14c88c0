"""How a component's user waits for an owner that is away for a while."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from wampapp.errors import (
    NO_AVAILABLE_CALLEE,
    Canceled,
    ConnectionLost,
    NoSuchProcedure,
    StorageFailed,
    WampError,
)

#: Seconds between two attempts while the owner is away, at first and at most.
_FIRST: Final = 0.05
_MOST: Final = 1.0


class Pause:
    """Waits between attempts to reach an owner: longer each time, up to a second."""

    def __init__(self) -> None:
        self._next = _FIRST

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._next = _FIRST

    async def wait(self) -> None:
        """Wait; a random part less, so that not all come at the same instant."""
        delay, self._next = self._next, min(_MOST, self._next * 2)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311


def is_away(error: BaseException) -> bool:
    """Return whether an error says that the owner, or the router, is away for a while."""
    if isinstance(error, (ConnectionLost, NoSuchProcedure, Canceled, StorageFailed)):
        return True
    return isinstance(error, WampError) and error.uri == NO_AVAILABLE_CALLEE
