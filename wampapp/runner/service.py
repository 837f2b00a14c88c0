"""An app's life in a process: router in the box, connection, worker threads, stopping."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp._version import __version__
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.dispatch.hooks import Life
from wampapp.errors import NotJoined, PortInUse, RouterRefused, RouterUnreachable
from wampapp.loop.threads import ThreadPool
from wampapp.registry.records import Scope
from wampapp.session.connection import Connection, join
from wampapp.transport.dial import LocalDialer, UrlDialer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.endpoint import Kind
    from wampapp.registry.records import Registration, Subscription
    from wampapp.registry.registry import Registry
    from wampapp.server.door import Address, Server
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

_PROBE_SECONDS: Final = 3.0


class Service:
    """A started app. Its methods run on the loop's thread.

    Args:
        registry: what the app declares.
        config: where to and how patiently.
        runtime: the process's loop.
        log: the app's own logger, for what its handlers raise.
        threads: the most worker threads at one time.
        scope: the exceptions that the app defined.
        dialer: how the router is reached; None to find one as ``config`` says.
        lifespan: makes a context manager that is open while the app runs.
        surround: see :meth:`App.surround`.
        succeeds: whether another process served before, whose session the router may still hold.

    Attributes:
        config: the same; its ``url`` is set once an embedded router's port turned out to be a
            WAMP router already.
        address: where the embedded router listens; None without one.
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
    ) -> None:
        self._succeeds = succeeds
        self._scope = scope or Scope()
        self._dialer = dialer
        self.config = config
        self.address: Address | None = None
        self._registry = registry
        self._runtime = runtime
        self._workers = ThreadPool(threads)
        self._dispatcher = Dispatcher(
            runtime.loop, self._workers, log, debug=config.debug, surround=surround
        )
        self._server: Server | None = None
        self._joined_url: str | None = config.url
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._awaited = False
        self._life = Life(registry, self._dispatcher, log, lifespan)

    @property
    def url(self) -> str | None:
        """The router that the app is joined to; None for its own."""
        return self._joined_url

    @property
    def dialer(self) -> Dialer | None:
        """The way to its router; None before :meth:`start` has found one."""
        return self._dialer

    @property
    def runtime(self) -> Runtime:
        """The loop that it runs on."""
        return self._runtime

    @property
    def dispatcher(self) -> Dispatcher:
        """What runs its handlers."""
        return self._dispatcher

    @property
    def workers(self) -> ThreadPool:
        """Its worker threads."""
        return self._workers

    @property
    def connection(self) -> Connection | None:
        """The connection; None before :meth:`start` and after :meth:`stop`."""
        return self._connection

    async def start(self, *, patient: bool = True) -> None:
        """Start the embedded router if no URL is given, join, and announce the registry.

        Args:
            patient: whether to try again until a router is there, or to raise at once.

        Raises:
            PortInUse: the embedded router's port is taken by something else.
            RouterUnreachable: no router answered within ``give_up_after``, or at once.
            RouterRefused: the router refuses the realm, the credential, a procedure or a topic.
            TlsFailed: the router's certificate is not trusted.
            NotJoined: it was stopped meanwhile.
        """
        self._registry.freeze()
        self._starting = asyncio.create_task(self._start(patient))
        try:
            await self._starting
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
        dialer = await self.find_router()
        await self._life.start_up()
        connection = self._connection = Connection(
            dialer,
            self.config,
            self._dispatcher,
            endpoints,
            defined=self._scope.defined(),
            on_join=self._life.joined,
            on_leave=self._life.left,
            succeeds=self._succeeds,
        )
        await connection.open(patient=patient)
        self._life.start_timers()
        self._keeper = asyncio.create_task(connection.keep())
        self._keeper.add_done_callback(self._note_end)

    async def wait(self) -> None:
        """Wait until the connection is lost for good.

        Raises:
            RouterRefused: the router refused on coming back.
        """
        if self._keeper is not None:
            self._awaited = True
            await asyncio.shield(self._keeper)

    def _note_end(self, keeper: asyncio.Task[None]) -> None:
        # Whoever runs the app in a loop of its own need not be waiting for its end.
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None and not self._awaited:
            logger.error("The session does not come back: %s", error)

    async def stop(self) -> None:
        """Take no new calls, let running handlers finish, say GOODBYE, stop the router.

        It ends a :meth:`start` that still waits. Whoever asks again waits for the same end, and
        whoever gives up waiting does not leave it half done.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        loop = self._runtime.loop
        end = loop.time() + self.config.grace
        if self._connection is not None:
            await self._connection.stop_serving()
        await self._life.stop_timers(self.config.grace)
        if self._connection is not None:
            # Handlers that may finish may call as well, so it stays in place until they have.
            await self._connection.close(self._life.shut_down, max(0.0, end - loop.time()))
            self._connection = None
        await self._life.shut_down()  # where there was no session to say good-bye to
        await self._life.end()
        await self._close_server()
        self._workers.close()

    async def find_router(self) -> Dialer:
        """Find the way to the router, and start one here if no URL is given; once.

        Raises:
            PortInUse: the embedded router's port is taken by something else.
        """
        if self._dialer is None:
            self._dialer = await self._find_router()
        return self._dialer

    async def _find_router(self) -> Dialer:
        config = self.config
        if config.url is not None:
            return UrlDialer(config.url, self._runtime.reactor, config.tls)
        # A credential is for a router that is named; ours asks for none, and another that holds our
        # port might be anybody's.
        self.config = dataclasses.replace(config, auth=None)
        server = make_server(config, self._runtime)
        try:
            self.address = server.listen(config.host, config.port)
        except PortInUse:
            self._joined_url = await self._running_router()
            return UrlDialer(self._joined_url, self._runtime.reactor)
        self._server = server
        return LocalDialer(server.router.new_session)

    async def _running_router(self) -> str:
        """Find the WAMP router that holds our port.

        Raises:
            PortInUse: what holds it is none.
        """
        host, port = self.config.host, self.config.port
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        patience = min(_PROBE_SECONDS, self.config.handshake_timeout)
        for url in (f"rs://{authority}", f"ws://{authority}/ws"):
            dialer = UrlDialer(url, self._runtime.reactor)
            try:
                session = await join(dialer, self.config, self._dispatcher, timeout=patience)
            except RouterRefused:
                return url  # a router all the same; the app's own join says why it refuses
            except RouterUnreachable:
                continue
            await session.leave(timeout=1.0)
            return url
        raise PortInUse(
            f"Port {port} on {host} is taken by something that is no WAMP router; choose "
            "another port with --port, or stop what holds it."
        )

    async def _close_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.close()


def make_server(config: Config, runtime: Runtime) -> Server:
    """Make a router and the server that will listen for it.

    Args:
        config: how patient it is, and which origins it lets in.
        runtime: the process's loop.
    """
    from wampapp.router import Router
    from wampapp.server.door import Server

    return Server(
        Router(f"wampapp-{__version__}"),
        runtime.reactor,
        handshake_timeout=config.handshake_timeout,
        allow_origins=config.allow_origins,
    )
