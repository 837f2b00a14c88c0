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
import logging
from typing import TYPE_CHECKING, Any

from wampapp.config.records import check_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.app import App

logger = logging.getLogger("wampapp")


def lifespan(
    app: App, *, wait: float = 5.0, **options: Any
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Make a lifespan that runs an app while the site does.

    The app is at ``site.state.wamp`` (``request.app.state.wamp``), with its awaitable verbs.

    Args:
        app: the app.
        wait: seconds that the site waits for the router before it starts; then the app goes on
            trying in the background, and its verbs wait for the session. So a router that is
            away keeps a site neither from starting nor from stopping.
        options: ``url``, ``realm``, ``host``, ``port`` and ``debug``, as in :meth:`App.start`.

    Returns:
        What ``FastAPI(lifespan=…)`` and ``Starlette(lifespan=…)`` take. Entering it raises what
        :meth:`App.start` raises, such as :class:`RouterRefused`: then the site does not start.

    Raises:
        UsageError: ``wait`` is not a number of seconds.
    """
    seconds = check_seconds(wait, "wait")

    @contextlib.asynccontextmanager
    async def running(site: Any) -> AsyncGenerator[None, None]:
        site.state.wamp = app
        starting = asyncio.ensure_future(app.start(**options))
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


def _log_failure(starting: asyncio.Future[Any]) -> None:
    if not starting.cancelled() and (error := starting.exception()) is not None:
        logger.error("The app cannot join: %s", error)
