"""The messages that a parent and a worker process send each other over their pipe."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from wampapp.registry.records import Worker
    from wampapp.runner.banner import ServiceInfo
    from wampapp.runner.servable import Servable

#: Tells a worker process the file descriptor of its end. Only a parent sets it.
VARIABLE: Final = "_WAMPAPP_PIPE"


@dataclass(frozen=True, slots=True)
class Start:
    """The parent's first message: what to run.

    It goes through the pipe, not through arguments or variables, because of its credential.

    Attributes:
        target: as in ``wampapp run TARGET``.
        load: makes the app of the target.
        worker: which process this is.
        options: as in :func:`wampapp.config.settle.settle`.
        log_level: as in :func:`wampapp.runner.foreground.run`.
        log_format: as in :func:`wampapp.runner.foreground.run`.
        reloads: whether it runs only until the next save.
        search: whether it serves nothing, and a router that is not named is searched for.
    """

    target: str
    load: Callable[[str], Servable]
    worker: Worker
    options: dict[str, Any]
    log_level: str | None
    log_format: str | None
    reloads: bool
    search: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """The worker process has imported the app, and is ready to join.

    Attributes:
        needs_router: whether nothing names a router, so that it joins the parent's.
        realm: the realm that it joins.
        identifier: its procedure that says who a web page is; None if it has none.
        pages: the paths of its web pages.
    """

    needs_router: bool
    realm: str
    identifier: str | None
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """The parent's second message: join.

    Attributes:
        url: the parent's router, if the worker needs one.
        secret: what the worker proves with that it is the parent's.
        host: the address of the parent's port for web pages; empty if it has none.
        origins: the origins of web pages that are let in there.
        generation: which start of the service this is; each has a larger number than those before.
        console: whether the console is at that port.
    """

    url: str | None
    secret: str | None = None
    host: str = ""
    origins: tuple[str, ...] = ()
    generation: int = 0
    console: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """The parent's later messages: a connection to the web apps; its file descriptor follows.

    Attributes:
        family: its address family.
        data: what was read from it.
    """

    family: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Up:
    """The service has joined and announced everything.

    Attributes:
        info: what a banner shows of it.
        single: the procedures that only the first worker registers.
        log_files: the files that it logs to.
        folders: where the templates and the static files of its pages are.
    """

    info: ServiceInfo
    single: tuple[str, ...]
    log_files: tuple[str, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """The service has left its realm in good order; the process is about to end."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker process ends with an error.

    Attributes:
        text: what a command would print about it.
        fixable: whether saving a file may help.
    """

    text: str
    fixable: bool


def inherited() -> Connection | None:
    """Return the pipe to the parent; None in a process that was not started by one."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return None
    from multiprocessing.connection import Connection

    os.set_inheritable(int(number), False)
    return Connection(int(number))
