"""Do something as a link's callback does: on the loop, and in no task."""

import asyncio
import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def no_task() -> Iterator[None]:
    """Have no current task in a block."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    asyncio._leave_task(loop, task)
    try:
        yield
    finally:
        asyncio._enter_task(loop, task)
