"""Watching without gaps: what is asked for, and how it goes on after an interruption."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.components.kv.records import Change, Changes
from wampapp.components.patience import Pause, is_away
from wampapp.errors import (
    CallTimeout,
    ConnectionLost,
    InvalidResult,
    NoSuchProcedure,
    WampError,
)
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

logger = logging.getLogger("wampapp.kv")


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
