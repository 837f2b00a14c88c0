"""What a task's function sees of itself, and what it raises to say how it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wampapp.config.records import check_seconds
from wampapp.errors import WampappError
from wampapp.observe.tracing import Origin
from wampapp.registry.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable


class Retry(WampappError):
    """Raised in a task to have it tried again; it counts as a failed attempt.

    Args:
        why: what is said of it in the log.
        in_: the seconds until then; None for what the task's backoff says.
    """

    def __init__(self, why: str = "It asked for another attempt.", *, in_: float | None = None):
        super().__init__(why)
        self.seconds = None if in_ is None else check_seconds(in_, "in_")


class Cancel(WampappError):
    """Raised in a task to end it: it is cancelled then. :meth:`Task.check` raises it."""


class TaskFailed(WampappError):
    """A task whose result is awaited has failed for good, or was cancelled.

    Attributes:
        id: the task's number.
        state: ``dead`` or ``cancelled``.
    """

    def __init__(self, id: int, state: str, why: str) -> None:  # noqa: A002 - a task's id
        super().__init__(why)
        self.id = id
        self.state = state


class Task(Context):
    """The attempt that runs. Annotate a parameter of the function with this class.

    Where the function is called directly, as in a test, it gets one that stands for no task.

    Attributes:
        id: the task's number; 0 for none.
        name: its name.
        attempt: which attempt it is, from 1.
        failures: how many attempts have failed before.
        key: the key that it was enqueued with: the same in every attempt, and so of use to make
            what the task does happen once.
        cancelled: whether it is to end: it was cancelled, its time is up, or its worker stops.
    """

    __slots__ = (
        "_origin",
        "_report",
        "attempt",
        "cancelled",
        "failures",
        "id",
        "key",
        "name",
        "why",
    )

    def __init__(
        self,
        id: int = 0,  # noqa: A002 - a task's id
        name: str = "",
        attempt: int = 1,
        failures: int = 0,
        key: str | None = None,
        report: Callable[[float, str], None] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.attempt = attempt
        self.failures = failures
        self.key = key
        self.cancelled = False
        self.why = ""
        self._report = report
        self._origin = origin or Origin()

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.name!r}, attempt {self.attempt}>"

    @property
    def trace_id(self) -> str:
        """The id of the trace that it belongs to, that of what enqueued it: 32 hexadecimal digits.

        It is the same in every attempt.
        """
        return self._origin.trace_id

    def progress(self, fraction: float, note: str = "") -> None:
        """Tell how far it is. It may be called in any thread, and as often as you like.

        Args:
            fraction: how much is done, from 0 to 1.
            note: what is being done.
        """
        if self._report is not None:
            self._report(min(1.0, max(0.0, float(fraction))), str(note))

    def check(self) -> None:
        """End the function here if it is to end; for loops in plain functions.

        Raises:
            Cancel: it is to end.
        """
        if self.cancelled:
            raise Cancel(self.why or "It was cancelled.")

    def sleep(self, seconds: float) -> None:
        """Wait in a plain function, but no longer than until it is to end.

        Raises:
            Cancel: it is to end.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.05))
        self.check()
