"""A client's side of one session, from HELLO to GOODBYE, on plain lists."""

from __future__ import annotations

import asyncio
import contextlib
import enum
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
    WampappError,
)
from wampapp.protocol.messages import (
    ABORT,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    MAX_ID,
    RESULT,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    MalformedMessage,
)
from wampapp.session.callee import Callee
from wampapp.session.caller import ANSWERS, Caller
from wampapp.session.events import Backlog
from wampapp.session.handshake import Handshake
from wampapp.session.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.protocol.credentials import Credential
    from wampapp.protocol.messages import Message
    from wampapp.registry.endpoint import Endpoint
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.session")


class State(enum.Enum):
    """Where a session stands. It goes down this list and never back."""

    #: There is no link yet.
    CONNECTING = enum.auto()
    #: HELLO was sent; the router answers with CHALLENGE, WELCOME or ABORT.
    JOINING = enum.auto()
    #: A CHALLENGE came, which is answered once; WELCOME or ABORT is to follow.
    AUTHENTICATING = enum.auto()
    #: WELCOME came: messages can be sent.
    JOINED = enum.auto()
    #: We said GOODBYE and send nothing more; the router's GOODBYE is to follow.
    LEAVING = enum.auto()
    #: It is over: the link is closed or closing, and what still comes in is ignored.
    ENDED = enum.auto()


# Asked for each call and each event, and a global is found faster than a member of an enum.
JOINED: Final = State.JOINED
_WITHOUT_LINK: Final = (State.CONNECTING, State.ENDED)


