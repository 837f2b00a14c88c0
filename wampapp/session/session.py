"""A client's side of one session, from HELLO to GOODBYE, on plain lists."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

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
from wampapp.observe import logs
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
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
from wampapp.protocol.payload import append_payload
from wampapp.registry.results import CallResult
from wampapp.session.callee import Serving
from wampapp.session.joining import Joining

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.protocol.credentials import Credential
    from wampapp.protocol.messages import Message
    from wampapp.registry.endpoint import Endpoint
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.session")

_NO_OPTIONS: Final[dict[str, Any]] = {}

#: Reading stops above this many waiting events, and goes on below that many.
_HIGH_BACKLOG: Final = 1000
_LOW_BACKLOG: Final = 250

_BEFORE_WELCOME: Final = (WELCOME, ABORT, CHALLENGE)

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
        defined: the exceptions that stand for error URIs.
        credential: who joins; None for nobody in particular.

    Attributes:
        id: the session's id; 0 before it joined.
        details: what WELCOME told.
        joined: a future: done when WELCOME came.
        closed: a future: its result says why the session ended.
    """

    def __init__(
        self,
        realm: str,
        dispatcher: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        defined: Mapping[str, type[Exception]] | None = None,
        credential: Credential | None = None,
    ) -> None:
        self._joining = Joining(realm, credential)
        self._defined = defined
        self.id = 0
        self.details: dict[str, Any] = {}
        self.joined: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        self._unlinked: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._link: Link | None = None
        self._requests = 0
        self._calls: dict[int, _Call] = {}
        self._can_cancel = False
        self._paused = False
        self._pending: dict[int, tuple[int, asyncio.Future[Any], Callable[[int], None] | None]] = {}
        self._dispatcher = dispatcher
        self._serving = Serving(dispatcher, self._send, self._throttle)
        self._leaving = False
        self._answering: asyncio.Task[None] | None = None
        self._handlers: dict[int, Callable[[Message], None]] = {
            RESULT: self._on_result,
            INVOCATION: self._serving.invoked,
            INTERRUPT: self._serving.interrupted,
            EVENT: self._serving.happened,
            ERROR: self._on_error,
            CHALLENGE: self._on_challenge,
            WELCOME: self._on_welcome,
            ABORT: self._on_abort,
            GOODBYE: self._on_goodbye,
            **dict.fromkeys(_ANSWERS, self._on_answer),
        }

    @property
    def is_joined(self) -> bool:
        """Whether messages can be sent."""
        return self.id != 0 and self._link is not None

    @property
    def serializer(self) -> str:
        """What the router and we agreed on, such as ``msgpack``; empty without a link."""
        return self._link.codec.SERIALIZER_ID if self._link is not None else ""

    # What an app or a client calls.

    def call(
        self,
        procedure: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        on_progress: Callable[[Any], None] | None = None,
        *,
        options: dict[str, Any] = _NO_OPTIONS,
    ) -> asyncio.Future[Any]:
        """Call a procedure.

        Args:
            procedure: its absolute URI.
            args: positional arguments.
            kwargs: keyword arguments.
            on_progress: takes each progressive result; None asks for none.
            options: further options of CALL.

        Returns:
            A future of the result: the value if it is exactly one positional value, None if it
            is none, else a :class:`~wampapp.CallResult`. Its exception is the callee's or the
            router's :class:`WampError`, or :class:`ConnectionLost`. Cancelling it cancels the
            call.

        Raises:
            NotJoined: the session is not joined.
            PayloadNotEncodable: an argument cannot be sent.
            PayloadTooLarge: the arguments are larger than the router takes.
        """
        request = self._next_request()
        if on_progress is not None:
            options = {**options, "receive_progress": True}
        self._send(append_payload([CALL, request, options, procedure], args, kwargs))
        future = self._calls[request] = _Call(self, request, self._loop)
        future.on_progress = on_progress
        if self._paused:
            self._throttle()
        return future

    def cancel(self, request: int) -> None:
        """Tell the router that nobody waits for a call any more."""
        if self._calls.pop(request, None) is not None and self._can_cancel and self._link:
            with contextlib.suppress(ConnectionLost):
                self._link.send([CANCEL, request, {"mode": "killnowait"}])

    def publish(
        self,
        topic: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        options: dict[str, Any] = _NO_OPTIONS,
    ) -> asyncio.Future[Any]:
        """Publish an event.

        Args:
            topic: its absolute URI.
            args: positional arguments.
            kwargs: keyword arguments.
            options: the options of PUBLISH; with ``acknowledge`` the router says that it has
                taken the event.

        Returns:
            A future of the publication's id if acknowledged; of None, and done, if not.

        Raises:
            NotJoined: the session is not joined.
            PayloadNotEncodable: an argument cannot be sent.
            PayloadTooLarge: the arguments are larger than the router takes.
        """
        request = self._next_request()
        head: Message = [PUBLISH, request, options, topic]
        self._send(append_payload(head, args, kwargs))
        if options.get("acknowledge"):
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

        def accept(number: int) -> None:
            self._serving.endpoints[number] = endpoint

        options = endpoint.options
        if logs.access_enabled():
            options = {**options, "x_disclose": True}  # its lines name the caller
        return await self._request(REGISTER, options, endpoint.pattern.uri, accept=accept)

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

        def accept(number: int) -> None:
            self._serving.add_handler(number, endpoint)

        return await self._request(SUBSCRIBE, endpoint.options, endpoint.pattern.uri, accept=accept)

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
        """Say GOODBYE and close the link; it is closed on return.

        Args:
            timeout: the seconds that the router has to answer, and to close its end.
        """
        link = self._link
        if link is None:
            return
        if self.is_joined and not self._leaving:
            self._leaving = True
            self._throttle()  # GOODBYE's answer must be read
            with contextlib.suppress(ConnectionLost):
                link.send([GOODBYE, {}, CLOSE_NORMAL])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self.closed)
                    # A WebSocket is closed by both ends, one after the other.
                    await asyncio.shield(self._unlinked)
        if not self._unlinked.done():
            link.abort()
            self._over("we left")

    def abandon(self) -> None:
        """Cut the link without a word: the join failed, or took too long."""
        if self._link is not None:
            self._link.abort()
        if not self.joined.cancel() and not self.joined.cancelled():
            self.joined.exception()  # it is known already
        self._over("given up")

    # Keep-alive.

    def heard(self) -> bool:
        """Tell whether the router gave a sign of life since the last time this was asked.

        What cannot tell counts as one: we do not read just now, or the router takes slowly what
        we send, which the kernel watches.
        """
        link = self._link
        if link is None:
            return True
        heard, link.heard = link.heard or self._paused or link.sending, False
        return heard

    def probe(self) -> None:
        """Make the router say something: it must answer, and nothing changes by it.

        RawSocket's own PING is no way: Autobahn's server, which is Crossbar's, ends the connection.
        """
        if self._link is not None:
            with contextlib.suppress(ConnectionLost):
                self._link.send([UNSUBSCRIBE, self._next_request(), MAX_ID])

    def cut(self, reason: str) -> None:
        """End the session, whose link is dead."""
        if self._link is not None:
            self._link.abort()
        self._over(reason)

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link and say HELLO."""
        self._link = link
        link.send(self._joining.hello())

    def received(self, message: Message) -> None:
        """Handle a message."""
        handle = self._handlers.get(message[0])
        if handle is None or (not self.id and message[0] not in _BEFORE_WELCOME):
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
        self._over(f"the router broke the protocol: {error.message.rstrip('.')}")

    def lost(self, reason: str) -> None:
        """Hear that the link is gone, which ends the session if nothing else did."""
        if not self._unlinked.done():
            self._unlinked.set_result(None)
        self._over(reason)

    def _over(self, reason: str) -> None:
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
        waiting: list[asyncio.Future[Any]] = [
            *self._calls.values(),
            *(entry[1] for entry in self._pending.values()),
        ]
        self._calls.clear()
        self._pending.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    # Backlog.

    def _throttle(self) -> None:
        """Stop reading while too many events wait, so that memory stays flat and none is lost.

        While an answer is awaited we read on: the handler that works off the backlog may be the
        one that waits for it.
        """
        waits = bool(self._calls or self._pending or self._leaving)
        if self._paused:
            if waits or self._serving.backlog <= _LOW_BACKLOG:
                self._paused = False
                if self._link is not None:
                    self._link.resume()
        elif self._serving.backlog > _HIGH_BACKLOG and not waits:
            self._paused = True
            if self._link is not None:
                self._link.pause()

    # Requests.

    def _next_request(self) -> int:
        self._requests = self._requests % MAX_ID + 1
        return self._requests

    def _send(self, message: Message) -> None:
        if self._link is None or not self.id:
            raise NotJoined("There is no session with a router now, so nothing can be sent.")
        self._link.send(message)

    async def _request(
        self, code: int, *rest: Any, accept: Callable[[int], None] | None = None
    ) -> int:
        request = self._next_request()
        self._send([code, request, *rest])
        return int(await self._expect(code, request, accept))

    def _expect(
        self, code: int, request: int, accept: Callable[[int], None] | None = None
    ) -> asyncio.Future[Any]:
        """Wait for an answer.

        ``accept`` is called with its id in the same turn, because an INVOCATION or EVENT may
        follow in the very next bytes.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending[request] = code, future, accept
        if self._paused:
            self._throttle()
        return future

    # Messages.

    def _on_challenge(self, message: Message) -> None:
        if self.id or self._answering is not None:
            raise ProtocolViolation("The router sent a CHALLENGE out of turn.")
        self._answering = self._loop.create_task(self._authenticate(message[1], message[2]))

    async def _authenticate(self, method: str, extra: dict[str, Any]) -> None:
        try:
            answer = await self._joining.authenticate(self._dispatcher, method, extra)
        except RouterRefused as error:
            self._refuse(error)
        else:
            if self._link is not None:
                with contextlib.suppress(ConnectionLost):
                    self._link.send(answer)

    def _on_welcome(self, message: Message) -> None:
        if self.id:
            self.violated(ProtocolViolation("The router sent WELCOME twice."))
            return
        try:
            self._joining.welcomed(message[2])
        except RouterRefused as error:
            self._refuse(error)
            return
        self.id, self.details = message[1], message[2]
        self._can_cancel = _announced(self.details, "dealer", "call_canceling")
        if not self.joined.done():
            self.joined.set_result(None)

    def _refuse(self, error: RouterRefused) -> None:
        """End a join in which the router did not prove what it should."""
        if self._link is not None:
            with contextlib.suppress(ConnectionLost):
                self._link.send([ABORT, {"message": str(error)}, error.reason])
        if not self.joined.done():
            self.joined.set_exception(error)
        self._end("we refused the router")

    def _on_abort(self, message: Message) -> None:
        text, reason = _text(message[1].get("message")), message[2]
        if not self.joined.done():
            self.joined.set_exception(self._joining.aborted(reason, text))
        self._end(f"the router aborted the session: {text.rstrip('.') or reason}")

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
        self._over(reason)
        if link is not None:
            link.close()

    def _on_result(self, message: Message) -> None:
        details = message[2]
        if details and details.get("progress") is True:
            running = self._calls.get(message[1])
            if running is not None and running.on_progress is not None:
                running.on_progress(_value(message))
            return
        future = self._calls.pop(message[1], None)
        # A caller that was cancelled no longer waits.
        if future is not None and not future.done():
            future.set_result(_value(message))

    def _on_answer(self, message: Message) -> None:
        if message[1] == 0:
            self._on_revocation(message)
            return
        # The id of the registration, subscription or publication; there is none to an end.
        number = message[2] if len(message) > 2 else 0
        code, _, accept = self._pending.get(message[1], (0, None, None))
        if accept is not None and code == _ANSWERS[message[0]]:
            accept(number)
        future = self._answered(_ANSWERS[message[0]], message[1])
        if future is not None:
            future.set_result(number)

    def _on_revocation(self, message: Message) -> None:
        """Hear that the router has taken a registration or subscription away."""
        details = message[2] if len(message) > 2 and type(message[2]) is dict else {}
        endpoint = self._serving.endpoints.pop(details.get("registration", 0), None)
        if endpoint is not None:
            logger.warning(
                "%s was taken away by the router: %s",
                endpoint.uri,
                details.get("reason") or "another session registered it by force",
            )

    def _answered(self, code: int, request: int) -> asyncio.Future[Any] | None:
        """Take out the request that an answer belongs to; None if nobody waits for it."""
        future: asyncio.Future[Any] | None
        if code == CALL:
            future = self._calls.pop(request, None)
        elif self._pending.get(request, (0,))[0] == code:
            future = self._pending.pop(request)[1]
        else:
            return None
        return None if future is None or future.done() else future

    def _on_error(self, message: Message) -> None:
        _, code, request, _, name = message[:5]
        args, kwargs = payload_of(message, 5)
        future = self._answered(code, request)
        if future is not None:
            future.set_exception(error_from_wire(name, args, kwargs, self._defined))


class _Call(asyncio.Future[Any]):
    """The future of a call, which tells the router when it is cancelled."""

    __slots__ = ("_request", "_session", "on_progress")

    def __init__(self, session: Session, request: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._session = session
        self._request = request
        self.on_progress: Callable[[Any], None] | None = None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the call; also what cancelling the task that awaits it comes to."""
        cancelled = super().cancel(msg)
        if cancelled:
            self._session.cancel(self._request)
        return cancelled


def _value(message: Message) -> Any:
    """What a RESULT comes to for its caller."""
    args, kwargs = payload_of(message, 3)
    if kwargs or len(args) > 1:
        return CallResult(*args, **kwargs)
    return args[0] if args else None


def _announced(details: dict[str, Any], role: str, feature: str) -> bool:
    found: Any = details
    for key in ("roles", role, "features", feature):
        found = found.get(key) if isinstance(found, dict) else None
    return found is True


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
