"""What an index is declared by: a class, whose fields are searched, counted and sorted by."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import re
import types
import typing
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from wampapp.errors import DeclarationError
from wampapp.registry.conversion import convertible_type

T = TypeVar("T")

#: What a field is for.
Role = Literal["text", "facet", "sort"]
#: What its values are.
Kind = Literal["text", "number", "flag", "time", "day"]

#: Which language's words are found in all their forms; ``cjk`` finds parts of words.
LANGUAGES: Final = ("english", "cjk")
_KEY: Final = "wampapp.search"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: Part of each fingerprint: the form of the tables of an index.
_FORMAT: Final = 1
#: The most fields of each role.
_MAX_FIELDS: Final = 32


class Mark(msgspec.Struct, frozen=True):
    """What is said of a field.

    Attributes:
        role: what it is for.
        weight: how much more than 1 a word in it counts.
    """

    role: Role
    weight: float = 1.0


def text(*, weight: float = 1.0, default: Any = ..., default_factory: Any = ...) -> Any:
    """Declare a field whose words are searched.

    Args:
        weight: how much a word in it counts; 1 is as much as in others.
        default: the field's default, as of :func:`dataclasses.field`.
        default_factory: what makes it, as there.

    Raises:
        DeclarationError: the weight is not between 0 and 1,000.
    """
    if not 0 < weight <= 1000:
        raise DeclarationError(f"The weight {weight!r} of a field is not between 0 and 1,000.")
    return _field(Mark("text", float(weight)), default, default_factory)


def facet(*, default: Any = ..., default_factory: Any = ...) -> Any:
    """Declare a field that is filtered by, and whose values are counted.

    Args:
        default: the field's default, as of :func:`dataclasses.field`.
        default_factory: what makes it, as there.
    """
    return _field(Mark("facet"), default, default_factory)


def sort(*, default: Any = ..., default_factory: Any = ...) -> Any:
    """Declare a field that is sorted and filtered by.

    Args:
        default: the field's default, as of :func:`dataclasses.field`.
        default_factory: what makes it, as there.
    """
    return _field(Mark("sort"), default, default_factory)


def _field(mark: Mark, default: Any, default_factory: Any) -> Any:
    options: dict[str, Any] = {}
    if default is not ...:
        options["default"] = default
    if default_factory is not ...:
        options["default_factory"] = default_factory
    return dataclasses.field(metadata={_KEY: mark}, **options)


class Field(msgspec.Struct, frozen=True):
    """A field that an index knows.

    Attributes:
        name: its name.
        role: what it is for.
        kind: what its values are.
        many: whether it has a list of them.
        weight: how much a word in it counts.
    """

    name: str
    role: Role
    kind: Kind = "text"
    many: bool = False
    weight: float = 1.0


class Declaration(msgspec.Struct, frozen=True):
    """An index as its tables know it.

    Attributes:
        fields: its fields.
        language: which language its words are of; None for any that has spaces between words.
    """

    fields: tuple[Field, ...]
    language: str | None = None

    def of_role(self, *roles: Role) -> list[Field]:
        """Return the fields that are for something."""
        return [field for field in self.fields if field.role in roles]

    @property
    def fingerprint(self) -> str:
        """What differs from that of every other declaration."""
        data = msgspec.json.encode((_FORMAT, self))
        return hashlib.sha256(data).hexdigest()[:16]


class Declared(typing.Generic[T]):
    """An index as an app declares it.

    Args:
        name: its name.
        kind: the class of its documents.
        language: see :class:`Declaration`.

    Attributes:
        name: the same.
        kind: the class; a dataclass if it was neither that nor a Struct.
        convertible: what plain values are converted to.
        names: the names of all its fields.
        declaration: what the tables are made by.

    Raises:
        DeclarationError: that cannot be an index.
    """

    def __init__(self, name: str, kind: type[T], *, language: str | None = None) -> None:
        check_name(name)
        if not isinstance(kind, type):
            raise DeclarationError(f"{kind!r} is not a class; an index is declared by one.")
        if language is not None and language not in LANGUAGES:
            raise DeclarationError(
                f"The language {language!r} is not known; there are {' and '.join(LANGUAGES)}, and "
                "None for all others that have spaces between words."
            )
        self.name = name
        is_plain = not issubclass(kind, msgspec.Struct) and (
            "__dataclass_fields__" not in kind.__dict__
        )
        try:
            self.kind: type[T] = dataclasses.dataclass(kind) if is_plain else kind
            self.convertible = convertible_type(self.kind)
            hints = typing.get_type_hints(self.kind, include_extras=True)
        except (TypeError, NameError) as error:
            raise DeclarationError(
                f"The class {kind.__name__} of the index {name!r} cannot be used: {error}."
            ) from None
        self.names = _names(self.kind)
        self.declaration = Declaration(tuple(self._fields(hints)), language)
        self._check(hints)

    def _fields(self, hints: dict[str, Any]) -> list[Field]:
        marks = {
            name: mark
            for name, field in getattr(self.kind, "__dataclass_fields__", {}).items()
            if (mark := field.metadata.get(_KEY)) is not None
        }
        fields = []
        for name, hint in hints.items():
            mark, inner = marks.get(name), hint
            if typing.get_origin(hint) is typing.Annotated:
                inner, *extras = typing.get_args(hint)
                found = [e.metadata[_KEY] for e in extras if _is_mark(e)]
                mark = found[0] if found else mark
            if mark is not None:
                fields.append(self._field(name, mark, inner))
        return fields

    def _field(self, name: str, mark: Mark, hint: Any) -> Field:
        where = f"{self.kind.__name__}.{name}"
        if not _NAME.fullmatch(name) or name == "id":
            raise DeclarationError(
                f"{where} cannot be searched by: it is the id, or its name is not made of small "
                "letters, digits and underscores."
            )
        kind, many = _kind_of(hint)
        allowed = {
            "text": kind == "text" and not many,
            "facet": kind not in (None, "time"),
            "sort": kind is not None and not many,
        }
        if kind is None or not allowed[mark.role]:
            what = {
                "text": "a str",
                "facet": "a str, a number, a bool, a date, or a list of those",
                "sort": "a str, a number, a bool, a date or a datetime",
            }
            raise DeclarationError(f"{where} is {mark.role}(), so its type is {what[mark.role]}.")
        return Field(name, mark.role, kind, many, mark.weight)

    def _check(self, hints: dict[str, Any]) -> None:
        where = f"The class {self.kind.__name__} of the index {self.name!r}"
        if not self.names <= hints.keys():
            raise DeclarationError(f"{where} renames fields, and an index needs their own names.")
        kind = _bare(hints.get("id"))
        if kind not in (int, str):
            raise DeclarationError(f"{where} needs a field id, an int or a str.")
        if not self.declaration.of_role("text"):
            raise DeclarationError(
                f"{where} has nothing to search; declare a field such as `title: str = text()`."
            )
        for role in ("text", "facet", "sort"):
            if len(self.declaration.of_role(role)) > _MAX_FIELDS:
                raise DeclarationError(f"{where} has more than {_MAX_FIELDS} fields of {role}().")


def check_name(name: str) -> str:
    """Return the name of an index.

    Raises:
        DeclarationError: it is not valid.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DeclarationError(
            f"An index cannot be called {name!r}; use small letters, digits and underscores, such "
            "as 'posts'."
        )
    return name


