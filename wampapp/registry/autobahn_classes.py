"""Autobahn's own classes, recognised without importing Autobahn: who uses one has imported it."""

from __future__ import annotations

import sys
from typing import Any, Final

from wampapp.errors import InvalidHandler, WampError
from wampapp.registry.records import name_of

#: Where each of the classes lives.
_HOMES: Final = {
    "ApplicationError": "autobahn.wamp.exception",
    "ApplicationSession": "autobahn.wamp.protocol",
    "Component": "autobahn.wamp.component",
    **dict.fromkeys(("CallDetails", "CallOptions", "CallResult"), "autobahn.wamp.types"),
    **dict.fromkeys(("EventDetails", "PublishOptions"), "autobahn.wamp.types"),
    **dict.fromkeys(("RegisterOptions", "SubscribeOptions"), "autobahn.wamp.types"),
    **dict.fromkeys(("Endpoint", "Handler"), "autobahn.wamp.request"),
    **dict.fromkeys(("Registration", "Subscription"), "autobahn.wamp.request"),
}


def autobahn_class(name: str) -> Any:
    """Return one of Autobahn's classes; None while nobody has imported it.

    Args:
        name: its name, such as ``"ApplicationError"``.
    """
    return getattr(sys.modules.get(_HOMES[name]), name, None)


def is_a(value: object, name: str) -> bool:
    """Return whether a value is an instance of one of Autobahn's classes.

    Args:
        value: any value.
        name: the class's name.
    """
    kind = autobahn_class(name)
    return kind is not None and isinstance(value, kind)


def marks_of(thing: object) -> list[Any]:
    """Return the marks that ``@wamp.register`` and its like left on a function or a class.

    Args:
        thing: a function, a method or an exception class; a class has those of its bases too.

    Returns:
        Autobahn's ``Pattern`` objects.
    """
    found = getattr(thing, "_wampuris", None)
    return found if isinstance(found, list) else []


def error_mark(kind: type[BaseException]) -> str | None:
    """Return the error URI that ``@wamp.error`` gave to a class; None if it gave none."""
    # The first counts, as for Autobahn.
    return next((str(mark.uri()) for mark in marks_of(kind) if mark.is_exception()), None)


def error_uri(kind: type[BaseException]) -> str:
    """Return the error URI of a class that is defined without one.

    Raises:
        InvalidHandler: it has none.
    """
    uri = error_mark(kind)
    if uri is None:
        raise InvalidHandler(
            f"{name_of(kind)} has no error URI of its own; write define_error({kind.__name__}, "
            "'com.example.what_went_wrong')."
        )
    return uri


def as_wamp_error(error: BaseException, defined: str | None = None) -> WampError | None:
    """Return what goes over the wire for an ``ApplicationError``, or for a class that is marked.

    That is what Autobahn sends: the error's ``args`` and its ``kwargs``, so that Autobahn at the
    other end can call the class with them.

    Args:
        error: an exception.
        defined: the URI that the app itself gave to its class; None if it gave none.

    Returns:
        The error; its URI may not be valid. None for any other exception.
    """
    if is_a(error, "ApplicationError"):
        # What belongs to Autobahn's own routing, such as `callee`, stays here.
        uri = error.error  # type: ignore[attr-defined]
    else:
        mark = error_mark(type(error))
        if mark is None:
            return None
        uri = mark.removeprefix(".") if defined is None else defined
    made = WampError(str.__str__(uri) if isinstance(uri, str) else "", *error.args)
    kwargs = getattr(error, "kwargs", None)
    if isinstance(kwargs, dict):
        made.kwargs = kwargs
    return made
