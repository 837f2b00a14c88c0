"""Serves an app's web pages: at its own router's port, or at one for them."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.listeners import http_listener
from wampapp.config.origins import ANY, check_origin, normalize
from wampapp.config.records import DEFAULT_HOST
from wampapp.dispatch.functions import Functions
from wampapp.registry.records import Static
from wampapp.web.door import HttpFactory
from wampapp.web.files import Files
from wampapp.web.proxy import behind_proxy
from wampapp.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.records import Config
    from wampapp.dispatch.failures import Failures
    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.endpoint import Kind
    from wampapp.registry.records import Scope
    from wampapp.registry.web_records import WebRecords
    from wampapp.server.door import Server
    from wampapp.server.page import OwnFile, PageFactory
    from wampapp.web.views import Views

logger = logging.getLogger("wampapp.web")

_GRACE: Final = 2.0
#: The module by which pages speak WAMP.
_CLIENT: Final = Static("/_wampapp", str(Path(__file__).with_name("browser")), "_wampapp")


class Pages:
    """The web pages of one app.

    Args:
        web: what it serves.
        pool: the threads in which plain functions run.
        log: where a failing view's traceback goes.
        config: how patient it is, and whom it trusts.
        scope: the app's error handlers.
        surround: see :meth:`App.surround`.

    Attributes:
        url: where it listens by itself; None if it shares another's port.
    """

    def __init__(
        self,
        web: WebRecords,
        pool: ThreadPool,
        log: logging.Logger,
        config: Config,
        *,
        scope: Scope,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None,
    ) -> None:
        self.url: str | None = None
        self._port: Any = None
        self._config = config
        self._origins = frozenset(map(check_origin, config.allow_origins))
        self._web = web
        self._pool = pool
        self._log = log
        self._scope = scope
        self._surround = surround
        self._site: Site
        self._views: Views | None = None
        self._factory: HttpFactory | None = None

    def _make_site(self) -> Site:
        functions = Functions(asyncio.get_running_loop(), self._pool)
        statics = [*self._web.statics, _CLIENT]
        files = [Files(static, functions, self._pool) for static in statics]
        if self._web.routes:
            from wampapp.web.views import Views

            self._views = Views(
                self._web,
                files,
                self._scope,
                self._pool,
                self._log,
                debug=self._config.debug,
                generation=self._config.generation,
                surround=self._surround,
            )
            self._views.trusted = self.trusts
        return Site(self._web.mounts, files, self._views, self._pool)

    @property
    def site(self) -> Any:
        """The pages as an ASGI app, once they have been started."""
        return self._site

    @property
    def failures(self) -> Failures | None:
        """What turns exceptions of views into answers; None without views."""
        return None if self._views is None else self._views.failures

    def trusts(self, origin: str) -> bool:
        """Return whether pages of an origin may send requests that change something."""
        return not self._origins.isdisjoint((normalize(origin), ANY))

    async def _start(
        self, host_allowed: Callable[[str], bool], traffic: Callable[[], int] = int
    ) -> HttpFactory:
        site = self._site = self._make_site()
        site.host_allowed = host_allowed
        app = behind_proxy(site) if self._config.trust_proxy else site
        loop = asyncio.get_running_loop()
        factory = HttpFactory(app, loop, self._config.handshake_timeout, traffic)
        await site.start(self._config.generation)
        self._factory = factory
        return factory

    async def share_port(self, server: Server) -> None:
        """Start the web apps, and serve them at a router's port.

        Args:
            server: the router's.

        Raises:
            HookFailed: the startup of a web app failed.
        """
        self._origins = server.allow_origins
        factory = await self._start(server.host_allowed, lambda: server.budget.received)

        def make(page: PageFactory) -> Any:
            self._site.fallback = page.reply
            return factory

        server.page_maker = make

    async def take_over(
        self,
        host_allowed: Callable[[str], bool],
        origins: frozenset[str],
        own_file: OwnFile | None = None,
    ) -> None:
        """Start the web apps, and serve them on the connections that :meth:`accept` gets.

        Args:
            host_allowed: returns whether pages may be shown under the name in a Host header.
            origins: the origins whose pages may send requests that change something.
            own_file: returns the files of the console; None without one.

        Raises:
            HookFailed: the startup of a web app failed.
        """
        self._origins = origins
        await self._start(host_allowed)
        if own_file is not None:
            from wampapp.server.page import console_reply

            otherwise = self._site.fallback
            self._site.fallback = lambda path, host: (
                console_reply(own_file, path) or otherwise(path, host)
            )

    async def listen(self, reactor: Any, http: str) -> None:
        """Start the web apps, and serve them at a port of their own.

        Args:
            reactor: Twisted's reactor.
            http: where, such as ``127.0.0.1:8000``.

        Raises:
            PortInUse: another program listens there.
            UsageError: it cannot be listened there.
            HookFailed: the startup of a web app failed.
        """
        from wampapp.server.address import Address, host_allowed
        from wampapp.server.listening import listen_on

        listener = http_listener(http)
        host = listener.host or DEFAULT_HOST
        factory = await self._start(lambda name: host_allowed(name, host, self._origins))
        self._port = listen_on(reactor, factory, listener, option="--http")
        self.url = Address(host, self._port.getHost().port).page_url

    def accept(self, descriptor: int, family: int, data: bytes) -> None:
        """Take over a connection; see :meth:`HttpFactory.accept`."""
        if self._factory is None:
            os.close(descriptor)
        else:
            self._factory.accept(descriptor, family, data)

    def tell_end(self) -> None:
        """Have open pages know that this process is about to end."""
        if self._factory is not None:
            self._site.tell_end()

    async def stop(self) -> None:
        """Let requests finish, close the connections, and shut the web apps down."""
        if self._port is not None:
            await self._port.stopListening().asFuture(asyncio.get_running_loop())
        if self._factory is not None:
            await self._factory.close(_GRACE)
            if self._views is not None:
                await self._views.close(0)
            await self._site.stop()
            self._factory = None
