"""Apps on a router in memory: what blocking tests and coroutine tests share."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import DEFAULT_REALM, Config
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import HandlerFailed, HookFailed, RouterUnreachable, UsageError
from wampapp.loop.threads import ThreadPool
from wampapp.protocol import uris
from wampapp.protocol.patterns import Pattern
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.context import Event  # noqa: TC001 - a handler's annotation is looked up
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.naming import absolute_uri, check_relative
from wampapp.router.router import Router
from wampapp.session.connection import Connection
from wampapp.testing.described import Described
from wampapp.testing.virtual_clock import ClockLoop
from wampapp.transport.dial import LocalDialer

if TYPE_CHECKING:
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.records import Registration, Subscription
    from wampapp.runner.servable import Servable
    from wampapp.runner.service import Service
    from wampapp.testing.described import DescribedStub
    from wampapp.testing.events import Events
    from wampapp.testing.stub import Stub
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp.testing")

#: The topic whose acknowledgement shows that the router has handled all that came before.
_SETTLED: Final = "wampapp.testing.settled"


NO_PREFIX: Final = "here are several apps, or none; write the full URI"


def prefix_of(apps: tuple[Servable, ...]) -> str | None:
    """Return what a test's URIs are relative to: the prefix of the only app.

    Without a prefix of its own, that is the empty one. None if there is more than one app, or none.
    """
    return apps[0].prefix or "" if len(apps) == 1 else None


def absolute(uri: Any, prefix: str | None, what: str) -> str:
    """Put the prefix before a relative URI of a test; what comes of it is not checked.

    Raises:
        InvalidUri: the URI is relative, and there is no prefix.
    """
    check_relative(uri, prefix, what, NO_PREFIX)
    return absolute_uri(uris.check_string(uri, what), prefix)


class AppDialer(LocalDialer):
    """Reaches the router in memory, unless the test has taken that offline."""

    offline = False

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Link to the router; see :class:`~wampapp.transport.dial.Dialer`."""
        if self.offline:
            raise RouterUnreachable("The test's router is offline.")
        await super().dial(handler, timeout)


