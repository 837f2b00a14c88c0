"""The entry point of the command line: its standard streams, and how it ends."""

from __future__ import annotations

import io
import os
import sys

from wampapp.cli.exit_code import run_to_exit_code
from wampapp.cli.group import cli
from wampapp.cli.output import say
from wampapp.supervisor.pipe import inherited


def main() -> None:
    """Run the command line; every error ends it with one sentence and its own exit code."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Characters that the terminal's encoding lacks are escaped instead of raising.
            stream.reconfigure(errors="backslashreplace")
    pipe = inherited()
    if pipe is None:
        code, text = run_to_exit_code(lambda: cli.main(prog_name="wampapp", standalone_mode=False))
    else:
        from wampapp.cli.run.service_process import serve

        code, text = serve(pipe)
    if text:
        say(text)
    sys.exit(code)


def _open_missing_streams() -> None:
    """Open the standard streams that are closed, so that no socket gets one of their numbers."""
    if sys.stdin is None:
        _open_null(os.O_RDONLY)
    if sys.stdout is None:
        # Writing to it fails, as it should: the results would be lost.
        sys.stdout = os.fdopen(_open_null(os.O_RDONLY), "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_open_null(os.O_WRONLY), "w", encoding="utf-8", closefd=False)


def _open_null(mode: int) -> int:
    number = os.open(os.devnull, mode)
    os.set_inheritable(number, True)  # as the standard ones are
    return number
