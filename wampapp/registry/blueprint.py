"""The decorators, and the methods that they are sugar over."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from wampapp.errors import DuplicateUri, InvalidHandler
from wampapp.protocol import uris
from wampapp.registry.checks import (
    check_called,
    check_exception,
    check_handler,
    check_options,
    check_takes,
    is_handler,
    known_fields,
)
from wampapp.registry.endpoint import endpoint_for, kind_of
from wampapp.registry.lifecycle import Lifecycle
from wampapp.registry.naming import (
    absolute_uri,
    bare_word,
    declared_pattern,
    pattern_unless_exact,
    source_of,
    written_uri,
)
from wampapp.registry.options import RegisterOptions, SubscribeOptions
from wampapp.registry.records import Registration, Scope, Subscription, name_of
from wampapp.registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Hook, Timer

F = TypeVar("F", bound="Callable[..., Any]")


class Blueprint(Lifecycle):
    """Collects procedures and topics.

    Args:
        prefix: what relative URIs are relative to, such as ``"com.example"``.

    Attributes:
        prefix: the prefix.
        registry: the records of what was declared.
        scope: its error handlers and defined errors.

    Raises:
        InvalidUri: the prefix is not a valid URI.
    """

    def __init__(self, prefix: str | None = None) -> None:
        if prefix is not None:
            uris.check_declared(uris.check_string(prefix, "prefix").removeprefix("."), "prefix")
        self.prefix = prefix
        self.registry = Registry()
        self.scope = Scope()

    @overload
    def register(self, uri: F, /) -> F: ...
    @overload
    def register(
        self, uri: str | None = None, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    def register(self, uri: Any = None, **options: Unpack[RegisterOptions]) -> Any:
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
        if is_handler(uri):
            self.add_registration(uri, **options)
            return uri
        if (sentence := bare_word(uri, self.prefix, "procedure")) is not None:
            warnings.warn(sentence, stacklevel=2)

        def decorate(function: F) -> F:
            self.add_registration(function, uri, **options)
            return function

        return decorate

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str | None = None, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    def subscribe(self, uri: Any = None, **options: Unpack[SubscribeOptions]) -> Any:
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
        if is_handler(uri):
            self.add_subscription(uri, **options)
            return uri
        if (sentence := bare_word(uri, self.prefix, "topic")) is not None:
            warnings.warn(sentence, stacklevel=2)

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
        check_handler(endpoint, options.get("run"), _written("register", uri))
        fields = known_fields(options, RegisterOptions)
        pattern = declared_pattern(
            uri, endpoint, self.prefix, "procedure", fields.pop("match", None)
        )
        record = Registration(
            pattern.text,
            endpoint,
            source=source_of(endpoint),
            pattern=pattern_unless_exact(pattern),
            scopes=(self.scope,),
            written=written_uri(uri, endpoint),
            **fields,
        )
        check_options(record)
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
        check_handler(handler, options.get("run"), _written("subscribe", uri))
        fields = known_fields(options, SubscribeOptions)
        pattern = declared_pattern(uri, handler, self.prefix, "topic", fields.pop("match", None))
        record = Subscription(
            pattern.text,
            handler,
            source=source_of(handler),
            pattern=pattern_unless_exact(pattern),
            scopes=(self.scope,),
            written=written_uri(uri, handler),
            **fields,
        )
        check_options(record)
        endpoint_for(record)
        self.registry.add_subscription(record)
        return record

    # Errors and middleware.

    def errorhandler(self, kind: type[BaseException]) -> Callable[[F], F]:
        """Call a function for an exception that a handler raises; a decorator.

        The function gets the exception. What it returns is the call's result; what it raises,
        such as a WampError, is what the caller gets. The nearest class wins, and the nearest
        blueprint before the app. A plain function runs in a worker thread.

        Args:
            kind: the exception, with its subclasses.

        Raises:
            InvalidHandler: ``kind`` is not an exception class, or the function does not take one
                argument, or is a generator.
            DuplicateUri: there is one for this class already.
        """
        check_exception(kind, "errorhandler")
        if kind in self.scope.handlers:
            raise DuplicateUri(f"There is an error handler for {kind.__name__} here already.")

        def decorate(function: F) -> F:
            check_called(
                function, f"app.errorhandler({kind.__name__})", "An error handler", "the exception"
            )
            self.scope.handlers[kind] = function
            return function

        return decorate

    @overload
    def middleware(self, function: F, /) -> F: ...
    @overload
    def middleware(self, /) -> Callable[[F], F]: ...
    def middleware(self, function: Any = None, /) -> Any:
        """Wrap every call and event of this app or blueprint; a decorator, with or without ``()``.

        The function is a coroutine function that gets the :class:`~wampapp.Call` and the next
        layer, awaits ``following()``, and returns the result::

            @app.middleware
            async def timed(call, following):
                started = time.perf_counter()
                try:
                    return await following()
                finally:
                    app.log(call.uri, time.perf_counter() - started)

        The first that was declared is the outermost, and the app's are around a blueprint's.

        Raises:
            InvalidHandler: it is not a coroutine function of two arguments.
        """
        if function is None:
            return self.middleware
        check_handler(function, None, "app.middleware")
        if kind_of(function, None) != "task":
            raise InvalidHandler(
                f"{name_of(function)} is not a coroutine function; middleware awaits the next "
                "layer, so write it 'async def'."
            )
        check_takes(function, "Middleware", "the call", "the next layer")
        self.scope.middleware.append(function)
        return function

    def define_error(self, kind: type[Exception], uri: str) -> None:
        """Make an exception and an error URI stand for each other.

        A handler that raises it answers with the URI, its ``args`` and its attributes; a caller
        whose call is answered with the URI gets the exception, with the same.

        Args:
            kind: the exception.
            uri: the error URI; one that starts with a dot is relative to the prefix.

        Raises:
            InvalidHandler: ``kind`` is not an exception class.
            InvalidUri: the URI is not valid.
        """
        check_exception(kind, "define_error")
        absolute = absolute_uri(uris.check_string(uri, "error"), self.prefix)
        self.scope.uris[kind] = uris.check_declared(absolute, "error")

    def include(self, blueprint: Blueprint, *, prefix: str | None = None) -> None:
        """Include everything that a blueprint declares. It may be included under many prefixes.

        Args:
            blueprint: the blueprint; what it declares later is not included.
            prefix: what its relative URIs are relative to, instead of its own prefix. One that
                starts with a dot is relative to the prefix here.

        Raises:
            InvalidUri: the prefix is not valid.
            DuplicateUri: a procedure is registered already.
            AppStarted: the app runs already.
        """
        base = blueprint.prefix if prefix is None else prefix
        base = "" if base is None else uris.check_string(base, "prefix")
        records: list[Registration | Subscription] = [
            *blueprint.registry.registrations,
            *blueprint.registry.subscriptions,
        ]
        for record in records:
            what = "procedure" if isinstance(record, Registration) else "topic"
            written = (
                f"{base}{record.written}" if record.written.startswith(".") else record.written
            )
            match = record.pattern.match if record.pattern else None
            captures = record.pattern is not None and bool(record.pattern.captured)
            pattern = declared_pattern(
                written, blueprint.include, self.prefix, what, None if captures else match
            )
            moved = replace(
                record,
                uri=pattern.text,
                pattern=pattern_unless_exact(pattern),
                scopes=(*record.scopes, self.scope),
                written=written,
            )
            if isinstance(moved, Registration):
                self.registry.add_registration(moved)
            else:
                self.registry.add_subscription(moved)
        hooks: list[Hook | Timer] = [*blueprint.registry.all_hooks, *blueprint.registry.timers]
        for hook in hooks:
            self.registry.add_hook(hook)
        self.scope.included.append(blueprint.scope)


def _written(decorator: str, uri: str | None) -> str:
    """Return how a decorator was written, for messages."""
    return f"app.{decorator}" if uri is None else f"app.{decorator}({uri!r})"
