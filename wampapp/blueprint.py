"""The decorators, and the methods that they are sugar over."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, get_args, overload

from wampapp import pattern as patterns
from wampapp import uri as uris
from wampapp.config import check_seconds
from wampapp.endpoint import endpoint_for, kind_of
from wampapp.errors import InvalidHandler, InvalidUri, UsageError
from wampapp.registry import (
    Invoke,
    Registration,
    Registry,
    Run,
    Source,
    Subscription,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.pattern import Match, Pattern

F = TypeVar("F", bound="Callable[..., Any]")

_RUNS = ("thread", "loop")


class RegisterOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.register`.

    Attributes:
        run: ``"loop"`` runs a plain ``def`` function on the event loop: for tiny ones that never
            block. Without it, it runs in a worker thread.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        invoke: how one of several callees is chosen: ``"single"``, the default, allows one alone;
            else ``"first"``, ``"last"``, ``"roundrobin"`` or ``"random"``.
        concurrency: how many calls run at one time. Up to 1,000 more wait in line; further ones
            are answered with ``wampapp.error.overloaded``.
        timeout: seconds after which the handler is cancelled and the caller gets
            ``wamp.error.timeout``.
        force_reregister: whether the procedure is taken from another session that has it.
        validate: False passes arguments as they came.
    """

    run: Run | None
    match: Match | None
    invoke: Invoke
    concurrency: int | None
    timeout: float | None
    force_reregister: bool
    validate: bool


class SubscribeOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.subscribe`.

    Attributes:
        run: as in :class:`RegisterOptions`.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        concurrency: how many events are handled at one time; one, in order, by default.
        get_retained: whether the last event that the router keeps is delivered at the start.
        validate: False passes arguments as they came.
    """

    run: Run | None
    match: Match | None
    concurrency: int | None
    get_retained: bool
    validate: bool


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
        self, uri: str | None = None, /, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    def register(self, uri: Any = None, /, **options: Unpack[RegisterOptions]) -> Any:
        """Register a function as the endpoint of a procedure; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function.

        Args:
            uri: the procedure. One that starts with a dot is relative to the prefix. Without
                one, it is ``.`` and the function's name. ``<name>`` stands for one component,
                ``<path:name>`` at the end for one or more; the function gets them by name.
            options: see :class:`RegisterOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: what is decorated cannot serve calls, or not with these options.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_registration(uri, **options)
            return uri

        def decorate(function: F) -> F:
            self.add_registration(function, uri, **options)
            return function

        return decorate

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str | None = None, /, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    def subscribe(self, uri: Any = None, /, **options: Unpack[SubscribeOptions]) -> Any:
        """Subscribe a function to a topic; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function. Events reach the handler one at a
        time, in order.

        Args:
            uri: the topic; as in :meth:`register`.
            options: see :class:`SubscribeOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: what is decorated cannot handle events, or not with these options.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_subscription(uri, **options)
            return uri

        def decorate(function: F) -> F:
            self.add_subscription(function, uri, **options)
            return function

        return decorate

    def add_registration(
        self,
        endpoint: Callable[..., Any],
        uri: str | None = None,
        **options: Unpack[RegisterOptions],
    ) -> Registration:
        """Register a function as the endpoint of a procedure.

        Args:
            endpoint: the function.
            uri: as in :meth:`register`.
            options: see :class:`RegisterOptions`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: ``endpoint`` cannot serve calls, or not with these options.
            AppStarted: the app runs already.
        """
        _check_handler(endpoint, options.get("run"))
        fields = _fields(options, RegisterOptions)
        pattern = self._declared(uri, endpoint, "procedure", fields.pop("match", None))
        record = Registration(
            pattern.text, endpoint, source=source_of(endpoint), pattern=_if_any(pattern), **fields
        )
        _check_options(record)
        endpoint_for(record)  # a signature that cannot be served is found here, not at start
        self.registry.add_registration(record)
        return record

    def add_subscription(
        self,
        handler: Callable[..., Any],
        uri: str | None = None,
        **options: Unpack[SubscribeOptions],
    ) -> Subscription:
        """Subscribe a function to a topic.

        Args:
            handler: the function.
            uri: as in :meth:`register`.
            options: see :class:`SubscribeOptions`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: ``handler`` cannot handle events, or not with these options.
            AppStarted: the app runs already.
        """
        _check_handler(handler, options.get("run"))
        fields = _fields(options, SubscribeOptions)
        pattern = self._declared(uri, handler, "topic", fields.pop("match", None))
        record = Subscription(
            pattern.text, handler, source=source_of(handler), pattern=_if_any(pattern), **fields
        )
        _check_options(record)
        endpoint_for(record)
        self.registry.add_subscription(record)
        return record

    def _declared(
        self, uri: str | None, function: Callable[..., Any], what: str, match: Match | None
    ) -> Pattern:
        if uri is None:
            name = getattr(function, "__name__", None)
            if name is None or name == "<lambda>":
                raise InvalidUri(
                    f"{name_of(function)} has no name to make a {what} of; give the URI: "
                    f"'com.example.{what}'."
                )
            uri = f".{name}"
        if isinstance(uri, str) and uri.startswith("."):
            uri = f"{self.prefix}{uri}" if self.prefix else uri[1:]
        return patterns.parse(uris.check_text(uri, what), what, match)


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


def _fields(options: Any, known: type) -> dict[str, Any]:
    """Return a declaration's options, each of which is known.

    Raises:
        InvalidHandler: one is not; the message names the nearest.
    """
    fields = dict(options)
    for name in fields:
        if name not in known.__annotations__:
            near = difflib.get_close_matches(name, known.__annotations__, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidHandler(f"There is no option {name!r}.{hint}")
    return fields


def _if_any(pattern: Pattern) -> Pattern | None:
    return None if pattern.match == "exact" else pattern


def _check_options(record: Registration | Subscription) -> None:
    """Check the values of a declaration's options.

    Raises:
        InvalidHandler: one is not valid.
    """
    concurrency = record.concurrency
    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise InvalidHandler(f"concurrency is {concurrency!r}; give a whole number, 1 or more.")
    if isinstance(record, Subscription):
        return
    if record.invoke not in get_args(Invoke):
        known = ", ".join(map(repr, get_args(Invoke)))
        raise InvalidHandler(f"invoke is {record.invoke!r}; it can be {known}.")
    if record.timeout is not None:
        try:
            check_seconds(record.timeout, "timeout")
        except UsageError as error:
            raise InvalidHandler(str(error)) from None
