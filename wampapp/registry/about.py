"""What a declaration says for those who read about it: examples, errors, and what is deprecated."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wampapp.errors import InvalidArgument, InvalidHandler
from wampapp.protocol import uris
from wampapp.registry.binding import Binding
from wampapp.registry.records import About, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.protocol.patterns import Pattern
    from wampapp.registry.records import Publication


def taken_about(fields: dict[str, Any], function: Callable[..., Any]) -> About:
    """Take what a declaration says for its readers out of its options.

    What ``@warnings.deprecated`` says of the function counts where the options say nothing.

    Args:
        fields: the options; ``hidden``, ``example``, ``errors`` and ``deprecated`` are taken out.
        function: what is declared.

    Raises:
        InvalidHandler: one of them is not valid.
    """
    example = fields.pop("example", None)
    deprecated = fields.pop("deprecated", None)
    if deprecated is None:
        deprecated = getattr(function, "__deprecated__", None)
    if isinstance(deprecated, bool):
        deprecated = "" if deprecated else None
    if not isinstance(deprecated, str | None):
        raise InvalidHandler(
            f"deprecated is {deprecated!r}; give True, or say what to use instead: "
            "deprecated='Use com.shop.order.'"
        )
    examples = example if isinstance(example, list) else [] if example is None else [example]
    return About(
        hidden=bool(fields.pop("hidden", False)),
        examples=tuple(_named(one, function) for one in examples),
        errors=_errors(fields.pop("errors", None)),
        deprecated=deprecated,
    )


def check_examples(
    about: About, binding: Binding, pattern: Pattern, function: Callable[..., Any]
) -> None:
    """Check that the examples of a declaration can be called.

    Args:
        about: has the examples.
        binding: the converter of the arguments.
        pattern: the URI; an example has its components that vary, too.
        function: what is declared, for the message.

    Raises:
        InvalidHandler: one does not fit the function's signature or the URI.
    """
    by_place = [p.name for p in binding.taken if p.kind is inspect.Parameter.POSITIONAL_ONLY]
    for example in about.examples:
        named = {name: value for name, value in example.items() if name not in pattern.captured}
        args = [named.pop(name) for name in by_place if name in named]
        try:
            binding.convert_captured(dict(_components(example, pattern)))
            binding.bind(args, named)
        except InvalidArgument as error:
            raise InvalidHandler(
                f"The example {example!r} does not fit {name_of(function)}: {error.message}."
            ) from None


def _components(example: dict[str, Any], pattern: Pattern) -> Iterator[tuple[str, str]]:
    """Return the components of the URI that an example is called by.

    Raises:
        InvalidArgument: one is missing, or is none.
    """
    for name in pattern.captured:
        if name not in example:
            raise InvalidArgument(f"`{name}`: missing")
        value = example[name]
        text = str(value) if type(value) is int else value
        if not isinstance(text, str):
            raise InvalidArgument(f"`{name}`: expected str, got {type(value).__name__}")
        is_rest = pattern.rest is not None
        if not uris.is_valid(text) or ("." in text and not is_rest):
            what = "the end" if is_rest else "a component"
            raise InvalidArgument(f"`{name}`: {text!r} cannot be {what} of a URI")
        yield name, text


def binding_of(record: Publication) -> Binding:
    """Return what converts the arguments of the events that an app publishes.

    Raises:
        InvalidHandler: what declares them has no signature, or one that no event can have.
    """
    captured = record.pattern.captured if record.pattern else ()
    if not isinstance(record.shape, type):
        return Binding(record.shape, captured=captured)
    # The URI's components are the topic's here, not the event's.
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", record.shape.__name__).lower()
    parameter = inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=record.shape
    )
    return Binding(_with_signature(inspect.Signature([parameter])))


def _with_signature(signature: inspect.Signature) -> Callable[..., Any]:
    def event(*_args: Any, **_kwargs: Any) -> None: ...

    event.__signature__ = signature  # type: ignore[attr-defined]
    return event


def _named(example: object, function: object) -> dict[str, Any]:
    if isinstance(example, dict) and all(isinstance(name, str) for name in example):
        return example
    raise InvalidHandler(
        f"The example of {name_of(function)} is {example!r}; give its arguments by their names, "
        "as a dictionary, or a list of such dictionaries."
    )


def _errors(errors: object) -> tuple[type[Exception] | str, ...]:
    if errors is None:
        return ()
    if isinstance(errors, str | type) or not isinstance(errors, Iterable):
        named = getattr(errors, "__name__", repr(errors))
        raise InvalidHandler(f"errors is {errors!r}; give a list: errors=[{named}]")
    return tuple(_error(one) for one in errors)


def _error(error: object) -> type[Exception] | str:
    if isinstance(error, str):
        return uris.check(error, "error")
    if isinstance(error, type) and issubclass(error, Exception):
        return error
    raise InvalidHandler(f"errors has {error!r}; give exceptions, or the URIs of errors.")
