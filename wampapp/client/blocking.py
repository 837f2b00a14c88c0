"""The blocking client: the verbs of WAMP for threads, scripts and the command line."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from wampapp.client.handles import Procedure, PublishOptions, Topic, answered
from wampapp.errors import CallTimeout, NotJoined
from wampapp.loop.workers import lending
from wampapp.protocol import uri as uris
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.endpoint import endpoint_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator

    from wampapp.loop import runtime as loops
    from wampapp.registry.blueprint import RegisterOptions, SubscribeOptions
    from wampapp.registry.records import Registration, Subscription
    from wampapp.session.connection import Connection

T = TypeVar("T")

logger = logging.getLogger("wampapp.client")

_THREADS = 40
_GRACE = 1.0
_ACKNOWLEDGE = {"acknowledge": True}
_END = object()
_CLOSED = "This client is closed; open another with wampapp.connect()."


class Client:
    """Blocking verbs on a session. Each may be called from any thread but the event loop's.

    Get one from :func:`connect`, or as ``app.sync``.

    Args:
        runtime: the process's loop; called when a verb needs it.
        connection: gives the connection, or raises :class:`NotJoined`.
        prefix: what relative URIs are relative to.
        timeout: seconds that each verb may take; None for no limit.
    """

    def __init__(
        self,
        runtime: Callable[[], loops.Runtime],
        connection: Callable[[], Connection],
        *,
        prefix: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._runtime = runtime
        self._connection = connection
        self._prefix = prefix
        self._timeout = timeout

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and wait for its result.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            The result: the value if it is exactly one positional value, None if it is none,
            else a :class:`~wampapp.CallResult`.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: no answer came in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "procedure")
        return self._wait(lambda peer: peer.call(name, args, kwargs), f"answer from {name}")

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> int:
        """Publish an event and wait until the router has taken it.

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            The publication's id.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the router refuses the event.
            CallTimeout: the router did not answer in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "topic")
        answer = self._wait(
            lambda peer: peer.publish(name, args, kwargs, options=_ACKNOWLEDGE),
            f"acknowledgement for {name}",
        )
        return int(answer)

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Call a procedure and iterate over its progressive results.

        Leaving the iteration cancels the call.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Yields:
            Each progressive result as it comes, and at the end the final one if it is not None.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: the next result did not come in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the end.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "procedure")
        yield from self._follow(
            Procedure(self._connection, name).stream(*args, **kwargs), name, self._timeout
        )

    def procedure(
        self,
        uri: str,
        *,
        timeout: float | None = None,
        returns: Any = None,
        disclose_me: bool = False,
        idempotent: bool = False,
    ) -> BlockingProcedure:
        """Make a handle to a remote procedure, which carries its options.

        ::

            add = client.procedure("com.example.add", timeout=2, returns=int)
            total = add(2, 3)

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            timeout: seconds that a call may take; then it is cancelled. None for the client's.
            returns: as in :meth:`App.procedure`.
            disclose_me: as in :meth:`App.procedure`.
            idempotent: as in :meth:`App.procedure`.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not valid.
        """
        procedure = Procedure(
            self._connection,
            uris.resolve(uri, self._prefix, "procedure"),
            timeout=self._timeout if timeout is None else timeout,
            returns=returns,
            disclose_me=disclose_me,
            idempotent=idempotent,
            ready=self._ready,
        )
        return BlockingProcedure(self, procedure)

    def topic(self, uri: str, **options: Unpack[PublishOptions]) -> BlockingTopic:
        """Make a handle to a topic, which carries its options.

        ::

            news = client.topic("com.example.news", retain=True)
            news.publish("hello")

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            options: see :class:`~wampapp.client.handles.PublishOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not known.
        """
        name = uris.resolve(uri, self._prefix, "topic")
        # Who blocks anyway may as well know that the router has it.
        return BlockingTopic(self, Topic(self._connection, name, {"acknowledge": True, **options}))

    def on_loop(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine function on the event loop, and wait for it.

        For many verbs at one time, each of which costs no change of threads. Ctrl-C in the
        waiting thread cancels it.

        Args:
            work: called with the client's connection, on the loop's thread.

        Returns:
            What it returns; raises what it raises.

        Raises:
            NotJoined: the client is closed.
            WrongThread: called on the event loop's thread.
        """

        async def run() -> T:
            return await work(await self._ready())

        return self._run(run)

    def _follow(
        self, items: AsyncGenerator[Any, None], name: str, timeout: float | None = None
    ) -> Iterator[Any]:
        """Iterate over what comes; ``timeout`` is for each by itself."""

        async def following() -> Any:
            try:
                async with asyncio.timeout(timeout) as limit:
                    return await anext(items, _END)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise CallTimeout(f"No result from {name} came within {timeout:g} s.") from None

        self._run(self._joined)
        try:
            while (item := self._run(following)) is not _END:
                yield item
        finally:
            self._runtime().call(items.aclose())

    def _wait(self, ask: Callable[[Connection], Awaitable[Any]], what: str) -> Any:
        async def run() -> Any:
            return await answered(self._ready(), ask, self._timeout, what)

        return self._run(run)

    async def _ready(self) -> Connection:
        """Return the connection that a verb goes out on, which may wait for its session."""
        return self._connection()

    async def _joined(self) -> None:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                await (await self._ready()).joined(self._timeout)
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotJoined(
                f"There was no session with a router within {self._timeout:g} s; nothing was sent."
            ) from None

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        with lending() as answered:
            return self._runtime().call(work(), answered)


class BlockingProcedure:
    """A remote procedure; get one by ``client.procedure(uri)``.

    Attributes:
        uri: the procedure's absolute URI.
    """

    def __init__(self, client: Client, procedure: Procedure) -> None:
        self.uri = procedure.uri
        self._client = client
        self._procedure = procedure

    def __repr__(self) -> str:
        return repr(self._procedure)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the procedure and wait for its result.

        Takes, returns and raises what :meth:`wampapp.client.handles.Procedure.__call__` does, and
        :class:`WrongThread` on the event loop's thread.
        """
        return self._client._run(lambda: self._procedure(*args, **kwargs))

    def stream(self, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Call the procedure and iterate over its progressive results.

        Takes, yields and raises what :meth:`wampapp.client.handles.Procedure.stream` does, and
        :class:`WrongThread` on the event loop's thread.
        """
        return self._client._follow(self._procedure.stream(*args, **kwargs), self.uri)


class BlockingTopic:
    """A topic to publish to; get one by ``client.topic(uri)``.

    Attributes:
        uri: the topic's absolute URI.
    """

    def __init__(self, client: Client, topic: Topic) -> None:
        self.uri = topic.uri
        self._client = client
        self._topic = topic

    def __repr__(self) -> str:
        return repr(self._topic)

    def publish(self, /, *args: Any, **kwargs: Any) -> int | None:
        """Publish an event and wait until the router has taken it.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            The publication's id; None with ``acknowledge=False``, which does not wait.

        Raises:
            WampError: the router refuses the event.
            CallTimeout: the router did not answer in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        answer = self._client._wait(
            lambda _: self._topic.publish(*args, **kwargs), f"acknowledgement for {self.uri}"
        )
        return None if answer is None else int(answer)


class PeerClient(Client):
    """A :class:`Client` that can register and subscribe as well."""

    def register(
        self, uri: str, handler: Callable[..., Any], /, **options: Unpack[RegisterOptions]
    ) -> int:
        """Register a procedure.

        Args:
            uri: the procedure.
            handler: called for each call; a plain function in a worker thread, a coroutine
                function on the event loop.
            options: as in :meth:`App.register`.

        Returns:
            The registration's id.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: the handler cannot be called.
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            ConnectionLost: the link broke before the answer came.
        """
        return self._announce(self._blueprint().add_registration(handler, uri, **options))

    def subscribe(
        self, uri: str, handler: Callable[..., Any], /, **options: Unpack[SubscribeOptions]
    ) -> int:
        """Subscribe a handler to a topic.

        Args:
            uri: the topic.
            handler: called for each event, one at a time and in order; a plain function in a
                worker thread, a coroutine function on the event loop.
            options: as in :meth:`App.subscribe`.

        Returns:
            The subscription's id.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: the handler cannot be called.
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            ConnectionLost: the link broke before the answer came.
        """
        return self._announce(self._blueprint().add_subscription(handler, uri, **options))

    def _blueprint(self) -> Blueprint:
        return Blueprint(self._prefix)

    def _announce(self, record: Registration | Subscription) -> int:
        endpoint = endpoint_for(record)
        answer = self._wait(
            lambda peer: peer.announce(record, endpoint), f"answer for {record.uri}"
        )
        return int(answer)
