"""Watching without gaps: what is asked for, and how it goes on after an interruption."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.kv.records import Change, Changes
from wampapp.errors import (
    NO_AVAILABLE_CALLEE,
    CallTimeout,
    Canceled,
    ConnectionLost,
    InvalidResult,
    NoSuchProcedure,
    StorageFailed,
    WampError,
)
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

logger = logging.getLogger("wampapp.kv")

#: Seconds between two attempts while the owner is away, at first and at most.
_FIRST: Final = 0.05
_MOST: Final = 1.0


class Pause:
    """Waits between attempts to reach an owner: longer each time, up to a second."""

    def __init__(self) -> None:
        self._next = _FIRST

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._next = _FIRST

    async def wait(self) -> None:
        """Wait; a random part less, so that not all come at the same instant."""
        delay, self._next = self._next, min(_MOST, self._next * 2)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311


def is_away(error: BaseException) -> bool:
    """Return whether an error says that the owner, or the router, is away for a while."""
    if isinstance(error, (ConnectionLost, NoSuchProcedure, Canceled, StorageFailed)):
        return True
    return isinstance(error, WampError) and error.uri == NO_AVAILABLE_CALLEE


async def watch(
    ask: Callable[..., Awaitable[Any]],
    prefix: str,
    nobody: Callable[[], NoSuchProcedure],
    *,
    kind: Any = None,
    initial: bool = True,
) -> AsyncGenerator[Change[Any], None]:
    """Give the entries that there are, and then every change, without an end.

    The owner is asked for the next changes when the last ones were taken: it keeps nothing for
    whoever is slow, and skips what has changed again meanwhile.

    Args:
        ask: the procedure ``changes``.
        prefix: what the keys begin with.
        nobody: makes the error that nobody serves the store.
        kind: the type that values are converted to; None leaves them as they are.
        initial: whether the entries that there are come first.

    Raises:
        InvalidResult: a value does not fit ``kind``.
        WampError: the owner refuses.
        NotJoined: the session does not come back.
    """
    known: dict[str, Any] = {}
    pause = Pause()
    has_complained = False
    while True:
        try:
            told = await ask(prefix, **known, initial=initial)
        except CallTimeout:
            continue  # nothing has changed in the time that the client has for a call
        except (WampError, ConnectionLost) as error:
            if not is_away(error):
                raise
            if isinstance(error, NoSuchProcedure) and not has_complained:
                has_complained = True
                logger.warning("%s Waiting for that.", nobody().message)
            await pause.wait()
            continue
        pause.reset()
        found = msgspec.convert(told, Changes)
        known = {"since": found.revision, "store": found.store, "began": found.began}
        if found.reset:
            yield Change(kind="reset", revision=found.revision)
        for change in found.changes:
            yield change if kind is None else _converted(change, kind)


def _converted(change: Change[Any], kind: Any) -> Change[Any]:
    if change.kind != "set":
        return change
    try:
        value = convert(change.value, kind)
    except msgspec.ValidationError as error:
        raise InvalidResult(f"The value of {change.key!r} does not fit: {error}.") from None
    return msgspec.structs.replace(change, value=value)
