"""What is asked of the queue: results, progress, tasks, queues."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wampapp.components.tasks import tables
from wampapp.components.tasks.handle import FAILED
from wampapp.components.tasks.records import FINAL, QueueInfo
from wampapp.errors import InvalidArgument, WampError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wampapp.components.store import Store
    from wampapp.components.tasks.news import News
    from wampapp.components.tasks.records import TaskInfo

#: Seconds between two pictures for those who watch.
_WATCH: Final = 0.25
#: How many tasks the first picture shows.
_RECENT: Final = 20


class Workers(Protocol):
    """What is known of the workers and the queues.

    Attributes:
        paused: the queues whose tasks are kept from starting.
    """

    paused: set[str]

    @property
    def queues(self) -> list[str]:
        """Every queue that is known."""

    def workers_of(self, queue: str) -> int:
        """Return how many workers take tasks from a queue."""

    def workers(self) -> list[dict[str, Any]]:
        """Return the workers that are there."""


class Questions:
    """Answers questions. It runs on the loop's thread.

    Args:
        store: where the tasks are kept, open.
        news: tells when something becomes of a task.
        workers: knows the workers, and what is paused.
    """

    def __init__(self, store: Store, news: News, workers: Workers) -> None:
        self._store = store
        self._news = news
        self._workers = workers

    async def result(self, number: int) -> Any:
        """Wait for a task's result.

        Raises:
            InvalidArgument: there is no such task.
            WampError: it has failed for good, or was cancelled.
        """
        while True:
            news = self._news.of(number)
            try:
                found = await self._store.read(lambda read: tables.result(read, number))
                if found is None:
                    raise no_such_task(number)
                state, name, result, error = found
                if state == "done":
                    return tables.decode(result) if result else None
                if state in FINAL:
                    raise _failure(number, name, state, error)
                await news
            finally:
                news.cancel()
            self._news.check()

    async def follow(self, number: int) -> AsyncIterator[dict[str, Any]]:
        """Tell how far a task is, now and whenever that changes, until it is final."""
        last = None
        while True:
            news = self._news.of(number)
            try:
                info = await self.show(number)
                told = {"state": info.state, "progress": info.progress, "note": info.note}
                if told != last:
                    yield told
                    last = told
                if info.is_final:
                    return
                await news
            finally:
                news.cancel()
            self._news.check()

    async def show(self, number: int) -> TaskInfo:
        """Return what is known of a task.

        Raises:
            InvalidArgument: there is no such task.
        """
        info = await self._store.read(lambda read: tables.one(read, number))
        if info is None:
            raise no_such_task(number)
        return info

    async def several(self, **which: Any) -> list[TaskInfo]:
        """Return tasks, the newest first; see :func:`tables.several`."""
        return await self._store.read(lambda read: tables.several(read, **which), is_long=True)

    async def queues(self) -> list[QueueInfo]:
        """Return the queues, and how many tasks are in each state."""
        counts = await self._store.read(tables.counts, is_long=True)
        names = {*self._workers.queues, *(queue for queue, _ in counts), *self._workers.paused}
        return [
            QueueInfo(
                name=name,
                paused=name in self._workers.paused,
                workers=self._workers.workers_of(name),
                **{state: n for (queue, state), n in counts.items() if queue == name},
            )
            for name in sorted(names)
        ]

    async def watch(self) -> AsyncIterator[dict[str, Any]]:
        """Give pictures of the queues and of the tasks that have changed, a few each second."""
        watcher = self._news.watch()
        try:
            tasks = await self.several(limit=_RECENT)
            while True:
                yield {
                    "queues": await self.queues(),
                    "tasks": tasks,
                    "workers": self._workers.workers(),
                }
                await watcher.wait()
                self._news.check()
                await asyncio.sleep(_WATCH)
                watcher.clear()
                tasks = []
                for number in self._news.changed(watcher):
                    info = await self._store.read(partial(tables.one, number=number))
                    if info is not None:
                        tasks.append(info)
        finally:
            self._news.unwatch(watcher)


def no_such_task(number: int) -> InvalidArgument:
    """Return the error for a number that no task has."""
    return InvalidArgument(f"there is no task {number}", parameter="id")


def _failure(number: int, name: str, state: str, error: str | None) -> WampError:
    what = f"Task {number} ({name})" if name else f"Group {number}"
    why = "was cancelled" if state == "cancelled" else "has failed for good"
    # What it raised may tell more than whoever asks for the result should know.
    hint = f"; 'wampapp tasks show {number}' says more" if error else ""
    return WampError(FAILED, f"{what} {why}{hint}.", state=state)
