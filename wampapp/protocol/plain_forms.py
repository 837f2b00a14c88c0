"""What becomes of a value in a payload that msgspec does not know."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


def _datetime(value: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(dt.date(value.year, value.month, value.day), _time(value))


def _time(value: dt.datetime | dt.time) -> dt.time:
    return dt.time(
        value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold
    )


#: Types whose subclasses msgspec refuses, and what makes the plain value of one. A datetime is a
#: date as well, so it comes first.
_BASES: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),  # not what a subclass says that it looks like
    (int, int.__int__),
    (float, float.__float__),
    (bytes | bytearray, bytes),
    (dt.datetime, _datetime),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.time, _time),
    (dt.timedelta, lambda value: dt.timedelta(value.days, value.seconds, value.microseconds)),
    (Decimal, Decimal),
)


def plain_form(value: Any) -> Any:
    """Turn a value that msgspec does not know into one that it does.

    An instance of a subclass of a plain type becomes the plain value, and a pydantic model a
    dictionary; pydantic itself is not imported.

    Raises:
        TypeError: it has no plain form.
    """
    for base, make in _BASES:
        if isinstance(value, base):
            return make(value)
    if hasattr(type(value), "__pydantic_serializer__") and hasattr(value, "model_dump"):
        return value.model_dump()
    hint = "; send its .tolist()" if hasattr(value, "tolist") else ""
    raise TypeError(f"there is no plain form for an object of type {type_name(value)}{hint}")


def type_name(value: object) -> str:
    """Return the full name of a value's type: ``numpy.bool`` and ``bool`` are two types."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
