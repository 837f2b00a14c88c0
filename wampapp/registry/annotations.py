"""What a handler's annotations ask for: which types arguments can become, and how they do."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.errors import InvalidHandler
from wampapp.observe.hidden import explain
from wampapp.registry.context import Event, Invocation
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


def check_convertible(function: Callable[..., Any], name: str, kind: Any) -> None:
    """Check that a WAMP argument can become what a parameter is annotated with.

    Args:
        function: the handler.
        name: the parameter.
        kind: its annotation, resolved.

    Raises:
        InvalidHandler: no argument can.
    """
    what = f"The parameter `{name}` of {name_of(function)} is annotated {kind!r}"
    try:
        msgspec.json.Decoder(kind)
        foreign = _foreign_type(msgspec.inspect.type_info(kind))
    except NameError as error:
        raise InvalidHandler(_undefined(function, error)) from None
    except Exception as error:  # noqa: BLE001 - an annotation may hold anything
        text = f"{what}, which no WAMP argument can become: {error}"
        raise explain(error) or InvalidHandler(text) from None
    if foreign is not None:
        raise InvalidHandler(
            f"{what}, which no WAMP argument can become: {foreign!r} is not a type that arguments "
            "are converted to. Take plain values and make it of them."
        )


def _foreign_type(info: Any, seen: set[int] | None = None) -> Any:
    """Find a type that msgspec does not know, in an annotation or deep inside it."""
    seen = set() if seen is None else seen
    if isinstance(info, msgspec.inspect.CustomType):
        return None if _is_pydantic(info.cls) else info.cls
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


def convert(value: Any, kind: Any) -> Any:
    """Convert a plain value to an annotation's type.

    Raises:
        msgspec.ValidationError: it does not fit.
    """
    # Bytes come as bytes from every serializer, so a string is not converted to them; keys come as
    # strings.
    return msgspec.convert(
        value, kind, builtin_types=(bytes, bytearray), str_keys=True, dec_hook=_other_model
    )


def _is_pydantic(kind: Any) -> bool:
    """Return whether a type is one of pydantic's models; pydantic itself is not imported."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__")


def _other_model(kind: Any, value: Any) -> Any:
    """Make a pydantic model of plain values, strictly, as the other conversions are."""
    if not _is_pydantic(kind):
        raise NotImplementedError
    try:
        return kind.model_validate_json(msgspec.json.encode(value), strict=True)
    except ValueError as error:
        faults = getattr(error, "errors", None)
        if faults is None:
            raise
        first = faults()[0]
        path = "".join(f".{part}" for part in first["loc"])
        raise ValueError(f"{path.removeprefix('.')}: {first['msg']}") from None
