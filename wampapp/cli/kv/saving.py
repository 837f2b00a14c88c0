"""What ``wampapp kv dump`` writes and ``load`` reads: a line of JSON for each key."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.kv.records import MAX_VALUE, check_key
from wampapp.errors import InvalidArgument, UsageError
from wampapp.protocol.codec import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A value may take more in JSON than it does in the store.
_MAX_LINE: Final = 8 * MAX_VALUE


class Saved(msgspec.Struct, forbid_unknown_fields=True):
    """A key as it is saved.

    Attributes:
        key: the key.
        value: its value.
        ttl: the seconds after which it goes; None for never.
    """

    key: str
    value: Any
    ttl: float | None = None


def lines_of(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Return the lines of entries, but for those that go with a session.

    Bytes are written as WAMP has them in JSON.

    Args:
        entries: as ``scan`` gives them.

    Raises:
        UsageError: JSON cannot carry a value.
    """
    for entry in entries:
        if entry.get("held"):
            continue
        saved = {"key": entry["key"], "value": entry["value"]}
        if (expires := entry.get("expires")) is not None:
            saved["ttl"] = max(0.001, round(expires - time.time(), 3))
        try:
            yield JSON.dumps([saved]).decode()[1:-1] + "\n"
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"The value of {entry['key']!r} cannot be written as JSON: {error}."
            ) from None


def read_saved(file: str) -> list[Saved]:
    """Read a file that was dumped. All of it is checked before any of it is used.

    Args:
        file: its path; ``-`` for standard input.

    Raises:
        UsageError: it cannot be read, or a line is not valid.
    """
    name = "standard input" if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None
    found = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(_saved(line))
        except (msgspec.MsgspecError, ValueError, InvalidArgument) as error:
            why = error.message if isinstance(error, InvalidArgument) else str(error)
            raise UsageError(f"{name}, line {number}: {why.rstrip('.')}.") from None
    return found


def _saved(line: bytes) -> Saved:
    if len(line) > _MAX_LINE:
        raise ValueError("it is too long")
    ((plain),) = JSON._loads(b"[" + line + b"]")
    saved = msgspec.convert(plain, Saved)
    check_key(saved.key)
    if saved.ttl is not None and not 0 < saved.ttl <= 1e10:
        raise ValueError("`ttl` is not a number of seconds above 0")
    return saved
