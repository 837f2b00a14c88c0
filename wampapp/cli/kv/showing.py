"""Keys and values as people read them, and as JSON."""

from __future__ import annotations

import itertools
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.cli.output import json_line, printable, shortened, styled
from wampapp.protocol.codec import bytes_to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.cli.component_client import ComponentClient

ENTRY_HEADER: Final = ("key", "value", "revision", "expires in")
#: How many entries are asked for at once.
_PAGE: Final = 500
#: The columns that a value has at least, however long its key is.
_LEAST: Final = 20
#: What stands beside the value: the revision, the time, and what is between the columns.
_BESIDE: Final = 28
_STYLES: Final = {"set": "good", "deleted": "bad", "expired": "note", "reset": "doubtful"}
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def pages(store: ComponentClient, prefix: str) -> Iterator[list[dict[str, Any]]]:
    """Iterate over the entries of a store, in the order of their keys, page by page."""
    after: str | None = None
    while True:
        found = store.call("scan", prefix, after=after, limit=_PAGE)
        yield found["entries"]
        if not found["more"]:
            return
        after = found["entries"][-1]["key"]


def as_json(value: Any) -> str:
    """Return a value as one line of JSON, whose bytes can be told from texts."""
    return json_line(bytes_to_text(value))


def entry_row(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of an entry."""
    key = printable(entry["key"])
    room = max(_LEAST, shutil.get_terminal_size().columns - len(key) - _BESIDE)
    return (
        key,
        shortened(as_json(entry["value"]), room),
        str(entry["revision"]),
        duration(entry.get("expires")),
    )


def duration(expires: float | None) -> str:
    """Return how long it is until something expires, in its two largest units."""
    if expires is None:
        return ""
    left = max(0, round(expires - time.time()))
    for (size, unit), (lower, lower_unit) in itertools.pairwise(_UNITS):
        if left >= size:
            rest = left % size // lower
            return f"{left // size} {unit}" + (f" {rest} {lower_unit}" if rest else "")
    return f"{left} s"


def change_line(kind: str, key: str, value: Any, revision: int, expires: float | None) -> str:
    """Return a change of a key as a line."""
    parts = [styled(f"{kind:<7}", _STYLES.get(kind, "title")), printable(key)]
    if kind == "set":
        parts.append(as_json(value))
    note = f"revision {revision}"
    if expires is not None:
        note += f", expires in {duration(expires)}"
    return "  ".join([*(part for part in parts if part), styled(note, "note")])
