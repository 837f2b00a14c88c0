"""Colours that tell apart whose lines they are, where several programs share a terminal."""

from __future__ import annotations

import os
from typing import Final, TextIO

#: Cyan, yellow, magenta, green, blue and red, as a terminal numbers them.
_COLOURS: Final = (36, 33, 35, 32, 34, 31)


def has_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose user has not set ``NO_COLOR``."""
    return not os.environ.get("NO_COLOR") and stream.isatty()


def coloured(text: str, number: int) -> str:
    """Return a text in a colour.

    Args:
        text: the text.
        number: which of the programs it belongs to, from 0 on.
    """
    return f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{text}\x1b[0m"
