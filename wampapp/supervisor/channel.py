"""What the parent and a service process say to each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from wampapp.registry.records import Worker
    from wampapp.runner.banner import Overview

#: Names the pipe's end to a service process. Only a parent sets it.
VARIABLE: Final = "_WAMPAPP_CHANNEL"


@dataclass(frozen=True, slots=True)
class Order:
    """The parent's first word: what to run.

    It goes through the pipe, not through arguments or variables, because of its credential.

    Attributes:
        target: as in ``wampapp run TARGET``.
        worker: which process this is.
        options: as in :func:`wampapp.runner.foreground.settle`.
        log_level: as in :func:`wampapp.runner.foreground.run`.
        log_format: likewise.
        reloads: whether it runs until the next save.
    """

    target: str
    worker: Worker
    options: dict[str, Any]
    log_level: str | None
    log_format: str | None
    reloads: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """The service process has imported the app, and may be told to join.

    Attributes:
        needs_router: whether nothing names a router, so that the parent's is to be joined.
    """

    needs_router: bool


@dataclass(frozen=True, slots=True)
class Join:
    """The parent's second word.

    Attributes:
        url: the parent's router, for whoever needs it.
    """

    url: str | None


@dataclass(frozen=True, slots=True)
class Up:
    """The service has joined and announced everything.

    Attributes:
        overview: what is told of it.
        alone: the procedures that the first worker alone registers.
        log_files: the files that it logs to.
    """

    overview: Overview
    alone: tuple[str, ...]
    log_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """The service has stopped in good order; what is left is the end of the process."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The service process ends with an error.

    Attributes:
        text: what a command would print of it.
        fixable: whether saving a file may help.
    """

    text: str
    fixable: bool


class ServiceEnded(Exception):
    """A service process has ended, and with it the run.

    Attributes:
        exit_code: the process's exit code; negative for the signal that killed it.
        text: what it said last; may be empty.
        fixable: whether saving a file may help.
    """

    def __init__(self, exit_code: int, text: str = "", *, fixable: bool = True) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.text = text
        self.fixable = fixable


def inherited() -> Connection | None:
    """Return the pipe to the parent; None in a process that has none."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return None
    from multiprocessing.connection import Connection

    os.set_inheritable(int(number), False)
    return Connection(int(number))
