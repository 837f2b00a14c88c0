"""Writes files that were generated, and keeps what somebody has changed in them by hand."""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from wampapp.cli.output import write_out
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

#: The first line of every file; what follows it is what the number stands for.
_MARK: Final = "# Written by wampapp; changes by hand are noticed. "


class Change(NamedTuple):
    """What is to be done about a file.

    Attributes:
        path: the file.
        text: what it is to hold.
        difference: how that differs from what it holds, as lines; none if it does not.
        is_new: whether there is no such file.
        is_edited: whether somebody has changed it by hand.
    """

    path: Path
    text: str
    difference: list[str]
    is_new: bool
    is_edited: bool


def changes(folder: Path, files: dict[str, str]) -> list[Change]:
    """Return what is to be done about files; nothing is written.

    Args:
        folder: where they are.
        files: what they are to hold, by name.

    Raises:
        UsageError: a file cannot be read.
    """
    return [_change(folder / name, text) for name, text in files.items()]


def _change(path: Path, text: str) -> Change:
    wanted = f"{_MARK}{_sum(text)}\n{text}"
    try:
        present = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Change(path, wanted, [], is_new=True, is_edited=False)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{str(path)!r} is not a text file in UTF-8.") from None
    head, _, body = present.partition("\n")
    is_ours = head.startswith(_MARK) and head.removeprefix(_MARK) == _sum(body)
    difference = list(
        difflib.unified_diff(
            body.splitlines() if head.startswith(_MARK) else present.splitlines(),
            text.splitlines(),
            f"{path.name} as it is",
            f"{path.name} as it would be",
            lineterm="",
        )
    )
    return Change(path, wanted, difference, is_new=False, is_edited=not is_ours)


def write(change: Change) -> None:
    """Write a file.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(change.path.parent)!r} cannot be made: {error.strerror}.") from None
    write_out(change.text, str(change.path))


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
