"""Handles to remote procedures and topics, which carry their options."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from wampapp.config import check_seconds
from wampapp.errors import CallTimeout, InvalidResult, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from wampapp.session import Session


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
        session: gives the joined session, or raises NotJoined.
        uri: the procedure's absolute URI.
        timeout: seconds that a call may take; None for no limit.
        returns: what results are converted to; None leaves them as they come.
        disclose_me: whether the callee is told the caller.

    Attributes:
        uri: the same.

    Raises:
        UsageError: the timeout is not valid, or nothing can be converted to ``returns``.
    """

    def __init__(
        self,
        session: Callable[[], Session],
        uri: str,
        *,
        timeout: float | None = None,
        returns: Any = None,
        disclose_me: bool = False,
    ) -> None:
        self.uri = uri
        self._session = session
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
            NotJoined: there is no session now.
            ConnectionLost: the link broke before the answer came.
        """
        try:
            async with asyncio.timeout(self._timeout) as limit:
                call = self._session().call(self.uri, args, kwargs, options=self._options)
                value = await call
        except TimeoutError:
            if not limit.expired():
                raise
            raise CallTimeout(
                f"No answer from {self.uri} came within {self._timeout:g} s."
            ) from None
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
            NotJoined: there is no session now.
            ConnectionLost: the link broke before the end.
        """
        items: deque[Any] = deque()
        news = asyncio.Event()

        def on_progress(value: Any) -> None:
            items.append(value)
            news.set()

        call = self._session().call(self.uri, args, kwargs, on_progress, options=self._options)
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
        session: gives the joined session, or raises NotJoined.
        uri: the topic's absolute URI.
        options: how it publishes.

    Attributes:
        uri: the same.
    """

    def __init__(self, session: Callable[[], Session], uri: str, options: PublishOptions) -> None:
        unknown = set(options) - set(PublishOptions.__annotations__)
        if unknown:
            raise UsageError(
                f"There is no option {min(unknown)!r}; there is "
                f"{', '.join(PublishOptions.__annotations__)}."
            )
        self.uri = uri
        self._session = session
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
            NotJoined: there is no session now.
            PayloadNotEncodable: an argument cannot be sent.
        """
        return self._session().publish(self.uri, args, kwargs, options=self._options)
