"""What the commands' output looks like: aligned, and coloured on a terminal alone."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Click leaves the colours out where the output is no terminal, and we where ``NO_COLOR`` is set.
_STYLES: Final[dict[str, dict[str, object]]] = {
    "title": {"bold": True},
    "name": {"fg": "cyan"},
    "note": {"dim": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "doubtful": {"fg": "yellow"},
}


def styled(text: str, style: str) -> str:
    """Return a text in one of our styles: title, name, note, good, bad or doubtful."""
    return click.style(text, **_STYLES[style])  # type: ignore[arg-type]


def table(
    rows: Sequence[Sequence[str]],
    styles: Sequence[str | None] = (),
    *,
    header: Sequence[str] = (),
) -> list[str]:
    """Lay rows out in columns.

    Args:
        rows: the cells of each row, all of the same number. A column without any text is left out.
        styles: the style of each column; None, or none given, for plain text.
        header: what stands above each column that is not left out; none by default.

    Returns:
        The lines, without white space at their ends.
    """
    columns = range(max((len(row) for row in rows), default=0))
    widths = [max(_width(row[column]) for row in rows) for column in columns]
    shown = [column for column in columns if widths[column]]
    lines = []
    if header and shown:
        widths = [max(width, _width(header[column])) for column, width in enumerate(widths)]
        titles = "  ".join(
            header[column] + " " * (widths[column] - _width(header[column])) for column in shown
        )
        lines.append(styled(titles.rstrip(), "note"))
    for row in rows:
        cells = []
        for column in shown:
            style = styles[column] if column < len(styles) else None
            cell = styled(row[column], style) if style and row[column] else row[column]
            cells.append(cell + " " * (widths[column] - _width(row[column])))
        lines.append("  ".join(cells).rstrip())
    return lines


def say(text: str) -> None:
    """Write a text to standard error; where nobody takes it, the command goes on all the same."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def printable(text: str) -> str:
    """Return a text that a terminal shows and does not obey: control characters are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def counted(number: int, what: str) -> str:
    """Return a number of things in words, as in "1 topic" and "1,000 topics"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
