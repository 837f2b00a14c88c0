"""The progress of a long command: one line on standard error, if that is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_REDRAW_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 1.0


class Progress:
    """A bar with a count and a rate, or only these two; it disappears when the block ends.

    tqdm draws it, in a thread of its own, so that a slow terminal delays nothing that is measured.

    Args:
        count: returns how many are done.
        what: what they are, in the plural.
        fraction: returns how much of the whole that is, from 0 to 1; None if that is not known.
        shown: whether it may be shown.
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
        self._thread: threading.Thread | None = None
        if shown and sys.stderr is not None and sys.stderr.isatty():
            self._thread = threading.Thread(target=self._draw, daemon=True)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)  # a terminal that was stopped would hold it up

    def _draw(self) -> None:
        bar = None
        with contextlib.suppress(OSError):  # the terminal may be closed
            while not self._over.wait(_REDRAW_SECONDS):
                done, text = self._state()
                if bar is None:
                    bar = _make_bar(done, text)
                else:
                    bar.n, bar.ncols = done or 0.0, _columns()
                    bar.set_description_str(text)
            if bar is not None:
                bar.close()

    def _state(self) -> tuple[float | None, str]:
        """Return the fraction that is done, and what stands behind the bar."""
        count = self._count()
        rate = count / (perf_counter() - self._began)
        done = None if self._fraction is None else min(1.0, self._fraction())
        return done, f"{count:,} {self._what}  {rate:,.0f}/s"


def _make_bar(done: float | None, text: str) -> Any:
    """Draw a first line. The total is 1: what is done of a file is not counted in events."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg,misc,unused-ignore]
        # One bar in one process needs neither tqdm's lock between processes nor its monitor.
        _lock = threading.RLock()
        monitor_interval = 0

    return Bar(
        desc=text,
        initial=done or 0.0,
        total=None if done is None else 1.0,
        bar_format="{desc}" if done is None else "[{bar:24}] {percentage:3.0f}%  {desc}",
        ascii="-#",
        file=sys.stderr,
        ncols=_columns(),
        nrows=2,  # as with the width
        leave=False,
    )


def _columns() -> int:
    """Return the terminal's width; asked by us, as tqdm draws nothing if the terminal says 0."""
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80
