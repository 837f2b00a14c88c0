"""Classes that stand for annotations which msgspec does not convert to by itself.

msgspec asks what becomes of a value whose type it does not know. So a class that it does not know
can stand for any annotation, by itself or inside of another.
"""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class StandIn(type):
    """The class of such classes.

    Attributes:
        convert: makes what the annotation describes of a plain value; ``strict`` as in
            :func:`wampapp.registry.conversion.convert`.
    """

    convert: Callable[..., Any]

    def __instancecheck__(cls, instance: object) -> bool:
        return True  # msgspec asks whether what was made fits


def stand_in(convert: Callable[..., Any]) -> StandIn:
    """Make a class that stands for an annotation.

    Args:
        convert: called with a plain value and ``strict=``; raises ValueError if it does not fit.
    """
    return StandIn("StandIn", (), {"convert": staticmethod(convert)})


def is_alias(kind: Any) -> bool:
    """Return whether an annotation is an alias that was made with a ``type`` statement."""
    return type(kind).__name__ == "TypeAliasType"


def without_recursion(kind: Any, convert: Callable[..., Any]) -> Any:
    """Replace the ``type`` aliases that hold themselves, such as that of JSON's values.

    Args:
        kind: an annotation.
        convert: converts a plain value to a type without such aliases.
    """
    return _replaced(kind, {}, convert)


def _replaced(kind: Any, known: dict[int, StandIn], convert: Callable[..., Any]) -> Any:
    if is_alias(kind):
        return known[id(kind)] if id(kind) in known else _opened(kind, known, convert)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return typing.Annotated[_replaced(args[0], known, convert), *kind.__metadata__]
    if not args or origin is typing.Literal:
        return kind
    replaced = tuple(_replaced(arg, known, convert) for arg in args)
    if all(new is old for new, old in zip(replaced, args, strict=True)):
        return kind
    if origin in (typing.Union, types.UnionType):
        return typing.Union[replaced]  # noqa: UP007 - the arms are known at run time only
    return origin[replaced]


def _opened(alias: Any, known: dict[int, StandIn], convert: Callable[..., Any]) -> Any:
    """Return what an alias stands for, with a stand-in where it holds itself."""

    def convert_inner(value: Any, *, strict: bool) -> Any:
        return convert(value, opened, strict=strict)

    known = {**known, id(alias): stand_in(convert_inner)}
    opened = _replaced(alias.__value__, known, convert)
    return opened
