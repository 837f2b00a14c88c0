"""An app in a program's own event loop: ``app.start()``, ``app.stop()``, ``app.running()``."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, Unpack

from wampapp.config.settle import check_run_options, settle
from wampapp.errors import UsageError, WrongThread
from wampapp.loop.runtime import current_runtime
from wampapp.runner.servable import Servable

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from wampapp.config.settle import RunOptions
    from wampapp.runner.service import Service


class Embeddable(Servable, Protocol):
    """An app that can be started and stopped in a program's own loop."""

    @property
    def running_service(self) -> Service | None:
        """What runs it; None while nothing does."""

    def start(self, url: str | None = None, **options: Unpack[RunOptions]) -> Awaitable[None]:
        """Start it; see :meth:`App.start`."""

    def stop(self) -> Awaitable[None]:
        """Stop it; see :meth:`App.stop`."""


A = TypeVar("A", bound=Embeddable)


def start(
    app: Embeddable, url: str | None, options: RunOptions, *, patience: float | None = None
) -> Awaitable[None]:
    """Start an app in the loop that runs in this thread; see :meth:`App.start`.

    Args:
        app: the app.
        url: the router.
        options: what else was given.
        patience: the most seconds since the loss of the session for which verbs wait for it; None
            to wait as the app says, each verb for itself.

    Returns:
        A task, or on a Twisted reactor a Deferred, that is done when the app has joined.

    Raises:
        UsageError: the app runs already, or no event loop runs in this thread.
        TypeError: an option is not known.
    """
    check_run_options("start", options)
    runtime = current_runtime()
    if app.running_service is not None:
        raise UsageError(f"{app!r} runs already; it runs once at a time.")
    config = settle(app.config, url=url, **options)
    if patience is not None:
        seconds = min(config.rejoin_timeout, patience)
        config = dataclasses.replace(config, rejoin_timeout=seconds, fail_fast=True)
    service = app.make_service(config, runtime)
    app.attach(service)
    return runtime.awaitable(service.start(), lambda: _detach(app, service))


def stop(app: Embeddable) -> Awaitable[None]:
    """Stop an app in the loop that it runs in; see :meth:`App.stop`.

    Raises:
        UsageError: no event loop runs in this thread.
        WrongThread: the app runs in another thread's loop.
    """
    runtime = current_runtime()
    service = app.running_service
    if service is not None and service.runtime is not runtime:
        raise WrongThread(f"{app!r} runs in another event loop; stop it there.")

    async def finish() -> None:
        if service is not None:
            stopping = asyncio.ensure_future(service.stop())
            # Even if the caller gives up waiting.
            stopping.add_done_callback(lambda _: _detach(app, service))
            await asyncio.shield(stopping)

    return runtime.awaitable(finish())


def _detach(app: Embeddable, service: Service) -> None:
    if app.running_service is service:
        app.attach(None)


class Running(Generic[A]):
    """An app that runs while an ``async with`` block is open; see :meth:`App.running`."""

    def __init__(self, app: A, url: str | None, options: RunOptions) -> None:
        self._app = app
        self._url = url
        self._options: Any = options

    async def __aenter__(self) -> A:
        await self._app.start(self._url, **self._options)
        return self._app

    async def __aexit__(self, *_exception: object) -> None:
        await self._app.stop()
