"""The search for garbage, kept away from what a run has imported and declared."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Python 3.12 itself begins with some hundred objects that are spared.
_PYTHONS_OWN: Final = 1000


@contextlib.contextmanager
def startup_spared() -> Iterator[None]:
    """Have Python look for no garbage in what is there already, while a block is open.

    What is not garbage by then is nearly all code and declarations, which stay. Each search through
    them would hold up the loop for 15 ms or more: 99 % of the calls of a busy caller took up to
    20 ms, and take 3.

    Programs that tune the garbage collector themselves are left alone.
    """
    is_ours = gc.isenabled() and gc.get_freeze_count() < _PYTHONS_OWN
    if is_ours:
        gc.collect()
        gc.freeze()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()
