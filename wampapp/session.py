"""A client's side of one session, from HELLO to GOODBYE, on plain lists."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.codec import plain_payload
from wampapp.dispatch import CallResult
from wampapp.errors import (
    CLOSE_NORMAL,
    GOODBYE_AND_OUT,
    PROTOCOL_VIOLATION,
    SYSTEM_SHUTDOWN,
    ConnectionLost,
    NotJoined,
    ProtocolViolation,
    RouterRefused,
    RouterUnreachable,
    WampError,
    error_from_wire,
)
from wampapp.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    MAX_ID,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    payload_of,
)
from wampapp.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch import Dispatcher, Endpoint
    from wampapp.link import Link
    from wampapp.messages import Message

logger = logging.getLogger("wampapp.session")

#: What HELLO says of us ("Feature Announcement").
ROLES: Final[dict[str, Any]] = {
    "caller": {"features": {}},
    "callee": {"features": {}},
    "publisher": {"features": {}},
    "subscriber": {"features": {}},
}

#: What request each answer belongs to.
_ANSWERS: Final = {
    REGISTERED: REGISTER,
    UNREGISTERED: UNREGISTER,
    SUBSCRIBED: SUBSCRIBE,
    UNSUBSCRIBED: UNSUBSCRIBE,
    PUBLISHED: PUBLISH,
}


class Session:
    """One session with a router. It is the handler of a link.

    All methods are called on the loop's thread.

    Args:
        realm: the realm to join.
        dispatcher: what runs the handlers.
        loop: the event loop.

    Attributes:
        id: the session's id; 0 before it joined.
        details: what WELCOME told.
        joined: a future: done when WELCOME came.
        closed: a future: its result says why the session ended.
    """

    def __init__(self, realm: str, dispatcher: Dispatcher, loop: asyncio.AbstractEventLoop) -> None:
        self.id = 0
        self.details: dict[str, Any] = {}
        self.joined: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        self._realm = realm
        self._loop = loop
        self._link: Link | None = None
        self._requests = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._pending: dict[int, tuple[int, asyncio.Future[Any]]] = {}
        self._serving = Serving(dispatcher, self._send)
        self._leaving = False
        self._handlers: dict[int, Callable[[Message], None]] = {
            RESULT: self._on_result,
            INVOCATION: self._serving.invoked,
            EVENT: self._serving.happened,
            ERROR: self._on_error,
            WELCOME: self._on_welcome,
            ABORT: self._on_abort,
            GOODBYE: self._on_goodbye,
            **dict.fromkeys(_ANSWERS, self._on_answer),
        }

    @property
    def is_joined(self) -> bool:
        """Whether messages can be sent."""
        return self.id != 0 and not self.closed.done()

    # What an app or a client calls.

    def call(
        self, procedure: str, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """Call a procedure.

        Args:
            procedure: its absolute URI.
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            A future of the result: the value if it is exactly one positional value, None if it
            is none, else a :class:`~wampapp.dispatch.CallResult`. Its exception is the callee's
            or the router's :class:`WampError`, or :class:`ConnectionLost`.

        Raises:
            NotJoined: the session is not joined.
            PayloadNotEncodable: an argument cannot be sent.
            PayloadTooLarge: the arguments are larger than the router takes.
        """
        request = self._next_request()
        self._send(plain_payload([CALL, request, {}, procedure], args, kwargs))
        future = self._calls[request] = self._loop.create_future()
        return future

    def publish(
        self,
        topic: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        acknowledge: bool = False,
    ) -> asyncio.Future[Any]:
        """Publish an event.

        Args:
            topic: its absolute URI.
            args: positional arguments.
            kwargs: keyword arguments.
            acknowledge: whether the router shall say that it has taken the event.

        Returns:
            A future of the publication's id if acknowledged; of None, and done, if not.

        Raises:
            NotJoined: the session is not joined.
            PayloadNotEncodable: an argument cannot be sent.
            PayloadTooLarge: the arguments are larger than the router takes.
        """
        request = self._next_request()
        options = {"acknowledge": True} if acknowledge else {}
        head: Message = [PUBLISH, request, options, topic]
        self._send(plain_payload(head, args, kwargs))
        if acknowledge:
            return self._expect(PUBLISH, request)
        done = self._loop.create_future()
        done.set_result(None)
        return done

    async def register(self, endpoint: Endpoint) -> int:
        """Register a procedure.

        Args:
            endpoint: what answers its calls.

        Returns:
            The registration's id.

        Raises:
            WampError: the router refuses.
            ConnectionLost: the link broke.
        """
        number = await self._request(REGISTER, {}, endpoint.uri)
        self._serving.endpoints[number] = endpoint
        return number

    async def unregister(self, number: int) -> None:
        """Take a registration back.

        Args:
            number: the registration's id.

        Raises:
            WampError: the router refuses.
            ConnectionLost: the link broke.
        """
        await self._request(UNREGISTER, number)
        # Kept until now: the router may have sent an INVOCATION before it read our message.
        self._serving.endpoints.pop(number, None)

    async def subscribe(self, endpoint: Endpoint) -> int:
        """Subscribe a handler to a topic.

        Args:
            endpoint: what is called for each event.

        Returns:
            The subscription's id, the same for all handlers of one topic.

        Raises:
            WampError: the router refuses.
            ConnectionLost: the link broke.
        """
        number = await self._request(SUBSCRIBE, {}, endpoint.uri)
        self._serving.add_handler(number, endpoint)
        return number

    async def unsubscribe(self, number: int) -> None:
        """Take a subscription back, with all its handlers.

        Args:
            number: the subscription's id.

        Raises:
            WampError: the router refuses.
            ConnectionLost: the link broke.
        """
        await self._request(UNSUBSCRIBE, number)
        self._serving.drop_handlers(number)

    async def stop_serving(self) -> None:
        """Take all registrations back, so that no new call comes; those under way go on."""
        numbers = list(self._serving.endpoints)
        if self.is_joined and numbers:
            with contextlib.suppress(WampError, ConnectionLost, NotJoined):
                await asyncio.gather(*map(self.unregister, numbers))

    async def leave(self, timeout: float) -> None:
        """Say GOODBYE and close the link.

        Args:
            timeout: the seconds that the router has to answer.
        """
        link = self._link
        if link is None:
            return
        if self.is_joined and not self._leaving:
            self._leaving = True
            with contextlib.suppress(ConnectionLost):
                link.send([GOODBYE, {}, CLOSE_NORMAL])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self.closed)
        if self._link is not None:
            self._link.abort()
            self.lost("we left")

    def abandon(self) -> None:
        """Cut the link without a word: the join failed, or took too long."""
        if self._link is not None:
            self._link.abort()
        if not self.joined.cancel() and not self.joined.cancelled():
            self.joined.exception()  # it is known already
        self.lost("given up")

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link and say HELLO."""
        self._link = link
        link.send([HELLO, self._realm, {"roles": ROLES, "authmethods": ["anonymous"]}])

    def received(self, message: Message) -> None:
        """Handle a message."""
        handle = self._handlers.get(message[0])
        if handle is None or (not self.id and message[0] not in (WELCOME, ABORT)):
            self.violated(ProtocolViolation(f"The router sent a message {message[0]} unasked."))
            return
        try:
            handle(message)
        except ProtocolViolation as error:
            self.violated(error)

    def violated(self, error: ProtocolViolation) -> None:
        """End a session whose router broke the protocol."""
        logger.error("The router broke the protocol: %s", error.message)
        if self._link is not None:
            with contextlib.suppress(ConnectionLost):
                self._link.send([ABORT, {"message": error.message}, PROTOCOL_VIOLATION])
            self._link.close()
        self.lost(f"the router broke the protocol: {error.message}")

    def lost(self, reason: str) -> None:
        """End the session: every answer that is still awaited becomes ConnectionLost."""
        self._link = None
        if self.closed.done():
            return
        self.closed.set_result(reason)
        if not self.joined.done():
            self.joined.set_exception(
                RouterUnreachable(f"The router ended the connection before the join: {reason}.")
            )
        error = ConnectionLost(
            f"The connection to the router broke ({reason}) before the answer came; whether it "
            "was carried out is unknown."
        )
        waiting = [*self._calls.values(), *(future for _, future in self._pending.values())]
        self._calls.clear()
        self._pending.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    # Requests.

    def _next_request(self) -> int:
        self._requests = self._requests % MAX_ID + 1
        return self._requests

    def _send(self, message: Message) -> None:
        if self._link is None or not self.id:
            raise NotJoined("There is no session with a router now, so nothing can be sent.")
        self._link.send(message)

    async def _request(self, code: int, *rest: Any) -> int:
        request = self._next_request()
        self._send([code, request, *rest])
        return int(await self._expect(code, request))

    def _expect(self, code: int, request: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending[request] = code, future
        return future

    # Messages.

    def _on_welcome(self, message: Message) -> None:
        if self.id:
            self.violated(ProtocolViolation("The router sent WELCOME twice."))
            return
        self.id, self.details = message[1], message[2]
        if not self.joined.done():
            self.joined.set_result(None)

    def _on_abort(self, message: Message) -> None:
        text = _text(message[1].get("message"))
        if not self.joined.done():
            self.joined.set_exception(
                RouterRefused(
                    f"The router refused the realm {self._realm!r}: {text or message[2]}"
                    f"{f' ({message[2]})' if text else ''}.".replace("..", "."),
                    message[2],
                )
            )
        self._end(f"the router aborted the session: {text or message[2]}")

    def _on_goodbye(self, message: Message) -> None:
        if not self._leaving and self._link is not None:
            with contextlib.suppress(ConnectionLost):
                self._link.send([GOODBYE, {}, GOODBYE_AND_OUT])
        if message[2] == SYSTEM_SHUTDOWN:
            reason = "the router shuts down"
        else:
            reason = _text(message[1].get("message")) or message[2]
        self._end(reason)

    def _end(self, reason: str) -> None:
        link = self._link
        self.lost(reason)
        if link is not None:
            link.close()

    def _on_result(self, message: Message) -> None:
        future = self._calls.pop(message[1], None)
        # A caller that was cancelled no longer waits.
        if future is not None and not future.done():
            args, kwargs = payload_of(message, 3)
            if kwargs or len(args) > 1:
                future.set_result(CallResult(*args, **kwargs))
            else:
                future.set_result(args[0] if args else None)

    def _on_answer(self, message: Message) -> None:
        future = self._answered(_ANSWERS[message[0]], message[1])
        if future is not None:
            # The id of the registration, subscription or publication; there is none to an end.
            future.set_result(message[2] if len(message) > 2 else 0)

    def _answered(self, code: int, request: int) -> asyncio.Future[Any] | None:
        """Take out the request that an answer belongs to; None if nobody waits for it."""
        if code == CALL:
            future = self._calls.pop(request, None)
        elif self._pending.get(request, (0, None))[0] == code:
            _, future = self._pending.pop(request)
        else:
            return None
        return None if future is None or future.done() else future

    def _on_error(self, message: Message) -> None:
        _, code, request, _, name = message[:5]
        args, kwargs = payload_of(message, 5)
        future = self._answered(code, request)
        if future is not None:
            future.set_exception(error_from_wire(name, args, kwargs))


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
