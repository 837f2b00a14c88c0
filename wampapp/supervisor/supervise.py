"""Starts a service in processes of its own, and what supervises them.

The parent (`parent`) starts the worker processes (`child` is one as the parent sees it), has the
embedded router that they share, and passes signals down. It replaces a process that ends
(`restarter`), or all of them after a save (`reloader`, `watcher`). A worker process (`worker` is
one from inside) loads the app, waits until it may join, and serves. They speak over a `pipe`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.runner.notify import Notifier
    from wampapp.runner.servable import Servable
    from wampapp.supervisor.watcher import Watcher


def supervise(
    target: str,
    load: Callable[[str], Servable],
    options: dict[str, Any],
    *,
    workers: int = 1,
    watcher: Watcher | None = None,
    search: bool = False,
    exit_with_stdin: bool = False,
    notifier: Notifier | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
) -> None:
    """Run a service in processes of its own, until a signal stops it.

    Args:
        target: as in ``wampapp run TARGET``.
        load: makes the app of the target, in each process; it can be pickled.
        options: as in :func:`wampapp.config.settle.settle`.
        workers: how many processes.
        watcher: notices the saves after which the service is started again; None for no reloading.
        search: whether it serves nothing, and a router that is not named is searched for at its
            port, and not started.
        exit_with_stdin: whether the end of the standard input stops it too.
        notifier: tells the process manager; None tells nobody.
        log_level: as in :func:`wampapp.runner.foreground.run`.
        log_format: as in :func:`wampapp.runner.foreground.run`.

    Raises:
        ServiceEnded: a process has ended, and another would not do better.
        UsageError: the embedded router cannot listen, or this process does not run the command.
    """
    from wampapp.errors import UsageError
    from wampapp.registry.records import Worker
    from wampapp.supervisor.child import Child
    from wampapp.supervisor.pipe import VARIABLE, Start

    if VARIABLE in os.environ:
        # A program of the user's has run the command's function: a worker process, which is the
        # same program once more, would do so again, without end.
        raise UsageError(
            "Services in processes of their own are started only by the command 'wampapp run' or "
            "'python -m wampapp run'."
        )

    def message(worker: Worker) -> Start:
        reloads = watcher is not None
        return Start(target, load, worker, options, log_level, log_format, reloads, search)

    # They are started first: they import while this process does.
    first = [Child(Worker(number, workers)) for number in range(1, workers + 1)]
    try:
        for child in first:
            child.start(message(child.worker))
        from wampapp.loop.runtime import get_runtime
        from wampapp.runner.foreground import configure_logs
        from wampapp.supervisor.reloader import Reloader
        from wampapp.supervisor.restarter import Restarter

        as_json = configure_logs(log_level, log_format)
        named: dict[str, Any] = {
            "as_json": as_json,
            "exit_with_stdin": exit_with_stdin,
            "notifier": notifier,
        }
        parent = (
            Restarter(message, options, **named)
            if watcher is None
            else Reloader(watcher, message, options, **named)
        )
        get_runtime().run(parent.run(first))
    finally:
        for child in first:
            child.end()