class Session:
    """One session with a router, and the handler of its link.

    All methods are called on the loop's thread.

    Args:
        realm: the realm to join.
        dispatcher: what runs the handlers.
        loop: the event loop.
        defined: the exceptions that stand for error URIs.
        credential: who joins; None for an anonymous session.

    Attributes:
        state: where it stands.
        id: the session's id; 0 before it joined.
        details: the details of WELCOME.
        joined: a future, done when WELCOME came; its exception says why none will.
        closed: a future of the reason why the session ended.
        is_finished: whether it has left by itself, and is not to come back; ours never does.
        call: see :meth:`Caller.call`.
        cancel: see :meth:`Caller.cancel`.
        publish: see :meth:`Caller.publish`.
        register: see :meth:`Callee.register`.
        unregister: see :meth:`Callee.unregister`.
        unregister_all: see :meth:`Callee.unregister_all`.
        subscribe: see :meth:`Subscriber.subscribe`.
        unsubscribe: see :meth:`Subscriber.unsubscribe`.
    """

    is_finished = False
    _link: Link

    def __init__(
        self,
        realm: str,
        dispatcher: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        defined: Mapping[str, type[Exception]] | None = None,
        credential: Credential | None = None,
        name: str | None = None,
    ) -> None:
        self.state: State
        self.id = 0
        self.details: dict[str, Any] = {}
        self.joined: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        self._unlinked: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._dispatcher = dispatcher
        self._handshake = Handshake(realm, credential, name)
        self._authentication: asyncio.Task[None] | None = None
        self._backlog = Backlog(self._must_read)
        self._caller = caller = Caller(self._backlog, loop, defined)
        self._callee = callee = Callee(dispatcher, caller)
        self._subscriber = subscriber = Subscriber(dispatcher, caller, self._backlog)
        self._move_to(State.CONNECTING)
        # The parts' own methods: a method around each would cost every call and event a step.
        self.call = caller.call
        self.cancel = caller.cancel
        self.publish = caller.publish
        self.register = callee.register
        self.unregister = callee.unregister
        self.unregister_all = callee.unregister_all
        self.subscribe = subscriber.subscribe
        self.unsubscribe = subscriber.unsubscribe
        #: What handles each message in the present state; any other breaks the protocol.
        self._handlers: dict[int, Callable[[Message], None]] = {
            CHALLENGE: self._on_challenge,
            WELCOME: self._on_welcome,
            ABORT: self._on_abort,
        }
        self._handlers_once_joined: dict[int, Callable[[Message], None]] = {
            RESULT: caller.on_result,
            INVOCATION: callee.on_invocation,
            EVENT: subscriber.on_event,
            ERROR: caller.on_error,
            INTERRUPT: callee.on_interrupt,
            **dict.fromkeys(ANSWERS, caller.on_answer),
            UNREGISTERED: callee.on_unregistered,
            UNSUBSCRIBED: subscriber.on_unsubscribed,
            GOODBYE: self._on_goodbye,
            ABORT: self._on_abort,
        }

        #: What refuses each message that is malformed; any other ends the session.
        self._refusals: dict[int, Callable[[MalformedMessage], None]] = {
            INVOCATION: callee.refuse_call,
            INTERRUPT: callee.refuse_interrupt,
            EVENT: subscriber.refuse,
            **dict.fromkeys((RESULT, ERROR, *ANSWERS), caller.refuse),
        }

    @property
    def is_joined(self) -> bool:
        """Whether messages can be sent."""
        return self.state is JOINED

    @property
    def waiting_events(self) -> int:
        """How many events wait for their handlers."""
        return self._backlog.waiting

    @property
    def serializer(self) -> str:
        """What was agreed on with the router, such as ``msgpack``; empty without a link."""
        if self.state in _WITHOUT_LINK:
            return ""
        return self._link.codec.SERIALIZER_ID

    def find(self, endpoint: Endpoint) -> int | None:
        """Return the id of a handler's registration or subscription, in any thread."""
        return self._callee.find(endpoint) or self._subscriber.find(endpoint)

    def withdraw(self, endpoint: Endpoint) -> Coroutine[Any, Any, None] | None:
        """Take a handler back: no further event reaches it.

        Args:
            endpoint: the handler.

        Returns:
            What asks the router for what is left to do, and raises what
            :meth:`Callee.unregister` does; None if nothing is.
        """
        registration = self._callee.find(endpoint)
        if registration is not None:
            return self.unregister(registration)
        subscription = self._subscriber.remove(endpoint)
        return None if subscription is None else self.unsubscribe(subscription)

    def _move_to(self, state: State) -> None:
        """Change the state, and with it what sends: the link's own method while joined."""
        self.state = state
        send = self._link.send if state is State.JOINED else _refuse_to_send
        self._caller.send = self._callee.send = send

    def _must_read(self) -> bool:
        # While we leave as well: the router's GOODBYE must be read.
        return self.state is not JOINED or self._caller.awaits_answer

    # Keep-alive.

    def check_alive(self) -> bool:
        """Return whether the router gave a sign of life since the last check.

        It also counts as one where silence proves nothing: while we do not read, and while the
        router is slow to take what we send, which the kernel watches.
        """
        if self.state in _WITHOUT_LINK:
            return True
        link = self._link
        alive, link.heard = link.heard or self._backlog.paused or link.sending, False
        return alive

    def probe(self) -> None:
        """Make the router say something: it must answer, and nothing changes by it.

        RawSocket's own PING is not an option: Autobahn's server, which is Crossbar's, ends the
        connection.
        """
        with contextlib.suppress(NotJoined, ConnectionLost):
            self._caller.send([UNSUBSCRIBE, self._caller.next_request(), MAX_ID])

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link and say HELLO."""
        self._link = self._backlog.link = link
        self._move_to(State.JOINING)
        link.send(self._handshake.hello(link.channel))

    def received(self, message: Message) -> None:
        """Handle a message."""
        handle = self._handlers.get(message[0])
        if handle is None:
            self.violated(ProtocolViolation(f"The router sent a message {message[0]} out of turn."))
            return
        try:
            handle(message)
        except ProtocolViolation as error:
            self.violated(error)

    def violated(self, error: ProtocolViolation) -> None:
        """Refuse a call, an event or an answer that is malformed; anything else ends the session.

        Routers pass on what peers send, so that a call or an event may be anybody's fault.
        """
        if self.state is State.ENDED:
            return
        if isinstance(error, MalformedMessage) and self._handlers is self._handlers_once_joined:
            refuse = self._refusals.get(error.head[0])
            if refuse is not None:
                refuse(error)
                return
        logger.error("The router broke the protocol: %s", error.message)
        self._say([ABORT, {"message": error.message}, PROTOCOL_VIOLATION])
        self._end(f"the router broke the protocol: {error.message.rstrip('.')}")

    def lost(self, reason: str) -> None:
        """End the session, if nothing else has: the link is gone."""
        if not self._unlinked.done():
            self._unlinked.set_result(None)
        self._end(reason)

    # How a session opens.

    def timed_out(self, where: str, seconds: float) -> WampappError:
        """Return the error of a join that took too long.

        Args:
            where: what listens there was asked.
            seconds: how long it had.
        """
        return RouterUnreachable(
            f"What listens at {where} did not answer as a WAMP router within {seconds:g} s; check "
            "the URL and the port."
        )

    def _on_challenge(self, message: Message) -> None:
        if self.state is not State.JOINING:
            raise ProtocolViolation("The router sent a CHALLENGE out of turn.")
        self._move_to(State.AUTHENTICATING)
        self._authentication = self._loop.create_task(self._authenticate(message[1], message[2]))

    async def _authenticate(self, method: str, extra: dict[str, Any]) -> None:
        try:
            answer = await self._handshake.authenticate(self._dispatcher, method, extra)
        except RouterRefused as error:
            self._refuse(error)
        else:
            if self.state is State.AUTHENTICATING:
                self._say(answer)

    def _on_welcome(self, message: Message) -> None:
        try:
            self._handshake.verify(message[2])
        except RouterRefused as error:
            self._refuse(error)
            return
        self.id, self.details = message[1], message[2]
        self._caller.can_cancel = _announced(self.details, "dealer", "call_canceling")
        self._move_to(State.JOINED)
        self._handlers = self._handlers_once_joined
        if not self.joined.done():
            self.joined.set_result(None)

    def _refuse(self, error: RouterRefused) -> None:
        """End a join in which the router did not prove what it should."""
        if self.state is not State.ENDED:
            self._say([ABORT, {"message": str(error)}, error.reason])
        self._end("we refused the router", error)

    # How a session ends.

    async def leave(self, timeout: float) -> None:
        """Say GOODBYE and close the link; it is closed on return.

        Args:
            timeout: the seconds that the router has to answer, and to close its end.
        """
        if self.state in _WITHOUT_LINK:
            return
        if self.state is State.JOINED:
            self._backlog.resume()  # the router's GOODBYE must be read
            self._caller.cancel_forgotten()
            self._move_to(State.LEAVING)
            self._say_goodbye()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self.closed)
                    # A WebSocket is closed by both ends, one after the other.
                    await asyncio.shield(self._unlinked)
        if not self.closed.done():
            self._end("we left", abort=True)
        elif not self._unlinked.done():
            self._link.abort()

    def _say_goodbye(self) -> None:
        self._say([GOODBYE, {}, CLOSE_NORMAL])

    def cut(self, reason: str) -> None:
        """End the session at once and without a word: the link is dead, or the join took too long.

        Args:
            reason: why.
        """
        self._end(reason, abort=True)

    def _on_abort(self, message: Message) -> None:
        text, reason = _text(message[1].get("message")), message[2]
        self._end(
            f"the router aborted the session: {text.rstrip('.') or reason}",
            self._handshake.error_for(reason, text),
        )

    def _on_goodbye(self, message: Message) -> None:
        if self.state is State.JOINED:
            self._say([GOODBYE, {}, GOODBYE_AND_OUT])
        if message[2] == SYSTEM_SHUTDOWN:
            reason = "the router shuts down"
        else:
            reason = _text(message[1].get("message")) or message[2]
        self._end(reason)

    def _say(self, message: Message) -> None:
        """Send a message of the opening or the closing, if the link is still there."""
        with contextlib.suppress(ConnectionLost):
            self._link.send(message)

    def _end(self, reason: str, error: Exception | None = None, *, abort: bool = False) -> None:
        """End the session: whatever ends it comes through here, and only the first counts.

        Args:
            reason: why it ended.
            error: what a join that was under way fails with; None to make one of the reason.
            abort: whether the link is closed at once, or when everything is sent.
        """
        if self.state is State.ENDED:
            return
        linked = self.state is not State.CONNECTING and not self._unlinked.done()
        self._move_to(State.ENDED)
        self._handlers = {}
        self._backlog.link = None
        self.closed.set_result(reason)
        if not self.joined.done():
            self.joined.set_exception(
                error
                or RouterUnreachable(f"The router ended the connection before the join: {reason}.")
            )
            self.joined.exception()  # nobody may be waiting for it
        self._caller.fail(reason)
        if linked:
            (self._link.abort if abort else self._link.close)()


def _refuse_to_send(_message: Message) -> None:
    raise NotJoined("There is no session with a router at the moment, so nothing can be sent.")


def _announced(details: dict[str, Any], role: str, feature: str) -> bool:
    found: Any = details
    for key in ("roles", role, "features", feature):
        found = found.get(key) if isinstance(found, dict) else None
    return found is True


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
