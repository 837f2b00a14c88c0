"""Colours that tell apart whose lines they are, where several programs share a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: Returns the number of a logger's colour by its name; None for none.
    ColourOf = Callable[[str], int | None]

#: Cyan, yellow, magenta, green, blue and red, as a terminal numbers them.
_COLOURS: Final = (36, 33, 35, 32, 34, 31)


def has_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose user has not set ``NO_COLOR``."""
    return not os.environ.get("NO_COLOR") and stream.isatty()


def by_name(names: Sequence[str]) -> ColourOf:
    """Return what gives each of some loggers, and those below it, a colour."""

    def colour_of(name: str) -> int | None:
        found = (n for n, own in enumerate(names) if name == own or name.startswith(f"{own}."))
        return next(found, None)

    return colour_of


def always(number: int) -> ColourOf:
    """Return what gives every logger the same colour."""
    return lambda _name: number


def coloured(text: str, number: int) -> str:
    """Return a text in a colour.

    Args:
        text: the text.
        number: which of the programs it belongs to, from 0 on.
    """
    return f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{text}\x1b[0m"
