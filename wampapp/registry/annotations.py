"""What a handler's annotations ask for: which types arguments can become, and how they do."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from wampapp.errors import InvalidHandler
from wampapp.observe.hidden import explain
from wampapp.registry.context import Context
from wampapp.registry.conversion import convertible_type
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable


def contexts_in(annotation: Any) -> list[type]:
    """Return the classes by which an annotation asks for a handler's context; most ask for none."""
    kinds = (annotation, *typing.get_args(annotation))
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Context)]


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
    """Return what :func:`~wampapp.registry.conversion.convert` takes for a parameter's annotation.

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
        raise explain(error) or InvalidHandler(
            f"The parameter `{name}` of {name_of(function)} is annotated {kind!r}, which no WAMP "
            f"argument can become: {error}."
        ) from None
