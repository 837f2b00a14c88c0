"""The search for garbage, kept away from what a run has imported and declared."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def startup_spared() -> Iterator[None]:
    """Have Python look for no garbage in what is there already, while a block is open.

    It is nearly all code and declarations, which stay. Each search through them would hold up the
    loop for 15 ms or more: 99 % of the calls of a busy caller took up to 20 ms, and take 3.

    A program that has arranged its garbage collection by itself is left alone.
    """
    is_ours = gc.isenabled() and not gc.get_freeze_count()
    if is_ours:
        gc.freeze()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()
