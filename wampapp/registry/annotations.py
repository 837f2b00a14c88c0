"""What a handler's annotations ask for: which types arguments can become, and how they do."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.errors import InvalidHandler
from wampapp.registry.context import Event, Invocation
from wampapp.registry.pydantic_types import for_msgspec, is_checked_by_pydantic, validated
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: The classes by which a handler asks for its context.
CONTEXTS: Final[tuple[type, ...]] = (Invocation, Event)


def contexts_in(annotation: Any) -> list[type]:
    """Return the classes by which an annotation asks for a handler's context; most ask for none."""
    return [c for c in CONTEXTS if annotation is c or c in typing.get_args(annotation)]


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a handler's signature with its string annotations resolved.

    Raises:
        InvalidHandler: it is not callable, has no signature, or names a type that is not there.
    """
    if not callable(function):
        raise InvalidHandler(
            f"{function!r} cannot be called; put the decorator on a function, or pass one."
        )
    try:
        inspect.signature(function)
    except (ValueError, TypeError) as error:
        raise InvalidHandler(
            f"{name_of(function)} has no signature that Python can show ({error}); "
            "wrap it in a function of your own."
        ) from None
    try:
        return inspect.signature(function, eval_str=True)
    except NameError as error:
        raise InvalidHandler(_undefined(function, error)) from None
    except Exception as error:  # noqa: BLE001 - an annotation is code, and may raise anything
        raise InvalidHandler(
            f"An annotation of {name_of(function)} cannot be evaluated: {error}."
        ) from None


def _undefined(function: object, error: NameError) -> str:
    return (
        f"An annotation of {name_of(function)} names something that is not defined where it "
        f"stands: {error}. Import it at run time, above the function."
    )


def convertible(function: Callable[..., Any], name: str, kind: Any) -> Any:
    """Return what :func:`convert` takes for the annotation of a parameter.

    Args:
        function: the handler.
        name: the parameter.
        kind: its annotation, resolved.

    Raises:
        InvalidHandler: no WAMP argument can become that.
    """
    try:
        return convertible_type(kind)
    except NameError as error:
        raise InvalidHandler(_undefined(function, error)) from None
    except TypeError as error:
        raise InvalidHandler(
            f"The parameter `{name}` of {name_of(function)} is annotated {kind!r}, which no WAMP "
            f"argument can become: {error}."
        ) from None


def convertible_type(kind: Any) -> Any:
    """Return what :func:`convert` takes for a type.

    Raises:
        TypeError: no plain value can become that; the message says why, without a full stop.
        NameError: it names something that is not there.
    """
    try:
        kind = for_msgspec(kind)
        msgspec.json.Decoder(kind)
        foreign = _foreign_type(msgspec.inspect.type_info(kind))
    except NameError:
        raise
    except Exception as error:  # noqa: BLE001 - an annotation may hold anything
        raise TypeError(str(error).rstrip(".")) from None
    if foreign is not None:
        raise TypeError(
            f"{foreign!r} is not a type that arguments are converted to; take plain values and "
            "make it of them"
        )
    return kind


def _foreign_type(info: Any, seen: set[int] | None = None) -> Any:
    """Find a type that msgspec does not know, in an annotation or deep inside it."""
    seen = set() if seen is None else seen
    if isinstance(info, msgspec.inspect.CustomType):
        return None if is_checked_by_pydantic(info.cls) else info.cls
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
        dec_hook=_foreign if strict else _foreign_text,
    )


def _foreign(kind: Any, value: Any) -> Any:
    """Convert to a type that msgspec hands over."""
    if not is_checked_by_pydantic(kind):
        raise NotImplementedError
    return validated(kind, value, strict=True)


def _foreign_text(kind: Any, value: Any) -> Any:
    """Convert text to a type that msgspec hands over."""
    if not is_checked_by_pydantic(kind):
        raise NotImplementedError
    return validated(kind, value, strict=False)
