"""Waits in one thread for what runs on the loop of another."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

#: How soon Ctrl-C is noticed at the latest.
_WAKE_SECONDS: Final = 0.5


def run_and_wait(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, T],
    on_answer: Callable[[], None] | None = None,
) -> T:
    """Run a coroutine on a loop that runs in another thread, and wait for it.

    Ctrl-C in the waiting thread cancels it.

    Args:
        loop: the loop.
        coroutine: what to run.
        on_answer: called on the loop's thread when it has ended.

    Returns:
        What it returns; raises what it raises.
    """
    # Not a concurrent.futures.Future: Ctrl-C at the wrong moment leaves its lock held, and the
    # loop would wait for that lock for ever. The loop waits for nothing that is held here.
    answer = threading.Lock()
    answer.acquire()
    work: list[Coroutine[Any, Any, T]] = [coroutine]
    tasks: list[asyncio.Task[T]] = []

    def begin() -> None:
        if work:
            tasks.append(loop.create_task(work.pop()))
            tasks[0].add_done_callback(finish)

    def finish(_: object) -> None:
        if on_answer is not None:
            on_answer()
        answer.release()

    def give_up() -> None:
        for unbegun in work:
            unbegun.close()
        work.clear()
        for task in tasks:
            task.cancel()

    try:
        loop.call_soon_threadsafe(begin)
        # A signal that comes in the instant before the wait does not end it, so the thread that
        # Python's signals reach wakes now and then.
        is_main = threading.current_thread() is threading.main_thread()
        while not answer.acquire(timeout=_WAKE_SECONDS if is_main else -1):
            pass
    except BaseException:
        # Ctrl-C reaches only the waiting thread, at any moment from the first line on; the work
        # must neither go on unseen nor stay behind unstarted.
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(give_up)
        raise
    if tasks[0].cancelled():
        raise concurrent.futures.CancelledError
    return tasks[0].result()
