"""Services in processes of their own: ``wampapp run --reload`` and ``--workers``.

The parent (``parent``) starts the processes (``process``), keeps the router in the box, and passes
signals down. It replaces what crashes (``keeping``), or everything after a save (``reloading``,
``watching``). A service process (``child``) loads the app, waits until it may join, and serves.
They speak over a pipe (``channel``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wampapp.supervisor.watching import Watcher

__all__ = ["run"]


def run(
    target: str,
    options: dict[str, Any],
    *,
    workers: int = 1,
    watcher: Watcher | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
) -> None:
    """Run a service in processes of its own, until a signal stops it.

    Args:
        target: as in ``wampapp run TARGET``.
        options: as in :func:`wampapp.runner.foreground.settle`.
        workers: how many processes.
        watcher: finds the saves after which they are started anew; None for no reloading.
        log_level: as in :func:`wampapp.runner.foreground.run`.
        log_format: likewise.

    Raises:
        ServiceEnded: a process has ended, and another would not do better.
        UsageError: the router in the box cannot listen, or this is no command of ours.
    """
    from wampapp.errors import UsageError
    from wampapp.registry.records import Worker
    from wampapp.supervisor.channel import VARIABLE, Order
    from wampapp.supervisor.process import Child

    if VARIABLE in os.environ:
        # A program of the user's has run the command's function: started once more, as a service
        # process is, it would do so again, without end.
        raise UsageError(
            "Services in processes of their own are started by the command 'wampapp run' or "
            "'python -m wampapp run' alone."
        )

    def order(worker: Worker) -> Order:
        return Order(target, worker, options, log_level, log_format, watcher is not None)

    # They import while this process does, too.
    first = [Child(Worker(number, workers)) for number in range(1, workers + 1)]
    try:
        for child in first:
            child.order(order(child.worker))
        from wampapp.loop.runtime import get_runtime
        from wampapp.runner import foreground as runner
        from wampapp.supervisor.keeping import Keeper
        from wampapp.supervisor.reloading import Reloader

        as_json = runner.configure_logs(log_level, log_format)
        parent = (
            Keeper(order, options, as_json=as_json)
            if watcher is None
            else Reloader(watcher, order, options, as_json=as_json)
        )
        get_runtime().run(parent.run(first))
    finally:
        for child in first:
            child.end()
