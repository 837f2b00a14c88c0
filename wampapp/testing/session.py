"""Tests that are coroutines: ``async with app.test_session() as session:``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from wampapp.client.active import ActiveRegistration, ActiveSubscription
from wampapp.client.autobahn_calls import procedure_for
from wampapp.client.waiting import wait_for_answer
from wampapp.errors import HandlerFailed, UsageError
from wampapp.loop.runtime import current_runtime
from wampapp.protocol import uris
from wampapp.registry.autobahn_options import call_timeout, sent_with_event, taken
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration
from wampapp.testing.events import Events
from wampapp.testing.guests import servable
from wampapp.testing.harness import Harness, absolute, prefix_of
from wampapp.testing.stub import Stub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
    from types import TracebackType

    from _typeshed import StrPath

    from wampapp.client.handles import Procedure
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.options import RegisterOptions, SubscribeOptions
    from wampapp.registry.records import Subscription
    from wampapp.runner.servable import Servable
    from wampapp.session.connection import Connection
    from wampapp.testing.described import DescribedStub
    from wampapp.testing.guests import ComponentLike

T = TypeVar("T")

_NOT_RUNNING = "The test session does not run; use it in an 'async with' block."
_TOO_LATE = "A stub is made before the block: session = app.test_session()."
_ACKNOWLEDGE = {"acknowledge": True}


class TestSession:
    """Apps on a router in memory, in the test's own event loop; use it with ``async with``.

    For pytest-asyncio, anyio on asyncio, and pytest-twisted. Each verb returns an awaitable: an
    asyncio task or, on a Twisted reactor, a Deferred.

    Args:
        apps: what is tested; as in :class:`TestRealm`.
        timeout: seconds that a verb may take.
    """

    __test__ = False

    def __init__(self, *apps: Servable | type[Any] | ComponentLike, timeout: float = 10.0) -> None:
        self._apps = tuple(map(servable, apps))
        self._prefix = prefix_of(self._apps)
        self._timeout = timeout
        self._stubs: list[Stub] = []
        self._described: list[DescribedStub] = []
        self._harness: Harness | None = None
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        runtime = current_runtime()
        harness = Harness(runtime, self._apps)

        async def start() -> None:
            await harness.start(self._stubs, self._described, [])
            self._connection = await harness.connect()

        await runtime.awaitable(start())
        self._harness = harness
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        harness, self._harness, self._connection = self._running(), None, None
        await harness.runtime.awaitable(harness.stop())
        if error is None and harness.failures:
            if len(harness.failures) == 1:
                raise harness.failures[0]
            raise BaseExceptionGroup("handlers failed", harness.failures)

    def _running(self) -> Harness:
        if self._harness is None:
            raise UsageError(_NOT_RUNNING)
        return self._harness

    def _peer(self) -> Connection:
        if self._connection is None:
            raise UsageError(_NOT_RUNNING)
        return self._connection

    @property
    def failures(self) -> list[BaseException]:
        """What event handlers, timers and hooks have raised; clear it if that was expected."""
        return self._running().failures

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        harness = self._running()

        async def run() -> Any:
            try:
                return await coroutine
            except HandlerFailed as error:
                raise error from harness.cause_of(error)

        return harness.runtime.awaitable(run())

    def _ask(self, ask: Callable[[Connection], Awaitable[Any]], what: str) -> Awaitable[Any]:
        return self._do(wait_for_answer(self._peer(), ask, self._timeout, what))

    def _absolute(self, uri: str, what: str) -> str:
        return uris.check(absolute(uri, self._prefix, what), what)

    def _procedure(self, name: str, theirs: Any) -> Procedure[Any]:
        options: Any = {"timeout": self._timeout, **call_timeout(theirs)}
        return procedure_for(self._peer, name, theirs, options)

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call a procedure; await its result. Takes what :meth:`App.call` does."""
        name = self._absolute(uri, "procedure")
        if "options" in kwargs and (theirs := taken(kwargs, "CallOptions")) is not None:
            return self._do(self._procedure(name, theirs)(*args, **kwargs))
        return self._ask(lambda peer: peer.call(name, args, kwargs), f"answer from {name}")

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Publish an event; await its publication id, once the router has accepted it."""
        name = self._absolute(uri, "topic")
        options: dict[str, Any] = _ACKNOWLEDGE
        if "options" in kwargs and (theirs := taken(kwargs, "PublishOptions")) is not None:
            options = {**sent_with_event(theirs), **_ACKNOWLEDGE}
        return self._ask(
            lambda peer: peer.publish(name, args, kwargs, options=options),
            f"acknowledgement for {name}",
        )

    async def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Call a procedure and iterate over its progressive results."""
        name = self._absolute(uri, "procedure")
        theirs = taken(kwargs, "CallOptions") if "options" in kwargs else None
        items = self._procedure(name, theirs).stream(*args, **kwargs)

        async def following() -> Any:
            return await anext(items, items)

        try:
            while (item := await self._do(following())) is not items:
                yield item
        finally:
            await self._do(items.aclose())

    def register(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[RegisterOptions]
    ) -> Awaitable[ActiveRegistration]:
        """Register a procedure of the test's own; await the registration.

        Takes what :meth:`App.register_now` does.
        """
        record = (
            self._running()
            .blueprint()
            .add_registration(handler, absolute(uri, self._prefix, "procedure"), **options)
        )
        return self._announce(record, ActiveRegistration)

    def subscribe(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[SubscribeOptions]
    ) -> Awaitable[ActiveSubscription]:
        """Subscribe a handler of the test's own; await the subscription.

        Takes what :meth:`App.subscribe_now` does.
        """
        record = (
            self._running()
            .blueprint()
            .add_subscription(handler, absolute(uri, self._prefix, "topic"), **options)
        )
        return self._announce(record, ActiveSubscription)

    def _announce(
        self,
        record: Registration | Subscription,
        kind: Callable[[Runtime, Connection, Endpoint], T],
    ) -> Awaitable[T]:
        runtime, endpoint = self._running().runtime, endpoint_for(record)

        async def announce(peer: Connection) -> T:
            if isinstance(record, Registration):
                await self._running().described.make_way(endpoint.pattern)
            await peer.announce(record, endpoint)
            return kind(runtime, peer, endpoint)

        return self._ask(announce, f"answer for {record.uri}")

    def settle(self) -> Awaitable[Any]:
        """Wait until everything published before has reached the recorders; await it."""
        return self._do(self._running().settle())

    def events(self, topics: str) -> Awaitable[Events]:
        """Record what is published from now on; await the recorder.

        Await :meth:`settle` before you look at the recorder, which cannot wait on the event
        loop's thread by itself.

        Args:
            topics: as in :meth:`TestClient.events`.
        """
        harness = self._running()
        recorder = Events(absolute(topics, self._prefix, "topic"))
        recorder.failure = harness.first_failure

        async def start() -> Events:
            await harness.add_recorder(recorder)
            return recorder

        return harness.runtime.awaitable(start())

    def stub(
        self,
        uri: str,
        *,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
    ) -> Stub:
        """Play a procedure, before the block begins; as :meth:`TestRealm.stub`.

        Args:
            uri: the procedure; with one app, a leading dot is relative to its prefix.
            returns: what it returns; a function is called with the arguments.
            raises: what it raises instead.
        """
        if self._harness is not None:
            raise UsageError(_TOO_LATE)
        stub = Stub(absolute(uri, self._prefix, "procedure"), returns, raises)
        self._stubs.append(stub)
        return stub

    def stub_from(self, document: StrPath | Mapping[str, Any]) -> Mapping[str, Stub]:
        """Play the procedures that a document describes, before the block begins.

        Takes what :meth:`TestRealm.stub_from` does.
        """
        if self._harness is not None:
            raise UsageError(_TOO_LATE)
        from wampapp.testing.described import stubs_from

        stubs = stubs_from(document)
        self._described += stubs.values()
        return stubs
