"""The exceptions that callers get for ERROR: ours, those that an app defined, and Autobahn's."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

from wampapp.errors import WampError, error_from_wire
from wampapp.registry.autobahn_classes import autobahn_class, error_mark, is_a
from wampapp.registry.records import EVERY_OTHER_URI

if TYPE_CHECKING:
    from collections.abc import Mapping


def exception_for(
    uri: str,
    args: list[Any],
    kwargs: dict[str, Any],
    defined: Mapping[str, type[Exception]] | None,
) -> Exception:
    """Make the exception for an error that answers a call or an event.

    Args:
        uri: the error's URI.
        args: its positional arguments.
        kwargs: its keyword arguments; any names.
        defined: the classes that the app defined, by their URIs.

    Returns:
        An instance of the class that the app defined for the URI, if it can be made; else what
        :func:`general_error` returns.
    """
    kind = defined.get(uri) if defined and uri != EVERY_OTHER_URI else None
    if kind is not None:
        made = _called(kind, uri, args, kwargs)
        made = _made(kind, uri, args, kwargs) if made is None else made
        # What a generator ends with cannot be raised by awaiting something.
        if made is not None and not isinstance(made, StopIteration):
            return made
    return general_error(uri, args, kwargs, defined)


def general_error(
    uri: str,
    args: list[Any],
    kwargs: dict[str, Any],
    defined: Mapping[str, type[Exception]] | None,
) -> WampError:
    """Make the exception for an error whose URI stands for no class of the app's.

    Takes what :func:`exception_for` takes.

    Returns:
        A :class:`WampError`; where the app has defined Autobahn's ``ApplicationError``, one that is
        an ``ApplicationError`` as well.
    """
    general = error_from_wire(uri, args, kwargs)
    theirs: Any = defined.get(EVERY_OTHER_URI) if defined else None
    if theirs is None:
        return general
    ours: Any = type(general)
    both = _both(ours, theirs)
    made = _filled(both.__new__(both), uri, args, kwargs)
    made.uri = uri
    return cast("WampError", made)


def as_defined(defined: Mapping[str, type[Exception]] | None, error: WampError) -> WampError:
    """Return an error of our own making, such as a timeout, as one that comes over the wire.

    Args:
        defined: as in :func:`exception_for`.
        error: the error.
    """
    return general_error(error.uri, list(error.args), error.kwargs, defined)


@functools.lru_cache(64)
def _both(ours: Any, theirs: Any) -> Any:
    """Return a class that ``except`` finds by our name and by Autobahn's."""
    name = theirs.__name__ if ours is WampError else ours.__name__
    return type(name, (ours, theirs), {"__module__": ours.__module__, "__doc__": ours.__doc__})


def _called(
    kind: type[Exception], uri: str, args: list[Any], kwargs: dict[str, Any]
) -> Exception | None:
    """Make an exception as Autobahn makes one of a class that is marked: by calling the class.

    Only the arguments travel, and its ``__init__`` may set attributes. None if it cannot be.
    """
    if error_mark(kind) is None:
        return None
    try:
        error: Any = kind(*args, **kwargs)
        if is_a(error, "ApplicationError"):
            error = _filled(error, uri, args, kwargs)
    except Exception:  # noqa: BLE001 - a class of the app's, whose own code may raise anything
        return None
    return error if isinstance(error, Exception) else None


def _made(
    kind: type[Exception], uri: str, args: list[Any], kwargs: dict[str, Any]
) -> Exception | None:
    """Make an exception without its ``__init__``, which may ask for anything.

    It has the arguments as ``args`` and the keyword arguments as attributes. None where its class
    does not allow that, or a keyword would hide what the class or Python's exceptions have.
    """
    try:
        error: Any = kind.__new__(kind)
        error.args = tuple(args)
        own = dir(Exception)
        if isinstance(error, WampError):
            error.uri, error.kwargs = uri, kwargs
            own = dir(error_from_wire(uri, args, kwargs))
        elif is_a(error, "ApplicationError"):
            _filled(error, uri, args, kwargs)
            kwargs = {}
        for name, value in kwargs.items():
            if name[:1] == "_" or name in own or callable(getattr(kind, name, None)):
                return None
            setattr(error, name, value)
    except Exception:  # noqa: BLE001 - a class of the app's, whose own code may raise anything
        return None
    return cast("Exception", error)


def _filled(error: Any, uri: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Give an ``ApplicationError`` what came over the wire, and what Autobahn's methods read."""
    autobahn_class("ApplicationError").__init__(error, uri, *args)
    error.kwargs = kwargs  # all of it: it would take out what it takes for its own
    return error
