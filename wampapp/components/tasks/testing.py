"""What tests ask of a queue: ``client.tasks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from wampapp.components.tasks.queue import Queue
from wampapp.components.tasks.records import TaskInfo
from wampapp.components.tasks.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.tasks.definition import TaskFunction

_WAITING: Final = ("waiting", "scheduled", "ready")


class _Tested(Queue, Protocol):
    """A queue under test."""

    functions: dict[str, TaskFunction[..., Any]]
    on_failure: Callable[[BaseException], None] | None


class TasksTester:
    """The queue of an app under test, in memory. Tasks run when the test says so.

    Args:
        tasks: the queue.
        client: the test's client.
    """

    def __init__(self, tasks: _Tested, client: Any) -> None:
        self._tasks = tasks
        self._client = client

    def _call(self, name: str, **kwargs: Any) -> Any:
        return self._client.call(f"{self._tasks.prefix}.{name}", **kwargs)

    def all(self, **which: Any) -> list[TaskInfo]:
        """Return tasks, the oldest first.

        Args:
            which: ``state``, ``queue`` or ``name``: only those.
        """
        rows = self._call("list", limit=1000, **which)
        return msgspec.convert(rows, list[TaskInfo])[::-1]

    @property
    def enqueued(self) -> list[TaskInfo]:
        """The tasks that have not started, the oldest first."""
        return [task for task in self.all() if task.state in _WAITING]

    def run_all(self) -> list[TaskInfo]:
        """Run the tasks that are ready, and those that come of them, until none is left.

        What is due later stays; move the clock first: ``client.clock.advance(60)``.

        Returns:
            The tasks that were run, as they are now.

        Raises:
            BaseException: what the first task raised that has failed for good.
        """
        errors: list[BaseException] = []
        before = {task.id: task for task in self.all()}
        harness = self._client.realm.harness
        worker = harness.runtime.call(self._begin())
        self._tasks.on_failure = errors.append
        try:
            before_turn, now = None, self._picture()
            while now != before_turn or worker.apart:
                # What runs in a process of its own takes real time.
                harness.runtime.call(worker.until_one_apart_ends())
                self._client.settle()
                before_turn, now = now, self._picture()
        finally:
            self._tasks.on_failure = None
            harness.runtime.call(worker.stop(0.0))
        if errors:
            raise errors[0]
        return [task for task in self.all() if task.attempt > _attempt(before.get(task.id))]

    def _picture(self) -> list[tuple[int, int, str]]:
        return [(task.id, task.attempt, task.state) for task in self.all()]

    async def _begin(self) -> Worker:
        return Worker(self._tasks, self._tasks.functions, slots=100)


def _attempt(task: TaskInfo | None) -> int:
    return 0 if task is None else task.attempt
