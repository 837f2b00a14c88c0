"""Turn what a command raises into an exit code and a sentence."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import click

from wampapp.cli.output import sentence
from wampapp.errors import EXIT_FAILED, EXIT_INTERRUPTED, WampappError
from wampapp.observe.hidden import explain
from wampapp.supervisor.ended import ServiceEnded

if TYPE_CHECKING:
    from collections.abc import Callable


def run_to_exit_code(work: Callable[[], object]) -> tuple[int, str]:
    """Do a command's work.

    Args:
        work: returns the exit code, or anything else for 0.

    Returns:
        The exit code, and the text for standard error; empty if nothing went wrong.
    """
    try:
        code = work()
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        return error.exit_code, text.getvalue().rstrip("\n")
    except WampappError as error:
        return error.exit_code, f"Error: {sentence(error)}"
    except ServiceEnded as end:
        # Whatever its own exit code, a service that has ended is a failure of the run.
        code = end.exit_code if end.exit_code > 0 else EXIT_FAILED
        return code, end.text or f"Error: The service {end.how}."
    except (ImportError, AttributeError) as error:
        explained = explain(error)
        if explained is None:
            raise
        return explained.exit_code, f"Error: {sentence(explained)}"
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED, "Interrupted."
    except OSError as error:
        what = "The output cannot be written" if error.filename is None else error.filename
        # What is left in the buffer would fail once more at exit, with another message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED, f"Error: {what}: {error.strerror}."
    return (code if isinstance(code, int) else 0), ""
