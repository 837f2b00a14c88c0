"""A queue, as its task functions, handles and workers know it: :class:`Tasks` is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wampapp.components.component import Host
    from wampapp.components.tasks.records import Step
    from wampapp.runner.service import Service


class BlockingQueue(Protocol):
    """The blocking verbs of a queue."""

    def call(self, name: str, /, *args: Any, _within: float | None = None, **kwargs: Any) -> Any:
        """Call one of the queue's procedures."""

    def stream(self, name: str, /, *args: Any) -> Iterator[Any]:
        """Call one of the queue's procedures, and iterate over what it gives."""

    def enqueue_steps(self, steps: Sequence[Step]) -> int:
        """Enqueue a chain of steps, and return the number of the last."""

    def handle(self, id: int, returns: Any = None) -> Any:  # noqa: A002 - a task's id
        """Return a handle of a task."""


class Queue(Protocol):
    """The verbs of a queue, and what runs it in this process."""

    @property
    def prefix(self) -> str | None:
        """What its procedures are below."""

    @property
    def host(self) -> Host:
        """The app that uses it."""

    @property
    def service(self) -> Service:
        """What runs the app in this process."""

    @property
    def is_joined(self) -> bool:
        """Whether the app has a session now."""

    @property
    def sync(self) -> BlockingQueue:
        """Its blocking verbs."""

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call one of the queue's procedures."""

    async def enqueue_steps(self, steps: Sequence[Step]) -> int:
        """Enqueue a chain of steps, and return the number of the last."""

    def handle(self, id: int, returns: Any = None) -> Any:  # noqa: A002 - a task's id
        """Return a handle of a task."""

    def failed_for_good(self, error: BaseException) -> None:
        """Take note of what made a task dead."""
