"""The task queue as users see it: its decorators, its verbs, and the procedures behind them."""

from __future__ import annotations

import logging
import os
import secrets
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Final,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)

import msgspec

from wampapp.components.measured import Measured
from wampapp.components.owned import Owned
from wampapp.components.tasks import tables
from wampapp.components.tasks.checking import describe_task
from wampapp.components.tasks.definition import (
    Bound,
    Policy,
    TaskFunction,
    check_policy,
    group_of,
    parse_memory,
    parse_rate,
)
from wampapp.components.tasks.handle import BlockingHandle, Handle
from wampapp.components.tasks.owner import Owner
from wampapp.components.tasks.procedures import offer_procedures
from wampapp.components.tasks.records import STATES, ScheduleInfo, Step
from wampapp.components.tasks.schedule import Schedule
from wampapp.components.tasks.worker import Worker
from wampapp.errors import DeclarationError, NoSuchProcedure, UsageError, WampappError
from wampapp.protocol.payload import to_plain
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wampapp.client.blocking import Client
    from wampapp.components.component import Host
    from wampapp.components.tasks.context import Task

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("wampapp.tasks")


class Decorates(Protocol):
    """What ``@tasks.task(…)`` gives: a decorator."""

    @overload
    def __call__(self, function: Callable[Concatenate[Task, P], R], /) -> TaskFunction[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...
    def __call__(self, function: Any, /) -> Any:
        """Make the function a task."""


#: How many tasks a service runs at the same time, unless it says otherwise.
DEFAULT_SLOTS: Final = 8


class Tasks(Owned[Owner]):
    """A task queue that loses nothing.

    ::

        tasks = Tasks(app)

        @tasks.task(retries=5)
        def thumbnail(photo: int, size: int = 200) -> str: ...

        app.include(tasks)          # the queue lives here

        handle = await thumbnail.enqueue(7, size=400)
        path = await handle.result()

    Args:
        app: as in :class:`~wampapp.components.component.Component`.
        prefix: as there; by default the app's prefix and ``tasks``.
        store: as there; by default ``instance/tasks.sqlite``.
        slots: how many tasks this process runs at the same time; 0 for none, so that only
            ``wampapp worker`` does. ``WAMPAPP_TASKS_SLOTS`` comes first.

    Attributes:
        functions: the tasks that are declared here, by name.
    """

    NAME = "tasks"
    SCHEMA = tables.SCHEMA
    COMMANDS: ClassVar[str | None] = "wampapp.cli.tasks.tasks:tasks"
    CONSOLE: ClassVar[Path | None] = Path(__file__).parent / "console"

    def __init__(
        self,
        app: Host | Client | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
        slots: int = DEFAULT_SLOTS,
    ) -> None:
        self.functions: dict[str, TaskFunction[..., Any]] = {}
        self._schedules: dict[str, tuple[Schedule, bool]] = {}
        self._slots = slots
        self._queues: Sequence[str] = ()
        self._isolates = False
        self._given_slots: int | None = None
        self._worker: Worker | None = None
        self._hears_owner = False
        self._keys = (f"{secrets.token_hex(6)}-{number}" for number in count(1))
        #: What is told of a failure, in a test.
        self.on_failure: Callable[[BaseException], None] | None = None
        super().__init__(app, prefix, store=store)
        self.registry.add_hook(Hook("join", self._announce))
        self.registry.add_hook(Hook("leave", self._owner_left))
        offer_procedures(self, lambda: self.owner, lambda: self.store)

    # Declaring.

    @overload
    def task(self, function: Callable[Concatenate[Task, P], R], /) -> TaskFunction[P, R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...
    @overload
    def task(
        self,
        function: None = None,
        /,
        *,
        name: str | None = ...,
        queue: str = ...,
        priority: int = ...,
        retries: int = ...,
        backoff: float = ...,
        retry_on: type[BaseException] | Sequence[type[BaseException]] = ...,
        give_up_on: type[BaseException] | Sequence[type[BaseException]] = ...,
        timeout: float | None = ...,
        rate: str | None = ...,
        isolate: bool = ...,
        memory: str | int | None = ...,
    ) -> Decorates: ...
    def task(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        queue: str = "default",
        priority: int = 0,
        retries: int = 0,
        backoff: float = 10.0,
        retry_on: type[BaseException] | Sequence[type[BaseException]] = Exception,
        give_up_on: type[BaseException] | Sequence[type[BaseException]] = (),
        timeout: float | None = None,
        rate: str | None = None,
        isolate: bool = False,
        memory: str | int | None = None,
    ) -> Any:
        """Make a function a task; a decorator, with or without ``()``.

        The function stays what it is when it is called. A plain function runs in a worker thread,
        an ``async def`` one on the loop.

        Args:
            function: the function.
            name: the task's name; by default the function's.
            queue: its queue.
            priority: higher ones are first within a queue.
            retries: how often it is tried again after a failure.
            backoff: the seconds until the first further attempt; each later one waits twice as
                long, up to an hour, and a random part less.
            retry_on: the exceptions after which it is tried again.
            give_up_on: those of them after which it is not.
            timeout: the seconds that an attempt may take. A coroutine is cancelled then; a plain
                function counts as failed, and goes on until it looks with ``task.check()``.
            rate: how many may start in a span of time: ``"10/s"``, ``"100/m"``, ``"1/5s"``.
            isolate: whether each attempt runs in a process of its own. It is killed when its time
                is up, or it is cancelled, whatever it does. What the app has opened at its start is
                not there.
            memory: the most memory that such a process may have, such as ``"512M"``.

        Raises:
            DeclarationError: an option is not valid, or there is a task of this name.
            InvalidHandler: the function cannot be a task.
        """
        if function is None:
            return partial(
                self.task,
                name=name,
                queue=queue,
                priority=priority,
                retries=retries,
                backoff=backoff,
                retry_on=retry_on,
                give_up_on=give_up_on,
                timeout=timeout,
                rate=rate,
                isolate=isolate,
                memory=memory,
            )
        name = name or getattr(function, "__name__", None)
        if not isinstance(name, str) or not name or len(name) > 200:
            raise DeclarationError(f"A task needs a name, and {name!r} is none.")
        if name in self.functions:
            raise DeclarationError(
                f"There is a task {name!r} already; give one of them another name, with "
                f"@tasks.task(name='…')."
            )
        policy = Policy(
            queue=queue,
            priority=priority,
            retries=retries,
            backoff=backoff,
            retry_on=_kinds(retry_on),
            give_up_on=_kinds(give_up_on),
            timeout=timeout,
            rate=parse_rate(rate),
            isolate=isolate or memory is not None,
            memory=parse_memory(memory),
        )
        check_policy(name, policy)
        made: TaskFunction[..., Any] = TaskFunction(self, function, name, policy)
        self.functions[name] = made
        return made

    def every(
        self,
        seconds: float | str,
        *,
        every_worker: bool = False,
        timezone: str = "UTC",
        catch_up: bool = False,
        **options: Any,
    ) -> Callable[[Any], Any]:
        """Enqueue a function at certain times; a decorator.

        Only the owner of the queue looks at the clock, so each time is enqueued once, however many
        services declare it and whatever is restarted.

        Args:
            seconds: a cron expression, such as ``"*/15 * * * *"``, or a number of seconds.
            every_worker: not for tasks.
            timezone: the time zone of the expression, such as ``"Europe/Berlin"``.
            catch_up: whether all the times are made up for at which the owner was away. Otherwise,
                only the last one is.
            options: as in :meth:`task`, for a function that is no task yet.

        Raises:
            UsageError: it is no such expression, or the time zone is not known.
            DeclarationError: the function needs arguments, or has a schedule already.
        """
        if every_worker:
            raise UsageError("every_worker is for timers; a scheduled task is enqueued once.")
        schedule = Schedule(str(seconds), timezone)

        def decorate(function: Any) -> Any:
            task = (
                function if isinstance(function, TaskFunction) else self.task(**options)(function)
            )
            try:
                task.check((), {})
            except WampappError as error:
                raise DeclarationError(
                    f"The task {task.name!r} cannot be scheduled, since it needs arguments: {error}"
                ) from None
            if task.name in self._schedules:
                raise DeclarationError(f"The task {task.name!r} has a schedule already.")
            self._schedules[task.name] = schedule, catch_up
            return task

        return decorate

    def group(self, *tasks: Bound[Any]) -> Bound[list[Any]]:
        """Return tasks that run side by side, and have one result: the list of theirs.

        ::

            handle = await tasks.group(add.bind(1, 2), add.bind(3, 4)).enqueue()
            assert await handle.result() == [3, 7]

        Args:
            tasks: tasks with their arguments.

        Raises:
            UsageError: there is no task, or one is a chain.
        """
        return group_of(self, tasks)

    # Enqueuing and asking.

    async def enqueue(self, name: str, /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Enqueue a task by its name, where its function is not at hand.

        Args:
            name: its name.
            args: positional arguments.
            kwargs: named arguments.

        Raises:
            InvalidArgument: there is no such task, or the arguments do not fit.
        """
        return self.handle(await self.enqueue_steps([_step(name, args, kwargs)]))

    async def enqueue_steps(self, steps: Sequence[Step]) -> int:
        """Enqueue a chain of steps, and return the number of the last."""
        start = self.procedure_of_mine("start", idempotent=True)
        try:
            return int(await start(self.keyed(steps)))
        except NoSuchProcedure:
            raise self.nobody_serves() from None

    def keyed(self, steps: Sequence[Step]) -> list[Step]:
        """Give what is enqueued a key, so that it can be sent again when the link breaks."""
        *rest, last = steps
        return [*rest, last if last.key else msgspec.structs.replace(last, key=next(self._keys))]

    def handle(self, id: int, returns: Any = None) -> Handle[Any]:  # noqa: A002 - a task's id
        """Return a handle of a task by its number.

        Args:
            id: the number.
            returns: the type that its result is converted to; None leaves it as it is.
        """
        return Handle(self, id, returns)

    @cached_property
    def sync(self) -> BlockingTasks:
        """The blocking verbs, for plain functions, other threads and scripts."""
        return BlockingTasks(self)

    def failed_for_good(self, error: BaseException) -> None:
        """Take note of what made a task dead."""
        if self.on_failure is not None:
            self.on_failure(error)

    # Working.

    def work_on(
        self, queues: Sequence[str], slots: int | None = None, *, isolate: bool = False
    ) -> None:
        """Say which tasks this process runs, before the app starts.

        Args:
            queues: the queues, the preferred first; none for all.
            slots: how many at the same time; None for as many as the app says.
            isolate: whether all plain functions that can run in processes of their own.
        """
        self._queues, self._isolates = queues, isolate
        self._given_slots = slots

    @property
    def slots(self) -> int:
        """How many tasks a process runs at the same time that is there for nothing else."""
        return self._slots or DEFAULT_SLOTS

    @property
    def worker(self) -> Worker | None:
        """What runs tasks in this process; None if nothing does."""
        return self._worker

    def attached(self) -> None:
        """Have the app tell the owner what tasks it has, and work on them."""
        self.host.registry.add_hook(Hook("join", self._joined))
        self.host.registry.add_hook(Hook("stopping", self._stop_working))

    async def _joined(self) -> None:
        if not self.functions:
            return
        if not self._hears_owner:
            self._hears_owner = True
            await self.host.subscribe_now(f"{self.prefix}.owner", self._owner_is_back)
        if self._worker is None and self._slots_here() and not self.service.config.in_test:
            self._worker = Worker(
                self, self.functions, self._slots_here(), self._queues, isolate=self._isolates
            )
        await self._define()

    async def _owner_is_back(self) -> None:
        if self._worker is not None:
            self._worker.owner_is_back()
        await self._define()

    def _slots_here(self) -> int:
        if self._given_slots is not None:
            return self._given_slots
        text = os.environ.get("WAMPAPP_TASKS_SLOTS")
        if not text:
            return self._slots
        if not text.isdigit():
            raise UsageError(f"WAMPAPP_TASKS_SLOTS is {text!r}; give a whole number, 0 or more.")
        return int(text)

    async def _define(self) -> None:
        """Tell the owner what tasks there are; it remembers them."""
        definitions = [
            msgspec.structs.replace(
                one.definition(), description=describe_task(one.name, one.function)
            )
            for one in self.functions.values()
        ]
        schedules = [
            ScheduleInfo(
                name=name, spec=schedule.spec, timezone=schedule.timezone, catch_up=catch_up
            )
            for name, (schedule, catch_up) in self._schedules.items()
        ]
        try:
            await self.call("define", self.host.name, definitions, schedules)
        except NoSuchProcedure as error:
            # Whoever serves it says so when it comes.
            logger.warning("%s", error.message)

    async def _stop_working(self) -> None:
        self._hears_owner = False
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop(self.service.config.grace)

    # Owning.

    def make_owner(self) -> Owner:
        """Return what owns the queue."""

        def publish(number: int, fraction: float, note: str) -> None:
            try:
                self.service.connection.publish(  # type: ignore[union-attr]
                    f"{self.prefix}.progress", (number, fraction, note), {}, options={}
                )
            except WampappError as error:
                logger.debug("Progress could not be published: %s", error)

        return Owner(self.store, self.clock, publish, lambda: self.is_joined)

    async def _announce(self) -> None:
        """Tell everybody that the owner is there: workers ask for tasks, services define them."""
        if self._owner is not None and self.service.connection is not None:
            self.service.connection.publish(f"{self.prefix}.owner", (), {}, options={})

    async def _owner_left(self) -> None:
        if self._owner is not None:
            self._owner.left()

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        count, slots = len(self.functions), self._slots_here()
        parts = [f"{count} task{'' if count == 1 else 's'}"] if count else []
        if count:
            parts.append(f"{slots} at a time" if slots else "run by workers")
        if count and self._queues:
            parts.append(
                f"of the queue{'s' * (len(self._queues) > 1)} {' and '.join(self._queues)}"
            )
        return ", ".join([*parts, super().summary()])

    async def measure(self) -> list[Measured]:
        """Return how many tasks there are, and how many workers, for telemetry."""
        if self._owner is None:
            return []
        found = []
        for queue in await self._owner.questions.queues():
            of = {"queue": queue.name}
            found += [
                Measured("tasks_stored", "Tasks", getattr(queue, state), {**of, "state": state})
                for state in STATES
            ]
            found.append(Measured("tasks_workers", "Workers of tasks", queue.workers, of))
        return found

    def tester(self, client: Any) -> Any:
        """Return what tests ask of the queue, as ``client.tasks``."""
        from wampapp.components.tasks.testing import TasksTester

        return TasksTester(self, client)


class BlockingTasks:
    """The blocking verbs of a queue, for plain functions, other threads and scripts.

    Args:
        tasks: the queue.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def call(self, name: str, /, *args: Any, _within: float | None = None, **kwargs: Any) -> Any:
        """Call one of the queue's procedures; see :meth:`Component.call`."""
        return self._tasks.call_blocking(name, *args, _within=_within, **kwargs)

    def stream(self, name: str, /, *args: Any) -> Iterator[Any]:
        """Call one of the queue's procedures, and iterate over what it gives."""
        return self._tasks.stream_blocking(name, *args)

    def enqueue(self, name: str, /, *args: Any, **kwargs: Any) -> BlockingHandle[Any]:
        """Enqueue a task by its name, and wait until it is stored; as :meth:`Tasks.enqueue`."""
        return self.handle(self.enqueue_steps([_step(name, args, kwargs)]))

    def enqueue_steps(self, steps: Sequence[Step]) -> int:
        """Enqueue a chain of steps, and return the number of the last."""
        return int(self.call("start", self._tasks.keyed(steps)))

    def handle(self, id: int, returns: Any = None) -> BlockingHandle[Any]:  # noqa: A002
        """Return a handle of a task by its number; as :meth:`Tasks.handle`."""
        return BlockingHandle(self, id, returns)


def _step(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Step:
    return Step(name=name, args=to_plain(list(args)), kwargs=to_plain(dict(kwargs)))


def _kinds(
    given: type[BaseException] | Sequence[type[BaseException]],
) -> tuple[type[BaseException], ...]:
    return (given,) if isinstance(given, type) else tuple(given)
