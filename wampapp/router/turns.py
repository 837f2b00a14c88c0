"""Work that is done later, and work that is spread over turns of the loop. Sans-I/O."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Calls a function after some seconds; an event loop's ``call_later``.
    CallLater = Callable[[float, Callable[[], None]], "Timer"]

#: The steps of one turn: a few milliseconds.
STEPS: Final = 500


class Timer(Protocol):
    """What a call that was put off is called off by."""

    def cancel(self) -> None:
        """Call it off."""


def in_turns(steps: Iterator[object], call_later: CallLater | None) -> None:
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
