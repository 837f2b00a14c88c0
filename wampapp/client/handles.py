"""Handles to remote procedures and topics, which carry their options."""

from __future__ import annotations

import asyncio
from collections import deque
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

import msgspec

from wampapp.client.options import check_call_options, check_publish_options
from wampapp.client.waiting import wait_for_answer
from wampapp.errors import CallTimeout, InvalidHandler, InvalidResult, UsageError
from wampapp.registry.conversion import convert, convertible_type
from wampapp.registry.results import value_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence

    from wampapp.client.options import CallOptions, PublishOptions
    from wampapp.session.connection import Connection

T = TypeVar("T")

#: How often an idempotent call is sent in all.
_MAX_TRIES: Final = 3
_NOTHING: Final[dict[str, Any]] = {}


class Procedure(Generic[T]):
    """A remote procedure. Call it and await what it returns; get one by ``app.procedure(uri)``.

    Args:
        connection: gives the connection, or raises NotJoined.
        uri: the procedure's absolute URI.
        options: see :class:`~wampapp.client.options.CallOptions`.
        returns: the type that results are converted to; None leaves them as they come.
        ready: gives the connection when it is ready for a call; ``connection`` by default.

    Attributes:
        uri: the same.

    Raises:
        UsageError: an option is not valid, or nothing can be converted to ``returns``.
    """

    def __init__(
        self,
        connection: Callable[[], Connection],
        uri: str,
        options: CallOptions,
        *,
        returns: Any = None,
        ready: Callable[[], Connection | Awaitable[Connection]] | None = None,
    ) -> None:
        self.uri = uri
        self._connection = connection
        self._ready = ready or connection
        check_call_options(options)
        timeout = options.get("timeout")
        self._tries = _MAX_TRIES if options.get("idempotent") else 1
        self._timeout = None if timeout is None else float(timeout)
        self._returns = returns
        self._options = {"disclose_me": True} if options.get("disclose_me") else {}
        if returns is not None:
            try:
                self._returns = convertible_type(returns)
            except (TypeError, NameError) as error:
                raise UsageError(f"returns is {returns!r}, which is not a type: {error}.") from None

    def __repr__(self) -> str:
        return f"<Procedure {self.uri!r}>"

    def __call__(self, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, T]:
        """Call the procedure; await what this returns.

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
            InvalidHandler: it is used as a decorator.
        """
        if len(args) == 1 and type(args[0]) is FunctionType:
            refuse_decorating(self.uri)
        return self._call(args, kwargs)

    async def _call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> T:
        value = await wait_for_answer(
            self._ready(),
            lambda peer: peer.call(self.uri, args, kwargs, options=self._options),
            self._timeout,
            f"answer from {self.uri}",
            tries=self._tries,
        )
        return self._converted(value)

    async def stream(self, /, *args: Any, **kwargs: Any) -> AsyncGenerator[T, None]:
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

        def on_progress(args: Sequence[Any], kwargs: dict[str, Any]) -> None:
            items.append(value_of(args, kwargs))
            news.set()

        def on_end(call: asyncio.Future[Any]) -> None:
            news.set()
            # Fetched, or asyncio would log it: the iteration may have been left early.
            _ = call.cancelled() or call.exception()

        peer = self._connection()
        call = peer.call(self.uri, args, kwargs, on_progress, options=self._options)
        call.add_done_callback(on_end)
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
                    late = CallTimeout(f"{self.uri} took longer than {self._timeout:g} s.")
                    raise peer.as_defined(late) from None
            if (value := call.result()) is not None:
                yield self._converted(value)
        finally:
            peer.cancel(call)

    def _converted(self, value: Any) -> T:
        if self._returns is None:
            return value  # type: ignore[no-any-return]
        try:
            return convert(value, self._returns)  # type: ignore[no-any-return]
        except msgspec.ValidationError as error:
            raise InvalidResult(f"The result of {self.uri} does not fit: {error}.") from None


def refuse_decorating(uri: str) -> NoReturn:
    """Refuse a handle of a procedure as a decorator.

    Raises:
        InvalidHandler: always.
    """
    raise InvalidHandler(
        f"A handle calls a procedure, and cannot be called with a function; to offer the function "
        f"as a procedure, write @app.register({uri!r})."
    )


class Topic:
    """A topic to publish to; get one by ``app.topic(uri)``.

    Args:
        connection: gives the connection, or raises NotJoined.
        uri: the topic's absolute URI.
        options: how it publishes.
        further: further options of PUBLISH, which count less.

    Attributes:
        uri: the same.
    """

    def __init__(
        self,
        connection: Callable[[], Connection],
        uri: str,
        options: PublishOptions,
        further: Mapping[str, Any] = _NOTHING,
    ) -> None:
        check_publish_options(options)
        self.uri = uri
        self._connection = connection
        self._options = {**further, **options}

    def __repr__(self) -> str:
        return f"<Topic {self.uri!r}>"

    if not TYPE_CHECKING:  # a type checker knows that it cannot be called

        def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
            """Refuse to be called, as by ``@app.topic(uri)``.

            Raises:
                InvalidHandler: always.
            """
            raise InvalidHandler(
                f"A handle of a topic publishes, with its publish(); to handle the topic's events, "
                f"write @app.subscribe({self.uri!r})."
            )

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
