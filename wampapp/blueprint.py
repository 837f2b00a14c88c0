"""The decorators, and the methods that they are sugar over."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar, overload

from wampapp import uri as uris
from wampapp.dispatch import endpoint_for, kind_of
from wampapp.errors import InvalidHandler, InvalidUri
from wampapp.registry import Registration, Registry, Source, Subscription, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry import Run

F = TypeVar("F", bound="Callable[..., Any]")

_RUNS = ("thread", "loop")


class Blueprint:
    """Collects procedures and topics.

    Args:
        prefix: what relative URIs are relative to, such as ``"com.example"``.

    Attributes:
        prefix: the prefix.
        registry: the records of what was declared.

    Raises:
        InvalidUri: the prefix is no valid URI.
    """

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = None if prefix is None else uris.check_declared(prefix, "prefix")
        self.registry = Registry()

    @overload
    def register(self, uri: F, /) -> F: ...
    @overload
    def register(
        self, uri: str | None = None, /, *, run: Run | None = None
    ) -> Callable[[F], F]: ...
    def register(self, uri: Any = None, /, *, run: Run | None = None) -> Any:
        """Register a function as the endpoint of a procedure; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function.

        Args:
            uri: the procedure. One that starts with a dot is relative to the prefix. Without
                one, it is ``.`` and the function's name.
            run: ``"loop"`` runs a plain ``def`` function on the event loop: for tiny ones that
                never block. Without it, it runs in a worker thread.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: what is decorated cannot serve calls.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_registration(uri)
            return uri

        def decorate(function: F) -> F:
            self.add_registration(function, uri, run=run)
            return function

        return decorate

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str | None = None, /, *, run: Run | None = None
    ) -> Callable[[F], F]: ...
    def subscribe(self, uri: Any = None, /, *, run: Run | None = None) -> Any:
        """Subscribe a function to a topic; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function. Events reach the handler one at a
        time, in order.

        Args:
            uri: the topic; as in :meth:`register`.
            run: as in :meth:`register`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: what is decorated cannot handle events.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_subscription(uri)
            return uri

        def decorate(function: F) -> F:
            self.add_subscription(function, uri, run=run)
            return function

        return decorate

    def add_registration(
        self, endpoint: Callable[..., Any], uri: str | None = None, *, run: Run | None = None
    ) -> Registration:
        """Register a function as the endpoint of a procedure.

        Args:
            endpoint: the function.
            uri: as in :meth:`register`.
            run: as in :meth:`register`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: ``endpoint`` cannot serve calls.
            AppStarted: the app runs already.
        """
        _check_handler(endpoint, run)
        name = self._declared(uri, endpoint, "procedure")
        record = Registration(name, endpoint, run, source_of(endpoint))
        endpoint_for(record)  # a signature that cannot be served is found here, not at start
        self.registry.add_registration(record)
        return record

    def add_subscription(
        self, handler: Callable[..., Any], uri: str | None = None, *, run: Run | None = None
    ) -> Subscription:
        """Subscribe a function to a topic.

        Args:
            handler: the function.
            uri: as in :meth:`register`.
            run: as in :meth:`register`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: ``handler`` cannot handle events.
            AppStarted: the app runs already.
        """
        _check_handler(handler, run)
        name = self._declared(uri, handler, "topic")
        record = Subscription(name, handler, run, source_of(handler))
        endpoint_for(record)
        self.registry.add_subscription(record)
        return record

    def _declared(self, uri: str | None, function: Callable[..., Any], what: str) -> str:
        if uri is None:
            name = getattr(function, "__name__", None)
            if name is None or name == "<lambda>":
                raise InvalidUri(
                    f"{name_of(function)} has no name to make a {what} of; give the URI: "
                    f"'com.example.{what}'."
                )
            uri = f".{name}"
        return uris.check_declared(uris.resolve(uri, self.prefix, what), what)


def source_of(function: Callable[..., Any]) -> Source | None:
    """Return the file and line where a handler stands; None where Python does not know."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else Source(code.co_filename, code.co_firstlineno)


def _is_handler(value: object) -> bool:
    """Tell ``@app.register`` from ``@app.register("uri")``; refuse what is neither."""
    if value is None or isinstance(value, str):
        return False
    if callable(value):
        return True
    raise InvalidUri(f"{value!r} is neither a URI nor a function; write @app.register('a.uri').")


def _check_handler(function: Callable[..., Any], run: object) -> None:
    if not callable(function):
        raise InvalidHandler(
            f"{function!r} cannot be called; put the decorator on a function, or pass one."
        )
    if run is not None and run not in _RUNS:
        raise InvalidHandler(f"run is {run!r}; it can be 'thread' or 'loop'.")
    if run == "thread" and kind_of(function, None) == "task":
        raise InvalidHandler(
            f"{name_of(function)} is a coroutine function, which runs on the event loop; leave "
            "run= out."
        )
