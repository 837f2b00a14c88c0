"""Says in the log which of an app's functions blocks the event loop."""

from __future__ import annotations

import functools
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.loop.watchdog import MAX_BLOCKED, Watchdog
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import CodeType, FrameType

    from wampapp.registry.registry import Registry

logger = logging.getLogger("wampapp")

#: Whose coroutines are not the user's.
_PACKAGES: Final = frozenset({"wampapp", "asyncio", "twisted", "contextlib"})
_COROUTINE: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def watch(loop: asyncio.AbstractEventLoop, registry: Registry) -> Watchdog:
    """Log a warning when a function of an app blocks the loop; once for each function.

    Args:
        loop: the event loop that runs in this thread.
        registry: what the app declares.

    Returns:
        What watches, to be stopped at the end.
    """
    return Watchdog(loop, warn_once(names_of(registry)))


def warn_once(names: dict[CodeType, str]) -> Callable[[FrameType], None]:
    """Return what takes the innermost frame of a blocked loop, and logs what blocks it.

    Args:
        names: what the functions that may block it are called, by their code.
    """
    warned: set[str] = set()

    def on_blocked(innermost: FrameType) -> None:
        name, frame = _culprit(innermost, names)
        if frame is None or name in warned:
            return
        warned.add(name)
        logger.warning(
            "%s has blocked the event loop for %g ms, at %s:%d; nothing else runs meanwhile. "
            "Make it a plain 'def' function, which runs in a thread, or await "
            "asyncio.to_thread(...).",
            name,
            1000 * MAX_BLOCKED,
            frame.f_code.co_filename,
            frame.f_lineno,
        )

    return on_blocked


def names_of(registry: Registry) -> dict[CodeType, str]:
    """Return what the functions that an app declares are called, by their code."""
    functions: list[tuple[Any, str]] = [
        *((record.endpoint, record.uri) for record in registry.registrations),
        *((record.handler, record.uri) for record in registry.subscriptions),
        *((h.function, f"The {h.kind} hook {name_of(h.function)}") for h in registry.all_hooks),
        *((t.function, f"The timer {name_of(t.function)}") for t in registry.timers),
    ]
    codes = ((_code_of(function), name) for function, name in functions)
    return {code: name for code, name in codes if code is not None}


def _code_of(function: Any) -> CodeType | None:
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", None)  # noqa: B004 - its code is wanted
    return getattr(function, "__code__", None)


def _culprit(innermost: FrameType, names: dict[CodeType, str]) -> tuple[str, FrameType | None]:
    """Return what blocks, and its frame: a declared function, or else a task of the user's own."""
    name, found = "", None
    frame: FrameType | None = innermost
    while frame is not None:
        code = frame.f_code
        if code in names:
            return names[code], frame
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if code.co_flags & _COROUTINE and package not in _PACKAGES:
            name, found = code.co_qualname, frame
        frame = frame.f_back
    return name, found
