"""Work of the router's that takes long, in threads: nobody else waits for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, TypeVar

from wampapp.loop.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

logger = logging.getLogger("wampapp.router")

#: The threads that check secrets. However many try to join, the rest of the machine stays free.
_MAX_THREADS: Final = 2


class Aside:
    """Does work in a thread, and calls back on the loop. The threads start when they are needed."""

    def __init__(self) -> None:
        self._pool = ThreadPool(_MAX_THREADS, "wampapp-router")

    def __call__(self, work: Callable[[], T], done: Callable[[T], None], /) -> None:
        """Do work; see :class:`wampapp.router.router.Aside`."""
        loop = asyncio.get_running_loop()

        def job() -> None:
            try:
                result = work()
            except Exception:
                # Then its session does not join, and ends by the handshake's timeout.
                logger.exception("The router could not check a credential, or read its file")
                return
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, result)

        self._pool.submit(job)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.close()
