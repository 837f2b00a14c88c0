"""What the owner knows of the tasks that run, and of what workers tell."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import msgspec

from wampapp.components.tasks.worker import living

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from wampapp.components.tasks.records import Outcome


class Running(msgspec.Struct, frozen=True):
    """A task that a worker runs.

    Attributes:
        attempt: which attempt.
        worker: which worker.
        is_last: whether nothing follows it.
        queue: its queue.
    """

    attempt: int
    worker: str
    is_last: bool
    queue: str


class Told:
    """What a worker has told, until it is stored.

    Args:
        simple: the outcomes of tasks that are done, and that nothing follows.
        others: the other ones.
        stored: is done when they are stored.
    """

    def __init__(
        self, simple: Sequence[Outcome], others: Sequence[Outcome], stored: asyncio.Future[None]
    ) -> None:
        self.simple = simple
        self.others = others
        self.stored = stored

    @property
    def outcomes(self) -> list[Outcome]:
        """All of them."""
        return [*self.simple, *self.others]

    def succeed(self) -> None:
        """Tell that they are stored, if somebody still waits for that."""
        if not self.stored.done():
            self.stored.set_result(None)

    def fail(self, error: Exception) -> None:
        """Tell that they are not."""
        if not self.stored.done():
            self.stored.set_exception(error)


def has_ended(worker: str) -> bool:
    """Return whether a worker was in a process of this machine that has ended, or in this one."""
    host, _, number = worker.rpartition("/")[0].rpartition(":")
    if host != platform.node() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return worker not in living
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
