"""A client's side of one session, from HELLO to GOODBYE, on plain lists."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp import uri
from wampapp.codec import plain
from wampapp.dispatch import CallResult, EventLane
from wampapp.errors import (
    CLOSE_NORMAL,
    GOODBYE_AND_OUT,
    PROTOCOL_VIOLATION,
    SYSTEM_SHUTDOWN,
    ConnectionLost,
    HandlerFailed,
    NotJoined,
    PayloadNotEncodable,
    PayloadTooLarge,
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
    YIELD,
    payload_of,
    with_payload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch import Dispatcher, Endpoint
    from wampapp.messages import Message
    from wampapp.transport import Link

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
        self._dispatcher = dispatcher
        self._loop = loop
        self._link: Link | None = None
        self._requests = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._pending: dict[int, tuple[int, asyncio.Future[Message]]] = {}
        self._endpoints: dict[int, Endpoint] = {}
        self._lanes: dict[int, list[EventLane]] = {}
        self._leaving = False
        self._handlers: dict[int, Callable[[Message], None]] = {
            RESULT: self._on_result,
            INVOCATION: self._on_invocation,
            EVENT: self._on_event,
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
        self._send(
            with_payload([CALL, request, {}, procedure], plain(list(args)), _plain_dict(kwargs))
        )
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
        self._send(with_payload(head, plain(list(args)), _plain_dict(kwargs)))
        if acknowledge:
            return asyncio.ensure_future(self._publication(request))
        done = self._loop.create_future()
        done.set_result(None)
        return done

    async def _publication(self, request: int) -> int:
        answer = await self._expect(PUBLISH, request)
        return int(answer[2])

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
        answer = await self._request(REGISTER, {}, endpoint.uri)
        self._endpoints[answer[2]] = endpoint
        return int(answer[2])

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
        self._endpoints.pop(number, None)

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
        lane = EventLane(self._dispatcher, endpoint)
        answer = await self._request(SUBSCRIBE, {}, endpoint.uri)
        self._lanes.setdefault(answer[2], []).append(lane)
        return int(answer[2])

    async def unsubscribe(self, number: int) -> None:
        """Take a subscription back, with all its handlers.

        Args:
            number: the subscription's id.

        Raises:
            WampError: the router refuses.
            ConnectionLost: the link broke.
        """
        await self._request(UNSUBSCRIBE, number)
        self._lanes.pop(number, None)

    async def stop_serving(self) -> None:
        """Take all registrations back, so that no new call comes; those under way go on."""
        numbers = list(self._endpoints)
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
        else:
            handle(message)

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

    async def _request(self, code: int, *rest: Any) -> Message:
        request = self._next_request()
        self._send([code, request, *rest])
        return await self._expect(code, request)

    async def _expect(self, code: int, request: int) -> Message:
        future: asyncio.Future[Message] = self._loop.create_future()
        self._pending[request] = code, future
        try:
            return await future
        finally:
            self._pending.pop(request, None)

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
        code, future = self._pending.get(message[1], (0, None))
        if future is not None and code == _ANSWERS[message[0]] and not future.done():
            future.set_result(message)

    def _on_error(self, message: Message) -> None:
        _, code, request, _, name = message[:5]
        args, kwargs = payload_of(message, 5)
        future: asyncio.Future[Any] | None
        if code == CALL:
            future = self._calls.pop(request, None)
        else:
            expected, future = self._pending.get(request, (0, None))
            if expected != code:
                return
        if future is not None and not future.done():
            future.set_exception(error_from_wire(name, args, kwargs))

    def _on_invocation(self, message: Message) -> None:
        endpoint = self._endpoints.get(message[2])
        args, kwargs = payload_of(message, 4)
        if endpoint is None:
            # The router answers REGISTER before it sends a call, so this one is not ours.
            self.violated(ProtocolViolation(f"There is no registration {message[2]}."))
            return
        self._dispatcher.call(endpoint, args, kwargs, _Answer(self, message[1], endpoint))

    def _on_event(self, message: Message) -> None:
        # An event may overtake our UNSUBSCRIBE; then nobody waits for it any more.
        args, kwargs = payload_of(message, 4)
        for lane in self._lanes.get(message[1], ()):
            lane.push(args, kwargs)

    def answer(self, request: int, endpoint: Endpoint, value: Any) -> None:
        """Send a handler's result."""
        if type(value) is CallResult:
            args, kwargs = list(value.args), value.kwargs
        else:
            args, kwargs = [value], {}
        try:
            self._reply(
                with_payload([YIELD, request, {}], plain(args), _plain_dict(kwargs)), endpoint
            )
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The result of %s cannot be sent: %s", endpoint.uri, error.message
            )
            self.refuse(request, endpoint, error)

    def refuse(self, request: int, endpoint: Endpoint, error: BaseException) -> None:
        """Send the error that a handler raised."""
        answer = self._dispatcher.failure(endpoint, error)
        if not uri.is_valid(answer.uri):
            logger.error("%s raised an error with the invalid URI %r", endpoint.uri, answer.uri)
            answer = HandlerFailed(answer.message)
        head: Message = [ERROR, INVOCATION, request, {}, answer.uri]
        try:
            self._reply(
                with_payload([*head], plain(list(answer.args)), _plain_dict(answer.kwargs)),
                endpoint,
            )
        except (PayloadNotEncodable, PayloadTooLarge) as reason:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The error of %s cannot be sent whole: %s", endpoint.uri, reason.message
            )
            self._reply([*head, [answer.message[:1000]]], endpoint)

    def _reply(self, message: Message, endpoint: Endpoint) -> None:
        try:
            self._send(message)
        except (NotJoined, ConnectionLost):
            logger.warning("%s was done when its session had ended already", endpoint.uri)


class _Answer:
    """Where the outcome of one invocation goes: back over its session."""

    __slots__ = ("_endpoint", "_request", "_session")

    def __init__(self, session: Session, request: int, endpoint: Endpoint) -> None:
        self._session = session
        self._request = request
        self._endpoint = endpoint

    def result(self, value: Any) -> None:
        self._session.answer(self._request, self._endpoint, value)

    def error(self, error: BaseException) -> None:
        self._session.refuse(self._request, self._endpoint, error)


def _plain_dict(kwargs: dict[str, Any]) -> dict[str, Any]:
    return plain(kwargs) if kwargs else kwargs


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
