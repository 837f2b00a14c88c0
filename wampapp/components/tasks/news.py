"""Tells those who wait for it that something has become of a task."""

from __future__ import annotations

import asyncio
from typing import Final

from wampapp.errors import Canceled

#: Of how many tasks that have changed a watcher is told at once.
MAX_CHANGED: Final = 50


class News:
    """Knows who waits for news of which task. It runs on the loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiters: dict[int, list[asyncio.Future[None]]] = {}
        self._watchers: dict[asyncio.Event, dict[int, None]] = {}
        self._ended = False

    def of(self, number: int) -> asyncio.Future[None]:
        """Return a future that is done when something becomes of a task."""
        news: asyncio.Future[None] = self._loop.create_future()
        if self._ended:
            news.set_result(None)
            return news
        self._waiters.setdefault(number, []).append(news)
        news.add_done_callback(lambda _: self._forget(number, news))
        return news

    def _forget(self, number: int, news: asyncio.Future[None]) -> None:
        """Forget one who has been told, or waits no longer."""
        waiting = self._waiters.get(number)
        if waiting is not None and news in waiting:
            waiting.remove(news)
            if not waiting:
                del self._waiters[number]

    def tell(self, number: int) -> None:
        """Tell that something has become of a task."""
        for one in self._waiters.pop(number, ()):
            if not one.done():
                one.set_result(None)
        for watcher, changed in self._watchers.items():
            changed[number] = None
            watcher.set()

    def look(self) -> None:
        """Have those who watch look again: a queue or a worker has changed."""
        for watcher in self._watchers:
            watcher.set()

    def watch(self) -> asyncio.Event:
        """Return an event that is set whenever something becomes of any task."""
        watcher = asyncio.Event()
        self._watchers[watcher] = {}
        return watcher

    def changed(self, watcher: asyncio.Event) -> list[int]:
        """Return what has changed since the last time, the last of it."""
        found, self._watchers[watcher] = self._watchers[watcher], {}
        return [*found][-MAX_CHANGED:]

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Take a watcher back."""
        self._watchers.pop(watcher, None)

    def end(self) -> None:
        """Wake everybody; nothing more is told."""
        self._ended = True
        for waiting in [*self._waiters.values()]:
            for one in [*waiting]:
                if not one.done():
                    one.set_result(None)
        self.look()

    def check(self) -> None:
        """Check that there may be more news.

        Raises:
            Canceled: the queue stops; another question reaches the one that follows.
        """
        if self._ended:
            raise Canceled("The task queue stops; ask again.")
