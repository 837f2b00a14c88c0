"""Pydantic's types in annotations. Pydantic itself is imported once an annotation needs it.

msgspec converts the annotations of a handler, and hands over what it does not know: models. But it
skips what it takes for decoration, such as ``Annotated[int, Field(gt=0)]``, and takes pydantic's
dataclasses for plain ones. An annotation with one of these goes to pydantic as a whole.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import sys
import typing
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.registry.stand_ins import is_alias, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The packages whose objects in an ``Annotated`` are pydantic's to check.
_PACKAGES: Final = frozenset({"pydantic", "pydantic_core", "annotated_types"})
#: Pydantic's complaints about values that every serializer carries as what they are: what comes
#: as text is not a number. Dates and the like come as text, and pydantic converts them.
_DECISIVE: Final = frozenset({"bool_type", "bytes_type", "float_type", "int_type", "string_type"})


def for_msgspec(kind: Any) -> Any:
    """Return what msgspec converts to in place of an annotation; most often the annotation itself.

    Raises:
        TypeError: it holds a constraint that nobody would check.
    """
    parts = list(_parts(kind, []))
    silent = next((part for part in parts if _is_silent(part)), None)
    if silent is None:
        return kind
    if any(isinstance(part, msgspec.Meta) for part in parts):
        raise TypeError(
            f"{silent!r} is pydantic's to check and the Meta msgspec's; use one of the two"
        )
    if importlib.util.find_spec("pydantic") is None:
        raise TypeError(
            f"{silent!r} is checked by pydantic, which is not installed (pip install pydantic); "
            "msgspec.Meta needs no pydantic"
        )
    from pydantic import PydanticUserError, TypeAdapter

    try:
        validator = TypeAdapter(kind).validator
    except PydanticUserError as error:
        reason = str(error).partition(". ")[0].partition("\n")[0]
        raise TypeError(f"{silent!r} is pydantic's to check: {reason}") from None
    return stand_in(functools.partial(validated, validator))


def _is_silent(part: Any) -> bool:
    """Return whether a part of an annotation is pydantic's, but msgspec would not hand it over."""
    if isinstance(part, type):
        if is_checked_by_pydantic(part):
            return dataclasses.is_dataclass(part)
        return hasattr(part, "__get_pydantic_core_schema__")  # pydantic's HttpUrl, SecretStr, ...
    return type(part).__module__.partition(".")[0] in _PACKAGES


def _parts(kind: Any, seen: list[Any]) -> Iterator[Any]:
    """Go through the types and the decorations that an annotation holds, at any depth."""
    if any(kind is other for other in seen):
        return  # a type that holds itself
    seen.append(kind)
    yield kind
    held = [*typing.get_args(kind), typing.get_origin(kind)]
    if is_alias(kind):
        held.append(kind.__value__)
    if _has_fields(kind):
        try:
            held += typing.get_type_hints(kind, include_extras=True).values()
        except Exception:  # noqa: BLE001 - msgspec says what is wrong with it
            return
    for part in held:
        yield from _parts(part, seen)


def _has_fields(kind: Any) -> bool:
    return (
        dataclasses.is_dataclass(kind)
        or hasattr(kind, "__required_keys__")  # a TypedDict, of typing_extensions too
        or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))
        or (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def holds_pydantic(kind: Any) -> bool:
    """Return whether an annotation holds anything of pydantic's, at any depth."""
    if "pydantic" not in sys.modules:
        return False
    return any(is_checked_by_pydantic(part) or _is_silent(part) for part in _parts(kind, []))


def is_checked_by_pydantic(kind: Any) -> bool:
    """Return whether a type is a model or a dataclass of pydantic's."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__")


def validated(validator: Any, value: Any, *, strict: bool) -> Any:
    """Make what a pydantic type describes of a plain value.

    Args:
        validator: the type's validator.
        value: the value.
        strict: whether ``"2"`` is refused where a number is asked for.

    Raises:
        ValueError: the value does not fit; the message is pydantic's first complaint.
    """
    # In Python mode: bytes are bytes there, and NaN is a number.
    try:
        if strict:
            try:
                return validator.validate_python(value, strict=True)
            except ValueError as error:
                if _is_decisive(error):
                    raise
        return validator.validate_python(value)
    except ValueError as error:
        faults = getattr(error, "errors", None)
        if faults is None:
            raise
        first = faults()[0]
        path = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {first['msg']}" if path else first["msg"]) from None


def _is_decisive(error: ValueError) -> bool:
    """Return whether a strict complaint is one about a value that is as it was sent."""
    faults: list[dict[str, Any]] = error.errors() if hasattr(error, "errors") else []
    decisive = {
        id(fault["input"])
        for fault in faults
        # Keys come as strings, whatever they were.
        if fault["type"] in _DECISIVE and fault["loc"][-1:] != ("[key]",)
    }
    # "2026-01-01" is not an int, but fits `int | date`.
    return bool(decisive - {id(f["input"]) for f in faults if f["type"] not in _DECISIVE})
