"""What is to be enqueued, checked and made into rows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from wampapp.components.tasks import tables
from wampapp.components.tasks.checking import Checker
from wampapp.components.tasks.records import MAX_PAYLOAD
from wampapp.errors import InvalidArgument, PayloadTooLarge
from wampapp.observe.tracing import for_later

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.components.tasks.records import Definition, State, Step
    from wampapp.components.tasks.tables import New


class Planner:
    """Knows the kinds of tasks, and makes rows of what is to be enqueued.

    Args:
        now: returns the time.

    Attributes:
        definitions: the kinds of tasks, by name.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.definitions: dict[str, Definition] = {}
        self._checkers: dict[str, Checker] = {}

    def define(self, definition: Definition) -> None:
        """Take note of a kind of task."""
        self.definitions[definition.name] = definition
        self._checkers.pop(definition.name, None)

    @property
    def queues(self) -> set[str]:
        """The queues that the kinds of tasks name."""
        return {"default", *(one.queue for one in self.definitions.values())}

    def plan(self, steps: Sequence[Step]) -> list[tuple[New, list[New]]]:
        """Make rows of a chain of steps.

        Returns:
            Each step, with the tasks of the group if it is one.

        Raises:
            InvalidArgument: a task is not known, its arguments do not fit, or nothing is given.
            PayloadTooLarge: the arguments are too large.
        """
        if not steps:
            raise InvalidArgument("there is nothing to enqueue: the list of steps is empty")
        plan = []
        for place, step in enumerate(steps):
            follows, is_last = place > 0, place == len(steps) - 1
            members = [self.new(one, follows=follows, is_last=False) for one in step.group]
            if members:
                plan.append((_group(step, members, is_last=is_last), members))
            else:
                plan.append((self.new(step, follows=follows, is_last=is_last), members))
        return plan

    def new(self, step: Step, *, follows: bool = False, is_last: bool = True) -> New:
        """Make the row of one task.

        Args:
            step: what is to be enqueued.
            follows: whether it waits for another one's result.
            is_last: whether nothing follows it.
        """
        definition = self.definitions.get(step.name)
        if definition is None:
            raise InvalidArgument(self._unknown(step.name), parameter="name")
        if not step.checked and not follows:
            self._check(definition, step)
        now = self._now()
        due = max(now + max(0.0, step.delay), step.at or 0.0)
        payload = tables.payload_of(step.args, step.kwargs)
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooLarge(
                f"The arguments of {step.name} take {len(payload):,} bytes, and {MAX_PAYLOAD:,} "
                "are allowed; store what is large elsewhere, and pass its name."
            )
        state: State = "waiting" if follows else ("scheduled" if due > now else "ready")
        return tables.New(
            name=step.name,
            queue=step.queue or definition.queue,
            state=state,
            priority=definition.priority if step.priority is None else step.priority,
            due=due,
            payload=payload,
            created=now,
            key=step.key,
            unique=step.unique,
            is_last=is_last,
            trace=for_later(),
        )

    def _check(self, definition: Definition, step: Step) -> None:
        checker = self._checkers.get(definition.name)
        if checker is None:
            checker = self._checkers[definition.name] = Checker(definition.description)
        checker.check(step.args, step.kwargs)

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.definitions, n=1)
        if near:
            return f"there is no task {name!r}; did you mean {near[0]!r}?"
        known = ", ".join(sorted(self.definitions)[:10]) or "none yet"
        return (
            f"there is no task {name!r}; known are: {known}. A task is known when a service or "
            "worker that has it has joined."
        )


def _group(step: Step, members: Sequence[New], *, is_last: bool) -> New:
    first = members[0]
    return tables.New(
        name="",
        queue=first.queue,
        state="waiting",
        priority=0,
        due=first.created,
        payload=tables.payload_of([], {}),
        created=first.created,
        key=step.key,
        unique=None,
        is_last=is_last,
        remaining=len(members),
        trace=for_later(),
    )
