"""How many connections are open, in all and from each address."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wampapp.config.limits import Limits

logger = logging.getLogger("wampapp.router")

#: So many files are left for everything else that the process has open.
_OTHER_FILES: Final = 64


class Connections:
    """Counts open connections, and refuses those over the limits.

    Args:
        limits: how many there may be.

    Attributes:
        refused: how many were refused.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._total = 0
        #: Whether the log has said that connections are refused, since one was taken.
        self._said = False
        self.refused = 0

    def take(self, address: str) -> bool:
        """Count a new connection, unless there are too many.

        Args:
            address: where it comes from.

        Returns:
            Whether it may stay.
        """
        limits = self._limits
        files = _open_files_allowed()
        why = ""
        if self._total >= limits.connections:
            why = f"{self._total:,} are open; --limit connections={2 * self._total} lets in more"
        elif self._total >= files:
            why = (
                f"{self._total:,} are open, and the system lets this process open no more files; "
                f"raise its limit (ulimit -n)"
            )
        elif self._by_address[address] >= limits.connections_per_address:
            number = self._by_address[address]
            why = (
                f"{number:,} from there are open; --limit connections_per_address={2 * number} "
                "lets in more"
            )
        if why:
            self.refused += 1
            if not self._said:
                self._said = True
                logger.warning("Refused a connection from %s: %s", address, why)
            return False
        self._said = False
        self._total += 1
        self._by_address[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """Forget a connection that has ended."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def _open_files_allowed() -> int:
    """Return how many connections fit among the files that the process may have open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 2**31
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**31
    return max(1, soft - _OTHER_FILES)
