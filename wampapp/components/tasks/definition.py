"""A function that is a task: what ``@tasks.task`` returns, and what is made of it."""

from __future__ import annotations

import functools
import inspect
import random
import re
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast

from wampapp.components.tasks.context import Cancel, Retry, Task
from wampapp.components.tasks.isolation import Place
from wampapp.components.tasks.records import Definition, Step
from wampapp.errors import DeclarationError, InvalidHandler, UsageError
from wampapp.protocol.payload import to_plain
from wampapp.registry.binding import Binding
from wampapp.registry.endpoint import kind_of
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wampapp.components.tasks.handle import BlockingHandle, Handle
    from wampapp.components.tasks.queue import Queue

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds: the longest that a backoff of its own accord becomes.
MAX_BACKOFF: Final = 3600.0
_RATE: Final = re.compile(r"(\d+)/(?:(\d+)\s*)?(s|m|h|d)")
_MEMORY: Final = re.compile(r"([1-9]\d*)([KMG])i?B?")
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task is run.

    Attributes:
        queue: its queue.
        priority: higher ones are first.
        retries: how often it is tried again after a failure.
        backoff: the seconds until the first further attempt; each later one waits twice as long.
        retry_on: the exceptions after which it is tried again.
        give_up_on: those of them after which it is not.
        timeout: the seconds that an attempt may take; None for no limit.
        rate: how many may start in so many seconds; None for no limit.
        isolate: whether each attempt runs in a process of its own, which ends at the timeout.
        memory: the most bytes of memory that such a process may have; None for no limit.
    """

    queue: str = "default"
    priority: int = 0
    retries: int = 0
    backoff: float = 10.0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    give_up_on: tuple[type[BaseException], ...] = ()
    timeout: float | None = None
    rate: tuple[int, float] | None = None
    isolate: bool = False
    memory: int | None = None

    def delay_after(self, error: BaseException, failures: int) -> float | None:
        """Return after how many seconds another attempt follows a failure; None if none does.

        Args:
            error: what was raised.
            failures: how many attempts have failed, this one left out.
        """
        if isinstance(error, Cancel) or failures >= self.retries:
            return None
        if isinstance(error, Retry):
            return self.wait(failures) if error.seconds is None else error.seconds
        if isinstance(error, self.give_up_on) or not isinstance(error, self.retry_on):
            return None
        return self.wait(failures)

    def wait(self, failures: int) -> float:
        """Return the seconds until the next attempt, a random part of them."""
        full = min(MAX_BACKOFF, self.backoff * 2.0 ** min(failures, 30))
        # Queue that failed together should not all come back together.
        return full * random.uniform(0.75, 1.0)  # noqa: S311 - not for secrets


def parse_memory(text: object) -> int | None:
    """Return what ``"512M"`` or ``"2G"`` says, in bytes.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    if isinstance(text, int) and text > 1:
        return text
    found = _MEMORY.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise UsageError(f"memory is {text!r}; write it as '512M' or '2G'.")
    return int(found[1]) << 10 * (1 + "KMG".index(found[2]))


def parse_rate(text: str | None) -> tuple[int, float] | None:
    """Return what ``"10/m"`` or ``"1/5s"`` says: so many in so many seconds.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    found = _RATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or int(found[1]) < 1:
        raise UsageError(f"rate is {text!r}; write it as '10/s', '100/m' or '1/5s'.")
    return int(found[1]), int(found[2] or 1) * _UNITS[found[3]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What is said when a task is enqueued.

    Attributes:
        delay: the seconds after which it may start.
        at: when it may start.
        priority: higher ones are first.
        queue: its queue.
        unique: no second task of this name with the same text is enqueued while one is not final.
        key: no second task with this key is ever enqueued.
    """

    delay: float = 0.0
    at: datetime | None = None
    priority: int | None = None
    queue: str | None = None
    unique: str | None = None
    key: str | None = None


