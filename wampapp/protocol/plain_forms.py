"""What becomes of a value in a payload that msgspec does not know."""

from __future__ import annotations

import datetime as dt
import inspect
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

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
    dictionary.

    Raises:
        TypeError: it has no plain form.
    """
    for base, make in _BASES:
        if isinstance(value, base):
            return make(value)
    if is_of_pydantic(value):
        return dumped(value)
    if hasattr(type(value), "__await__"):
        if inspect.iscoroutine(value):
            value.close()  # or Python would warn as well
        raise TypeError("it has yet to be awaited; write 'await' before the call that returned it")
    raise TypeError(
        f"there is no plain form for an object of type {type_name(value)}{_remedy(value)}"
    )


def _remedy(value: Any) -> str:
    """Return what to write instead of a value that is easily sent by mistake."""
    kind = type(value)  # asking the value itself would run its own code
    if hasattr(kind, "__anext__"):
        return "; make a list of it: [item async for item in ...]"
    if hasattr(kind, "__next__"):
        return "; make a list of it: list(...)"
    if inspect.isroutine(value):
        return "; write () behind its name to call it"
    if isinstance(value, BaseException):
        return "; raise it instead"
    if hasattr(kind, "tolist"):
        return "; send its .tolist()"
    return ""


def with_dumps(value: Any) -> Any:
    """Return a value with what :func:`dumped` makes of pydantic's objects in it.

    msgspec knows no models and asks, but takes pydantic's dataclasses for plain ones.
    """
    kind = type(value)
    if kind is list or kind is tuple:
        return [with_dumps(item) for item in value]
    if kind is dict:
        return {key: with_dumps(item) for key, item in value.items()}
    return dumped(value) if is_of_pydantic(value) else value


def is_of_pydantic(value: Any) -> bool:
    """Return whether a value is a model or a dataclass of pydantic's, which is not imported."""
    kind = type(value)
    return hasattr(kind, "__pydantic_serializer__") and (
        hasattr(kind, "model_dump") or hasattr(kind, "__dataclass_fields__")
    )


def dumped(value: Any) -> Any:
    """Make plain values of a model or a dataclass of pydantic's, by the aliases that it has.

    Raises:
        TypeError: a value in it has no plain form.
        ValueError: pydantic refuses it.
    """
    if hasattr(value, "model_dump"):
        held = value.model_dump(by_alias=True)
    else:
        held = type(value).__pydantic_serializer__.to_python(value, by_alias=True)
    # In Python mode, so that bytes are bytes. What is left are types that only pydantic knows.
    return msgspec.to_builtins(
        held, builtin_types=(bytes, bytearray, memoryview), str_keys=True, enc_hook=_held_form
    )


def _held_form(value: Any) -> Any:
    try:
        return plain_form(value)
    except TypeError:
        from pydantic_core import to_jsonable_python

        return to_jsonable_python(value)


def type_name(value: object) -> str:
    """Return the full name of a value's type: ``numpy.bool`` and ``bool`` are two types."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
