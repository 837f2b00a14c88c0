"""What commands print: columns, colours on a terminal, JSON, and sentences on standard error."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from wampapp.errors import BrokenTarget, UsageError, WampappError, WampError
from wampapp.observe.logs import escaped_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Click leaves colours out where the output is not a terminal, and we where ``NO_COLOR`` is set.
_STYLES: Final[dict[str, dict[str, object]]] = {
    "title": {"bold": True},
    "name": {"fg": "cyan"},
    "note": {"dim": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "doubtful": {"fg": "yellow"},
}


def write_out(text: str, path: str | None) -> None:
    """Write a text to a file, or print it.

    The file is written as a whole or not at all, and only if it is not like that already.

    Args:
        text: the text.
        path: the file; None for the terminal.

    Raises:
        UsageError: it cannot be written.
    """
    if path is None:
        click.echo(text, nl=False)
        return
    try:
        _replace(Path(path), text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"{path!r} cannot be written: {error.strerror}.") from None


def _replace(path: Path, data: bytes) -> None:
    exists = path.exists()
    if exists and not path.is_file():
        path.write_bytes(data)  # a pipe, or a device
        return
    if exists and path.read_bytes() == data:
        return
    path = path.resolve()  # what a link points at is written
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(data)
        if exists:
            new.chmod(stat.S_IMODE(path.stat().st_mode))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


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
        rows: the cells of each row, equally many in all. A column without any text is left out.
        styles: the style of each column; None, or a column too many, for plain text.
        header: the title of each column; none by default.

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


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if "\x1b" in text:
        text = click.unstyle(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def counted(number: int, what: str) -> str:
    """Return a number of things in words, as in "1 topic" and "1,000 topics"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Return a text with its control characters escaped, so that a terminal does not obey them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def json_line(value: Any) -> str:
    """Return a value as one line of JSON, with control characters escaped."""
    try:
        return escaped_json(msgspec.json.encode(value).decode())
    except UnicodeEncodeError:
        # A word of the command line that was not UTF-8.
        return json.dumps(value, separators=(",", ":"))


def sentence(error: WampappError) -> str:
    """Return what the command line prints for an error, with control characters escaped."""
    if isinstance(error, BrokenTarget):
        return str(error)  # a line of the user's own file stands below it
    return printable(error.sentence if isinstance(error, WampError) else str(error))


def say(text: str) -> None:
    """Write a text to standard error; if that fails, the command goes on."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


@contextlib.contextmanager
def quiet_log() -> Iterator[None]:
    """Keep the connection out of the log: the error that ends the command says enough."""
    logger = logging.getLogger("wampapp")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
