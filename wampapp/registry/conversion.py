"""Plain values, as they come from the wire, made into what annotations ask for."""

from __future__ import annotations

import contextlib
import typing
from collections import abc
from typing import Any, Final

import msgspec

from wampapp.registry.pydantic_types import for_msgspec, is_checked_by_pydantic, validated
from wampapp.registry.stand_ins import StandIn, without_recursion

#: What a list is as well, though msgspec does not say so.
_LISTS: Final = frozenset({abc.Iterable, abc.Reversible, abc.Container})


def convertible_type(kind: Any) -> Any:
    """Return what :func:`convert` takes for a type.

    Raises:
        TypeError: no plain value can become that; the message says why, without a full stop.
        NameError: it names something that is not there.
    """
    try:
        kind = without_recursion(for_msgspec(kind), convert)
        msgspec.json.Decoder(kind)
        foreign = _foreign_type(msgspec.inspect.type_info(kind))
    except NameError:
        raise
    except RecursionError:
        raise TypeError(
            "it holds a type alias that holds itself; annotate the parameter itself with the "
            "alias, or with object"
        ) from None
    except Exception as error:  # noqa: BLE001 - an annotation may hold anything
        raise TypeError(str(error).rstrip(".")) from None
    if foreign is not None:
        raise TypeError(
            f"{foreign!r} is not a type that arguments are converted to; take plain values and "
            "make it of them"
        )
    return kind


def _foreign_type(info: Any, seen: set[int] | None = None) -> Any:
    """Find a type that neither msgspec nor we know, in an annotation or deep inside it."""
    seen = set() if seen is None else seen
    if isinstance(info, msgspec.inspect.CustomType):
        kind = info.cls
        known = kind is object or kind in _LISTS or isinstance(kind, StandIn)
        return None if known or is_checked_by_pydantic(kind) else kind
    if id(info) in seen:
        return None  # a type that holds itself
    seen.add(id(info))
    if isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        parts = [getattr(info, name) for name in info.__struct_fields__]
    elif isinstance(info, tuple):
        parts = list(info)
    else:
        return None
    return next((found for p in parts if (found := _foreign_type(p, seen)) is not None), None)


def convert(value: Any, kind: Any, *, strict: bool = True) -> Any:
    """Convert a plain value to a type.

    Args:
        value: the value.
        kind: what :func:`convertible_type` returned.
        strict: whether ``"2"`` is refused where a number is asked for.

    Raises:
        msgspec.ValidationError: it does not fit.
    """
    # Bytes come as bytes from every serializer, so a string is not converted to them; keys come as
    # strings.
    return msgspec.convert(
        value,
        kind,
        strict=strict,
        builtin_types=(bytes, bytearray),
        str_keys=True,
        dec_hook=_convert_strictly if strict else _convert_text,
    )


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value of Python's, as a handler returns it, is of a type.

    Args:
        value: the value.
        kind: what :func:`convertible_type` returned.
    """
    with contextlib.suppress(TypeError):  # a TypedDict cannot be asked
        if not isinstance(kind, StandIn) and isinstance(value, kind):
            return True
    try:
        msgspec.convert(value, kind, from_attributes=True, str_keys=True, dec_hook=_as_it_is)
    except (ValueError, TypeError):
        return False
    return True


def _as_it_is(kind: Any, value: Any) -> Any:
    if not isinstance(kind, StandIn) and isinstance(value, typing.get_origin(kind) or kind):
        return value
    raise ValueError


def _convert_strictly(kind: Any, value: Any) -> Any:
    return _convert_foreign(kind, value, strict=True)


def _convert_text(kind: Any, value: Any) -> Any:
    return _convert_foreign(kind, value, strict=False)


def _convert_foreign(kind: Any, value: Any, *, strict: bool) -> Any:
    """Convert to a type that msgspec does not know."""
    if kind is object:
        return value
    if is_checked_by_pydantic(kind):
        return validated(kind.__pydantic_validator__, value, strict=strict)
    try:
        if isinstance(kind, StandIn):
            return kind.convert(value, strict=strict)
        if (typing.get_origin(kind) or kind) in _LISTS:
            [item] = typing.get_args(kind) or [Any]
            return convert(value, list[item], strict=strict)  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        # msgspec adds where the value stands to any error but its own.
        raise ValueError(str(error)) from None
    raise NotImplementedError
