"""An app inside a FastAPI or Starlette site: one loop, one process.

::

    from fastapi import FastAPI, Request
    from wampapp import App
    from wampapp.asgi import lifespan

    wamp = App(prefix="com.example")
    site = FastAPI(lifespan=lifespan(wamp))

    @site.get("/sum")
    async def total(request: Request) -> int:
        return await request.app.state.wamp.call("com.example.add", 2, 3)
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import check_seconds
from wampapp.errors import SessionError, WampappError
from wampapp.observe.tracing import RUNNING, of_request, running_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.app import App

logger = logging.getLogger("wampapp")

#: The longest that a request waits for a lost session. After that, verbs fail at once until it is
#: back, so that a site whose router is away loses an error page and not its time.
_REJOIN_TIMEOUT: Final = 5.0
_TRY_AGAIN_LATER: Final = 1013  # a WebSocket's code


def lifespan(
    app: App, *, wait: float = 5.0, **options: Any
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Make a lifespan that runs an app while the site does.

    The app is at ``site.state.wamp`` (``request.app.state.wamp``), with its awaitable verbs. They
    wait for a lost session for up to five seconds, and then fail at once until it is back. A
    request that lets such an error through is answered with 503, by :func:`unavailable`, unless
    the site has an exception handler of its own for :class:`SessionError`.

    Args:
        app: the app.
        wait: seconds that the site waits for the router before it starts; then the app goes on
            trying in the background. So a router that is away keeps a site neither from
            starting nor from stopping.
        options: ``url``, ``realm``, ``host``, ``port`` and ``debug``, as in :meth:`App.start`.

    Returns:
        What ``FastAPI(lifespan=…)`` and ``Starlette(lifespan=…)`` take. Entering it raises what
        :meth:`App.start` raises, such as :class:`RouterRefused`: then the site does not start.

    Raises:
        UsageError: ``wait`` is not a number of seconds.
    """
    from wampapp.runner import embedded

    seconds = check_seconds(wait, "wait")

    @contextlib.asynccontextmanager
    async def running(site: Any) -> AsyncGenerator[None, None]:
        site.state.wamp = app
        _handle_errors(site)
        if not isinstance(site.middleware_stack, _Traced):
            site.middleware_stack = _Traced(site.middleware_stack)
        url = options.get("url")
        others: Any = {name: value for name, value in options.items() if name != "url"}
        starting = asyncio.ensure_future(embedded.start(app, url, others, patience=_REJOIN_TIMEOUT))
        try:
            await asyncio.wait([starting], timeout=seconds)
            if starting.done():
                starting.result()
            else:
                logger.warning("%s has not joined yet; the site starts without it", app.name)
                starting.add_done_callback(_log_failure)
            yield
        finally:
            starting.remove_done_callback(_log_failure)
            await app.stop()
            await asyncio.wait([starting])
            _ = starting.cancelled() or starting.exception()  # logged already, or stopped just now

    return running


class _Traced:
    """An ASGI app in which what answers a request belongs to the request's trace.

    Args:
        app: the same app without that.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or RUNNING.get() is not None:
            await self.app(scope, receive, send)
            return
        with running_for(of_request(scope["headers"])):
            await self.app(scope, receive, send)


def _log_failure(starting: asyncio.Future[Any]) -> None:
    if not starting.cancelled() and (error := starting.exception()) is not None:
        logger.error("The app cannot join: %s", error)


async def unavailable(connection: Any, error: Exception) -> Any:
    """Answer with 503, because there is no session with the router; an exception handler.

    :func:`lifespan` sets it up. A site whose own parts catch exceptions may name it itself:
    ``FastAPI(exception_handlers={SessionError: unavailable})``.

    Args:
        connection: the request, or the WebSocket, which is closed.
        error: the :class:`SessionError`.

    Returns:
        The site's own page for this status, or for all HTTP errors, if it has one.
    """
    logger.error("WAMP: %s", error)
    if connection.scope["type"] == "websocket":
        await connection.close(_TRY_AGAIN_LATER, "There is no session with the WAMP router.")
        return None
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException

    by_class, by_status = connection.scope["starlette.exception_handlers"]
    failure = HTTPException(503, headers={"Retry-After": "1"})
    handler = by_status.get(failure.status_code) or by_class[HTTPException]
    if inspect.iscoroutinefunction(handler):
        return await handler(connection, failure)
    return await run_in_threadpool(handler, connection, failure)


def _handle_errors(site: Any) -> None:
    """Have :func:`unavailable` answer for a site, unless it answers by itself."""
    if SessionError in site.exception_handlers or WampappError in site.exception_handlers:
        return
    # The site has built its layers already, to come here; one of them catches exceptions.
    layer = site.middleware_stack
    while layer is not None and not hasattr(layer, "add_exception_handler"):
        layer = getattr(layer, "app", None)
    if layer is not None:
        layer.add_exception_handler(SessionError, unavailable)
