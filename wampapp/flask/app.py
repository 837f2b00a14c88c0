"""The App that serves a Flask app's handlers: its functions run inside an app context."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, Final, Unpack

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from wampapp.app import App
from wampapp.config.settle import override
from wampapp.errors import InvalidArgument, NotAuthorized, WampError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager

    from flask import Flask

    from wampapp.config.records import Config
    from wampapp.config.settle import Given
    from wampapp.flask.settings import Settings
    from wampapp.registry.blueprint import Blueprint
    from wampapp.registry.endpoint import Kind

    _Context = Callable[[], AbstractContextManager[None]]

#: The error URI of an HTTP status that has no error URI of WAMP's.
HTTP_ERROR: Final = "wampapp.error.http"
_ERRORS: Final[dict[int, type[WampError]]] = {
    400: InvalidArgument,
    401: NotAuthorized,
    403: NotAuthorized,
    422: InvalidArgument,
}
_FIRST_ERROR: Final = 400


class ContextApp(App):
    """Serves what a Flask app registers and subscribes, inside app contexts.

    Args:
        flask: the Flask app.
        settings: what the Flask app's configuration says.
        declared: what is registered and subscribed.
        last: awaited when the app stops, after every hook.
    """

    def __init__(
        self,
        flask: Flask,
        settings: Settings,
        declared: Blueprint,
        last: Callable[[], Awaitable[None]],
    ) -> None:
        config = settings.config
        super().__init__(
            config.url,
            realm=config.realm,
            prefix=settings.prefix,
            name=flask.name,
            threads=settings.threads,
            debug=config.debug,
            auth=config.auth,
            tls=config.tls,
        )
        self._flask = flask
        self._settings = settings
        self.on_shutdown(last)  # declared first, so run last
        self.include(declared)

    def settle(self, **given: Unpack[Given]) -> Config:
        """Settle the configuration of a run: what is given, then the Flask app's.

        Args:
            given: as in :func:`wampapp.config.settle.settle`.
        """
        return override(self._settings.config, **given)

    def surround(self, function: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
        """Run a function inside an app context, and make its result one that WAMP can carry."""
        context = self._flask.app_context
        is_view = function in self._flask.view_functions.values()

        @contextmanager
        def inside() -> Iterator[None]:
            with context():
                try:
                    yield
                except HTTPException as error:
                    raise _wamp_error(error) from None

        async def rest(awaitable: Any) -> Any:
            with inside():
                return _result(await awaitable, is_view=is_view)

        def plain(*args: Any, **kwargs: Any) -> Any:
            with inside():
                value = function(*args, **kwargs)
                if hasattr(type(value), "__await__"):
                    return rest(value)
                # A decorator may have hidden a generator function.
                if isinstance(value, Generator):
                    return _items(inside, value)
                if isinstance(value, AsyncGenerator):
                    return _items_of_stream(inside, value)
                return _result(value, is_view=is_view)

        def generator(*args: Any, **kwargs: Any) -> Any:
            return _items(inside, function(*args, **kwargs))

        async def task(*args: Any, **kwargs: Any) -> Any:
            with inside():
                return _result(await function(*args, **kwargs), is_view=is_view)

        def stream(*args: Any, **kwargs: Any) -> Any:
            return _items_of_stream(inside, function(*args, **kwargs))

        return {"generator": generator, "task": task, "stream": stream}.get(kind, plain)


def _items(inside: _Context, values: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    with inside():
        return (yield from values)


async def _items_of_stream(
    inside: _Context, values: AsyncGenerator[Any, Any]
) -> AsyncGenerator[Any, None]:
    with inside():
        async with aclosing(values):
            async for item in values:
                yield item


def _result(value: Any, *, is_view: bool) -> Any:
    """Make a WAMP result of what a handler returns, which may be a view's return value."""
    status: Any = None
    if is_view and isinstance(value, tuple) and value:
        if len(value) > 1 and isinstance(value[1], int | str):
            status = int(str(value[1]).partition(" ")[0])
        value = value[0]
    if isinstance(value, Response):
        status = status or value.status_code
        value = value.get_json() if value.is_json else value.get_data(as_text=True)
    if status is not None and status >= _FIRST_ERROR:
        raise _error_with_status(status, value)
    return value


def _wamp_error(error: HTTPException) -> WampError:
    response = error.get_response()
    return _error_with_status(response.status_code, error.description or error.name)


def _error_with_status(status: int, message: Any) -> WampError:
    kind = _ERRORS.get(status)
    if kind is not None:
        return kind(message)
    return WampError(HTTP_ERROR, message, status=status)
