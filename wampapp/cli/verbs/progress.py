"""How far a long command is: one line on standard error, where that is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_REDRAW_SECONDS: Final = 0.1
_BAR: Final = 24


class Progress:
    """A bar with a count and a rate, or these alone; it is gone when the block ends.

    A thread of its own draws it: neither what is done nor who waits for it is held up.

    Args:
        count: tells how many are done.
        what: what they are, in the plural.
        fraction: tells how much of the whole that is, from 0 to 1; None where nobody knows.
        shown: whether there is to be one at all.
    """

    def __init__(
        self,
        count: Callable[[], int],
        what: str,
        fraction: Callable[[], float] | None = None,
        *,
        shown: bool = True,
    ) -> None:
        self._count = count
        self._what = what
        self._fraction = fraction
        self._over = threading.Event()
        self._began = perf_counter()
        self._width = 0
        self._thread: threading.Thread | None = None
        if shown and sys.stderr is not None and sys.stderr.isatty():
            self._thread = threading.Thread(target=self._draw, daemon=True)

    def line(self, seconds: float) -> str:
        """Return what is shown.

        Args:
            seconds: how long it goes on already.
        """
        count = self._count()
        text = f"{count:,} {self._what}  {count / seconds if seconds else 0:,.0f}/s"
        if self._fraction is None:
            return text
        fraction = min(1.0, self._fraction())
        full = int(fraction * _BAR)
        return f"[{'#' * full}{'-' * (_BAR - full)}] {fraction:4.0%}  {text}"

    def _draw(self) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone
            while not self._over.wait(_REDRAW_SECONDS):
                self._write(self.line(perf_counter() - self._began))
            self._write("")

    def _write(self, line: str) -> None:
        # Spaces over what stood there: they need no kind of terminal.
        room = _columns() - 1
        line = line[:room]
        sys.stderr.write(f"\r{line:<{min(self._width, room)}}")
        sys.stderr.write("" if line else "\r")
        sys.stderr.flush()
        self._width = len(line)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(1.0)  # a terminal that was stopped holds it up


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
