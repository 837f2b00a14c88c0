"""Handles to remote procedures and topics, which carry their options."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

import msgspec

from wampapp.config.records import check_seconds
from wampapp.errors import (
    CallTimeout,
    ConnectionLost,
    InvalidResult,
    NoSuchProcedure,
    NotJoined,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from wampapp.session.connection import Connection

T = TypeVar("T")

#: How often an idempotent call is sent in all.
_MOST_TRIES: Final = 3
#: How soon a procedure is asked for again that has yet to come back with its callee.
_AGAIN_SECONDS: Final = 0.1


async def answered(
    connection: Connection | Awaitable[Connection],
    ask: Callable[[Connection], Awaitable[T]],
    timeout: float | None,
    what: str,
    *,
    tries: int = 1,
) -> T:
    """Ask for something and wait for the answer, for the session first if there is none.

    Args:
        connection: what is asked on, or who gives it in a while.
        ask: sends the request.
        timeout: seconds for all of it; None for no limit, but ``rejoin_timeout`` while offline.
        what: what is waited for, for the error message.
        tries: how often it may be sent when the link breaks before the answer.

    Returns:
        What ``ask`` comes to.

    Raises:
        NotJoined: there was no session in all that time, so nothing was sent.
        CallTimeout: no answer came in time.
        ConnectionLost: the link broke before the answer came.
    """
    sent = False
    try:
        async with asyncio.timeout(timeout) as limit:
            on = await connection if isinstance(connection, Awaitable) else connection
            while True:
                tries -= 1
                await on.joined(timeout)
                sent = True
                try:
                    return await ask(on)
                except ConnectionLost:
                    if tries <= 0:
                        raise
                    sent = False
                except NoSuchProcedure:
                    # Nobody carried it out. Where the router was restarted, its callee may be a
                    # moment later than we are.
                    if not on.is_settling:
                        raise
                    tries += 1
                    await asyncio.sleep(_AGAIN_SECONDS)
    except TimeoutError:
        if not limit.expired():
            raise
        if not sent:
            raise NotJoined(
                f"There was no session with a router within {timeout:g} s; nothing was sent."
            ) from None
        raise CallTimeout(f"No {what} came within {timeout:g} s.") from None


class PublishOptions(TypedDict, total=False):
    """How a :class:`Topic` publishes ("Publish and Subscribe", advanced profile).

    Attributes:
        acknowledge: whether to wait until the router has taken the event.
        exclude_me: False lets the publisher hear its own event.
        exclude: session ids that shall not hear it.
        exclude_authid: who shall not hear it.
        exclude_authrole: which roles shall not hear it.
        eligible: the session ids that alone may hear it.
        eligible_authid: who alone may hear it.
        eligible_authrole: which roles alone may hear it.
        retain: whether the router keeps the event for late subscribers.
        disclose_me: whether subscribers are told the publisher.
    """

    acknowledge: bool
    exclude_me: bool
    exclude: Sequence[int]
    exclude_authid: Sequence[str]
    exclude_authrole: Sequence[str]
    eligible: Sequence[int]
    eligible_authid: Sequence[str]
    eligible_authrole: Sequence[str]
    retain: bool
    disclose_me: bool


class Procedure:
    """A remote procedure. Call it and await what it returns; get one by ``app.procedure(uri)``.

    Args:
        connection: gives the connection, or raises NotJoined.
        uri: the procedure's absolute URI.
        timeout: seconds that a call may take; None for no limit.
        returns: what results are converted to; None leaves them as they come.
        disclose_me: whether the callee is told the caller.
        idempotent: whether a call may be sent again when the link breaks before its answer.
        ready: gives the connection when it is ready for a call; ``connection`` by default.

    Attributes:
        uri: the same.

    Raises:
        UsageError: the timeout is not valid, or nothing can be converted to ``returns``.
    """

    def __init__(
        self,
        connection: Callable[[], Connection],
        uri: str,
        *,
        timeout: float | None = None,
        returns: Any = None,
        disclose_me: bool = False,
        idempotent: bool = False,
        ready: Callable[[], Connection | Awaitable[Connection]] | None = None,
    ) -> None:
        self.uri = uri
        self._connection = connection
        self._ready = ready or connection
        self._tries = _MOST_TRIES if idempotent else 1
        self._timeout = None if timeout is None else check_seconds(timeout, "timeout")
        self._returns = returns
        self._options = {"disclose_me": True} if disclose_me else {}
        if returns is not None:
            try:
                msgspec.json.Decoder(returns)
            except (TypeError, NameError) as error:
                raise UsageError(f"returns is {returns!r}, which is no type: {error}.") from None

    def __repr__(self) -> str:
        return f"<Procedure {self.uri!r}>"

    async def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the procedure.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            The result, as ``app.call`` gives it, converted to ``returns``.

        Raises:
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: no answer came in time; the call is cancelled.
            InvalidResult: the result does not fit ``returns``.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
        """
        value = await answered(
            self._ready(),
            lambda peer: peer.call(self.uri, args, kwargs, options=self._options),
            self._timeout,
            f"answer from {self.uri}",
            tries=self._tries,
        )
        return self._converted(value)

    async def stream(self, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Call the procedure and iterate over its progressive results.

        Leaving the iteration cancels the call.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.

        Yields:
            Each progressive result as it comes, and at the end the final one if it is not None.

        Raises:
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: the whole took longer than the timeout.
            InvalidResult: a result does not fit ``returns``.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the end.
        """
        items: deque[Any] = deque()
        news = asyncio.Event()

        def on_progress(value: Any) -> None:
            items.append(value)
            news.set()

        call = self._connection().call(self.uri, args, kwargs, on_progress, options=self._options)
        call.add_done_callback(lambda _: news.set())
        loop = asyncio.get_running_loop()
        end = None if self._timeout is None else loop.time() + self._timeout
        try:
            while items or not call.done():
                while items:
                    yield self._converted(items.popleft())
                if call.done():
                    break
                news.clear()
                try:
                    async with asyncio.timeout_at(end):
                        await news.wait()
                except TimeoutError:
                    raise CallTimeout(f"{self.uri} took longer than {self._timeout:g} s.") from None
            if (value := call.result()) is not None:
                yield self._converted(value)
        finally:
            if not call.cancel() and not call.cancelled():
                call.exception()  # whoever left early does not want to know

    def _converted(self, value: Any) -> Any:
        if self._returns is None:
            return value
        try:
            return msgspec.convert(
                value, self._returns, builtin_types=(bytes, bytearray), str_keys=True
            )
        except msgspec.ValidationError as error:
            raise InvalidResult(f"The result of {self.uri} does not fit: {error}.") from None


class Topic:
    """A topic to publish to; get one by ``app.topic(uri)``.

    Args:
        connection: gives the connection, or raises NotJoined.
        uri: the topic's absolute URI.
        options: how it publishes.

    Attributes:
        uri: the same.
    """

    def __init__(
        self, connection: Callable[[], Connection], uri: str, options: PublishOptions
    ) -> None:
        unknown = set(options) - set(PublishOptions.__annotations__)
        if unknown:
            raise UsageError(
                f"There is no option {min(unknown)!r}; there is "
                f"{', '.join(PublishOptions.__annotations__)}."
            )
        self.uri = uri
        self._connection = connection
        self._options = dict(options)

    def __repr__(self) -> str:
        return f"<Topic {self.uri!r}>"

    def publish(self, /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Publish an event; await what it returns.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            A future of the publication's id with ``acknowledge``; of None, and done, without.

        Raises:
            NotJoined: the app does not run, or is offline with too many events waiting already.
            PayloadNotEncodable: an argument cannot be sent.
        """
        return self._connection().publish(self.uri, args, kwargs, options=self._options)
