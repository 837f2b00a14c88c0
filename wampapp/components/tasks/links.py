"""What the owner knows of each worker, and of tasks that may not start too often."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.components.tasks.records import Assignment


class Link:
    """A worker that holds its call.

    Attributes:
        worker: which.
        slots: how many tasks it runs at the same time.
        queues: the queues that it takes tasks from, the preferred first; empty for all.
        names: the tasks that it has.
        tasks: the numbers of those that it runs.
        busy: how many places are taken by functions that go on though their tasks are over.
    """

    def __init__(
        self, worker: str, slots: int, queues: Sequence[str], names: Sequence[str]
    ) -> None:
        self.worker = worker
        self.slots = slots
        self.queues = tuple(queues)
        self.names = tuple(names)
        self.tasks: set[int] = set()
        self.busy = 0
        self._given: list[Assignment] = []
        self._cancelled: list[int] = []
        self._ended = False
        self._news = asyncio.Event()

    @property
    def free(self) -> int:
        """How many more tasks it can take."""
        return self.slots - len(self.tasks) - self.busy

    def give(self, assignments: Sequence[Assignment]) -> None:
        """Give it tasks."""
        self.tasks.update(one.id for one in assignments)
        self._given += assignments
        self._news.set()

    def cancel(self, numbers: Sequence[int]) -> None:
        """Tell it to end tasks."""
        self._cancelled += numbers
        self._news.set()

    def end(self) -> None:
        """End its call."""
        self._ended = True
        self._news.set()

    async def next(self) -> dict[str, Any] | None:
        """Return what it is told next; None if its call is to end."""
        while not (self._given or self._cancelled or self._ended):
            self._news.clear()
            await self._news.wait()
        message: dict[str, Any] = {}
        if self._given:
            message["run"], self._given = self._given, []
        if self._cancelled:
            message["cancel"], self._cancelled = self._cancelled, []
        return message or None


class Rates:
    """How many tasks of a name may still start in its span of time.

    Args:
        loop: the event loop, whose clock counts.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._limits: dict[str, tuple[int, float]] = {}
        self._starts: dict[str, deque[float]] = {}

    def set(self, name: str, limit: tuple[int, float] | None) -> None:
        """Take note of a limit: so many in so many seconds; None for no limit."""
        if limit is None:
            self._limits.pop(name, None)
            self._starts.pop(name, None)
        else:
            self._limits[name] = limit
            self._starts.setdefault(name, deque())

    def is_limited(self, name: str) -> bool:
        """Return whether a name has a limit."""
        return name in self._limits

    def left(self, name: str) -> int:
        """Return how many may start now."""
        count, seconds = self._limits[name]
        starts = self._starts[name]
        while starts and starts[0] <= self._loop.time() - seconds:
            starts.popleft()
        return count - len(starts)

    def take(self, name: str) -> None:
        """Count a start."""
        if name in self._limits:
            self._starts[name].append(self._loop.time())

    def wait(self) -> float | None:
        """Return the seconds until a name that may not start now may; None if there is none."""
        waits = [
            self._starts[name][0] + seconds - self._loop.time()
            for name, (_, seconds) in self._limits.items()
            if self.left(name) <= 0
        ]
        return max(0.0, min(waits)) if waits else None