def _is_mark(extra: Any) -> bool:
    return isinstance(extra, dataclasses.Field) and _KEY in extra.metadata


def _bare(hint: Any) -> Any:
    """Return a type without ``Annotated`` and ``| None``."""
    while True:
        origin = typing.get_origin(hint)
        if origin is typing.Annotated:
            hint = typing.get_args(hint)[0]
        elif origin in (typing.Union, types.UnionType):
            inner = [one for one in typing.get_args(hint) if one is not type(None)]
            if len(inner) != 1:
                return hint
            hint = inner[0]
        else:
            return hint


def _kind_of(hint: Any) -> tuple[Kind | None, bool]:
    """Return what the values of a type are, None for nothing of use, and whether they are many."""
    hint = _bare(hint)
    if typing.get_origin(hint) in (list, set, frozenset, tuple):
        arguments = [one for one in typing.get_args(hint) if one is not Ellipsis]
        if len(set(arguments)) != 1:
            return None, True
        return _scalar(_bare(arguments[0])), True
    return _scalar(hint), False


def _scalar(hint: Any) -> Kind | None:
    if typing.get_origin(hint) is typing.Literal:
        kinds = {_scalar(type(one)) for one in typing.get_args(hint)}
        return kinds.pop() if len(kinds) == 1 else None
    if not isinstance(hint, type):
        return None
    if issubclass(hint, enum.Enum):
        kinds = {_scalar(type(one.value)) for one in hint}
        return kinds.pop() if len(kinds) == 1 else None
    found: tuple[tuple[type, Kind], ...] = (
        (bool, "flag"),
        (int, "number"),
        (float, "number"),
        (str, "text"),
        (datetime, "time"),
        (date, "day"),
    )
    return next((kind for of, kind in found if issubclass(hint, of)), None)


def _names(kind: Any) -> frozenset[str]:
    if issubclass(kind, msgspec.Struct):
        return frozenset(kind.__struct_encode_fields__)
    return frozenset(field.name for field in dataclasses.fields(kind))
