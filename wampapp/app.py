"""The application object."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Unpack

from wampapp import config as configs
from wampapp import loop as loops
from wampapp import uri as uris
from wampapp.blueprint import Blueprint
from wampapp.client import Client
from wampapp.config import Config
from wampapp.errors import InvalidUri, InvalidUrl, NotJoined, UsageError, WrongThread
from wampapp.handles import Procedure, PublishOptions, Topic

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.service import Service
    from wampapp.session import Session


class App(Blueprint):
    """A WAMP service: procedures and topics, and what it takes to run them.

    ::

        app = App(prefix="com.example")

        @app.register
        def add(a: int, b: int) -> int:
            return a + b

        app.run()

    Args:
        url: the router; None for the embedded one. ``--url`` and ``WAMPAPP_URL`` come first.
        realm: the realm to join. ``--realm`` and ``WAMPAPP_REALM`` come first.
        prefix: what relative URIs are relative to.
        name: the app's name, for its log; by default its prefix, or ``app``.
        threads: the most worker threads, in which plain ``def`` handlers run.
        handshake_timeout: seconds for connecting to the router and joining.
        grace: seconds that running handlers get to finish when the app stops.
        debug: whether callers see type, message and traceback of a handler's exception.
        lifespan: called with the app, returns an async context manager that is open from before
            the app joins until after it has left.

    Attributes:
        name: the app's name.
        logger: the app's logger, of the standard library.
        sync: the blocking verbs, for plain ``def`` handlers and other threads.

    Raises:
        InvalidUrl: the URL is not one of a router.
        InvalidUri: the prefix is not valid.
        UsageError: another argument is not valid.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        realm: str = configs.DEFAULT_REALM,
        prefix: str | None = None,
        name: str | None = None,
        threads: int = 40,
        handshake_timeout: float = 10.0,
        grace: float = 10.0,
        debug: bool = False,
        lifespan: Callable[[App], AbstractAsyncContextManager[Any]] | None = None,
    ) -> None:
        super().__init__(prefix)
        if prefix is not None and prefix.startswith("."):
            raise InvalidUri(
                f"The prefix {prefix!r} starts with a dot, but an app's is relative to nothing; "
                "leave the dot out."
            )
        if isinstance(url, str) and url and "://" not in url:
            raise InvalidUrl(
                f"App({url!r}) names a router, and that is no URL; to name the app's prefix, write "
                f"App(prefix={url!r})."
            )
        self._lifespan = lifespan
        if type(threads) is not int or threads < 1:
            raise UsageError(f"threads is {threads!r}; give a whole number, 1 or more.")
        self.name = name or prefix or "app"
        self.logger = logging.getLogger(self.name)
        self.sync = Client(loops.get, self._session, prefix=prefix)
        self._config = Config(
            url=url,
            realm=realm,
            handshake_timeout=handshake_timeout,
            grace=grace,
            debug=debug,
        )
        self._threads = threads
        self._service: Service | None = None

    def __repr__(self) -> str:
        return f"<App {self.name!r}>"

    @property
    def config(self) -> Config:
        """What the app was made with; a run may override it."""
        return self._config

    @property
    def threads(self) -> int:
        """The most worker threads at one time."""
        return self._threads

    def make_service(self, config: Config) -> Service:
        """Make what runs this app.

        Args:
            config: its settled configuration.
        """
        from wampapp.service import Service

        enter = self._lifespan
        return Service(
            self.registry,
            config,
            loops.get(),
            self.logger,
            threads=self._threads,
            scope=self.scope,
            lifespan=None if enter is None else lambda: enter(self),
        )

    def log(self, *parts: object) -> None:
        """Log a line, its parts joined by spaces, as ``print`` joins them."""
        self.logger.info("%s", " ".join(map(str, parts)))

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a procedure; await what it returns.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            A future of the result: the value if it is exactly one positional value, None if it
            is none, else a :class:`CallResult`. Awaiting it raises :class:`WampError` where the
            procedure or the router answered with an error, and :class:`ConnectionLost` where
            the link broke.

        Raises:
            InvalidUri: the URI is not valid.
            NotJoined: the app has no session now.
            PayloadNotEncodable: an argument cannot be sent.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        name = uris.resolve(uri, self.prefix, "procedure")
        self._check_thread("call")
        return self._session().call(name, args, kwargs)

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Publish an event; it is sent at once, and awaiting what it returns is free.

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            A future that is done; the router does not acknowledge.

        Raises:
            InvalidUri: the URI is not valid.
            NotJoined: the app has no session now.
            PayloadNotEncodable: an argument cannot be sent.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        name = uris.resolve(uri, self.prefix, "topic")
        self._check_thread("publish")
        return self._session().publish(name, args, kwargs)

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Call a procedure and iterate over its progressive results with ``async for``.

        Leaving the iteration cancels the call.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            An asynchronous generator: each progressive result as it comes, and at the end the
            final one if it is not None. It raises what awaiting :meth:`call` raises.

        Raises:
            InvalidUri: the URI is not valid.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        self._check_thread("stream")
        return self.procedure(uri).stream(*args, **kwargs)

    def procedure(
        self,
        uri: str,
        *,
        timeout: float | None = None,
        returns: Any = None,
        disclose_me: bool = False,
    ) -> Procedure:
        """Make a handle to a remote procedure, which carries its options.

        ::

            add = app.procedure("com.example.add", timeout=2, returns=int)
            total = await add(2, 3)

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            timeout: seconds that a call may take; then it is cancelled. None for no limit.
            returns: what results are converted to; None leaves them as they come.
            disclose_me: whether the callee is told the caller.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not valid.
        """
        name = uris.resolve(uri, self.prefix, "procedure")
        return Procedure(
            self._session, name, timeout=timeout, returns=returns, disclose_me=disclose_me
        )

    def topic(self, uri: str, **options: Unpack[PublishOptions]) -> Topic:
        """Make a handle to a topic, which carries its options.

        ::

            news = app.topic("com.example.news", acknowledge=True, retain=True)
            await news.publish("hello")

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            options: see :class:`~wampapp.handles.PublishOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not known.
        """
        return Topic(self._session, uris.resolve(uri, self.prefix, "topic"), options)

    def run(
        self,
        url: str | None = None,
        *,
        realm: str | None = None,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
    ) -> None:
        """Run the service until Ctrl-C or SIGTERM.

        Ignored while ``wampapp run`` imports the module, so that the same file serves both.

        Args:
            url: the router, before ``WAMPAPP_URL`` and ``App(url=…)``; without any of them, one
                is started in this process.
            realm: the realm, before ``WAMPAPP_REALM`` and ``App(realm=…)``.
            host: the address that the embedded router listens on; 127.0.0.1 by default.
            port: its port; 8080 by default.
            debug: as in :class:`App`.

        Raises:
            SystemExit: with the error's exit code, after its sentence went to standard error.
        """
        from wampapp import runner

        runner.run_from_script(self, url=url, realm=realm, host=host, port=port, debug=debug)

    def attach(self, service: Service | None) -> None:
        """Take the running service whose session the verbs use; None when it has stopped."""
        self._service = service

    def _session(self) -> Session:
        connection = self._service.connection if self._service is not None else None
        if connection is None:
            raise NotJoined(
                "The app is not running, so it cannot call or publish; do it in a handler, or "
                "use wampapp.connect() in a script."
            )
        return connection.joined

    def _check_thread(self, verb: str) -> None:
        if self._service is not None and not loops.get().in_loop_thread:
            raise WrongThread(
                f"app.{verb}() belongs to the event loop's thread; in a plain 'def' handler or "
                f"another thread use app.sync.{verb}()."
            )
