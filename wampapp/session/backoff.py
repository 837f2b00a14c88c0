"""How long to wait between two attempts."""

from __future__ import annotations

import random
from typing import Final

#: Our own: a program that has seeded Python's gets the numbers that it expects.
_random: Final = random.Random()  # noqa: S311

FIRST_DELAY: Final = 0.2  # seconds
#: Below the two seconds within which a service answers again once its router is back.
MAX_DELAY: Final = 1.5  # seconds


class Backoff:
    """Delays that double from one attempt to the next.

    Args:
        jitter: whether each is cut by up to a half, at random: it keeps a crowd of services from
            coming back in one instant.
    """

    def __init__(self, *, jitter: bool) -> None:
        self._jitter = jitter
        self._delay = FIRST_DELAY

    def next(self) -> float:
        """Return the seconds to wait before the next attempt."""
        delay = self._delay
        self._delay = min(delay * 2, MAX_DELAY)
        return delay * _random.uniform(0.5, 1.0) if self._jitter else delay

    def reset(self) -> None:
        """Begin anew: the last attempt went well."""
        self._delay = FIRST_DELAY
