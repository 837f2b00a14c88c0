"""The decorators of what holds for all handlers: error handlers, defined errors and middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from wampapp.errors import DuplicateUri, InvalidHandler
from wampapp.protocol import uris
from wampapp.registry.autobahn_classes import autobahn_class, error_uri
from wampapp.registry.checks import check_called, check_exception, check_handler, check_takes
from wampapp.registry.endpoint import kind_of
from wampapp.registry.extras import check_extra
from wampapp.registry.lifecycle import Lifecycle
from wampapp.registry.naming import absolute_uri
from wampapp.registry.records import EVERY_OTHER_URI, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Scope

F = TypeVar("F", bound="Callable[..., Any]")


class Scoped(Lifecycle):
    """Collects what holds for all handlers of an app or a blueprint; a :class:`Blueprint` is one.

    Attributes:
        prefix: what relative URIs are relative to.
        scope: the error handlers, the defined errors and the middleware.
    """

    prefix: str | None
    scope: Scope

    def errorhandler(self, kind: type[BaseException] | int) -> Callable[[F], F]:
        """Call a function for an exception that a handler raises; a decorator.

        The function gets the exception. What it returns is the call's result; what it raises,
        such as a WampError, is what the caller gets. The nearest class wins, and the nearest
        blueprint before the app. A plain function runs in a worker thread.

        Args:
            kind: the exception, with its subclasses; or an HTTP status, such as 404, for the
                web pages that are answered with it.

        Raises:
            InvalidHandler: ``kind`` is not an exception class or an HTTP status of an error, or
                the function does not take one argument, or is a generator.
            DuplicateUri: there is one for this class already.
        """
        if isinstance(kind, int):
            kind = http_exception(kind)
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

    def define_error(self, kind: type[Exception], uri: str | None = None) -> None:
        """Make an exception and an error URI stand for each other.

        A handler that raises it answers with the URI, its ``args`` and its attributes; a caller
        whose call is answered with the URI gets the exception, with the same.

        Autobahn's ``ApplicationError``, without a URI, stands for every URI that has no class of
        its own: each :class:`WampError` that a call of the app gets is then an
        ``ApplicationError`` as well, with ``error``, ``args`` and ``kwargs``. So both
        ``except WampError`` and ``except ApplicationError`` catch it.

        Args:
            kind: the exception. One of Autobahn's ``@wamp.error`` sends its ``args`` and its
                dictionary ``kwargs``, and a caller gets what the class makes of these.
            uri: the error URI; one that starts with a dot is relative to the prefix. None for
                the URI of ``@wamp.error``.

        Raises:
            InvalidHandler: ``kind`` is not an exception class, or has no URI.
            InvalidUri: the URI is not valid.
        """
        check_exception(kind, "define_error")
        if uri is None:
            if kind is autobahn_class("ApplicationError"):
                self.scope.uris[kind] = EVERY_OTHER_URI
                return
            uri = error_uri(kind)
        absolute = absolute_uri(uris.check_string(uri, "error"), self.prefix)
        self.scope.uris[kind] = uris.check_declared(absolute, "error")


def http_exception(status: int) -> type[BaseException]:
    """Return werkzeug's exception of an HTTP status.

    Raises:
        InvalidHandler: there is none.
        UsageError: werkzeug is not installed.
    """
    check_extra(f"errorhandler({status})", "werkzeug")
    from werkzeug.exceptions import default_exceptions

    if status not in default_exceptions:
        raise InvalidHandler(f"{status} is not the HTTP status of an error, such as 404.")
    return default_exceptions[status]
