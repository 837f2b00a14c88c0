"""How generated code is laid out, in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The longest line, as Ruff and Black have it.
_WIDTH: Final = 88


def bracketed(head: str, items: Sequence[str], tail: str, margin: int, step: int = 4) -> str:
    """Return a line with items in brackets, or one line an item where it would be too long.

    Args:
        head: what stands before them, with the bracket.
        items: the items.
        tail: what stands behind them, with the bracket.
        margin: how far the line will be indented.
        step: how far the items are indented.
    """
    line = f"{head}{', '.join(items)}{tail}"
    if not items or margin + len(line) <= _WIDTH:
        return line
    lines = ",\n".join(f"{' ' * step}{item}" for item in items)
    # TypeScript refuses a comma behind the last of any number of parameters.
    comma = "" if items[-1].startswith("...") else ","
    return f"{head}\n{lines}{comma}\n{tail}"
