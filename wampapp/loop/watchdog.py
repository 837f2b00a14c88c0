"""Notices a blocked event loop while it is blocked, from a thread beside it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import FrameType

#: How long the loop may be blocked, in seconds.
MAX_BLOCKED: Final = 0.1
#: How long after one answer of the loop the next is asked for, in seconds.
_PAUSE: Final = 0.02


class Watchdog:
    """Asks the loop for a sign of life again and again, and looks where it is when none comes.

    It costs a thread and some fifty wake-ups per second, so it is for development.

    Args:
        loop: the event loop; the watchdog is made on its thread.
        on_blocked: called in the watchdog's thread with the innermost frame of the loop's thread,
            once for each time that it is blocked.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_blocked: Callable[[FrameType], None]
    ) -> None:
        self._loop = loop
        self._on_blocked = on_blocked
        self._watched = threading.get_ident()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="wampapp-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, soon."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_PAUSE):
            alive = threading.Event()
            try:
                self._loop.call_soon_threadsafe(alive.set)
            except RuntimeError:
                return  # the loop is closed
            if alive.wait(MAX_BLOCKED):
                continue
            frame = sys._current_frames().get(self._watched)
            if frame is not None and not alive.is_set():
                self._on_blocked(frame)
            del frame  # it keeps the locals of what runs alive
            while not (alive.wait(1.0) or self._stopped.is_set()):
                pass
