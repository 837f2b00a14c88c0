"""What the owner knows of the tasks that run."""

from __future__ import annotations

import os
import platform

import msgspec

from wampapp.components.tasks.worker import living


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
