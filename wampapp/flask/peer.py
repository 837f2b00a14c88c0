"""A Flask app's caller and publisher: ``g.wamp``."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import dataclasses
import logging
import os
import weakref
from typing import TYPE_CHECKING, Any, Final

from flask import g

from wampapp.client.blocking import Client
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    RouterUnreachable,
    UsageError,
    WampappError,
)
from wampapp.loop.runtime import Runtime, get_runtime
from wampapp.loop.threads import ThreadPool
from wampapp.session.connection import Connection
from wampapp.transport.dial import UrlDialer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.records import Config
    from wampapp.flask.service import FlaskService
    from wampapp.flask.settings import Settings
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

#: How long a view waits for a session that was lost. After that, verbs fail at once until it is
#: back: a site whose router is away must not have all its workers waiting.
_PATIENCE: Final = 5.0
_TRANSIENT: Final = (RouterUnreachable, ConnectionLost, NotJoined)


class Peer(Client):
    """The blocking verbs of a Flask app: ``g.wamp``, ``current_app.extensions["wamp"]``.

    It joins when it is first used, in each process by itself, and comes back when its router does.

    Args:
        settings: what the app's configuration says.
        service: gives what serves the app's handlers.
    """

    def __init__(self, settings: Settings, service: Callable[[], FlaskService]) -> None:
        super().__init__(
            self._here, self._current, prefix=settings.prefix, timeout=settings.timeout
        )
        self.settings = settings
        self._make_service = service
        self._link: _Link | None = None
        self.wampy = Wampy(self)
        _peers.add(self)

    @property
    def app(self) -> FlaskService:
        """The :class:`wampapp.App` that serves what the Flask app registers and subscribes.

        In an ``async def`` handler, ``await ….app.call(…)`` is the verb that does not block.
        """
        return self._make_service()

    def give(self, *_sender: Any, **_details: Any) -> None:
        """Put it into the app context that has just been pushed."""
        g.wamp = self
        g.wampy = self.wampy

    def _here(self) -> Runtime:
        """The loop that serves the app in this process, as in a test, or the process's own."""
        running = self.app.running_service
        return get_runtime() if running is None else running.runtime

    async def _ready(self) -> Connection:
        runtime = self._here()
        link = self._link
        if link is None or link.runtime is not runtime or link.is_over:
            if link is not None and link.process == os.getpid():
                link.close_soon()
            link = self._link = _Link(runtime, *self._route(runtime))
        await link.there()
        return link.connection

    def _current(self) -> Connection:
        if self._link is None:
            raise NotJoined("No session has been opened yet.")
        return self._link.connection

    @property
    def client_config(self) -> Config:
        """How a caller joins: at the router that is named, else at the embedded one's port."""
        settings = self.settings
        config = settings.config
        return dataclasses.replace(
            config,
            url=settings.router_url,
            # A credential is for a router that is named.
            auth=None if config.url is None else config.auth,
            handshake_timeout=min(config.handshake_timeout, settings.timeout),
            rejoin_timeout=min(_PATIENCE, settings.timeout),
        )

    def _route(self, runtime: Runtime) -> tuple[Dialer, Config]:
        """How this process gets to the router, and how it joins."""
        config = self.client_config
        running = self.app.running_service
        if running is not None and running.dialer is not None:
            # The app is served by this very process, whose command may have named another router.
            served = running.config
            return running.dialer, dataclasses.replace(
                config, url=served.url, realm=served.realm, auth=served.auth, tls=served.tls
            )
        return UrlDialer(self.settings.router_url, runtime.reactor, config.tls), config

    def close(self) -> None:
        """Say GOODBYE, if there is a session. The next verb joins again."""
        link, self._link = self._link, None
        if link is not None and link.process == os.getpid():
            link.runtime.call(link.close())

    async def leave(self) -> None:
        """Say GOODBYE on the event loop, if there is a session there."""
        link = self._link
        if link is not None and link.runtime is self._here():
            self._link = None
            await link.close()


class _Link:
    """The connection of one process. Lives on the loop's thread."""

    def __init__(self, runtime: Runtime, dialer: Dialer, config: Config) -> None:
        self.runtime = runtime
        self.process = os.getpid()
        self.where = dialer.where
        self._workers = ThreadPool(1)
        self.connection = Connection(
            dialer,
            config,
            Dispatcher(runtime.loop, self._workers, logger),
            on_join=self._came,
            on_leave=self._went,
        )
        self._patience = config.rejoin_timeout
        self._away_since: float | None = None
        self._failure: WampappError | None = None
        self._first_try = runtime.loop.create_future()
        self._keeper = asyncio.create_task(self._keep())

    @property
    def is_over(self) -> bool:
        """Whether it will not come back by itself: the router refused."""
        return self._keeper.done()

    async def _came(self) -> None:
        self._failure = None
        self._away_since = None

    async def _went(self) -> None:
        self._away_since = self.runtime.loop.time()

    async def _keep(self) -> None:
        refused: WampappError | None = None
        try:
            try:
                await self.connection.open(patient=False)
            except _TRANSIENT as error:
                self._failure = error
                self._first_try.set_result(None)
                await self.connection.open()
            else:
                self._first_try.set_result(None)
            await self.connection.keep()
        except WampappError as error:
            self._failure = refused = error
        finally:
            if not self._first_try.done():
                self._first_try.set_result(None)
            elif refused is not None:
                logger.error("The session will not come back: %s", refused)

    async def there(self) -> None:
        """Wait for the session, no longer than a view may.

        Raises:
            RouterUnreachable: no router answered.
            NotJoined: the session was lost, and has not come back.
            RouterRefused: the router refuses the realm or the credential.
            TlsFailed: it is not to be trusted.
        """
        await asyncio.shield(self._first_try)
        if self.connection.is_joined:
            return
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        now = self.runtime.loop.time()
        # None where the link has just broken, and its keeper has yet to hear of it.
        away = 0.0 if self._away_since is None else now - self._away_since
        left = self._patience - away
        if left <= 0:
            raise NotJoined(
                f"There has been no session with {self.where} for {away:.0f} s; nothing was sent."
            )
        await self.connection.joined(left)

    def close_soon(self) -> None:
        """Close it on its own loop, which need not be the one that runs here."""
        loop = self.runtime.loop
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(self.close(), loop)

    async def close(self) -> None:
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        await self.connection.close()
        self._workers.close()


class Wampy:
    """flask-wamp's spelling of the verbs: ``g.wampy``.

    Attributes:
        rpc: has each procedure as a method: ``g.wampy.rpc.get_date()`` calls ``get_date``.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.rpc = _Rpc(peer)

    def call(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure, as ``g.wamp.call`` does."""
        return self._peer.call(procedure, *args, **kwargs)

    def publish(self, *, topic: str, **kwargs: Any) -> None:
        """Publish an event, whose payload is the keyword arguments.

        Args:
            topic: the topic.
            kwargs: at least one, such as ``message``.

        Raises:
            UsageError: there is nothing to publish.
        """
        if not kwargs:
            raise UsageError(
                "g.wampy.publish needs something to publish: publish(topic=…, message=…)."
            )
        self._peer.publish(topic, **kwargs)


class _Rpc:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)  # Python's own questions, such as copy's
        return lambda *args, **kwargs: self._peer.call(name, *args, **kwargs)


_peers: weakref.WeakSet[Peer] = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """Say GOODBYE at the process's end, as far as that goes."""
    for peer in list(_peers):
        with contextlib.suppress(WampappError, RuntimeError):  # no new thread can be started now
            peer.close()
