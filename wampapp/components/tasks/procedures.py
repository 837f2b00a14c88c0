"""The procedures of a queue, for peers in every language."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - annotations are read at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta

from wampapp.components.store.backup import back_up_beside
from wampapp.components.tasks.records import (
    Definition,
    Outcome,
    QueueInfo,
    ScheduleInfo,
    State,
    Step,
    TaskInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.store import Store
    from wampapp.components.tasks.owner import Owner
    from wampapp.registry.blueprint import Blueprint

#: How many tasks one answer lists at most.
MAX_LISTED: Final = 1000

_Text = Annotated[str, Meta(min_length=1, max_length=500)]
_Count = Annotated[int, Meta(ge=1, le=MAX_LISTED)]


class Procedures:
    """What peers may call. Each method is the procedure of its name, below the queue's prefix.

    Args:
        owner: returns what owns the queue; it is there once the app has started.
        store: returns where the tasks are kept; so is that.
    """

    def __init__(self, owner: Callable[[], Owner], store: Callable[[], Store]) -> None:
        self._get_owner = owner
        self._get_store = store

    @property
    def _owner(self) -> Owner:
        return self._get_owner()

    async def enqueue(
        self,
        name: str,
        args: list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        *,
        delay: Annotated[float, Meta(ge=0, le=1e10)] = 0.0,
        at: float | None = None,
        priority: int | None = None,
        queue: _Text | None = None,
        unique: _Text | None = None,
        key: _Text | None = None,
    ) -> int:
        """Enqueue a task. It is on the disk when this returns.

        Args:
            name: the task's name.
            args: its positional arguments.
            kwargs: its named arguments.
            delay: the seconds after which it may start.
            at: when it may start, in seconds since 1970.
            priority: higher ones are first; the task's own by default.
            queue: its queue; the task's own by default.
            unique: no second task of this name with the same text is enqueued while one is not
                final; that one's number is returned then.
            key: no second task with the same key is ever enqueued; that one's number is returned.

        Returns:
            The task's number.

        Raises:
            InvalidArgument: there is no such task, or the arguments do not fit it.
            PayloadTooLarge: they take more than 1 MiB.
            Overloaded: the queue is full.
            StorageFailed: it could not be stored.
        """
        step = Step(
            name=name,
            args=args or [],
            kwargs=kwargs or {},
            delay=delay,
            at=at,
            priority=priority,
            queue=queue,
            unique=unique,
            key=key,
        )
        return await self._owner.enqueue([step])

    async def start(self, steps: list[Step]) -> int:
        """Enqueue a chain of tasks and groups; returns the number of the last."""
        return await self._owner.enqueue(steps)

    async def result(self, id: int) -> Any:  # noqa: A002 - a task's id
        """Wait for a task's result.

        Args:
            id: the task's number.

        Raises:
            InvalidArgument: there is no such task.
            wampapp.error.task_failed: it has failed for good, or was cancelled.
        """
        return await self._owner.questions.result(id)

    async def follow(self, id: int) -> AsyncIterator[dict[str, Any]]:  # noqa: A002
        """Tell how far a task is, now and whenever that changes, until it is final.

        Args:
            id: the task's number.

        Returns:
            Its ``state``, its ``progress`` from 0 to 1, and its ``note``.
        """
        async for told in self._owner.questions.follow(id):
            yield told

    async def show(self, id: int) -> TaskInfo:  # noqa: A002
        """Return what is known of a task.

        Args:
            id: the task's number.

        Raises:
            InvalidArgument: there is no such task.
        """
        return await self._owner.questions.show(id)

    async def list_tasks(
        self,
        *,
        state: State | None = None,
        queue: str | None = None,
        name: str | None = None,
        before: int | None = None,
        limit: _Count = 50,
    ) -> list[TaskInfo]:
        """Return tasks, the newest first.

        Args:
            state: only those in this state.
            queue: only those in this queue.
            name: only those of this name.
            before: only those with a smaller number, for the next page.
            limit: how many at most.
        """
        return await self._owner.questions.several(
            state=state, queue=queue, name=name, before=before, limit=limit
        )

    async def cancel(self, id: int) -> bool:  # noqa: A002
        """Cancel a task. One that runs is told, and may take a moment.

        Args:
            id: the task's number.

        Returns:
            False if it was final already.
        """
        return await self._owner.cancel(id)

    async def retry(self, id: int) -> bool:  # noqa: A002
        """Have a task that is dead or cancelled tried again, with all its retries.

        Args:
            id: the task's number.

        Returns:
            False if it was neither.
        """
        return await self._owner.retry(id)

    async def queues(self) -> list[QueueInfo]:
        """Return the queues, and how many tasks are in each state."""
        return await self._owner.questions.queues()

    async def schedules(self) -> list[ScheduleInfo]:
        """Return what is enqueued at certain times, and when it is next."""
        return self._owner.schedules()

    async def workers(self) -> list[dict[str, Any]]:
        """Return the workers, their queues and places, and how many tasks each runs."""
        return self._owner.workers()

    async def pause(self, queue: _Text = "default") -> None:
        """Keep the tasks of a queue from starting; those that run go on.

        Args:
            queue: the queue.
        """
        await self._owner.pause(queue, True)

    async def resume(self, queue: _Text = "default") -> None:
        """Let the tasks of a queue start again.

        Args:
            queue: the queue.
        """
        await self._owner.pause(queue, False)

    async def purge(self, state: State, queue: str | None = None) -> int:
        """Remove the tasks of a state for good.

        Args:
            state: the state; not ``running``.
            queue: only those of this queue; all by default.

        Returns:
            How many there were.
        """
        return await self._owner.purge(state, queue)

    async def watch(self) -> AsyncIterator[dict[str, Any]]:
        """Give pictures of the queues, of the workers, and of the tasks that have changed.

        Returns:
            At first the newest tasks, then those that have changed, a few times a second.
        """
        async for picture in self._owner.questions.watch():
            yield picture

    async def backup(self, file: _Text) -> None:
        """Write a copy of the queue's data into a new file, where the queue is kept.

        Args:
            file: its name, beside the queue's own file.

        Raises:
            InvalidArgument: it is not a plain name, or there is such a file.
            StorageFailed: it could not be written.
        """
        await back_up_beside(self._get_store(), file)

    # What services and workers call.

    async def define(
        self, app: str, definitions: list[Definition], schedules: list[ScheduleInfo]
    ) -> None:
        """Take note of the tasks and schedules of an app."""
        await self._owner.define(app, definitions, schedules)

    async def work(
        self,
        worker: str,
        slots: int,
        queues: list[str],
        names: list[str],
        running: list[tuple[int, int]],
    ) -> AsyncIterator[dict[str, Any]]:
        """Give a worker tasks, for as long as it holds the call."""
        stream = self._owner.work(worker, slots, queues, names, running)
        try:
            async for message in stream:
                yield message
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    async def done(self, worker: str, outcomes: list[Outcome], busy: int) -> None:
        """Take what became of a worker's tasks."""
        await self._owner.done(worker, outcomes, busy)

    async def report(self, worker: str, reports: list[tuple[int, int, float, str]]) -> None:
        """Take how far a worker's tasks are."""
        await self._owner.report(worker, reports)


#: What only services and workers call.
_INTERNAL: Final = ("start", "define", "work", "done", "report")
_PUBLIC: Final = (
    "enqueue",
    "result",
    "follow",
    "show",
    "list",
    "cancel",
    "retry",
    "queues",
    "schedules",
    "workers",
    "pause",
    "resume",
    "purge",
    "watch",
    "backup",
)


def offer_procedures(
    blueprint: Blueprint, owner: Callable[[], Owner], store: Callable[[], Store]
) -> None:
    """Declare the procedures of a queue.

    Args:
        blueprint: where.
        owner: as in :class:`Procedures`.
        store: as there.
    """
    procedures = Procedures(owner, store)
    for name in (*_PUBLIC, *_INTERNAL):
        # `list` would hide the type within the class.
        function: Callable[..., Any] = getattr(procedures, "list_tasks" if name == "list" else name)
        blueprint.add_registration(function, f".{name}", invoke="single", hidden=name in _INTERNAL)