class Harness:
    """A router in memory, the apps on it, and the test's own sessions.

    Its coroutines run on the loop's thread.

    Args:
        runtime: the loop.
        apps: what is tested.
        realm: the realm that all of them join; None for the first app's.

    Attributes:
        runtime: the loop.
        apps: what is tested.
        stopped: whether everything has stopped.
        failures: what event handlers, timers and hooks raised; no caller got it.
        page_failures: what views raised, and no error handler took.
    """

    def __init__(
        self, runtime: Runtime, apps: tuple[Servable, ...], realm: str | None = None
    ) -> None:
        self.runtime = runtime
        self.apps = apps
        first = apps[0].config.realm if apps else DEFAULT_REALM
        self._config = Config(realm=realm or first, grace=1.0)
        self.stopped = False
        self.failures: list[BaseException] = []
        self.page_failures: list[BaseException] = []
        self._by_id: dict[str, BaseException] = {}
        self._services: list[Service] = []
        self._connections: list[Connection] = []
        self._recorders: list[Events] = []
        #: The procedures that stubs play.
        self._played: list[Pattern] = []
        #: Those that are played as documents describe them.
        self.described: Described
        self._router: Router
        self._workers: ThreadPool
        self._dispatcher: Dispatcher
        self._own: Connection
        self._dialer: AppDialer

    @property
    def pools(self) -> list[ThreadPool]:
        """The pools of worker threads, the test's own and the apps'."""
        return [self._workers, *(service.workers for service in self._services)]

    async def start(
        self, stubs: list[Stub], described: list[DescribedStub], recorders: list[Events]
    ) -> None:
        """Start the router, the stubs and the apps.

        Args:
            stubs: the stubs to register before the apps join.
            described: the stubs of what else documents describe.
            recorders: the recorders to subscribe before the apps join.

        Raises:
            UsageError: an app runs already.
            WampappError: what an app's start raises.
        """
        if isinstance(self.runtime.loop, ClockLoop):
            # Handlers may use Twisted's reactor, whose delays then go by the same clock.
            self.runtime.reactor.seconds = self.runtime.loop.time
        # Its timers go by the clock of the loop, which a test may move.
        self._router = Router("wampapp.testing", call_later=self.runtime.loop.call_later)
        self._workers = ThreadPool(40, "wampapp-test")
        self._dispatcher = Dispatcher(self.runtime.loop, self._workers, logger)
        self._dispatcher.failures.on_failure = self._on_failure
        self._dialer = AppDialer(self._router.new_session)
        try:
            self._own = await self.connect()
            self.described = Described(self._own)
            for stub in stubs:
                await self.add_stub(stub)
            await self.add_described(described)
            for recorder in recorders:
                await self.add_recorder(recorder)
            for app in self.apps:
                await self._start(app)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, app: Servable) -> None:
        if app.is_running:
            raise UsageError(f"{app!r} runs already; it runs once at a time.")
        config = dataclasses.replace(
            app.config,
            realm=self._config.realm,
            url=None,
            auth=None,
            tls=None,
            watch_loop=False,
            check_results=True,
            in_test=True,
        )
        service = app.make_service(config, self.runtime, self._dialer)
        service.dispatcher.failures.on_failure = self._on_failure
        app.attach(service)
        self._services.append(service)
        for pattern in self._played:
            await service.leave_out(pattern)
        if app.registry.web:
            service.takes_pages(lambda _host: True, frozenset())
        try:
            await service.start()
        except HookFailed as error:
            # None where a session of Autobahn's did not do what it should.
            raise error from (self.failures.pop() if self.failures else None)
        if service.pages is not None and service.pages.failures is not None:
            service.pages.failures.on_failure = self._on_page_failure

    def _on_page_failure(self, error: BaseException, error_id: str) -> None:
        if error_id:
            self.page_failures.append(error)
        else:
            self._on_failure(error, error_id)

    @property
    def sites(self) -> list[Any]:
        """The web pages of each app, as ASGI apps; None for an app without."""
        return [None if s.pages is None else s.pages.site for s in self._services]

    def _on_failure(self, error: BaseException, error_id: str) -> None:
        if error_id:
            self._by_id[error_id] = error
        else:
            self.failures.append(error)
            for recorder in self._recorders:
                recorder.wake()

    async def stop(self) -> None:
        """Stop the apps, and close the test's sessions and the router."""
        for service, app in reversed(list(zip(self._services, self.apps, strict=False))):
            with contextlib.suppress(Exception):
                await service.stop()
            app.attach(None)
        if self._connections:
            await self.settle()  # what was published last is recorded too
        self.stopped = True
        for connection in reversed(self._connections):
            await connection.close()
        self._router.close()
        self._workers.close()

    def join_threads(self) -> None:
        """Wait for the worker threads to end; not to be called on the loop's thread."""
        for pool in self.pools:
            pool.join()

    async def connect(self, authid: str = "", authrole: str = "anonymous") -> Connection:
        """Open a session of the test's own.

        Args:
            authid: its authid.
            authrole: its role.
        """
        dialer = LocalDialer(lambda: self._router.new_session(authid, authrole))
        connection = Connection(dialer, self._config, self._dispatcher, defined=self._defined())
        await connection.open(patient=False)
        self._connections.append(connection)
        return connection

    async def add_stub(self, stub: Stub) -> None:
        """Register a stub, in place of the procedure of an app if there is one.

        Raises:
            ProcedureExists: the test has registered the procedure, or another stub of it.
        """
        record = self._record(stub)
        pattern = endpoint_for(record).pattern
        await self.described.make_way(pattern)
        self._played.append(pattern)
        for service in self._services:
            await service.leave_out(pattern)
        await self._announce(record)

    async def add_described(self, stubs: list[DescribedStub]) -> None:
        """Register the stubs of a document's procedures, except for those that are there already.

        Args:
            stubs: the stubs. What a test or an app declares itself takes the place of one.
        """
        declared = [record for app in self.apps for record in app.registry.registrations]
        patterns = [endpoint_for(record).pattern for record in declared]
        for stub in stubs:
            await self.described.add(self._record(stub), patterns)

    def _record(self, stub: Stub) -> Registration:
        return self.blueprint().add_registration(
            stub.answer, stub.uri, match=stub.match, run="loop", validate=False
        )

    def _defined(self) -> dict[str, type[Exception]]:
        defined: dict[str, type[Exception]] = {}
        for app in self.apps:
            defined.update(app.scope.defined())
        return defined

    def blueprint(self, prefix: str | None = None) -> Blueprint:
        """Make a blueprint for handlers of the test's own; it knows the errors that apps define.

        Args:
            prefix: what relative URIs are relative to.
        """
        blueprint = Blueprint(prefix)
        blueprint.scope.uris = {kind: uri for uri, kind in self._defined().items()}
        return blueprint

    async def add_recorder(self, recorder: Events) -> None:
        """Subscribe a recorder to its topics."""
        topics = recorder.topics

        def take(event: Event, *args: Any, **kwargs: Any) -> None:
            recorder.record(*args, event=event, **kwargs)

        if topics.prefix is None:
            record = Blueprint().add_subscription(take, topics.text, run="loop")
        else:
            prefix = topics.prefix.removesuffix(".")
            record = Blueprint().add_subscription(take, prefix or "any", run="loop", match="prefix")
            # An app may not declare the empty prefix, which matches every topic.
            record = dataclasses.replace(record, pattern=Pattern(prefix, prefix, "prefix"))
        self._recorders.append(recorder)
        await self._announce(record)

    async def _announce(self, record: Registration | Subscription) -> None:
        await self._own.announce(record, endpoint_for(record))

    async def settle(self) -> None:
        """Wait until everything that was published before has reached the recorders."""
        await self._own.publish(_SETTLED, (), {}, options={"acknowledge": True})

    def first_failure(self) -> BaseException | None:
        """Return the first failure that no caller got; None if there is none."""
        return self.failures[0] if self.failures else None

    def cause_of(self, error: HandlerFailed) -> BaseException | None:
        """Return the exception that a handler raised, by the error that its caller got."""
        return self._by_id.get(error.kwargs.get("error_id", ""))

    def go_offline(self) -> None:
        """Break the apps' sessions; new ones are refused until :meth:`go_online`."""
        self._dialer.offline = True
        for service in self._services:
            for connection in service.connections:
                if connection.session is not None:
                    connection.session.cut("the test took the router away")

    def go_online(self) -> None:
        """Allow the apps to join again."""
        self._dialer.offline = False
