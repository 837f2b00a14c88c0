"""Twisted's Deferreds in asyncio tasks: what a coroutine handler may await."""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

T = TypeVar("T")


@types.coroutine
def with_deferreds(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Return a coroutine's awaitable that may await Twisted's Deferreds in an asyncio task.

    A Deferred yields itself to what runs the coroutine, but a task knows only futures. So the task
    waits on a future, and the Deferred gives its own result when the coroutine is resumed.

    Args:
        coroutine: the coroutine; it may await futures as well.

    Returns:
        The coroutine's result.
    """
    try:
        waited = coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    return (yield from rest_with_deferreds(coroutine, waited))


@types.coroutine
def rest_with_deferreds(coroutine: Coroutine[Any, Any, T], waited: Any) -> Generator[Any, Any, T]:
    """Return the awaitable of a coroutine that has begun; see :func:`with_deferreds`.

    Args:
        coroutine: the coroutine.
        waited: what its first step gave: what it waits for.

    Returns:
        The coroutine's result.
    """
    while True:
        if waited is not None and not hasattr(waited, "_asyncio_future_blocking"):
            waited = _future_for(waited)
        step: Any
        try:
            value = yield waited
        except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine
            step, value = coroutine.throw, error
        else:
            step = coroutine.send
        try:
            waited = step(value)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def _future_for(waited: Any) -> Any:
    from twisted.internet.defer import CancelledError, Deferred

    if not isinstance(waited, Deferred):
        return waited  # the task raises the usual error
    future = asyncio.get_running_loop().create_future()

    def fired(result: object) -> object:
        if not future.done():
            future.set_result(None)
        return result

    def cancelled(done: asyncio.Future[None]) -> None:
        # Cancelling the handler cancels what it waits for; the handler reports how that ended.
        if done.cancelled():
            waited.addErrback(lambda failure: failure.trap(CancelledError) and None)
            waited.cancel()

    waited.addBoth(fired)
    future.add_done_callback(cancelled)
    future._asyncio_future_blocking = True
    return future


def done() -> Any:
    """Return a Deferred that has fired: what Twisted's code may add callbacks to, or await."""
    from twisted.internet.defer import succeed

    return succeed(None)
