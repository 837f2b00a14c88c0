"""The caller's and the publisher's part of a session: requests, and the answers to them."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    ProtocolViolation,
)
from wampapp.protocol.messages import (
    CALL,
    CANCEL,
    ERROR,
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
    payload_of,
)
from wampapp.protocol.payload import append_payload
from wampapp.registry.results import value_of
from wampapp.session.wire_errors import exception_for, general_error

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.session.events import Backlog

    OnProgress = Callable[[Sequence[Any], dict[str, Any]], None]

logger = logging.getLogger("wampapp.session")

_NO_OPTIONS: Final[dict[str, Any]] = {}

#: The request that each answer belongs to.
ANSWERS: Final = {
    REGISTERED: REGISTER,
    UNREGISTERED: UNREGISTER,
    SUBSCRIBED: SUBSCRIBE,
    UNSUBSCRIBED: UNSUBSCRIBE,
    PUBLISHED: PUBLISH,
}


class Caller:
    """Calls, publishes and makes the session's other requests, and keeps account of the pending.

    Args:
        backlog: the events that wait; a request makes reading go on where they stopped it.
        loop: the event loop.
        defined: the exceptions that stand for error URIs.

    Attributes:
        can_cancel: whether the router takes CANCEL.
        send: sends a message; the session replaces it with each change of its state. Raises
            NotJoined or ConnectionLost.
    """

    send: Callable[[Message], None]

    def __init__(
        self,
        backlog: Backlog,
        loop: asyncio.AbstractEventLoop,
        defined: Mapping[str, type[Exception]] | None,
    ) -> None:
        self._backlog = backlog
        self._loop = loop
        self._defined = defined
        self._last_request = 0
        #: The calls that wait, by request.
        self._calls: dict[int, asyncio.Future[Any]] = {}
        #: The requests of these calls.
        self._request_of: dict[asyncio.Future[Any], int] = {}
        #: What takes the progressive results of those that asked for some.
        self._on_progress: dict[int, OnProgress] = {}
        self._on_done = self._forget  # made once, not for each call
        #: Every other request: its code, its future, and what takes the id in its answer.
        self._pending: dict[int, tuple[int, asyncio.Future[Any], Callable[[int], None] | None]] = {}
        self.can_cancel = False

    @property
    def awaits_answer(self) -> bool:
        """Whether a request has yet to be answered."""
        return bool(self._calls or self._pending)

    def next_request(self) -> int:
        """Return the id of a new request: one more than the last, from 1 to 2**53 ("IDs")."""
        self._last_request = self._last_request % MAX_ID + 1
        return self._last_request

    # What an app or a client asks for.

    def call(
        self,
        procedure: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        on_progress: OnProgress | None = None,
        *,
        options: dict[str, Any] = _NO_OPTIONS,
    ) -> asyncio.Future[Any]:
        """Call a procedure.

        Args:
            procedure: its absolute URI.
            args: positional arguments.
            kwargs: keyword arguments.
            on_progress: takes the positional and the named values of each progressive result;
                None asks for none.
            options: further options of CALL.

        Returns:
            A future of the result: the value if there is exactly one positional value, None if
            there is no value, else a :class:`~wampapp.CallResult`. Its exception is the callee's
            or the router's :class:`WampError`, or :class:`ConnectionLost`. Cancelling it cancels
            the call: CANCEL is sent in the next turn of the loop.

        Raises:
            NotJoined: the session is not joined.
            PayloadNotEncodable: an argument cannot be sent.
            PayloadTooLarge: the arguments are larger than the router takes.
        """
        request = self.next_request()
        if on_progress is not None:
            options = {**options, "receive_progress": True}
        self.send(append_payload([CALL, request, options, procedure], args, kwargs))
        # One of asyncio's own, which a task awaits in C: 0.2 µs less than one of a class of ours.
        future = self._calls[request] = self._loop.create_future()
        self._request_of[future] = request
        future.add_done_callback(self._on_done)
        if on_progress is not None:
            self._on_progress[request] = on_progress
        if self._backlog.paused:
            self._backlog.resume()
        return future

    def cancel(self, future: asyncio.Future[Any]) -> None:
        """Cancel a call at once: CANCEL goes out before whatever is sent next.

        Args:
            future: the call's; one of another session's is only cancelled.
        """
        if future.cancel():
            self._forget(future)

    def cancel_forgotten(self) -> None:
        """Send a CANCEL for each call that was cancelled in this turn of the loop."""
        for future in [future for future in self._request_of if future.done()]:
            self._forget(future)

    def _forget(self, future: asyncio.Future[Any]) -> None:
        """Tell the router that nobody waits for a call, unless its answer has come meanwhile.

        Args:
            future: the call's, which somebody else has ended: by cancelling it, as a rule.
        """
        request = self._request_of.get(future)
        if request is not None:
            self._take(request)
            self._send_cancel(request)

    def _take(self, request: int) -> asyncio.Future[Any] | None:
        """Forget a call; return its future, if it is still waited for."""
        future = self._calls.pop(request, None)
        if future is None:
            return None
        del self._request_of[future]
        if self._on_progress:
            self._on_progress.pop(request, None)
        if future.done():
            return None
        future.remove_done_callback(self._on_done)
        return future

    def _send_cancel(self, request: int) -> None:
        if self.can_cancel:
            with contextlib.suppress(ConnectionLost, NotJoined):
                self.send([CANCEL, request, {"mode": "killnowait"}])

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
        request = self.next_request()
        head: Message = [PUBLISH, request, options, topic]
        self.send(append_payload(head, args, kwargs))
        if options.get("acknowledge"):
            return self._expect(PUBLISH, request)
        done = self._loop.create_future()
        done.set_result(None)
        return done

    async def request(
        self, code: int, *rest: Any, on_answer: Callable[[int], None] | None = None
    ) -> int:
        """Ask the router for something, and wait for its answer.

        Args:
            code: the code of the request's message.
            rest: what follows the request's id in it.
            on_answer: called with the id in the answer in the same turn of the loop, because an
                INVOCATION or an EVENT may follow in the very next bytes.

        Returns:
            The id in the answer: of a registration, say; 0 if there is none.

        Raises:
            WampError: the router refuses.
            NotJoined: the session is not joined.
            ConnectionLost: the link broke.
        """
        request = self.next_request()
        self.send([code, request, *rest])
        return int(await self._expect(code, request, on_answer))

    def _expect(
        self, code: int, request: int, on_answer: Callable[[int], None] | None = None
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending[request] = code, future, on_answer
        if self._backlog.paused:
            self._backlog.resume()
        return future

    # What the router answers.

    def on_result(self, message: Message) -> None:
        """Handle ``[RESULT, Request, Details, Args?, Kwargs?]``."""
        details = message[2]
        if details and details.get("progress") is True:
            on_progress = self._on_progress.get(message[1])
            if on_progress is not None and not self._calls[message[1]].done():
                on_progress(*payload_of(message, 3))
            return
        future = self._take(message[1])
        if future is not None:
            args, kwargs = payload_of(message, 3)
            future.set_result(value_of(args, kwargs))

    def on_answer(self, message: Message) -> None:
        """Handle ``[REGISTERED, Request, Registration]`` and the others in :data:`ANSWERS`."""
        code, future, on_answer = self._pending.get(message[1], (0, None, None))
        if future is None or code != ANSWERS[message[0]]:
            return  # nobody asked for it
        del self._pending[message[1]]
        number = message[2] if len(message) > 2 else 0
        if on_answer is not None:
            on_answer(number)
        if not future.done():
            future.set_result(number)

    def on_error(self, message: Message) -> None:
        """Handle ``[ERROR, Code, Request, Details, URI, Args?, Kwargs?]``."""
        _, code, request, _, uri = message[:5]
        # What registers and subscribes, here and in apps, expects a WampError.
        make = exception_for if code in (CALL, PUBLISH) else general_error
        self._fail(code, request, make(uri, *payload_of(message, 5), self._defined))

    def refuse(self, error: MalformedMessage) -> None:
        """Fail the request whose answer cannot be read."""
        code, *ids = error.head
        if code == ERROR:
            code, *ids = ids
        else:
            code = CALL if code == RESULT else ANSWERS[code]
        if not ids:
            logger.warning("An error was dropped: %s", error.message)
            return
        text = f"The answer cannot be read: {error.message}"
        self._fail(code, ids[0], ProtocolViolation(text))
        if error.options.get("progress") is True:  # nobody waits for the others
            self._send_cancel(ids[0])

    def _fail(self, code: int, request: int, error: Exception) -> None:
        """End a request with an error, if it is still waited for."""
        future: asyncio.Future[Any] | None = None
        if code == CALL:
            future = self._take(request)
        elif self._pending.get(request, (0,))[0] == code:
            future = self._pending.pop(request)[1]
        if future is not None and not future.done():
            future.set_exception(error)

    def fail(self, reason: str) -> None:
        """End every request that waits with :class:`ConnectionLost`.

        Args:
            reason: why the session ended.
        """
        error = ConnectionLost(
            f"The connection to the router broke ({reason}) before the answer came; whether it "
            "was carried out is unknown."
        )
        calls = [self._take(request) for request in list(self._calls)]
        others = [future for _, future, _ in self._pending.values()]
        self._pending.clear()
        for future in calls + others:
            if future is not None and not future.done():
                future.set_exception(error)
