"""What a piece of work costs: the Python functions of ours that run for it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def functions(run: Callable[[], None]) -> list[str]:
    """Return the names of our own functions that a piece of work calls, in order."""
    with noted() as names:
        run()
    return names


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """Note the names of our own functions that are called meanwhile in this thread, in order.

    A coroutine counts each time it goes on.
    """
    names: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        # Comprehensions are functions in some versions of Python, and not in others.
        if event == "call" and module.startswith("wampapp.") and frame.f_code.co_name[0] != "<":
            names.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(None)