class TaskFunction(Generic[P, R]):
    """A function that can be enqueued. Called directly, it is the function that it was before.

    Attributes:
        name: the task's name.
        function: the function.
        policy: how it is run.
        binding: the converter of its arguments.
    """

    def __init__(
        self,
        tasks: Queue,
        function: Callable[..., Any],
        name: str,
        policy: Policy,
        choices: Choices | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self._tasks = tasks
        self.name = name
        self.function = function
        self.policy = policy
        self.binding = Binding(function, context=Task)
        self.kind = kind_of(function, None)
        self._choices = choices or Choices()
        if policy.isolate and not self.can_be_apart:
            raise InvalidHandler(
                f"{name_of(function)} cannot run in a process of its own: only a plain function at "
                "the top of a module can."
            )
        if self.kind in ("generator", "stream"):
            raise InvalidHandler(
                f"{name_of(function)} is a generator; what a task yields would reach nobody. "
                "Return a result, and tell how far it is by task.progress()."
            )

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, here and now."""
        given: Any = kwargs
        if self.binding.context is not None:
            names = list(self.binding.signature.parameters)
            place = names.index(self.binding.context)
            positional: list[Any] = [*args]
            if not any(isinstance(one, Task) for one in (*args, *kwargs.values())):
                parameter = self.binding.signature.parameters[self.binding.context]
                if parameter.kind is not parameter.KEYWORD_ONLY and place <= len(positional):
                    positional.insert(place, Task(name=self.name))
                else:
                    given = {**kwargs, self.binding.context: Task(name=self.name)}
            return self.function(*positional, **given)  # type: ignore[no-any-return]
        return self.function(*args, **kwargs)  # type: ignore[no-any-return]

    @property
    def can_be_apart(self) -> bool:
        """Whether the function can run in a process of its own."""
        name = getattr(self.function, "__qualname__", "<locals>")
        return self.kind == "thread" and "<locals>" not in name

    @property
    def place(self) -> Place:
        """Where the function is, for a process of its own."""
        module = sys.modules.get(self.function.__module__)
        file = getattr(module, "__file__", None) or ""
        return Place(self.function.__module__, file, self.function.__qualname__)

    def surrounded(self) -> Callable[..., Any]:
        """Return the function inside what the app puts around its functions."""
        surround = getattr(self._tasks.host, "surround", None)
        return self.function if surround is None else surround(self.function, self.kind)

    @property
    def returns(self) -> Any:
        """What the function is annotated to return; None for nothing in particular."""
        found = self.binding.signature.return_annotation
        return None if found in (inspect.Signature.empty, Any) else found

    def options(
        self,
        *,
        delay: float | None = None,
        at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        unique: str | None = None,
        key: str | None = None,
    ) -> TaskFunction[P, R]:
        """Return the same task with other options for what is enqueued.

        ::

            await thumbnail.options(delay=60, unique="thumb-7").enqueue(7)

        Args:
            delay: the seconds after which it may start.
            at: when it may start; a time with a time zone.
            priority: higher ones are first.
            queue: its queue.
            unique: no second task of this name with the same text is enqueued while one is not
                final; :meth:`enqueue` gives that one then.
            key: no second task with this key is ever enqueued, so that a request that is sent again
                makes one task; :meth:`enqueue` gives that one then.

        Raises:
            UsageError: one of them is not valid.
        """
        if at is not None and at.tzinfo is None:
            raise UsageError(
                "options(at=…) needs a time with a time zone, such as datetime.now(UTC)."
            )
        if delay is not None and not (isinstance(delay, int | float) and 0 <= delay < 1e10):
            raise UsageError(f"options(delay={delay!r}) is not a number of seconds.")
        given = {
            "delay": delay,
            "at": at,
            "priority": priority,
            "queue": queue,
            "unique": unique,
            "key": key,
        }
        given = {name: value for name, value in given.items() if value is not None}
        choices = replace(self._choices, **given)  # type: ignore[arg-type]
        return TaskFunction(self._tasks, self.function, self.name, self.policy, choices)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound[R]:
        """Put arguments to the task, to enqueue it later: in a chain, or in a group.

        The arguments are checked when it is enqueued.
        """
        return Bound(self._tasks, (self.step(args, kwargs),), self.returns, ((self,),))

    def then(self, following: TaskFunction[..., Any] | Bound[Any]) -> Chain[P]:
        """Have another task follow, which gets this one's result as its first argument.

        ::

            await thumbnail.then(publish).enqueue(7)
        """
        return Chain(self, following)

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Enqueue the task.

        Args:
            args: the function's positional arguments.
            kwargs: its named arguments.

        Returns:
            A handle of the task. It is stored by then, on the disk.

        Raises:
            InvalidArgument: the arguments do not fit the function.
            PayloadNotEncodable: an argument cannot be sent.
            Overloaded: the queue is full.
            NoSuchProcedure: nobody serves the tasks.
            StorageFailed: it could not be stored.
        """
        return await self.bind(*args, **kwargs).enqueue()

    @property
    def sync(self) -> BlockingTaskFunction[P, R]:
        """The blocking verbs, for plain functions and other threads."""
        return BlockingTaskFunction(self)

    def step(self, args: Any, kwargs: dict[str, Any]) -> Step:
        """Return what is sent to enqueue the task."""
        chosen = self._choices
        at = None if chosen.at is None else chosen.at.timestamp()
        return Step(
            name=self.name,
            args=to_plain(list(args)),
            kwargs=to_plain(dict(kwargs)),
            delay=chosen.delay,
            at=at,
            priority=chosen.priority,
            queue=chosen.queue,
            unique=chosen.unique,
            key=chosen.key,
            checked=True,
        )

    def check(self, args: Any, kwargs: dict[str, Any]) -> None:
        """Check arguments.

        Raises:
            InvalidArgument: they do not fit the function.
        """
        extras = None if self.binding.context is None else {self.binding.context: None}
        self.binding.bind(args, kwargs, extras)

    def definition(self) -> Definition:
        """Return what the owner is told of it."""
        return Definition(
            name=self.name,
            queue=self.policy.queue,
            priority=self.policy.priority,
            rate=self.policy.rate,
        )


class BlockingTaskFunction(Generic[P, R]):
    """The blocking verbs of a task.

    Args:
        task: the task.
    """

    def __init__(self, task: TaskFunction[P, R]) -> None:
        self._task = task

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> BlockingHandle[R]:
        """Enqueue the task, and wait until it is stored; as :meth:`TaskFunction.enqueue`."""
        return self._task.bind(*args, **kwargs).sync.enqueue()


@dataclass(frozen=True, slots=True)
class Bound(Generic[R]):
    """One task or several, with their arguments: what can be enqueued as it is.

    Attributes:
        tasks: the queue.
        steps: one after the other; each gets the result of the one before.
        returns: what the last one returns.
        functions: the functions of each step, to check their arguments; a group has several.
    """

    tasks: Queue
    steps: tuple[Step, ...]
    returns: Any = None
    functions: tuple[tuple[TaskFunction[..., Any], ...], ...] = field(default=(), repr=False)

    def then(self, following: TaskFunction[..., Any] | Bound[Any]) -> Bound[Any]:
        """Have another one follow, which gets the result as its first argument.

        After a group, that is the list of its tasks' results. A group that follows gets it as the
        first argument of each of its tasks.
        """
        if isinstance(following, TaskFunction):
            following = Bound(
                self.tasks, (following.step((), {}),), following.returns, ((following,),)
            )
        return Bound(
            self.tasks,
            (*self.steps, *following.steps),
            following.returns,
            (*self.functions, *following.functions),
        )

    async def enqueue(self) -> Handle[R]:
        """Enqueue them; all are stored, or none. Returns the handle of the last one."""
        self._check()
        number = await self.tasks.enqueue_steps(self.steps)
        return cast("Handle[R]", self.tasks.handle(number, self.returns))

    @property
    def sync(self) -> BlockingBound[R]:
        """The blocking verbs, for plain functions and other threads."""
        return BlockingBound(self)

    def _check(self) -> None:
        # What follows gets a result that is not known yet.
        first = self.steps[0]
        for step, function in zip(first.group or [first], self.functions[0], strict=True):
            function.check(step.args, step.kwargs)


class BlockingBound(Generic[R]):
    """The blocking verbs of a :class:`Bound`."""

    def __init__(self, bound: Bound[R]) -> None:
        self._bound = bound

    def enqueue(self) -> BlockingHandle[R]:
        """Enqueue them, and wait until they are stored; as :meth:`Bound.enqueue`."""
        bound = self._bound
        bound._check()
        number = bound.tasks.sync.enqueue_steps(bound.steps)
        return cast("BlockingHandle[R]", bound.tasks.sync.handle(number, bound.returns))


class Chain(Generic[P]):
    """A task and what follows it; the arguments go to the first.

    Args:
        first: the first task.
        following: what follows it.
    """

    def __init__(
        self, first: TaskFunction[P, Any], following: TaskFunction[..., Any] | Bound[Any]
    ) -> None:
        self._first = first
        self._following: list[TaskFunction[..., Any] | Bound[Any]] = [following]

    def then(self, following: TaskFunction[..., Any] | Bound[Any]) -> Chain[P]:
        """Have another one follow."""
        longer = Chain(self._first, self._following[0])
        longer._following = [*self._following, following]
        return longer

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound[Any]:
        """Put arguments to the first task, to enqueue it later."""
        bound: Bound[Any] = self._first.bind(*args, **kwargs)
        for following in self._following:
            bound = bound.then(following)
        return bound

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[Any]:
        """Enqueue all of them. Returns the handle of the last one."""
        return await self.bind(*args, **kwargs).enqueue()


def group_of(tasks: Queue, bounds: tuple[Bound[Any], ...]) -> Bound[list[Any]]:
    """Return tasks that run side by side, and have one result: the list of theirs.

    Raises:
        UsageError: there is none, or one is a chain.
    """
    if not bounds or not all(isinstance(one, Bound) and len(one.steps) == 1 for one in bounds):
        raise UsageError(
            "A group is made of single tasks with their arguments; write tasks.group(add.bind(1), "
            "add.bind(2))."
        )
    group = Step(group=[one.steps[0] for one in bounds])
    return Bound(tasks, (group,), list, (tuple(one.functions[0][0] for one in bounds),))


def check_policy(name: str, policy: Policy) -> None:
    """Check what was declared.

    Raises:
        DeclarationError: it is not valid.
    """
    numbers = {"retries": policy.retries, "backoff": policy.backoff}
    for what, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise DeclarationError(f"{what} of the task {name!r} is {value!r}; give 0 or more.")
    if policy.timeout is not None and not (
        isinstance(policy.timeout, int | float) and policy.timeout > 0
    ):
        raise DeclarationError(
            f"timeout of the task {name!r} is {policy.timeout!r}; give seconds above 0."
        )
    if not isinstance(policy.queue, str) or not policy.queue:
        raise DeclarationError(f"queue of the task {name!r} is {policy.queue!r}; give a name.")
    if isinstance(policy.priority, bool) or not isinstance(policy.priority, int):
        raise DeclarationError(
            f"priority of the task {name!r} is {policy.priority!r}; give a whole number."
        )
    for what, kinds in (("retry_on", policy.retry_on), ("give_up_on", policy.give_up_on)):
        if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
            raise DeclarationError(f"{what} of the task {name!r} is {kinds!r}; give exceptions.")
