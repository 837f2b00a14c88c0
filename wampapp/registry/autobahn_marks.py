"""What carries the marks of Autobahn's decorators, and what its marks declare."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import InvalidHandler, InvalidUri
from wampapp.protocol import uris
from wampapp.registry.autobahn_classes import autobahn_class, error_mark, marks_of
from wampapp.registry.autobahn_options import declared_fields
from wampapp.registry.records import AutobahnOptions, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: How many events of one topic a handler may be in the middle of: Autobahn starts one after the
#: other, and waits for none.
MAX_RUNNING_EVENTS: Final = 1000
#: A component that is captured; what follows the colon says what becomes of it.
_CAPTURE: Final = re.compile(r"<([a-z][a-z0-9_]*)(?::([a-z]*))?>")

#: Where a function has its marks.
_MARKS: Final = "_wampuris"

#: A marked function, bound to its object, with one of its marks.
Marked = tuple["Callable[..., Any]", Any]


def members(thing: object) -> tuple[list[Marked], list[type[Exception]]]:
    """Return what carries marks in something that is to be included.

    Args:
        thing: an object, a module, a function, or a class, of which an object is made.

    Returns:
        The functions, once for each mark, and the exceptions.

    Raises:
        InvalidHandler: nothing does, it is a session of Autobahn's, or the class needs arguments.
    """
    if isinstance(thing, ModuleType):
        values = list(vars(thing).values())
        # One that has two names is there once.
        unique = {id(value): value for value in values if inspect.isroutine(value)}.values()
        found = _marked((value, marks_of(value)) for value in unique), _exceptions(values)
        if not any(found):
            raise _nothing(f"The module {thing.__name__}", _class_in(thing, values))
        return found
    if isinstance(thing, type) and _exceptions([thing]):
        return [], _exceptions([thing])
    if inspect.isroutine(thing):
        if not marks_of(thing):
            raise _nothing(f"The function {name_of(thing)}")
        return _marked([(thing, marks_of(thing))]), []
    kind = thing if isinstance(thing, type) else type(thing)
    _check_no_session(kind)
    methods, errors = _methods(kind)
    if not methods and not errors:
        raise _nothing(repr(thing) if isinstance(thing, str) else f"The class {name_of(kind)}")
    owner = _made(kind) if thing is kind and methods else thing
    return _marked((getattr(owner, name), marks) for name, marks in methods.items()), errors


def _marked(functions: Iterable[tuple[Callable[..., Any], list[Any]]]) -> list[Marked]:
    """Return functions with their marks, once for each."""
    pairs = ((function, mark) for function, marks in functions for mark in marks)
    return [(function, mark) for function, mark in pairs if not mark.is_exception()]


def _exceptions(values: Iterable[object]) -> list[type[Exception]]:
    """Return the exceptions that are marked, but for Autobahn's own."""
    kinds = (v for v in values if isinstance(v, type) and issubclass(v, Exception))
    return [
        kind
        for kind in dict.fromkeys(kinds)
        if error_mark(kind) is not None and not kind.__module__.startswith("autobahn.")
    ]


def _methods(kind: type) -> tuple[dict[str, list[Any]], list[type[Exception]]]:
    """Return a class's methods that are marked, by their names, and the exceptions inside of it.

    Its properties are not asked. A method that is marked in a class above, and written anew here
    without the mark, is not among them, as for Autobahn.
    """
    methods, values = {}, []
    for name, value in inspect.getmembers_static(kind):
        # Below @staticmethod the mark is on the function, and above it on what that made of it.
        layers = (value, getattr(value, "__func__", None)) if _is_method(value) else ()
        marks = [
            mark for layer in layers for mark in getattr(layer, "__dict__", {}).get(_MARKS, ())
        ]
        if marks:
            methods[name] = marks
        values.append(value)
    return methods, _exceptions(values)


def _is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, staticmethod | classmethod)


def _made(kind: Any) -> object:
    """Make an object of a class.

    Raises:
        InvalidHandler: it needs arguments.
    """
    signature = inspect.signature(kind)
    try:
        signature.bind()
    except TypeError:
        name, parameters = name_of(kind), signature.replace(return_annotation=signature.empty)
        raise InvalidHandler(
            f"{name} cannot be made without arguments, its parameters are {parameters}; pass an "
            f"object: app.include({name}(...))."
        ) from None
    return kind()


def _check_no_session(kind: type) -> None:
    session = autobahn_class("ApplicationSession")
    if session is not None and issubclass(kind, session):
        raise InvalidHandler(
            f"{name_of(kind)} is a session of Autobahn's, which has a connection of its own, so it "
            "cannot be included; app.add_session() runs it, with a connection of its own."
        )


def _nothing(what: str, hint: str = "") -> InvalidHandler:
    return InvalidHandler(
        f"{what} has no function with @wamp.register or @wamp.subscribe, and no exception with "
        f"@wamp.error; include() takes a Blueprint, or what has these.{hint}"
    )


def _class_in(module: ModuleType, values: Iterable[object]) -> str:
    """Return a sentence about a class of a module whose methods are marked; empty without one."""
    for kind in values:
        if isinstance(kind, type) and kind.__module__ == module.__name__ and any(_methods(kind)):
            return f" Its class {kind.__name__} has: app.include({kind.__name__})."
    return ""


def declared(mark: Any, prefix: str | None) -> tuple[str, dict[str, Any]]:
    """Return what a mark declares, in our own words.

    Args:
        mark: Autobahn's ``Pattern`` on a function.
        prefix: what its URI is put below; None to leave it as it is.

    Returns:
        The URI as a declaration of ours has it, and the fields of its record.

    Raises:
        InvalidUri: its captured components do not go with how it is matched, or the prefix is not
            a string.
    """
    what = "procedure" if mark.is_endpoint() else "topic"
    fields = {} if mark.options is None else declared_fields(mark.options)
    uri, integers = _translated(_below(prefix, mark.uri()))
    if "<" in uri:
        # Autobahn's "suffix" is one component too: its patterns capture no more.
        if fields.pop("match", "wildcard") != "wildcard":
            raise InvalidUri(
                f"The {what} {mark.uri()!r} has captured components, which say how it is matched; "
                "leave match= out of its options."
            )
    elif "" in uri.removeprefix(".").split("."):
        fields.setdefault("match", "wildcard")
    options = fields.get("autobahn", AutobahnOptions())
    fields["autobahn"] = replace(
        options, marked=True, integers=integers, check_types=bool(mark._check_types)
    )
    fields |= {"run": "loop", "validate": False}
    if not mark.is_endpoint():
        fields["concurrency"] = MAX_RUNNING_EVENTS
    return uri, fields


def _below(prefix: str | None, uri: str) -> str:
    if not prefix:
        return uri
    return f"{uris.check_string(prefix, 'prefix').removesuffix('.')}.{uri.removeprefix('.')}"


def _translated(uri: str) -> tuple[str, frozenset[str]]:
    """Return a URI with our own captures, and the names of those that become numbers."""
    integers = {found[1] for found in _CAPTURE.finditer(uri) if found[2] == "int"}
    return _CAPTURE.sub(r"<\1>", uri), frozenset(integers)
