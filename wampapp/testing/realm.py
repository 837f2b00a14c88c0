"""Blocking tests: ``app.test_client()`` and :class:`TestRealm`."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Self

from wampapp.client.blocking import PeerClient
from wampapp.errors import HandlerFailed, UsageError
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration
from wampapp.testing.events import Events
from wampapp.testing.guests import servable
from wampapp.testing.harness import NO_PREFIX, Harness, absolute, prefix_of
from wampapp.testing.stub import Stub
from wampapp.testing.virtual_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from _typeshed import StrPath
    from werkzeug.test import Client as Browser

    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Subscription
    from wampapp.runner.servable import Servable
    from wampapp.session.connection import Connection
    from wampapp.testing.described import DescribedStub
    from wampapp.testing.guests import ComponentLike

#: Seconds; more than the longest delay between two attempts to join.
_REJOIN_SECONDS = 2.0
#: Verbs of the client that the block gives, for a hint.
_VERBS = ("call", "publish", "stream", "register", "subscribe", "as_", "settle")


class TestRealm:
    """Several apps on one router in memory. A context manager that gives a :class:`TestClient`.

    ::

        with TestRealm(shop, billing) as client:
            client.call("com.shop.order", "tea")

    No caller gets what event handlers, timers and hooks raise. So it is raised at the end of the
    block, unless the test has removed it from :attr:`failures`.

    Args:
        apps: what is tested; each runs as in ``app.run()``, hooks and timers included. Subclasses
            of Autobahn's ``ApplicationSession`` and its components are taken as apps are.
        realm: the realm that all of them join; by default the first one's.
        timeout: seconds that a verb of its clients may take.
    """

    __test__ = False  # pytest takes a class of this name for a test

    def __init__(
        self,
        *apps: Servable | type[Any] | ComponentLike,
        realm: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._apps = tuple(map(servable, apps))
        self._realm = realm
        self._timeout = timeout
        self._stubs: list[Stub] = []
        self._described: list[DescribedStub] = []
        self._recorders: list[Events] = []
        self._harness: Harness | None = None
        self.prefix = prefix_of(self._apps)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(app.name for app in self._apps)}>"

    def __getattr__(self, name: str) -> Any:
        hint = "; use it in a block: with app.test_client() as client" if name in _VERBS else ""
        raise AttributeError(f"{self!r} has no attribute {name!r}{hint}")

    @property
    def harness(self) -> Harness:
        """The running router and apps.

        Raises:
            UsageError: the block is not open.
        """
        if self._harness is None:
            raise UsageError("The test realm does not run; use it in a 'with' block.")
        return self._harness

    @property
    def failures(self) -> list[BaseException]:
        """What event handlers, timers and hooks have raised; clear it if that was expected."""
        return self.harness.failures

    def stub(
        self,
        uri: str,
        *,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
    ) -> Stub:
        """Play a procedure, before the block or in it.

        It may be one of a service that is not part of the test, or one of an app under test, which
        the stub then replaces until the block ends.

        Args:
            uri: the procedure; with one app, a leading dot is relative to its prefix.
            returns: what it returns; a function is called with the arguments.
            raises: what it raises instead.

        Returns:
            The stub; its ``calls`` lists the calls so far.

        Raises:
            InvalidUri: the URI is not valid.
            ProcedureExists: the test has registered the procedure, or another stub of it.
        """
        stub = Stub(absolute(uri, self.prefix, "procedure"), returns, raises)
        if self._harness is None:
            self._stubs.append(stub)
        else:
            self._harness.runtime.call(self._harness.add_stub(stub))
        return stub

    def stub_from(self, document: StrPath | Mapping[str, Any]) -> Mapping[str, Stub]:
        """Play the procedures that a document describes, before the block or in it.

        Those that the test or an app under test registers are left to them. Each stub answers with
        the smallest value that fits, or with an example or a default of the document's, and refuses
        the calls that the procedure itself would refuse.

        Args:
            document: an AsyncAPI document that ``wampapp docs`` wrote, or the file that holds it.

        Returns:
            The stubs, by their URIs as they were declared.

        Raises:
            UsageError: there is no such file, or it is something else; or jsonschema is not
                installed.
        """
        from wampapp.testing.described import stubs_from

        stubs = stubs_from(document)
        if self._harness is None:
            self._described += stubs.values()
        else:
            self._harness.runtime.call(self._harness.add_described([*stubs.values()]))
        return stubs

    def events(self, topics: str) -> Events:
        """Record what anybody publishes from now on; before the block, or in it.

        Args:
            topics: a topic; ``*`` in it stands for one component, ``**`` at its end for one or
                more. With one app, a leading dot is relative to its prefix.

        Raises:
            InvalidUri: it is not a topic.
        """
        recorder = Events(absolute(topics, self.prefix, "topic"))
        if self._harness is None:
            self._recorders.append(recorder)
        else:
            self._harness.runtime.call(self._harness.add_recorder(recorder))
            self._connect(recorder, self._harness)
        return recorder

    @staticmethod
    def _connect(recorder: Events, harness: Harness) -> None:
        def settle() -> None:
            if not harness.stopped:
                harness.runtime.call(harness.settle())

        recorder.settle, recorder.failure = settle, harness.first_failure

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """While it is open, the apps have lost the router and cannot join again.

        At its end, the clock is moved forward until they have joined again.
        """
        harness = self.harness

        async def do(what: Any) -> None:
            what()

        harness.runtime.call(do(harness.go_offline))
        try:
            yield
        finally:
            harness.runtime.call(do(harness.go_online))
            clock.advance(_REJOIN_SECONDS)

    def __enter__(self) -> TestClient:
        if self._harness is not None:
            raise UsageError("The test realm runs already.")
        runtime = clock.runtime()
        harness = Harness(runtime, self._apps, self._realm)
        for recorder in self._recorders:
            self._connect(recorder, harness)
        runtime.call(harness.start(self._stubs, self._described, self._recorders))
        clock.harnesses.add(harness)
        self._harness = harness
        return TestClient(self, runtime.call(harness.connect()), self._timeout)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        harness, self._harness = self.harness, None
        clock.harnesses.discard(harness)
        harness.runtime.call(harness.stop())
        harness.join_threads()
        if error is None and harness.failures:
            if len(harness.failures) == 1:
                raise harness.failures[0]
            raise BaseExceptionGroup("handlers failed", harness.failures)


class TestClient(PeerClient):
    """A blocking client of a :class:`TestRealm`.

    When a handler fails with an exception of its own, the error that its caller gets has that
    exception as its cause, so that the test shows the handler's own traceback.

    Attributes:
        realm: the realm.
        clock: the clock of apps under test; see :class:`~wampapp.testing.Clock`.
    """

    __test__ = False
    _NO_PREFIX = NO_PREFIX

    def __init__(self, realm: TestRealm, connection: Connection, timeout: float) -> None:
        harness = realm.harness

        def current() -> Connection:
            realm.harness  # noqa: B018 - raises when the block has ended
            return connection

        def prepare(record: Registration | Subscription) -> Endpoint:
            endpoint = endpoint_for(record)
            if isinstance(record, Registration):
                harness.runtime.call(harness.described.make_way(endpoint.pattern))
            return endpoint

        super().__init__(
            lambda: harness.runtime,
            current,
            prefix=realm.prefix,
            prepare=prepare,
            timeout=timeout,
            blueprint=lambda: realm.harness.blueprint(realm.prefix or None),
        )
        self.realm = realm
        self.clock = clock
        self._test_timeout = timeout

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.realm!r}>"

    def component(self, name: str) -> Any:
        """Return what tests ask of a component that an app under test has; also ``client.<name>``.

        Args:
            name: its name, such as ``"tasks"``.

        Raises:
            UsageError: no app under test has such a component.
        """
        for app in self.realm.harness.apps:
            component = getattr(app, "extensions", {}).get(name)
            if component is not None:
                return component.tester(self)
        raise UsageError(f"No app under test has a component {name!r}.")

    if TYPE_CHECKING:
        #: What tests ask of a task queue.
        tasks: Any
    else:  # type checkers are to find what is misspelt

        def __getattr__(self, name: str) -> Any:
            """Return what tests ask of a component."""
            if "realm" in self.__dict__:
                with contextlib.suppress(UsageError):
                    return self.component(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def settle(self) -> None:
        """Wait until everything that needs no more time has happened, handlers included."""
        self.clock.advance(0)

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and wait for its result; as :meth:`Client.call`."""
        try:
            return super().call(uri, *args, **kwargs)
        except HandlerFailed as error:
            raise error from self.realm.harness.cause_of(error)

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Call a procedure and iterate over its progressive results; as :meth:`Client.stream`."""
        try:
            yield from super().stream(uri, *args, **kwargs)
        except HandlerFailed as error:
            raise error from self.realm.harness.cause_of(error)

    @functools.cached_property
    def pages(self) -> Browser:
        """The app's web pages, asked by werkzeug's test client, which keeps cookies.

        ::

            assert client.pages.get("/orders/3").json == {"id": 3}

        What a view raises, and no error handler takes, is raised there.
        """
        from wampapp.testing.pages import browser_of

        return browser_of(self.realm.harness)

    def events(self, topics: str) -> Events:
        """Record what is published from now on; as :meth:`TestRealm.events`."""
        return self.realm.events(topics)

    def stub(
        self,
        uri: str,
        *,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
    ) -> Stub:
        """Play a procedure; as :meth:`TestRealm.stub`."""
        return self.realm.stub(uri, returns=returns, raises=raises)

    def stub_from(self, document: StrPath | Mapping[str, Any]) -> Mapping[str, Stub]:
        """Play the procedures that a document describes; as :meth:`TestRealm.stub_from`."""
        return self.realm.stub_from(document)

    def as_(self, authid: str, *, role: str = "anonymous") -> TestClient:
        """Make a client with a session of its own, joined as somebody.

        Args:
            authid: its authid.
            role: its role.
        """
        harness = self.realm.harness
        connection = harness.runtime.call(harness.connect(authid, role))
        return TestClient(self.realm, connection, self._test_timeout)

    @property
    def failures(self) -> list[BaseException]:
        """What event handlers, timers and hooks have raised; clear it if that was expected."""
        return self.realm.failures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Do nothing: the realm's block ends the client."""
