"""A view's signature, made into a converter for what its requests bring."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug.wrappers import Request

from wampapp.errors import InvalidHandler
from wampapp.registry.annotations import contexts_in
from wampapp.registry.binding import Binding
from wampapp.registry.conversion import convert
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

#: What a checkbox sends that has no value of its own.
_CHECKED: Final = "on"
_LISTS: Final = (
    msgspec.inspect.ListType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.TupleType,
    msgspec.inspect.CollectionType,
)


class Texts(list[str]):
    """The values of one field of a query or a form, which are text and become what is asked for."""


class ViewBinding(Binding):
    """The converter of one view.

    Its :meth:`bind` takes, as the only positional argument, what the view gets besides: the
    variables of its path, and the request where a parameter is annotated with its class.

    Args:
        function: the view.
        captured: the variables of its rule.

    Raises:
        InvalidHandler: as with :class:`Binding`.
    """

    def __init__(self, function: Callable[..., Any], captured: Sequence[str]) -> None:
        super().__init__(function, captured=captured, context=Request)
        self.injects = False  # it is told all at once
        kinds = {**self._keywords, "": self._others}
        self._lists = {name for name, kind in kinds.items() if _is_list(kind)}
        #: Parameters for which an empty field of a form is one that was not filled in.
        self._may_lack = {
            name
            for name, kind in self._keywords.items()
            if name not in self._required and not _takes_text(kind)
        }

    def wants(self, names: Collection[str]) -> list[str]:
        """Return which of the fields of a request the view takes."""
        return [name for name in names if self._has_others or name in self._keywords]

    @property
    def takes_fields(self) -> bool:
        """Whether the view takes anything out of the query or the body."""
        return self._has_others or bool(self._keywords)

    def bind(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        extras: dict[str, Any] | None = None,  # noqa: ARG002 - they are in the arguments
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """Check and convert what a request brings.

        Args:
            args: one dictionary: the variables of the path, and the request, by name.
            kwargs: the fields; :class:`Texts`, or plain values out of JSON.
            extras: None.

        Raises:
            InvalidArgument: as with :meth:`Binding.bind`.
        """
        fields = {n: v for n, v in kwargs.items() if not self._is_left_empty(n, v)}
        return super().bind((), fields, args[0] or None)

    def _is_left_empty(self, name: str, value: Any) -> bool:
        return isinstance(value, Texts) and value == [""] and name in self._may_lack

    def _is_injected(
        self, function: Callable[..., Any], name: str, kind: Any, captured: Sequence[str]
    ) -> bool:
        if name in captured:
            return super()._is_injected(function, name, kind, captured)
        for wanted in contexts_in(kind):
            raise InvalidHandler(
                f"The parameter `{name}` of {name_of(function)} asks for an {wanted.__name__}, "
                "which only calls and events have; a view gets a Request."
            )
        if not (isinstance(kind, type) and issubclass(kind, Request)):
            return False
        if self.context is not None:
            raise self._asked_twice(function)
        self.context = name
        return True

    def _convert_keyword(self, name: str, value: Any) -> Any:
        if not isinstance(value, Texts):
            return super()._convert_keyword(name, value)
        kind = self._keywords.get(name, self._others)
        texts: Any = value if (name if name in self._keywords else "") in self._lists else value[0]
        if kind is Any:
            return texts
        if kind is bool and texts == _CHECKED:
            return True
        try:
            return convert(texts, kind, strict=False)
        except msgspec.ValidationError as error:
            raise self._fault(error, name) from None


def _is_list(kind: Any) -> bool:
    return any(isinstance(info, _LISTS) for info in _infos(kind))


def _takes_text(kind: Any) -> bool:
    infos = _infos(kind)
    return kind is Any or any(isinstance(info, msgspec.inspect.StrType) for info in infos)


def _infos(kind: Any) -> tuple[Any, ...]:
    """Return what msgspec knows of a type, or of each member of a union."""
    try:
        info = msgspec.inspect.type_info(kind)
    except TypeError:
        return ()
    return typing.cast("tuple[Any, ...]", getattr(info, "types", (info,)))
