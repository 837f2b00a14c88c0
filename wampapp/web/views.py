"""The app's own pages: finds the view of a request, runs it, and sends what it returns."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    MethodNotAllowed,
    NotFound,
)
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.wrappers import Response as WerkzeugResponse

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import HandlerFailed, UsageError
from wampapp.observe import otel
from wampapp.observe.tracing import current as current_origin
from wampapp.web.arguments import body_of, fields_of
from wampapp.web.cross_site import is_foreign
from wampapp.web.current import CURRENT, Current, Request
from wampapp.web.failures import Refused, ViewFailures, error_page, unexpected
from wampapp.web.live import make_live
from wampapp.web.responses import Response, make_response, send_response
from wampapp.web.secret import secret_key
from wampapp.web.sessions import SessionCookie
from wampapp.web.view import View
from wampapp.web.wsgi import environ_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from jinja2 import Environment

    from wampapp.errors import WampError
    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.endpoint import Kind
    from wampapp.registry.records import Scope
    from wampapp.registry.web_records import WebRecords
    from wampapp.web.files import Files
    from wampapp.web.sessions import Session

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_SERVER_ERROR: Final = 500
_FOREIGN: Final = "The page that sent this is from another site; --allow-origin lets it."


class Views:
    """An ASGI app that answers with an app's views.

    Args:
        web: the views.
        files: the static folders, for their URLs.
        scope: the app's error handlers.
        pool: the threads for plain functions.
        log: where a failing view's traceback goes.
        debug: whether a visitor sees it too.
        generation: which start of the service this is, for pages that reload at the next; None if
            they do not.
        surround: see :meth:`App.surround`.

    Attributes:
        trusted: returns whether pages of an origin may send requests that change something.
        failures: turns exceptions into answers, and logs them.
    """

    def __init__(
        self,
        web: WebRecords,
        files: Iterable[Files],
        scope: Scope,
        pool: ThreadPool,
        log: logging.Logger,
        *,
        debug: bool = False,
        generation: int | None = None,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None = None,
    ) -> None:
        self.trusted: Callable[[str], bool] = lambda _origin: False
        self._files = {folder.endpoint: folder for folder in files}
        self._scope = scope
        self._pool = pool
        loop = asyncio.get_running_loop()
        self._dispatcher = Dispatcher(loop, pool, log, debug=debug, surround=surround)
        self.failures = self._dispatcher.failures = ViewFailures(log, debug=debug)
        self._functions = self._dispatcher.functions
        self._spans = otel.configured()
        rules = []
        for route in web.routes:
            view = View(route, self._functions)
            rules.append(_ViewRule(route.rule, view))
        statics = [
            Rule(f"{folder.path.rstrip('/')}/<path:filename>", endpoint=name, build_only=True)
            for name, folder in self._files.items()
        ]
        self._map = Map([*rules, *statics])
        self._roots = web.roots or [Path.cwd()]
        self._generation = generation
        self._cookie = SessionCookie(lambda: secret_key(web.root))
        self._templates: Environment | None = None

    # What the views share.

    def templates(self) -> Environment:
        """Return what finds and renders the templates."""
        if self._templates is None:
            from wampapp.web.templates import environment

            self._templates = environment(self._roots)
        return self._templates

    def version_of(self, endpoint: str, filename: str) -> str | None:
        """Return what changes with a file of a static folder; None where there is no such file."""
        folder = self._files.get(endpoint)
        return None if folder is None else folder.version_of(filename)

    def open_session(self, request: Request) -> Session:
        """Return what the request's cookie holds."""
        return self._cookie.open(request)

    # A request.

    async def answers(
        self, scope: dict[str, Any], receive: Receive, send: Send, *, otherwise: bool = False
    ) -> bool:
        """Answer a request, if there is a view for its path.

        Args:
            scope: the request, as the ASGI specification has it.
            receive: takes its messages.
            send: sends a message.
            otherwise: whether a path without a view is answered too.

        Returns:
            Whether it was answered.
        """
        environ = environ_of(scope, None, terminated=True)
        request = Request(environ)
        here = Current(request, self._map.bind_to_environ(environ), self)
        CURRENT.set(here)
        try:
            rule, found = here.adapter.match(return_rule=True)
        except NotFound as error:
            if not otherwise:
                return False
            response = await self._handled(error, (self._scope,))
        except HTTPException as error:
            response = await self._unmatched(error, here)
        else:
            view: View = rule.view  # type: ignore[attr-defined]
            request.endpoint, request.view_args = view.route.endpoint, dict(found)
            try:
                response = await self._traced(view, here, receive)
            except _Gone:
                return True
        response = await self._with_session(here, response)
        if self._generation is not None:
            make_live(response, request, self._generation)
        try:
            await send_response(response, environ, receive, send, self._pool)
        finally:
            request.close()  # the files of its form
        return True

    async def _unmatched(self, error: HTTPException, here: Current) -> WerkzeugResponse:
        if isinstance(error, RequestRedirect):
            return WerkzeugResponse.force_type(error.get_response(), {})
        if isinstance(error, MethodNotAllowed) and here.request.method == "OPTIONS":
            response = Response(status=204)
            response.allow.update(here.adapter.allowed_methods())
            return response
        return await self._handled(error, (self._scope,))

    async def _traced(self, view: View, here: Current, receive: Receive) -> WerkzeugResponse:
        origin = current_origin()
        if self._spans is None or origin is None:
            return await self._answer(view, here, receive)
        request = here.request
        with self._spans.of_page(request.method, view.route.rule, request.path, origin) as span:
            response = await self._answer(view, here, receive)
            if span is not None:
                span.note("http.response.status_code", response.status_code)
                if response.status_code >= _SERVER_ERROR:
                    span.fail(str(response.status_code))
            return response

    async def _answer(self, view: View, here: Current, receive: Receive) -> WerkzeugResponse:
        request = here.request
        try:
            if is_foreign(request, self.trusted):
                raise Forbidden(_FOREIGN)
            body = await body_of(request, receive, view.route.max_body)
            if body is None:
                raise _Gone
            request.environ["wsgi.input"] = body
            fields = await fields_of(request, view.binding, self._functions)
        except HTTPException as error:
            return await self._handled(error, view.endpoint.scopes)
        outcome = _Outcome(asyncio.get_running_loop())
        details = {"procedure": request.path}
        run = self._dispatcher.call(
            view.endpoint,
            (view.extras(request),),
            fields,
            outcome,
            details,
            origin=current_origin(),  # the request has one already
        )
        try:
            return make_response(await outcome.future)
        except asyncio.CancelledError:
            run.cancel()
            raise
        except Refused as error:
            if error.handled:
                return self._page(error.answer, request)
            return await self._handled(error.answer, view.endpoint.scopes)
        except HandlerFailed as error:
            return await self._handled(unexpected(error), view.endpoint.scopes)
        except UsageError as error:  # of what middleware or an error handler returned
            failed = self.failures.failed(view.endpoint, error)
            return await self._handled(unexpected(failed), view.endpoint.scopes)

    def _handler_for(
        self, error: BaseException, scopes: Iterable[Scope]
    ) -> Callable[[Any], Any] | None:
        for scope in scopes:
            for kind in type(error).__mro__:
                if kind in scope.handlers:
                    return scope.handlers[kind]
        return None

    async def _handled(self, error: HTTPException, scopes: Iterable[Scope]) -> WerkzeugResponse:
        """Answer with an HTTP error, by its error handler if it has one."""
        request = CURRENT.get().request
        handler = self._handler_for(error, scopes)
        if handler is None:
            return self._page(error, request)
        try:
            return make_response(await self._functions.run(handler, error))
        except HTTPException as raised:
            return self._page(raised, request)
        except Exception as raised:  # noqa: BLE001 - it is the app's own code
            self.failures.log(f"The error handler of {error.name} failed", raised)
            return self._page(unexpected(HandlerFailed("The page failed.")), request)

    def _page(self, error: HTTPException, request: Request) -> WerkzeugResponse:
        return WerkzeugResponse.force_type(error_page(error, request), request.environ)

    async def _with_session(self, here: Current, response: WerkzeugResponse) -> WerkzeugResponse:
        session = here.opened_session
        if session is not None:
            try:
                self._cookie.save(session, here.request, response)
            except (TypeError, ValueError) as error:
                self.failures.log(f"The session of {here.request.path} cannot be kept", error)
                return self._page(unexpected(HandlerFailed("The page failed.")), here.request)
        return response

    async def close(self, grace: float) -> None:
        """Let running views finish, and cancel those that take longer.

        Args:
            grace: the seconds that they get.
        """
        await self._dispatcher.drain(grace)


class _Gone(Exception):
    """The client has gone before its request was complete."""


class _ViewRule(Rule):
    """A rule with its view."""

    def __init__(self, rule: str, view: View) -> None:
        super().__init__(rule, endpoint=view.route.endpoint, methods=sorted(view.route.methods))
        self.view = view


class _Outcome:
    """The outcome of a view, as a future."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()

    def result(self, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def error(self, error: WampError) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Do nothing: streams are responses, and not progress."""
