"""The application object: one class, whose public methods and their documentation fill the file.

What they do is done elsewhere: `registry` declares, `client` calls and publishes, `runner` runs.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Self, Unpack

from wampapp.autobahn.hosting import HostsSessions
from wampapp.client.blocking import PeerClient
from wampapp.client.verbs import AwaitableVerbs
from wampapp.config.records import DEFAULT_REALM, Config
from wampapp.errors import InvalidUrl, NotJoined, UsageError, WrongThread
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.checks import check_lifespan
from wampapp.registry.mounting import Mounting
from wampapp.registry.naming import check_absolute_prefix
from wampapp.registry.records import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.config.records import Tls
    from wampapp.config.settle import RunOptions
    from wampapp.loop.runtime import Runtime
    from wampapp.protocol.credentials import Credential
    from wampapp.registry.endpoint import Endpoint, Kind
    from wampapp.registry.records import Registration, Subscription
    from wampapp.runner.service import Service
    from wampapp.session.connection import Connection
    from wampapp.testing import TestRealm, TestSession
    from wampapp.transport.dial import Dialer


_NOT_RUNNING = (
    "The app is not running, so it cannot call or publish; do that in a handler. In a test, run "
    "the app with app.test_client(); in a script, use wampapp.connect()."
)


class App(Blueprint, AwaitableVerbs, HostsSessions, Mounting):
    """A WAMP service: its procedures and topics, and how it runs.

    ::

        app = App(prefix="com.example")

        @app.register
        def add(a: int, b: int) -> int:
            return a + b

        app.run()

    Args:
        url: the router, or several with commas between, of which the first that answers is joined;
            None for the embedded one. ``--url`` and ``WAMPAPP_URL`` come first.
        realm: the realm to join. ``--realm`` and ``WAMPAPP_REALM`` come first.
        prefix: what relative URIs are relative to, such as ``"com.example"``.
        name: the app's name, for its log; by default its prefix, or ``app``.
        title: what its docs call it; by default its name.
        version: the version of what it offers, for its docs.
        description: what it is for, for its docs.
        threads: the most worker threads, in which plain ``def`` handlers run.
        handshake_timeout: seconds for connecting to the router and joining.
        grace: seconds that running handlers get to finish when the app stops.
        debug: whether callers see the type, message and traceback of a handler's exception, and
            the log names what blocks the event loop.
        auth: the credential: ``Ticket``, ``Wampcra``, ``Scram`` or ``Cryptosign``; None joins
            anonymously. ``WAMPAPP_AUTHMETHOD`` and the variables that go with it come first.
        tls: how TLS is spoken at ``wss://`` and ``rss://``; None trusts the authorities that this
            machine trusts.
        keep_alive: seconds within which a dead link to the router is noticed; 0 for never.
        rejoin_timeout: seconds that a call or an acknowledged event waits for a lost session to
            come back, unless its own timeout is shorter.
        give_up_after: seconds without a router after which the run ends; None for never.
        describe: whether those who may call the app may ask what it offers, as the console does;
            None if its router is on this machine.
        lifespan: called with the app, returns an async context manager that is open from before
            the app joins until after it has left.

    Attributes:
        name: the app's name.
        title: what its docs call it.
        version: the version of what it offers.
        description: what it is for.
        logger: the app's logger, of the standard library.
        sync: the blocking verbs, for plain ``def`` handlers and other threads.
        worker: which of the processes of ``wampapp run --workers`` this is: ``app.worker.number``
            of ``app.worker.count``.
        extensions: what extends it, such as the components that it uses, by name.

    Raises:
        InvalidUrl: the URL is not a router's.
        InvalidUri: the prefix is not valid.
        InvalidHandler: the lifespan does not take the app or return an async context manager.
        UsageError: another argument is not valid.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        realm: str = DEFAULT_REALM,
        prefix: str | None = None,
        name: str | None = None,
        title: str | None = None,
        version: str = "0.1.0",
        description: str = "",
        threads: int = 40,
        handshake_timeout: float = 10.0,
        grace: float = 10.0,
        debug: bool = False,
        auth: Credential | None = None,
        tls: Tls | None = None,
        keep_alive: float = 15.0,
        rejoin_timeout: float = 30.0,
        give_up_after: float | None = None,
        describe: bool | None = None,
        lifespan: Callable[[App], AbstractAsyncContextManager[Any]] | None = None,
    ) -> None:
        super().__init__(prefix)
        check_absolute_prefix(prefix, "an app")
        if isinstance(url, str) and url and "://" not in url:
            raise InvalidUrl(
                f"App({url!r}) names a router, and {url!r} is not a URL; to name the app's prefix, "
                f"write App(prefix={url!r})."
            )
        check_lifespan(lifespan)
        self._lifespan = lifespan
        if type(threads) is not int or threads < 1:
            raise UsageError(f"threads is {threads!r}; give a whole number, 1 or more.")
        for word, text in (("title", title), ("version", version), ("description", description)):
            if not isinstance(text, str | None) or (text is None and word != "title"):
                raise TypeError(f"{word} is {text!r}; give a text, in quotes.")
        self.name = name or prefix or "app"
        self.title = title or self.name
        self.version = version
        self.description = description
        self.logger = logging.getLogger(self.name)
        self.sync = PeerClient(
            self._runtime,
            self._connection,
            prefix=prefix or "",  # without a prefix, '.add' is 'add'
            blueprint=self._blueprint,
            prepare=self._prepare,
        )
        self._config = Config(
            url=url,
            realm=realm,
            handshake_timeout=handshake_timeout,
            grace=grace,
            debug=debug,
            auth=auth,
            tls=tls,
            keep_alive=keep_alive,
            rejoin_timeout=rejoin_timeout,
            give_up_after=give_up_after,
            describe=describe,
        )
        self._threads = threads
        self._only_works = False
        self.worker = Worker()
        self.extensions: dict[str, Any] = {}
        self._service: Service | None = None

    def __repr__(self) -> str:
        return f"<App {self.name!r}>"

    @property
    def config(self) -> Config:
        """What the app was made with; a run may override it."""
        return self._config

    @property
    def threads(self) -> int:
        """The most worker threads, in which plain ``def`` handlers run."""
        return self._threads

    def make_service(
        self,
        config: Config,
        runtime: Runtime,
        dialer: Dialer | None = None,
        *,
        succeeds: bool = False,
    ) -> Service:
        """Make what runs this app; for the command line and for extensions.

        Args:
            config: the settled configuration.
            runtime: the loop that it runs on.
            dialer: how to reach the router; None to find it as ``config`` says.
            succeeds: whether another process ran the app before and has just ended.
        """
        from wampapp.runner.service import Service

        enter = self._lifespan
        registry = self.registry.for_worker(self.worker)
        return Service(
            registry.only_hooks() if self._only_works else registry,
            dataclasses.replace(config, name=self.name),
            runtime,
            self.logger,
            threads=self._threads,
            scope=self.scope,
            dialer=dialer,
            lifespan=None if enter is None else lambda: enter(self),
            # Only a subclass's own method: the default would cost each call a step.
            surround=None if type(self).surround is App.surround else self.surround,
            succeeds=succeeds,
            describe=None if self._only_works else self._description,
        )

    def only_work(self) -> None:
        """Serve nothing when the app runs; only its hooks run, and what components do by them.

        For ``wampapp worker``.
        """
        self._only_works = True
        for extension in self.extensions.values():
            if hasattr(extension, "never_serves"):
                extension.never_serves = True

    def _description(self) -> dict[str, Any]:
        from wampapp.describe.asyncapi import to_document
        from wampapp.describe.describing import describe_app

        return to_document(describe_app(self))

    def surround(self, function: Callable[..., Any], kind: Kind) -> Callable[..., Any]:  # noqa: ARG002
        """Wrap a function of the app, before it is first called. Extensions override this.

        Handlers, hooks, timers and error handlers go through it once. A handler's arguments have
        been converted when the wrapper is called. By default it returns the function itself.

        Args:
            function: what was declared.
            kind: ``"thread"``, ``"loop"``, ``"task"`` (a coroutine function), ``"generator"`` or
                ``"stream"`` (an asynchronous generator function).

        Returns:
            A function of the same kind.
        """
        return function

    def log(self, *parts: object) -> None:
        """Log a line at level info; its parts are joined by spaces, as ``print`` does."""
        self.logger.info("%s", " ".join(map(str, parts)))

    def run(self, url: str | None = None, **options: Unpack[RunOptions]) -> None:
        """Run the service until Ctrl-C or SIGTERM.

        Does nothing while ``wampapp run`` imports the module, so that one file serves both.

        Args:
            url: the router, before ``WAMPAPP_URL`` and ``App(url=…)``; without any of them, one
                is started in this process.
            options: ``realm``, ``host``, ``port`` and ``debug``; see
                :class:`~wampapp.config.settle.RunOptions`.

        Raises:
            SystemExit: with the error's exit code, after its sentence went to standard error.
        """
        from wampapp.runner import script

        script.run_from_script(self, url, options)

    def start(self, url: str | None = None, **options: Unpack[RunOptions]) -> Awaitable[None]:
        """Start the service in the program's own event loop, and go on; await what this returns.

        ::

            async with app.running():  # start() and stop()
                ...

        For a FastAPI lifespan, a notebook, or a Twisted program: in an asyncio program it returns
        an asyncio task, on a Twisted reactor of any kind a Deferred. Signals stay the program's.

        Args:
            url: as in :meth:`run`.
            options: as in :meth:`run`.

        Returns:
            An awaitable that is done when the app has joined. Awaiting it raises what ends
            :meth:`run`: :class:`RouterRefused`, :class:`TlsFailed`, ...; and :class:`NotJoined`
            if the app was stopped meanwhile.

        Raises:
            UsageError: the app runs already, or no event loop runs in this thread.
        """
        from wampapp.runner import embedded

        return embedded.start(self, url, options)

    def stop(self) -> Awaitable[None]:
        """Stop what :meth:`start` started, as Ctrl-C stops :meth:`run`; await what this returns.

        Returns:
            An awaitable that is done when the app has left. Stopping an app that does not run
            does nothing; one that still waits for its router gives up.

        Raises:
            UsageError: no event loop runs in this thread.
            WrongThread: the app runs in another thread's loop.
        """
        from wampapp.runner import embedded

        return embedded.stop(self)

    def running(
        self, url: str | None = None, **options: Unpack[RunOptions]
    ) -> AbstractAsyncContextManager[Self]:
        """Run the service while a block is open: ``async with app.running():``.

        Takes what :meth:`start` takes, and raises what it raises.
        """
        from wampapp.runner import embedded

        return embedded.Running(self, url, options)

    def test_client(self, *, timeout: float = 10.0) -> TestRealm:
        """Run the app on a router in memory, for tests: a context manager that gives a client.

        ::

            with app.test_client() as client:
                assert client.call("com.example.add", 2, 3) == 5

        Args:
            timeout: seconds that a verb of the client may take.

        Returns:
            A :class:`wampapp.testing.TestRealm` with only this app.
        """
        from wampapp.testing import TestRealm

        return TestRealm(self, timeout=timeout)

    def test_session(self, *, timeout: float = 10.0) -> TestSession:
        """Run the app on a router in memory, for tests that are coroutines.

        ::

            async with app.test_session() as session:
                assert await session.call("com.example.add", 2, 3) == 5

        Args:
            timeout: seconds that a verb of the session may take.
        """
        from wampapp.testing import TestSession

        return TestSession(self, timeout=timeout)

    @property
    def is_running(self) -> bool:
        """Whether the app runs, or is about to."""
        return self._service is not None

    @property
    def running_service(self) -> Service | None:
        """What runs the app in this process; None while it does not run."""
        return self._service

    def attach(self, service: Service | None) -> None:
        """Set the running service, whose session the verbs use; None when it has stopped."""
        self._service = service

    def _runtime(self) -> Runtime:
        if self._service is None:
            raise NotJoined(_NOT_RUNNING)
        return self._service.runtime

    def _connection(self) -> Connection:
        connection = self._service.connection if self._service is not None else None
        if connection is None:
            raise NotJoined(_NOT_RUNNING)
        return connection

    def _connection_for(self, verb: str) -> Connection:
        service = self._service
        if service is not None and service.runtime.in_loop_thread:
            connection = service.connection
            if connection is not None:
                return connection
        self._check_thread(verb)
        return self._connection()

    def _blueprint(self) -> Blueprint:
        blueprint = Blueprint(self.prefix)
        blueprint.scope = self.scope  # the app's error handlers and middleware
        return blueprint

    def _prepare(self, record: Registration | Subscription) -> Endpoint:
        if self._service is None:
            raise NotJoined(_NOT_RUNNING)
        return self._service.dispatcher.prepare(record)

    def _check_thread(self, verb: str, blocking: str | None = None) -> None:
        if self._service is not None and not self._service.runtime.in_loop_thread:
            raise WrongThread(
                f"app.{verb}() belongs to the event loop's thread; in a plain 'def' handler or "
                f"another thread, use app.sync.{blocking or verb}()."
            )
