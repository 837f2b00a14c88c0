"""Checks what handlers return against their annotations: in debug, and in tests."""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections import abc
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.dispatch.execution import FINAL
from wampapp.errors import InvalidResult, PayloadNotEncodable
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert, convertible_type, fits
from wampapp.registry.naming import source_of
from wampapp.registry.records import name_of
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.endpoint import Endpoint

#: What a generator may be annotated with; the type of its items comes first.
_YIELDING: Final = frozenset(
    {
        abc.Iterator,
        abc.Iterable,
        abc.Generator,
        abc.AsyncIterator,
        abc.AsyncIterable,
        abc.AsyncGenerator,
    }
)


def checked(endpoint: Endpoint) -> Callable[..., Any]:
    """Return an endpoint's function, with its results checked where its annotation can be.

    What it returns fits if it is of the annotated type, or looks like it on the wire: a dictionary
    with the right keys will do for a dataclass.
    """
    if endpoint.binding.marked:
        return endpoint.function  # it was written for Autobahn, which checks nothing
    annotation = endpoint.binding.signature.return_annotation
    yields = endpoint.kind in ("generator", "stream")
    if yields:
        arguments = typing.get_args(annotation)
        if typing.get_origin(annotation) not in _YIELDING or not arguments:
            return endpoint.function
        annotation = arguments[0]
    if annotation in (endpoint.binding.signature.empty, Any, object, CallResult):
        return endpoint.function
    try:
        kind = convertible_type(annotation)
    except (TypeError, NameError):
        return endpoint.function  # a Deferred, a response of Flask's, ...
    return _around(
        endpoint, _Check(endpoint, annotation, kind, "yielded" if yields else "returned")
    )


class _Check:
    def __init__(self, endpoint: Endpoint, annotation: Any, kind: Any, did: str) -> None:
        self._function = endpoint.function
        self._annotation = annotation
        self._kind = kind
        self._did = did

    def __call__(self, value: Any) -> Any:
        """Return a result that fits.

        Raises:
            InvalidResult: it does not.
        """
        if isinstance(value, CallResult) or fits(value, self._kind):
            return value
        try:
            convert(to_plain(value), self._kind)
        except msgspec.ValidationError as error:
            what = str(error).partition(" - at ")
            at = f" at {what[2].strip('`').removeprefix('$')}" if what[2] else ""
            name = inspect.formatannotation(self._annotation)
            raise InvalidResult(
                f"{name_of(self._function)} ({source_of(self._function)}) {self._did} "
                f"{_short(value)}, which does not fit its annotation {name}: {what[0]}{at}."
            ) from None
        except PayloadNotEncodable:
            pass  # the caller is told that
        return value


def _short(value: object, most: int = 100) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def _around(endpoint: Endpoint, check: _Check) -> Callable[..., Any]:
    """Wrap a function into one of the same kind that checks what it returns or yields."""
    function = endpoint.function

    async def task(*args: Any, **kwargs: Any) -> Any:
        return check(await function(*args, **kwargs))

    def plain(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        unfinished = type(value) not in FINAL and (
            hasattr(value, "__await__") or isinstance(value, abc.Iterator | abc.AsyncIterator)
        )
        return value if unfinished else check(value)

    def generator(*args: Any, **kwargs: Any) -> Any:
        with contextlib.closing(function(*args, **kwargs)) as items:
            while True:
                try:
                    item = next(items)
                except StopIteration as stop:
                    return stop.value
                yield check(item)

    async def stream(*args: Any, **kwargs: Any) -> Any:
        async with contextlib.aclosing(function(*args, **kwargs)) as items:
            async for item in items:
                yield check(item)

    kinds: dict[str, Any] = {"task": task, "generator": generator, "stream": stream}
    return functools.update_wrapper(kinds.get(endpoint.kind, plain), function, updated=())
