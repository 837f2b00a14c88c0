"""Where an operation stands in a trace: the ``traceparent`` of W3C Trace Context."""

from __future__ import annotations

import os
import random
import re
from typing import Any, Final

import msgspec

#: The option of CALL and PUBLISH that carries it, which routers hand on to INVOCATION and EVENT.
CARRIER: Final = "transaction_hash"
#: The name of the HTTP header.
HEADER: Final = "traceparent"

#: No version that is to come needs more; what is longer is not read.
_MAX_LENGTH: Final = 512
_FORM: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?",
    re.ASCII | re.DOTALL,
)
#: Of the flags, those that are handed on: sampled, and random.
_KNOWN: Final = 0b11
_SAMPLED: Final = 0b01
#: Tells operations apart, guards nothing. Of our own, because a program may seed Python's.
_random: Final = random.Random()  # noqa: S311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Traceparent(msgspec.Struct, frozen=True):
    """A place in a trace. ``str()`` gives the text that travels.

    Attributes:
        trace_id: the trace: 32 hexadecimal digits, in lower case, not all of them 0.
        parent_id: the operation within it: 16 such digits.
        flags: 1 where whoever began the trace records it; see the specification.
    """

    trace_id: str
    parent_id: str
    flags: int = _SAMPLED

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags:02x}"

    def child(self) -> Traceparent:
        """Return the place of a new operation in the same trace."""
        return Traceparent(self.trace_id, _digits(8), self.flags)


def parsed(text: Any) -> Traceparent | None:
    """Read a ``traceparent``.

    Args:
        text: what may be one. Of a version that is later than 00, the part that is known is read.

    Returns:
        The place; None if it is not a valid one.
    """
    if type(text) is not str or len(text) > _MAX_LENGTH:
        return None
    found = _FORM.fullmatch(text)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return Traceparent(found[2], found[3], int(found[4], 16) & _KNOWN)


def made() -> Traceparent:
    """Begin a trace. It counts as recorded: its id is in the log."""
    return Traceparent(_digits(16), _digits(8))


def _digits(count: int) -> str:
    """Return so many random bytes as hexadecimal digits, not all of them 0."""
    while not (number := _random.getrandbits(8 * count)):
        pass
    return f"{number:0{2 * count}x}"
