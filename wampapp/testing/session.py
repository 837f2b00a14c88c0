"""Tests that are coroutines: ``async with app.test_session() as session:``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from wampapp.client.handles import Procedure
from wampapp.client.waiting import wait_for_answer
from wampapp.errors import HandlerFailed, UsageError
from wampapp.loop.runtime import current_runtime
from wampapp.protocol import uris
from wampapp.registry.endpoint import endpoint_for
from wampapp.testing.bench import Bench
from wampapp.testing.recording import Events, Stub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from types import TracebackType

    from wampapp.app import App
    from wampapp.session.connection import Connection

_NOT_RUNNING = "The test session does not run; use it in an 'async with' block."
_ACKNOWLEDGE = {"acknowledge": True}


class TestSession:
    """Apps on a router in memory, in the test's own event loop; use it by ``async with``.

    For pytest-asyncio, anyio on asyncio, and pytest-twisted. Each verb returns an awaitable: an
    asyncio task, or on a Twisted reactor a Deferred.

    Args:
        apps: what is tested.
        timeout: seconds that a verb may take.
    """

    __test__ = False

    def __init__(self, *apps: App, timeout: float = 10.0) -> None:
        self._apps = apps
        self._timeout = timeout
        self._stubs: list[Stub] = []
        self._bench: Bench | None = None
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        runtime = current_runtime()
        bench = Bench(runtime, self._apps)

        async def start() -> None:
            await bench.start(self._stubs, [])
            self._connection = await bench.connect()

        await runtime.awaitable(start())
        self._bench = bench
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        bench, self._bench, self._connection = self._running(), None, None
        await bench.runtime.awaitable(bench.stop())
        if error is None and bench.unanswered:
            if len(bench.unanswered) == 1:
                raise bench.unanswered[0]
            raise BaseExceptionGroup("handlers failed", bench.unanswered)

    def _running(self) -> Bench:
        if self._bench is None:
            raise UsageError(_NOT_RUNNING)
        return self._bench

    def _peer(self) -> Connection:
        if self._connection is None:
            raise UsageError(_NOT_RUNNING)
        return self._connection

    @property
    def failures(self) -> list[BaseException]:
        """What event handlers, timers and hooks raised so far; clear it if that was expected."""
        return self._running().unanswered

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        bench = self._running()

        async def run() -> Any:
            try:
                return await coroutine
            except HandlerFailed as error:
                raise error from bench.cause_of(error)

        return bench.runtime.awaitable(run())

    def _ask(self, ask: Callable[[Connection], Awaitable[Any]], what: str) -> Awaitable[Any]:
        return self._do(wait_for_answer(self._peer(), ask, self._timeout, what))

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call a procedure; await its result."""
        name = uris.resolve(uri, None, "procedure")
        return self._ask(lambda peer: peer.call(name, args, kwargs), f"answer from {name}")

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Publish an event; await its id, when the router has taken it."""
        name = uris.resolve(uri, None, "topic")
        return self._ask(
            lambda peer: peer.publish(name, args, kwargs, options=_ACKNOWLEDGE),
            f"acknowledgement for {name}",
        )

    async def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Call a procedure and iterate over its progressive results."""
        name = uris.resolve(uri, None, "procedure")
        items = Procedure(self._peer, name, {"timeout": self._timeout}).stream(*args, **kwargs)

        async def following() -> Any:
            return await anext(items, items)

        try:
            while (item := await self._do(following())) is not items:
                yield item
        finally:
            await self._do(items.aclose())

    def register(self, uri: str, handler: Callable[..., Any], /) -> Awaitable[Any]:
        """Register a procedure of the test's own; await its id."""
        record = self._running().blueprint().add_registration(handler, uri)
        endpoint = endpoint_for(record)
        return self._ask(lambda peer: peer.announce(record, endpoint), f"answer for {uri}")

    def subscribe(self, uri: str, handler: Callable[..., Any], /) -> Awaitable[Any]:
        """Subscribe a handler of the test's own; await its id."""
        record = self._running().blueprint().add_subscription(handler, uri)
        endpoint = endpoint_for(record)
        return self._ask(lambda peer: peer.announce(record, endpoint), f"answer for {uri}")

    def settle(self) -> Awaitable[Any]:
        """Await until all that was published before has reached the recorders."""
        return self._do(self._running().settle())

    def events(self, topics: str) -> Awaitable[Events]:
        """Record what is published from now on; await the recorder.

        Await :meth:`settle` before looking at it: waiting on the event loop's thread cannot be.

        Args:
            topics: as in :meth:`TestClient.events`.
        """
        bench = self._running()
        recorder = Events(topics)
        recorder.failure = bench.failure

        async def start() -> Events:
            await bench.record(recorder)
            return recorder

        return bench.runtime.awaitable(start())

    def stub(
        self,
        uri: str,
        *,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
    ) -> Stub:
        """Play a procedure of a service that is not there; before the block begins.

        Args:
            uri: the procedure.
            returns: what it returns; a function is called with the arguments.
            raises: what it raises instead.
        """
        if self._bench is not None:
            raise UsageError("A stub is made before the block: session = app.test_session().")
        stub = Stub(uri, returns, raises)
        self._stubs.append(stub)
        return stub
