"""Typed handles to what a service offers, made of a class that says it, or of its module."""

from __future__ import annotations

import inspect
import typing
from collections import abc
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError
from wampapp.registry.annotations import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.session.connection import Connection

_AWAITABLES: Final = (abc.Awaitable, abc.Coroutine)
_ASYNC: Final = (*_AWAITABLES, abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator)
#: What says that results come one by one.
_STREAMS: Final = (
    abc.Iterator,
    abc.Generator,
    abc.AsyncIterator,
    abc.AsyncIterable,
    abc.AsyncGenerator,
)


class Remote:
    """The procedures of a service as methods; get one by ``app.remote(api)``.

    Args:
        api: a class whose methods are the procedures, or a module whose functions they are.
        procedure: makes the handle to a procedure, of its URI and the type of its results.
        prefix: what the names are relative to; None for the prefix of the app or client.
        is_blocking: whether the handles wait for results.

    Raises:
        UsageError: ``api`` is neither, or a method of the class cannot be called this way.
        InvalidHandler: an annotation names a type that is not there.
        InvalidUri: a URI is not valid.
    """

    def __init__(
        self,
        api: object,
        procedure: Callable[[str, Any], Any],
        prefix: str | None,
        *,
        is_blocking: bool,
    ) -> None:
        self._name = getattr(api, "__name__", repr(api))
        self._api = api
        self._functions = _functions_of(api)
        self._procedure = procedure
        self._prefix = prefix or ""
        self._is_blocking = is_blocking
        if isinstance(api, type):
            # A module may have other functions too, so its handles are made when asked for.
            for name, function in self._functions.items():
                self._check(name, function)
                getattr(self, name)

    def __repr__(self) -> str:
        return f"<Remote {self._name}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._functions]

    def __getattr__(self, name: str) -> Any:
        """Make what calls a procedure, and keep it.

        Raises:
            AttributeError: there is no such procedure.
        """
        functions = self.__dict__.get("_functions", {})  # a copy in the making has none
        if name not in functions:
            there = ", ".join(functions) or "none"
            whose = self.__dict__.get("_name", "remote")
            raise AttributeError(f"{whose} has no procedure {name!r}; those it has: {there}.")
        result, is_stream = _result_of(functions[name])
        handle = self._procedure(f"{self._prefix}.{name}", result)
        call = handle.stream if is_stream else handle
        setattr(self, name, call)
        return call

    def _check(self, name: str, function: FunctionType) -> None:
        """Check that what type checkers take a method for is what it will be.

        Raises:
            UsageError: it is not.
        """
        is_coroutine = inspect.iscoroutinefunction(function)
        annotation = signature_of(function).return_annotation
        what = f"{self._name}.{name}()"
        if is_coroutine and _origin(annotation) in _ASYNC:
            raise UsageError(
                f"{what} is 'async def' and returns {_origin(annotation).__name__}, so that it "
                "would have to be awaited before it is used; write 'def'."
            )
        is_async = is_coroutine or _origin(annotation) in _ASYNC
        if is_async and self._is_blocking:
            raise UsageError(
                f"{what} is asynchronous, but a blocking client waits for results; describe the "
                "service for it in a class with 'def' and Iterator."
            )
        if not is_async and not self._is_blocking:
            raise UsageError(
                f"{what} is blocking, but an app awaits results; write 'async def', or 'def' and "
                "AsyncIterator, or, for threads, app.sync.remote()."
            )


async def checked(remote: Remote, connection: Connection) -> Remote:
    """Check that the procedures of a handle are there, and are what it takes them for.

    Of a module, which may have other functions too, those that are no procedures are passed over.

    Args:
        remote: the handle.
        connection: where to ask.

    Returns:
        The handle.

    Raises:
        UsageError: one of them is not there, differs, or is not described; or, of a module, none
            is there.
        RouterRefused: this client's role may not call the router's meta API.
        WampError: the router has no meta API.
        NotJoined: there is no session, and none came back in time.
    """
    from wampapp.describe.live.promises import check_promise

    named = {
        name: remote._procedure(f"{remote._prefix}.{name}", None) for name in remote._functions
    }
    await check_promise(
        await connection.joined(),
        connection.where,
        remote._name,
        {handle.uri: _called(remote._api, name) for name, handle in named.items()},
        is_complete=isinstance(remote._api, type),
    )
    return remote


def _called(api: object, name: str) -> Callable[..., Any]:
    """Return a function as it is called: without the instance that its class would give it."""
    thing = inspect.getattr_static(api, name)
    is_plain = isinstance(thing, staticmethod) or not isinstance(api, type)
    function: Any = _function(thing)
    return function if is_plain else MethodType(function, api)


def _functions_of(api: object) -> dict[str, FunctionType]:
    """Return the functions that stand for procedures, by name.

    Raises:
        UsageError: it is neither a class nor a module, or has no functions.
    """
    if isinstance(api, ModuleType):
        own = {n: f for n, f in vars(api).items() if _module_of(f) == api.__name__}
    elif isinstance(api, type):
        own = dict(inspect.getmembers_static(api))
    else:
        raise UsageError(
            f"remote() takes a class whose methods are the procedures, or a module whose functions "
            f"they are, not {api!r}."
        )
    public = {name: _function(thing) for name, thing in own.items() if not name.startswith("_")}
    found = {name: thing for name, thing in public.items() if isinstance(thing, FunctionType)}
    if not found:
        raise UsageError(f"{api.__name__} has no functions that could stand for procedures.")
    return found


def _function(thing: object) -> object:
    return thing.__func__ if isinstance(thing, staticmethod | classmethod) else thing


def _module_of(thing: object) -> object:
    return getattr(thing, "__module__", None)


def _result_of(function: FunctionType) -> tuple[Any, bool]:
    """Return the type of a function's results, None for any, and whether they come one by one."""
    annotation = signature_of(function).return_annotation
    if _origin(annotation) in _AWAITABLES:
        annotation = (typing.get_args(annotation) or (Any,))[-1]
    is_stream = _origin(annotation) in _STREAMS
    if is_stream:
        annotation = (typing.get_args(annotation) or (Any,))[0]
    return (None if annotation in (inspect.Signature.empty, Any) else annotation), is_stream


def _origin(annotation: Any) -> Any:
    return typing.get_origin(annotation) or annotation
