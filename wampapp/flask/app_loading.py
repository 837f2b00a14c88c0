"""Which server is loading a Flask app, and whether this process will serve it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
from flask.cli import run_command
from flask.helpers import get_debug_flag
from werkzeug.serving import is_running_from_reloader

if TYPE_CHECKING:
    from types import FrameType

#: The functions that load an app, by module and name.
FLASK: Final = ("flask.cli", "load_app")
GUNICORN_WORKER: Final = ("gunicorn.workers.base", "load_wsgi")
GUNICORN_PARENT: Final = ("gunicorn.arbiter", "setup")


def find_loader() -> tuple[tuple[str, str] | None, FrameType]:
    """Return the function that is loading the app, and its frame; None if it is not known."""
    frame: FrameType | None = sys._getframe(1)
    here = sys._getframe(1)
    known = (FLASK, GUNICORN_WORKER, GUNICORN_PARENT)
    while frame is not None:
        name = (frame.f_globals.get("__name__", ""), frame.f_code.co_name)
        if name in known:
            return name, frame
        frame = frame.f_back
    return None, here


def is_running(frame: FrameType) -> bool:
    """Return whether a frame is still executing."""
    try:
        frame.clear()
    except RuntimeError:
        return True  # a frame that is executing cannot be cleared
    return False


def flask_will_serve() -> bool:
    """Return whether Flask's command line loads the app to serve it in this process."""
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return False
    reloads = context.params.get("reload")
    if reloads is None:
        reloads = get_debug_flag()
    return is_running_from_reloader() or not reloads
