"""Work that is spread over turns of the loop, so that nobody waits long for it. Sans-I/O."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The steps of one turn: a few milliseconds.
STEPS: Final = 500


def in_turns(
    steps: Iterator[object],
    call_later: Callable[[float, Callable[[], None]], object] | None,
) -> None:
    """Do some steps at once, and the rest in later turns.

    Args:
        steps: does a step each time that it is asked for the next one.
        call_later: calls a function after some seconds; None does all at once.
    """
    if call_later is None:
        deque(steps, maxlen=0)
        return

    def turn() -> None:
        if sum(1 for _ in islice(steps, STEPS)) == STEPS:
            call_later(0.0, turn)

    turn()
