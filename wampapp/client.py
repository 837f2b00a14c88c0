"""The blocking client: the verbs of WAMP for threads, scripts and the command line."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from wampapp import config as configs
from wampapp import loop as loops
from wampapp import uri as uris
from wampapp.connection import join
from wampapp.dial import UrlDialer
from wampapp.dispatch import Dispatcher
from wampapp.endpoint import endpoint_for
from wampapp.errors import CallTimeout, ConnectionLost, NotJoined
from wampapp.handles import Procedure
from wampapp.registry import Subscription
from wampapp.workers import Workers, lending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType

    from wampapp.session import Session

logger = logging.getLogger("wampapp.client")

_THREADS = 40
_ACKNOWLEDGE = {"acknowledge": True}
_END = object()
_CLOSED = "This client is closed; open another with wampapp.connect()."


class Client:
    """Blocking verbs on a session. Each may be called from any thread but the event loop's.

    Get one from :func:`connect`, or as ``app.sync``.

    Args:
        runtime: the process's loop; called when a verb needs it.
        session: gives the joined session, or raises :class:`NotJoined`.
        prefix: what relative URIs are relative to.
        timeout: seconds that each verb may take; None for no limit.
    """

    def __init__(
        self,
        runtime: Callable[[], loops.Runtime],
        session: Callable[[], Session],
        *,
        prefix: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._runtime = runtime
        self._session = session
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
            NotJoined: there is no session now.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "procedure")
        return self._wait(lambda: self._session().call(name, args, kwargs), f"answer from {name}")

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
            NotJoined: there is no session now.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "topic")
        answer = self._wait(
            lambda: self._session().publish(name, args, kwargs, options=_ACKNOWLEDGE),
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
            NotJoined: there is no session now.
            ConnectionLost: the link broke before the end.
            WrongThread: called on the event loop's thread.
        """
        name = uris.resolve(uri, self._prefix, "procedure")
        items = Procedure(self._session, name).stream(*args, **kwargs)

        async def following() -> Any:
            return await anext(items, _END)

        try:
            while (item := self._wait(following, f"result from {name}")) is not _END:
                yield item
        finally:
            self._runtime().call(items.aclose())

    def _wait(self, start: Callable[[], Awaitable[Any]], what: str) -> Any:
        async def run() -> Any:
            try:
                async with asyncio.timeout(self._timeout) as limit:
                    return await start()
            except TimeoutError:
                if not limit.expired():
                    raise
                raise CallTimeout(f"No {what} came within {self._timeout:g} s.") from None

        with lending():
            return self._runtime().call(run())


class ConnectedClient(Client):
    """A :class:`Client` with a session of its own. A context manager that leaves at its end.

    Use :func:`connect`.
    """

    def __init__(self, url: str, realm: str, *, timeout: float | None, connect_timeout: float):
        runtime = loops.get()
        self._joined: Session | None = None
        self._workers = Workers(_THREADS)
        self._dispatcher = Dispatcher(runtime.loop, self._workers, logger)
        super().__init__(lambda: runtime, self._current, timeout=timeout)
        dialer = UrlDialer(url, runtime.reactor)
        self._joined = runtime.call(join(dialer, realm, self._dispatcher, connect_timeout))
        runtime.clients += 1

    def _current(self) -> Session:
        if self._joined is None:
            raise NotJoined(_CLOSED)
        if self._joined.closed.done():
            raise NotJoined(
                f"The session with the router ended: {self._joined.closed.result()}; open another "
                "with wampapp.connect()."
            )
        return self._joined

    def subscribe(self, uri: str, handler: Callable[..., Any], /) -> int:
        """Subscribe a handler to a topic.

        Args:
            uri: the topic.
            handler: called for each event, one at a time and in order; a plain function in a
                worker thread, a coroutine function on the event loop.

        Returns:
            The subscription's id.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: the handler cannot be called.
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            ConnectionLost: the link broke before the answer came.
        """
        name = uris.resolve(uri, self._prefix, "topic")
        endpoint = endpoint_for(Subscription(name, handler))
        answer = self._wait(lambda: self._current().subscribe(endpoint), f"answer for {name}")
        return int(answer)

    def wait(self) -> None:
        """Wait until the session ends; handlers go on meanwhile, and Ctrl-C ends the wait.

        Raises:
            ConnectionLost: the session ended, and why.
        """

        async def closed(session: Session) -> str:
            return await asyncio.shield(session.closed)

        if self._joined is None:
            raise NotJoined(_CLOSED)
        reason = self._runtime().call(closed(self._joined))
        raise ConnectionLost(f"The session with the router ended: {reason}.")

    def close(self) -> None:
        """Say GOODBYE and disconnect. Closing twice does nothing."""
        session, self._joined = self._joined, None
        if session is not None:
            runtime = self._runtime()
            runtime.call(session.leave(timeout=2.0))
            runtime.clients -= 1
            self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def connect(
    url: str | None = None,
    realm: str | None = None,
    *,
    timeout: float | None = None,
    connect_timeout: float = 10.0,
) -> ConnectedClient:
    """Connect to a router and join a realm: WAMP for scripts.

    ::

        with wampapp.connect("rs://127.0.0.1:8080") as client:
            print(client.call("com.example.add", 2, 3))

    Args:
        url: the router; by default ``WAMPAPP_URL``, else ``rs://127.0.0.1:8080``.
        realm: the realm; by default ``WAMPAPP_REALM``, else ``realm1``.
        timeout: seconds that each verb of the client may take; None for no limit.
        connect_timeout: seconds for connecting and joining.

    Returns:
        The joined client.

    Raises:
        InvalidUrl: the URL is not one of a router.
        UsageError: the realm or a timeout is not valid.
        RouterUnreachable: no router answered.
        RouterRefused: the router refused the realm.
        WrongThread: called on the event loop's thread.
    """
    url, realm = configs.from_environment(url=url, realm=realm, default_url=configs.DEFAULT_URL)
    if timeout is not None:
        timeout = configs.check_seconds(timeout, "timeout")
    return ConnectedClient(
        url or configs.DEFAULT_URL,
        configs.check_realm(realm),
        timeout=timeout,
        connect_timeout=configs.check_seconds(connect_timeout, "connect_timeout"),
    )
