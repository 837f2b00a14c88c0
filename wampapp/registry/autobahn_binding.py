"""The converter of a handler that was declared with options, or a mark, of Autobahn's."""

from __future__ import annotations

import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from wampapp.errors import InvalidArgument, InvalidHandler
from wampapp.registry.annotations import signature_of
from wampapp.registry.binding import Binding
from wampapp.registry.context import DetailsOfCall, DetailsOfEvent, Invocation
from wampapp.registry.records import name_of
from wampapp.registry.shapes import short
from wampapp.registry.stand_ins import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.registry.records import AutobahnOptions

_UNIONS: Final = (typing.Union, types.UnionType)


class TypeCheckFailed(InvalidArgument):
    """An argument is not an instance of its annotation; the URI is Autobahn's."""

    URI: ClassVar = "wamp.error.type_check_error"


def _number(value: str, *, strict: bool) -> int:  # noqa: ARG001 - it is asked for with that
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"Expected int, got {value!r}") from None


#: What ``<name:int>`` makes of a component: what Python's int does, as for Autobahn.
_INT: Final = stand_in(_number)


class AutobahnBinding(Binding):
    """The converter of one handler that was declared in Autobahn's words.

    Args:
        function: as for :class:`Binding`.
        asked: what Autobahn's options ask for.
        captured: as for :class:`Binding`.
        context: as for :class:`Binding`.
        convert: as for :class:`Binding`.

    Raises:
        InvalidHandler: also where the handler lacks the parameter for the details.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        asked: AutobahnOptions,
        *,
        captured: Sequence[str] = (),
        context: type | None = None,
        convert: bool = True,
    ) -> None:
        self._asked = asked
        super().__init__(function, captured=captured, context=context, convert=convert)
        self.marked = asked.marked
        if self.marked:
            for name in self._captured:
                self._captured[name] = _INT if name in asked.integers else Any
        if asked.details is not None:
            self._ask_for_details(function, asked.details, context)
        self._checks: dict[str, Any] = {}
        if asked.check_types:
            self._checks = {
                name: parameter.annotation
                for name, parameter in self.signature.parameters.items()
                if parameter.annotation is not parameter.empty
            }

    def _ask_for_details(
        self, function: Callable[..., Any], name: str, context: type | None
    ) -> None:
        """Make Autobahn's details the context of the handler."""
        if self.context is None:
            if not self._has_others:
                raise InvalidHandler(
                    f"{name_of(function)} has no parameter {name!r}, which its options ask for; "
                    f"add it: {name}=None."
                )
            self.context = name
        elif self.context != name:
            raise self._asked_twice(function)
        self.context_kind = DetailsOfCall if context is Invocation else DetailsOfEvent
        self.injects = True

    def _signature_of(self, function: Callable[..., Any]) -> inspect.Signature:
        try:
            return signature_of(function)
        except InvalidHandler:
            if not self._asked.marked or self._asked.check_types:
                raise
            # Autobahn never looks at annotations, so they may name what is not there.
            try:
                return inspect.signature(function)
            except (ValueError, TypeError):
                pass
            raise

    def _is_injected(
        self, function: Callable[..., Any], name: str, kind: Any, captured: Sequence[str]
    ) -> bool:
        if name == self._asked.details:
            if self.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                return False
            if self.context is not None:
                raise self._asked_twice(function)
            self.context = name
            return True
        if self._asked.marked and name in captured:
            self._captured[name] = Any  # the mark says what becomes of it, not the annotation
            return True
        return super()._is_injected(function, name, kind, captured)

    def bind(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        extras: dict[str, Any] | None = None,
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """Check the arguments of a call, and convert them where the declaration says so.

        Takes, returns and raises what :meth:`Binding.bind` does.
        """
        bound = super().bind(args, kwargs, extras)
        if self._checks:
            for name, value in (*zip(self._names, args, strict=False), *kwargs.items()):
                if name in self._checks and not _is_instance(value, self._checks[name]):
                    raise TypeCheckFailed(
                        f"`{name}`: expected {short(self._checks[name])}, got "
                        f"{type(value).__name__}",
                        parameter=name,
                    )
        return bound


def _is_instance(value: Any, kind: Any) -> bool:
    """Return whether a value is an instance of an annotation, as far as Python can tell."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in _UNIONS:
        return any(_is_instance(value, arm) for arm in args)
    if origin is typing.Annotated:
        return _is_instance(value, args[0])
    if origin is Literal:
        return value in args
    if kind is None:
        return value is None
    try:
        return isinstance(value, origin or kind)
    except TypeError:  # Any, a type variable, a TypedDict, ...
        return True
