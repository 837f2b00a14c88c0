"""An app's life in a process: its router, its connection, its worker threads, its end."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from typing import TYPE_CHECKING, Any

from wampapp.dispatch import blocking
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.dispatch.hooks import Hooks
from wampapp.dispatch.timers import Timers
from wampapp.errors import NotJoined
from wampapp.loop.threads import ThreadPool
from wampapp.observe import otel
from wampapp.registry.extras import check_extra
from wampapp.registry.records import Registration, Scope
from wampapp.runner import reach
from wampapp.runner.description import description_record, is_told
from wampapp.runner.health import Health
from wampapp.runner.reach import Reach
from wampapp.session.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.config.records import Config
    from wampapp.errors import WampappError
    from wampapp.loop.runtime import Runtime
    from wampapp.loop.watchdog import Watchdog
    from wampapp.protocol.patterns import Match, Pattern
    from wampapp.registry.endpoint import Endpoint, Kind
    from wampapp.registry.records import Subscription
    from wampapp.registry.registry import Registry
    from wampapp.server.address import Address
    from wampapp.server.door import Server
    from wampapp.server.page import OwnFile
    from wampapp.transport.dial import Dialer
    from wampapp.web.serving import Pages

logger = logging.getLogger("wampapp")


class Service:
    """A started app. Its methods run on the loop's thread.

    Args:
        registry: what the app declares.
        config: the settled configuration.
        runtime: the process's loop.
        log: the app's own logger, for what its handlers raise.
        threads: the most worker threads.
        scope: the exceptions that the app defined.
        dialer: how the router is reached; None to find one as ``config`` says.
        lifespan: makes a context manager that is open while the app runs.
        surround: see :meth:`App.surround`.
        succeeds: whether another process served before, whose session the router may still hold.
        describe: returns what the app offers, as an AsyncAPI document; None to tell nobody.

    Attributes:
        runtime: the loop that it runs on, and what belongs to it.
        connection: the app's own connection; None before :meth:`start` and after :meth:`stop`, and
            where the app has nothing but guests. An attribute, as each call and event asks for it.
    """

    def __init__(
        self,
        registry: Registry,
        config: Config,
        runtime: Runtime,
        log: logging.Logger,
        *,
        threads: int,
        scope: Scope | None = None,
        dialer: Dialer | None = None,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
        surround: Callable[[Callable[..., Any], Kind], Callable[..., Any]] | None = None,
        succeeds: bool = False,
        describe: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        self._describe = describe
        self._succeeds = succeeds
        self._scope = scope or Scope()
        self._config = config
        #: Found once; a dialer that is given needs no search.
        self._reach = None if dialer is None else Reach(dialer, config, config.url)
        self._registry = registry
        self.runtime = runtime
        self._log = log
        self._surround = surround
        self._workers = ThreadPool(threads)
        self._dispatcher = Dispatcher(
            runtime.loop,
            self._workers,
            log,
            debug=config.debug,
            check_results=config.debug if config.check_results is None else config.check_results,
            surround=surround,
            spans=otel.configured(),
        )
        self.connection: Connection | None = None
        self._guests: list[Connection] = []
        self._pages: Pages | None = None
        #: Which Host headers are allowed, which origins, and the files of the console, if another
        #: process hands over the connections.
        self._handed: tuple[Callable[[str], bool], frozenset[str], OwnFile | None] | None = None
        #: What brings each connection's session back.
        self._keepers: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._awaited = False
        #: Has what ended it while it ran, other than the end of a connection.
        self._failure: asyncio.Future[None] = runtime.loop.create_future()
        #: The procedures that a test plays, as they are matched.
        self._left_out: set[tuple[Match, str]] = set()
        self._hooks = Hooks(registry, self._dispatcher, lifespan)
        self._timers = Timers(registry, self._dispatcher)
        self._health = Health(registry.health_checks, self._dispatcher.functions.run, config.name)
        self._watchdog: Watchdog | None = None

    @property
    def does_nothing(self) -> bool:
        """Whether nothing is declared that would ever run: no handler, hook, timer or lifespan."""
        return self._registry.is_empty and not self._hooks.has_lifespan

    @property
    def registry(self) -> Registry:
        """What it announces and runs, which may be less than its app declares."""
        return self._registry

    @property
    def config(self) -> Config:
        """The configuration; without the credential once it turned out that no router is named."""
        return self._config if self._reach is None else self._reach.config

    @property
    def url(self) -> str | None:
        """The router that the app joins; None for its own."""
        found = self._reach
        if found is None:
            return self._config.url
        # The dialer may have searched for it, or chosen from a list.
        return found.dialer.where if found.dialer.remote else found.url

    @property
    def joined_another(self) -> bool:
        """Whether the router that holds our own one's port is used instead."""
        return self.config.url is None and self._reach is not None and self._reach.url is not None

    @property
    def server(self) -> Server | None:
        """The router in this process; None without one."""
        return None if self._reach is None else self._reach.server

    @property
    def address(self) -> Address | None:
        """Where the app's own router listens; None without one."""
        return None if self._reach is None else self._reach.address

    @property
    def dialer(self) -> Dialer | None:
        """The way to the router; None before it was found."""
        return None if self._reach is None else self._reach.dialer

    @property
    def dispatcher(self) -> Dispatcher:
        """What runs its handlers."""
        return self._dispatcher

    @property
    def workers(self) -> ThreadPool:
        """Its worker threads."""
        return self._workers

    @property
    def connections(self) -> list[Connection]:
        """All connections: the app's own, and those of its guests."""
        own = [] if self.connection is None else [self.connection]
        return own + self._guests

    async def start(self, *, patient: bool = True) -> None:
        """Start the embedded router if no URL is given, join, and announce the registry.

        Args:
            patient: whether to try again until there is a router, or to raise at once.

        Raises:
            PortInUse: the embedded router's port is taken by something else.
            RouterUnreachable: no router answered within ``give_up_after``, or at once.
            RouterRefused: the router refuses the realm, the credential, a procedure or a topic.
            TlsFailed: the router's certificate is not trusted.
            NotJoined: it was stopped meanwhile.
            WampappError: :meth:`fail` was called with it.
        """
        self._registry.freeze()
        config = self._config
        if config.debug if config.watch_loop is None else config.watch_loop:
            self._watchdog = blocking.watch(self.runtime.loop, self._registry)
        self._starting = asyncio.create_task(self._start(patient))
        try:
            await self._starting
            if self._failure.done():
                await self._failure
        except BaseException as error:
            stopped = self._stopping is not None and isinstance(error, asyncio.CancelledError)
            await self.stop()
            if stopped:
                raise NotJoined("The app was stopped before it had joined.") from None
            raise

    async def _start(self, patient: bool) -> None:
        records: list[Registration | Subscription] = [
            *self._registry.registrations,
            *self._registry.subscriptions,
        ]
        endpoints = [(record, self._dispatcher.prepare(record)) for record in records]
        endpoints = [
            (record, endpoint)
            for record, endpoint in endpoints
            if not self._is_left_out(record, endpoint)
        ]
        found = await self.find_router()
        if self._describe is not None and is_told(self._config.describe, found):
            description = description_record(self._describe, self._announced)
            endpoints.append((description, self._dispatcher.prepare(description)))
        if (health := self._health.record()) is not None:
            endpoints.append((health, self._dispatcher.prepare(health)))
        if found.server is not None:
            found.server.services.append(self._health)
        await self._serve_pages(found)
        await self._hooks.run_startup()
        await self._health.start()
        if self._registry.has_own or not self._registry.guests:
            self.connection = Connection(
                found.dialer,
                found.config,
                self._dispatcher,
                endpoints,
                defined=self._scope.defined(),
                on_join=self._hooks.run_join,
                on_leave=self._hooks.run_leave,
                succeeds=self._succeeds,
            )
            await self.connection.open(patient=patient)
            self._timers.start()
            self._keep(self.connection)
        for guest in self._registry.guests:
            from wampapp.autobahn.connection import GuestConnection

            connection = GuestConnection(
                guest, found.dialer, found.config, self._dispatcher, succeeds=self._succeeds
            )
            self._guests.append(connection)
            await connection.open(patient=patient)
            self._keep(connection)
        self._health.is_ready = True

    def _announced(self) -> list[tuple[Registration | Subscription, Endpoint]]:
        return [] if self.connection is None else self.connection.announced()

    async def _serve_pages(self, found: Reach) -> None:
        web, config = self._registry.web, self._config
        if not web:
            return
        if found.server is None and self._handed is None and config.http is None:
            logger.warning(
                "The web pages at %s are not served: the router at %s is another process's; "
                "give them a port, with --http 127.0.0.1:8000",
                ", ".join(web.paths),
                found.url or "a test",
            )
            return
        check_extra("A web page", "uvicorn", "werkzeug", "jinja2", "itsdangerous")
        from wampapp.web.serving import Pages

        self._pages = Pages(
            web,
            self._workers,
            self._log,
            config,
            scope=self._scope,
            surround=self._surround,
        )
        if self._handed is not None:
            await self._pages.take_over(*self._handed)
        elif config.http is not None:
            await self._pages.listen(self.runtime.reactor, config.http)
        elif found.server is not None:
            await self._pages.share_port(found.server)

    @property
    def pages(self) -> Pages | None:
        """Its web pages; None without any, and before :meth:`start`."""
        return self._pages

    @property
    def pages_url(self) -> str | None:
        """Where the web pages are; None if this process does not listen for them."""
        if self._pages is None:
            return None
        return self._pages.url or (None if self.address is None else self.address.page_url)

    def trusts_origin(self, origin: str) -> bool:
        """Return whether pages of an origin may send requests that change something."""
        return self._pages is not None and self._pages.trusts(origin)

    def takes_pages(
        self,
        host_allowed: Callable[[str], bool],
        origins: frozenset[str],
        own_file: OwnFile | None = None,
    ) -> None:
        """Serve web pages on connections that another process hands over.

        Args:
            host_allowed: returns whether pages may be shown under the name in a Host header.
            origins: the origins whose pages may send requests that change something.
            own_file: returns the files of the console; None without one.
        """
        self._handed = host_allowed, origins, own_file

    def accept_page(self, descriptor: int, family: int, data: bytes) -> None:
        """Take over a connection; see :meth:`wampapp.web.serving.Pages.accept`."""
        if self._pages is None:
            os.close(descriptor)
        else:
            self._pages.accept(descriptor, family, data)

    def _keep(self, connection: Connection) -> None:
        keeper = asyncio.create_task(connection.keep())
        keeper.add_done_callback(self._note_end)
        self._keepers.append(keeper)

    async def leave_out(self, pattern: Pattern) -> None:
        """Do not serve a procedure, from now on: a test plays it.

        Args:
            pattern: what it is registered with, if it is declared at all.
        """
        self._left_out.add((pattern.match, pattern.uri))
        if self.connection is not None:
            for record, endpoint in self.connection.announced():
                if self._is_left_out(record, endpoint):
                    await self.connection.withdraw(endpoint)

    def _is_left_out(self, record: Registration | Subscription, endpoint: Endpoint) -> bool:
        key = endpoint.pattern.match, endpoint.pattern.uri
        return isinstance(record, Registration) and key in self._left_out

    async def wait(self) -> None:
        """Wait until a connection is lost for good, or all guests have left by themselves.

        Raises:
            RouterRefused: the router refused on coming back.
            WampappError: :meth:`fail` was called with it.
        """
        if self._keepers:
            self._awaited = True
            kept: asyncio.Future[Any] = asyncio.gather(*self._keepers)
            # What comes of it is of no interest if this is cancelled, or the other one is first.
            kept.add_done_callback(lambda kept: kept.cancelled() or kept.exception())
            either = [self._failure, kept]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await next(one for one in either if one.done())

    def succeed_another(self) -> None:
        """Take note, before joining, that another process has served until now.

        The router may have yet to notice the end of its session.
        """
        self._succeeds = True

    def fail(self, error: WampappError) -> None:
        """End the run: something that the app cannot do without is lost for good.

        Args:
            error: says what; :meth:`wait` raises it.
        """
        if self._failure.done() or self._stopping is not None:
            return
        self._failure.set_exception(error)
        self._failure.exception()  # it is asyncio's to complain of an error that nobody looks at
        if self._starting is not None and self._starting.done() and not self._awaited:
            # A program runs the app in its own loop, and does not wait for its end.
            logger.error("The app ends: %s", error)
            self._stopping = asyncio.create_task(self._stop())

    def _note_end(self, keeper: asyncio.Task[None]) -> None:
        # A program that runs the app in its own loop may not be waiting for its end.
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None and not self._awaited:
            logger.error("The session will not come back: %s", error)

    async def stop(self) -> None:
        """Take no new calls, let running handlers finish, say GOODBYE, stop the router.

        A :meth:`start` that still waits ends. Calling it again waits for the same end, and it goes
        on to its end even if the caller gives up waiting.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        if self._pages is not None:
            self._pages.tell_end()
        await self._health.stop()
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        loop = self.runtime.loop
        end = loop.time() + self._config.grace
        await self._hooks.run_stopping()
        await asyncio.gather(*(connection.stop_serving() for connection in self.connections))
        await self._timers.stop(self._config.grace)
        left = max(0.0, end - loop.time())
        await asyncio.gather(*(guest.close(grace=left) for guest in self._guests))
        if self.connection is not None:
            # Handlers that finish may call meanwhile, so it stays in place until they have.
            await self.connection.close(self._hooks.run_shutdown, max(0.0, end - loop.time()))
            self.connection = None
        if self._pages is not None:
            await self._pages.stop()
        await self._hooks.run_shutdown()  # if there was no session to close
        await self._hooks.end_lifespan()
        if self._reach is not None:
            server = self._reach.server
            if server is not None and self._health in server.services:
                server.services.remove(self._health)
            await self._reach.close()
        self._workers.close()
        if self._watchdog is not None:
            self._watchdog.stop()

    async def find_router(self) -> Reach:
        """Find the way to the router, or start one here if no URL is given; once.

        Raises:
            PortInUse: the embedded router's port is taken by something that is not a router.
        """
        if self._reach is None:
            config = dataclasses.replace(self._config, identifier=self._registry.identifier)
            self._reach = await reach.find_router(config, self.runtime)
        return self._reach

    def use_router(self, found: Reach) -> None:
        """Use the router that was found for several apps; whoever has found it closes it.

        Args:
            found: what :meth:`find_router` of one of the services returned.
        """
        self._reach = found.lend(self._config)
        identifier = self._registry.identifier
        if found.server is not None and identifier is not None:
            found.server.router.identify_by(self._config.realm, identifier)
