"""What a call results in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def value_of(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return a result as its caller gets it.

    Args:
        args: its positional values.
        kwargs: its named values.

    Returns:
        The value if it is exactly one positional value, None if there is none, else a
        :class:`CallResult`.
    """
    if kwargs or len(args) > 1:
        return CallResult(*args, **kwargs)
    return args[0] if args else None
