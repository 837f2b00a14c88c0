"""Keys and their changes as people read them."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.cli.output import json_line, printable, styled

if TYPE_CHECKING:
    from wampapp.components.kv import Change

HEADER: Final = ("key", "value", "revision", "goes in")
#: The styles of changes.
_STYLES: Final = {"set": "good", "deleted": "bad", "expired": "note", "reset": "doubtful"}
#: How many columns are left for what is not the value, and how many it has at least.
_OTHERS: Final = 50
_LEAST: Final = 30
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def entry_row(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of an entry."""
    return (
        printable(entry["key"]),
        shortened(entry["value"]),
        str(entry["revision"]),
        span(entry.get("expires")),
    )


def shortened(value: Any) -> str:
    """Return a value as JSON, as much as fits on a line."""
    text = json_line(value)
    most = max(_LEAST, shutil.get_terminal_size().columns - _OTHERS)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def span(expires: float | None) -> str:
    """Return how long it is until a time; empty for None."""
    if expires is None:
        return ""
    left = max(0.0, expires - time.time())
    if left < 2 * _MINUTE:
        return f"{left:.0f} s"
    if left < 2 * _HOUR:
        return f"{left / _MINUTE:.0f} min"
    return f"{left / _HOUR:.0f} h" if left < 2 * _DAY else f"{left / _DAY:.0f} days"


def change_line(change: Change[Any]) -> str:
    """Return a change as a line."""
    word = styled(f"{change.kind:<8}", _STYLES[change.kind])
    value = f" = {shortened(change.value)}" if change.kind == "set" else ""
    return f"{word}{printable(change.key)}{value}".rstrip()
