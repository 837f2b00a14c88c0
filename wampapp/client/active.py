"""Registrations and subscriptions that were made while the app runs, and can be taken back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wampapp.errors import CallTimeout, WrongThread

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from wampapp.client.waiting import Waiter
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.endpoint import Endpoint
    from wampapp.session.connection import Connection


class _Active:
    def __init__(self, connection: Connection, endpoint: Endpoint) -> None:
        self.uri = endpoint.uri
        self._connection = connection
        self._endpoint = endpoint

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uri!r}>"

    @property
    def id(self) -> int | None:
        """The id in the current session; None while there is none, or once it was taken back."""
        return self._connection.find(self._endpoint)


class _Awaitable(_Active):
    def __init__(self, runtime: Runtime, connection: Connection, endpoint: Endpoint) -> None:
        super().__init__(connection, endpoint)
        self._runtime = runtime

    def _take_back(self, instead: str) -> Awaitable[None]:
        if not self._runtime.in_loop_thread:
            raise WrongThread(
                f"{self!r} belongs to the event loop's thread; in a plain 'def' handler use "
                f"{instead}, or make it with app.sync."
            )
        done = self._connection.withdraw(self._endpoint)

        async def wait() -> None:
            await done

        return self._runtime.awaitable(wait())


class ActiveRegistration(_Awaitable):
    """A procedure that was registered while the app runs; see :meth:`App.register_now`.

    When a lost session comes back, it is registered again, until it is taken back.

    Attributes:
        uri: the procedure, as it was declared.
    """

    def unregister(self) -> Awaitable[None]:
        """Take the procedure back, for good; calls that run go on. Once more does nothing.

        Returns:
            An awaitable that is done when the router has taken it back too: an asyncio task or,
            where Twisted's code asks, a Deferred. Awaiting it raises :class:`WampError` if the
            router refuses.

        Raises:
            WrongThread: called off the event loop.
        """
        return self._take_back("call.unregister()")


class ActiveSubscription(_Awaitable):
    """A handler that was subscribed while the app runs; see :meth:`App.subscribe_now`.

    When a lost session comes back, it is subscribed again, until it is taken back.

    Attributes:
        uri: the topic, as it was declared.
    """

    def unsubscribe(self) -> Awaitable[None]:
        """Take the handler back, for good: no further event reaches it. Once more does nothing.

        Other handlers of the topic go on.

        Returns:
            As in :meth:`ActiveRegistration.unregister`.

        Raises:
            WrongThread: called off the event loop.
        """
        return self._take_back("event.unsubscribe()")


class _Blocking(_Active):
    def __init__(self, waiter: Waiter, connection: Connection, endpoint: Endpoint) -> None:
        super().__init__(connection, endpoint)
        self._waiter = waiter

    def _take_back(self) -> None:
        timeout = self._waiter._timeout

        async def taken_back() -> None:
            try:
                async with asyncio.timeout(timeout):
                    await self._connection.withdraw(self._endpoint)
            except TimeoutError:
                late = CallTimeout(f"No answer for {self.uri} came within {timeout:g} s.")
                raise self._connection.as_defined(late) from None

        self._waiter._run(taken_back)


class BlockingRegistration(_Blocking):
    """A procedure that a client has registered; see :meth:`PeerClient.register`.

    When a lost session comes back, it is registered again, until it is taken back.

    Attributes:
        uri: the procedure, as it was declared.
    """

    def unregister(self) -> None:
        """Take the procedure back, for good; calls that run go on. Once more does nothing.

        Raises:
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            WrongThread: called on the event loop's thread.
        """
        self._take_back()


class BlockingSubscription(_Blocking):
    """A handler that a client has subscribed; see :meth:`PeerClient.subscribe`.

    When a lost session comes back, it is subscribed again, until it is taken back.

    Attributes:
        uri: the topic, as it was declared.
    """

    def unsubscribe(self) -> None:
        """Take the handler back, for good: no further event reaches it. Once more does nothing.

        Other handlers of the topic go on.

        Raises:
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            WrongThread: called on the event loop's thread.
        """
        self._take_back()
