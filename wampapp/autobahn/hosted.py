"""A session in which Autobahn's own code does the session's work, and our link carries it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import txaio
from autobahn.wamp.exception import ProtocolError

from wampapp.autobahn.log import log_of
from wampapp.autobahn.retaking import Retaking
from wampapp.autobahn.steps import LeftBeforeJoin, firing, telling, watched
from wampapp.autobahn.transport import SessionTransport, parsed
from wampapp.dispatch.hooks import brief
from wampapp.errors import (
    CANCELED,
    CLOSE_NORMAL,
    GOODBYE_AND_OUT,
    ConnectionLost,
    HookFailed,
    ProtocolViolation,
    RouterRefused,
    WampappError,
)
from wampapp.protocol.messages import (
    ABORT,
    AUTHENTICATE,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    MAX_ID,
    REGISTER,
    REGISTERED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    WELCOME,
)
from wampapp.session.session import Session, State

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.protocol.messages import Message
    from wampapp.registry.records import Guest
    from wampapp.transport.link import Link

logger: Final = logging.getLogger("wampapp")

#: Where the answers to what we ask for have the request's number.
_ANSWERS: Final = {ERROR: 2, UNREGISTERED: 1}
#: Seconds that a session's ``onLeave`` has before the link is closed all the same.
_LEAVE_SECONDS: Final = 2.0
#: Enough iterations of the loop for what follows from an answer.
_TURNS: Final = 30
#: Seconds between two looks at what a session waits for.
_PAUSE: Final = 0.01


class HostedSession(Session):
    """One WAMP session of a guest, for the connection that keeps it.

    Its state follows the messages that pass. What they mean is Autobahn's to know.

    Args:
        guest: what makes the session of Autobahn's.
        config: the realm, and the credential, with which it joins unless it brings its own.
        dispatcher: what runs what takes long in joining.
        succeeds: whether there was a session before, the end of which the router may not know yet.

    Attributes:
        hosted: the session of Autobahn's.
        is_finished: whether it left by itself, and is not to come back.

    Raises:
        Exception: whatever the guest's own code raises when it is made.
    """

    def __init__(
        self, guest: Guest, config: Config, dispatcher: Dispatcher, *, succeeds: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(config.realm, dispatcher, loop, None, config.auth, config.name)
        self._guest = guest
        self.hosted = guest.make(config.realm)
        self._name = type(self.hosted).__name__
        self.hosted.log = log_of(self.hosted, guest.name)
        hosted = self.hosted
        hosted.fire = firing(hosted)
        hosted.onConnect = watched(hosted.onConnect, None, self._connect_failed)
        hosted.onWelcome = watched(hosted.onWelcome, self._welcomed, self._welcome_failed)
        hosted.onJoin = watched(hosted.onJoin, self._is_ready, self._join_failed)
        hosted.onLeave = watched(hosted.onLeave, self._left, self._left)
        hosted._swallow_error = telling(hosted, dispatcher.failures)
        self._ready: asyncio.Future[None] = loop.create_future()
        self.is_finished = False
        self._has_credential = config.auth is not None
        #: Whether we prove who joins, and not the session.
        self._proves = False
        self._router_left = False
        self._is_leaving = False
        #: Why the link was lost while the session was leaving.
        self._lost: str | None = None
        self._reason = "the session closed its transport"
        #: What the session itself has yet to do before it has joined.
        self._awaited = ""
        #: Why the session itself has ended its join.
        self._refusal: RouterRefused | None = None
        #: What its ``onWelcome`` raised.
        self._raised: BaseException | None = None
        self._welcome_message: Message = []
        #: Whether the calls that still run are being cancelled.
        self._cancels = False
        #: What we ask the router for behind the session's back, by the requests' numbers.
        self._requests: dict[int, asyncio.Future[None]] = {}
        self._retaking = Retaking(loop, self._register) if succeeds else None
        self._transport: SessionTransport | None = None
        self.unregister_all = self._unregister_all
        # Of the others, Autobahn would wait for an answer that never comes.
        self._refusals = {code: self._refusals[code] for code in (INVOCATION, EVENT)}

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link, and have the session say HELLO."""
        self._link = self._backlog.link = link
        self._move_to(State.JOINING)
        self._transport = SessionTransport(link, self._sending, self._close)
        self._awaited = "call self.join()"
        self.hosted.onOpen(self._transport)

    def received(self, message: Message) -> None:
        """Handle a message."""
        code = message[0]
        if self.state is State.ENDED:
            return
        try:
            if code in _ANSWERS and (ours := self._requests.pop(message[_ANSWERS[code]], None)):
                ours.set_result(None)
            elif code == CHALLENGE and self._proves:
                self._on_challenge(message)
            elif code == WELCOME and not self.is_joined:
                self._welcome(message)
            elif code == GOODBYE:
                self._goodbye(message)
            else:
                if code == ABORT:
                    self._on_abort(message)  # first: the session closes its transport then
                elif code == CHALLENGE:
                    self._awaited = "answer in its onChallenge"
                if self._retaking is not None and code in (REGISTERED, ERROR):
                    answer = self._retaking.answer(message)
                    if answer is None:
                        return
                    message = answer
                self._hand_over(message)
        except ProtocolViolation as error:
            self.violated(error)

    def lost(self, reason: str) -> None:
        """End the session, and tell it: the link is gone."""
        if self._is_leaving and self.state is not State.ENDED:
            self._lost = reason  # its onLeave comes before its onDisconnect
            self._unlinked.set_result(None)
            return
        transport, self._transport = self._transport, None
        was_clean = self.is_finished or self._router_left or self.state is State.ENDED
        super().lost(reason)
        if transport is not None:
            transport.ended()
            self.hosted.onClose(was_clean)
            # Calls that end only now are answered without looking whether there is a transport.
            self.hosted._transport = transport

    async def settled(self) -> None:
        """Wait until what the session does on joining is done, or waits for something else.

        That is its ``onJoin``, unless that goes on, and what it registers and subscribes to.
        """
        hosted = self.hosted
        while not self._ready.done() and self.is_joined:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if not (hosted._register_reqs or hosted._subscribe_reqs):
                return
            if self._retaking is not None and self._retaking.waits:
                return
            either: list[asyncio.Future[Any]] = [self._ready, self.closed]
            await asyncio.wait(either, timeout=_PAUSE)

    def _register(self, message: Message) -> int | None:
        """Send a REGISTER once more, as a new request; return its number."""
        if not self.is_joined:
            return None
        request: int = self.hosted._request_id_gen.next()
        with contextlib.suppress(ConnectionLost):
            self._link.send([REGISTER, request, *message[2:]])
        return request

    async def _unregister_all(self) -> None:
        """Take no new calls; the session itself need not know."""
        if self.is_joined:
            with contextlib.suppress(ConnectionLost):
                registrations = list(self.hosted._registrations)
                await self._while_joined([self._ask(UNREGISTER, n) for n in registrations])

    async def drain(self, grace: float) -> None:
        """Wait until no call runs any longer, and cancel those that exceed the grace time.

        Args:
            grace: the seconds that they get.
        """
        running = self.hosted._invocations
        await self._while_joined([self._answer_of(call) for call in running.values()], grace)
        if running and self.is_joined:
            logger.warning("What still runs in %s after the grace time is cancelled", self._name)
            self._cancels = True
            calls = list(running.values())
            answers = [self._answer_of(call) for call in calls]
            for call in calls:
                txaio.cancel(call.on_reply)
            await self._while_joined(answers, 1.0)

    def _answer_of(self, call: Any) -> asyncio.Future[None]:
        """Return a future that is done once a call is answered."""
        answered = self._loop.create_future()

        def done(_outcome: object) -> None:
            if not answered.done():
                answered.set_result(None)

        txaio.add_callbacks(call.on_reply, done, done)
        return answered

    async def _while_joined(
        self, futures: list[asyncio.Future[None]], timeout: float | None = None
    ) -> None:
        """Wait for futures, but no longer than the session lasts."""
        everything = asyncio.gather(*futures)
        either: list[asyncio.Future[Any]] = [everything, self.closed]
        await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def gone(self, timeout: float) -> None:
        """Wait until the link is gone, once the session has ended.

        Args:
            timeout: the seconds that the router has to close its end.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._unlinked)

    def probe(self) -> None:
        """Make the router say something; see :class:`Session`."""
        with contextlib.suppress(ConnectionLost):
            self._ask(UNSUBSCRIBE, MAX_ID)

    def _ask(self, code: int, number: int) -> asyncio.Future[None]:
        """Ask for the end of a subscription or registration; the future is done when it came."""
        request = self.hosted._request_id_gen.next()
        self._link.send([code, request, number])
        answer = self._requests[request] = self._loop.create_future()
        return answer

    def _hand_over(self, message: Message) -> None:
        try:
            self.hosted.onMessage(parsed(message))
        except ProtocolError as error:
            raise ProtocolViolation(f"Autobahn says: {error}".rstrip(".") + ".") from None

    # How it opens and ends.

    def timed_out(self, where: str, seconds: float) -> WampappError:
        """Return why it has not joined in time: because of the router, or of itself."""
        if not self._awaited:
            return super().timed_out(where, seconds)
        return HookFailed(f"{self._name} did not {self._awaited} within {seconds:g} s.")

    def _connect_failed(self, failure: Any) -> None:
        """End the run; Autobahn would wait for ever."""
        if self.state is not State.ENDED:
            error = failure.value
            self._dispatcher.failures.log(f"{self._name}.onConnect failed", error)
            sentence = f"{self._name}.onConnect failed: {brief(error)}."
            self._end("its onConnect failed", HookFailed(sentence))

    def _welcomed(self, denial: Any) -> Any:
        """Join as the session does, which may have denied the router."""
        if denial is None and self.state is not State.ENDED:
            self._awaited = ""
            self._on_welcome(self._welcome_message)
        return denial

    def _welcome_failed(self, failure: Any) -> Any:
        self._raised = failure.value  # which Autobahn keeps to itself
        return failure

    def _is_ready(self, outcome: Any) -> Any:
        if not self._ready.done():
            self._ready.set_result(None)
        return outcome

    def _join_failed(self, failure: Any) -> Any:
        if txaio.using_asyncio is True:  # where Autobahn does not ask what became of it
            self.hosted._swallow_error(failure, "While firing onJoin")
        return self._is_ready(failure)

    def _left(self, outcome: Any) -> Any:
        """Close the link, if the session leaves it open."""
        if self._router_left:
            self._end(self._reason)
        return outcome

    def _sending(self, message: Message) -> Message:
        """Look at what the session sends; add our credential to its HELLO if it has none."""
        code = message[0]
        if code == REGISTER and self._retaking is not None:
            self._retaking.sent(message)
        if code in (HELLO, AUTHENTICATE):
            self._awaited = ""
        if code == HELLO and self._has_credential and not message[2].get("authmethods"):
            self._proves = True
            _, _, ours = self._handshake.hello(self._link.channel)
            return [HELLO, message[1], {**ours, **message[2]}]
        if code == ABORT:
            text = brief(self._raised) if self._raised else message[1].get("message") or message[2]
            text = f"{self._name} cannot join: {text.rstrip('.')}."
            self._refusal = RouterRefused(text, message[2])
            # Once it is sent; the session itself may leave its transport open.
            self._loop.call_soon(self._end, "it aborted", self._refusal)
        if code == ERROR and self._cancels:  # Autobahn takes it for a failure of the handler
            return [*message[:4], CANCELED]
        if code == GOODBYE and not self._router_left and self.state is State.JOINED:
            self.is_finished = True  # it says so first, and not for us
        return message

    def _close(self) -> None:
        """Close the link, as the session asks for it."""
        failure = self._guest.failure
        if self.state is State.JOINED and not self._router_left:
            self.is_finished = failure is None or not self._guest.comes_back
        reason = "it failed" if failure is not None else self._reason
        left = LeftBeforeJoin(f"{self._name} disconnected before it had joined.")
        self._end(reason, self._refusal or left)

    def _welcome(self, message: Message) -> None:
        if self._proves:
            try:
                self._handshake.verify(message[2])
            except RouterRefused as error:
                self._refuse(error)
                return
            self._proves = False
        self._has_credential = False
        self._welcome_message = message
        self._awaited = "return from its onWelcome"
        self._hand_over(message)

    def _goodbye(self, message: Message) -> None:
        self._router_left = self._is_leaving = True
        self._reason = _reason(message) if not self.is_finished else "it left"
        if self.state is State.JOINED:
            self._move_to(State.LEAVING)
        self._loop.call_later(_LEAVE_SECONDS, self._end, self._reason)
        if message[2] == GOODBYE_AND_OUT:
            # What Autobahn's own routers answer: its sessions warn of anything else.
            message = [GOODBYE, message[1], CLOSE_NORMAL]
        self._hand_over(message)

    def _end(self, reason: str, error: Exception | None = None, *, abort: bool = False) -> None:
        super()._end(reason, error, abort=abort)
        lost, self._lost = self._lost, None
        if lost is not None:
            self.lost(lost)

    def _say_goodbye(self) -> None:
        self.hosted.leave()


def _reason(message: Message) -> str:
    said = message[1].get("message")
    return said if isinstance(said, str) and said.strip() else str(message[2])
