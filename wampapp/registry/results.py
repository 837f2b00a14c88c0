"""What a call results in."""

from __future__ import annotations

from typing import Any


class CallResult:
    """A result of several values: positional ones, named ones, or both.

    A handler returns one to answer with more than one value; a caller gets one when the answer
    has not exactly one positional value.

    Attributes:
        args: the positional values, a tuple.
        kwargs: the named values, a dictionary.
    """

    __slots__ = ("args", "kwargs")

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CallResult):
            return NotImplemented
        return self.args == other.args and self.kwargs == other.kwargs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.kwargs.items())]
        return f"CallResult({', '.join(parts)})"
