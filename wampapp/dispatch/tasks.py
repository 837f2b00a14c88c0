"""The task of a handler: how it begins, and how it is told that it is cancelled before that."""

from __future__ import annotations

import asyncio
import sys
import types
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Coroutine, Generator

#: Whether a task takes its first step when it is made, as it can since Python 3.12.
EAGER: Final = sys.version_info >= (3, 12)
_OPTIONS: Final[dict[str, Any]] = {"eager_start": True} if EAGER else {}


def start(
    body: Coroutine[Any, Any, None],
    loop: asyncio.AbstractEventLoop,
    name: str,
    context: contextvars.Context | None,
) -> asyncio.Task[None]:
    """Start a task.

    Args:
        body: what it runs; unless :data:`EAGER`, a coroutine that awaits :func:`first_step` first.
        loop: the event loop.
        name: the task's name; a counted one, which asyncio would write, takes longer.
        context: the context it runs in; None for a copy of the current one.

    Returns:
        The task. It may be done already.
    """
    if not EAGER:
        # Up to its first step. So a cancellation that comes before that step is raised in it too,
        # where asyncio would not run it at all, and it can do what is to be done at its end. A
        # callback of the task's for that would cost every call 0.5 µs.
        body.send(None)
    return asyncio.Task(body, loop=loop, name=name, context=context, **_OPTIONS)


@types.coroutine
def first_step() -> Generator[None, None, None]:
    """Wait for the first step of the task, in the coroutine that it runs."""
    yield
