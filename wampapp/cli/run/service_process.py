"""A service process of ``wampapp run --reload`` and ``--workers``, as its parent starts it."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from wampapp.cli.exit_code import run_to_exit_code
from wampapp.errors import EXIT_FAILED, BrokenTarget, TargetError
from wampapp.runner.foreground import configure_logs
from wampapp.supervisor import worker
from wampapp.supervisor.pipe import Failed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from wampapp.supervisor.pipe import Start


def serve(pipe: Connection) -> tuple[int, str]:
    """Serve what the parent says.

    Args:
        pipe: the pipe to the parent.

    Returns:
        The exit code, and an error's text if the parent could not be sent it.
    """
    worker.hold_signals()
    worker.warm_up()
    try:
        start: Start = pipe.recv()
    except (EOFError, OSError):
        return EXIT_FAILED, ""  # the parent is gone
    listener = worker.Listener(pipe)
    fixable = True

    def work() -> None:
        nonlocal fixable
        configure_logs(start.log_level, start.log_format, start.worker)
        if start.reloads:
            # Python takes a compiled module for the source's if size and second are the same, and
            # two saves may well fall into one second.
            sys.dont_write_bytecode = True
        try:
            app = start.load(start.target)
        except BrokenTarget:
            raise
        except TargetError:
            fixable = False
            raise
        worker.serve(app, start, pipe, listener)

    code, text = run_to_exit_code(work)
    if text:
        with contextlib.suppress(OSError):
            pipe.send(Failed(text, fixable))
            text = ""
    logging.shutdown()
    return code, text
