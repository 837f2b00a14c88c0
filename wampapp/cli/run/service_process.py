"""A service process of ``wampapp run --reload`` and ``--workers``, as its parent starts it."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from wampapp.cli.exit_code import run_to_exit_code
from wampapp.cli.target.loading import load
from wampapp.errors import EXIT_FAILED, BrokenTarget, TargetError
from wampapp.runner import foreground as runner
from wampapp.supervisor import child
from wampapp.supervisor.channel import Failed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from wampapp.supervisor.channel import Order


def serve(channel: Connection) -> tuple[int, str]:
    """Serve as the parent orders.

    Args:
        channel: the pipe to the parent.

    Returns:
        The exit code, and an error's text if the parent could not be sent it.
    """
    child.hold_signals()
    child.warm_up()
    try:
        order: Order = channel.recv()
    except (EOFError, OSError):
        return EXIT_FAILED, ""  # the parent is gone
    listener = child.Listener(channel)
    fixable = True

    def work() -> None:
        nonlocal fixable
        runner.configure_logs(order.log_level, order.log_format, order.worker)
        if order.reloads:
            # Python takes a compiled module for the source's if size and second are the same, and
            # two saves may well fall into one second.
            sys.dont_write_bytecode = True
        try:
            app = load(order.target)
        except BrokenTarget:
            raise
        except TargetError:
            fixable = False
            raise
        child.serve(app, order, channel, listener)

    code, text = run_to_exit_code(work)
    if text:
        with contextlib.suppress(OSError):
            channel.send(Failed(text, fixable))
            text = ""
    logging.shutdown()
    return code, text
