"""What a session serves: calls to its procedures, and events of its topics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from wampapp.errors import (
    ConnectionLost,
    HandlerFailed,
    NotJoined,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.observe import logs
from wampapp.protocol import uris
from wampapp.protocol.messages import ERROR, INVOCATION, YIELD, payload_of
from wampapp.protocol.payload import append_payload
from wampapp.registry.results import CallResult
from wampapp.session.events import EventLane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.dispatch.execution import Run
    from wampapp.protocol.messages import Message
    from wampapp.registry.endpoint import Endpoint

logger = logging.getLogger("wampapp.session")


class Serving:
    """The callee's and the subscriber's part of a session.

    Args:
        dispatcher: what runs the handlers.
        send: sends a message on the session; raises NotJoined or ConnectionLost.
        on_backlog: called when the number of waiting events has changed.

    Attributes:
        endpoints: the procedures, by registration id.
        backlog: how many events wait for their handlers.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        send: Callable[[Message], None],
        on_backlog: Callable[[], None],
    ) -> None:
        self.backlog = 0
        self._on_backlog = on_backlog
        self.endpoints: dict[int, Endpoint] = {}
        self._lanes: dict[int, list[EventLane]] = {}
        self._running: dict[int, Run] = {}
        self._dispatcher = dispatcher
        self._send = send
        self._answer = _LoggedAnswer if logs.access_enabled() else _Answer

    def _event_moved(self, change: int) -> None:
        self.backlog += change
        self._on_backlog()

    def add_handler(self, number: int, endpoint: Endpoint) -> None:
        """Hand the events of a subscription to one more handler.

        Args:
            number: the subscription's id.
            endpoint: the handler.
        """
        lane = EventLane(self._dispatcher, endpoint, self._event_moved)
        self._lanes.setdefault(number, []).append(lane)

    def drop_handlers(self, number: int) -> None:
        """Forget the handlers of a subscription."""
        self._lanes.pop(number, None)

    def invoked(self, message: Message) -> None:
        """Handle INVOCATION: ``[INVOCATION, Request, Registration, Details, Args?, Kwargs?]``."""
        endpoint = self.endpoints.get(message[2])
        args, kwargs = payload_of(message, 4)
        if endpoint is None:
            # The router answers REGISTER before it sends a call, so this one is not ours.
            raise ProtocolViolation(f"There is no registration {message[2]}.")
        request = message[1]
        run = self._dispatcher.call(
            endpoint, args, kwargs, self._answer(self, request, endpoint, message[3]), message[3]
        )
        if not run.over:
            self._running[request] = run

    def interrupted(self, message: Message) -> None:
        """Handle INTERRUPT: ``[INTERRUPT, Request, Options]``."""
        run = self._running.get(message[1])
        if run is not None:
            run.cancel()

    def happened(self, message: Message) -> None:
        """Handle EVENT: ``[EVENT, Subscription, Publication, Details, Args?, Kwargs?]``."""
        # An event may overtake our UNSUBSCRIBE; then nobody waits for it any more.
        args, kwargs = payload_of(message, 4)
        for lane in self._lanes.get(message[1], ()):
            lane.push(args, kwargs, message[3], message[2])

    def progress(
        self, request: int, endpoint: Endpoint, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        """Send a progressive result; one that cannot be sent ends the run with an error."""
        try:
            self._reply(
                append_payload([YIELD, request, {"progress": True}], args, kwargs), endpoint
            )
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            run = self._running.get(request)
            if run is not None:
                run.error(error)
                run.cancel()

    def answer(self, request: int, endpoint: Endpoint, value: Any) -> str:
        """Send a handler's result; return how the call came out, ``ok`` or an error's URI."""
        self._running.pop(request, None)
        if type(value) is CallResult:
            args, kwargs = value.args, value.kwargs
        else:
            args, kwargs = (value,), {}
        try:
            self._reply(append_payload([YIELD, request, {}], args, kwargs), endpoint)
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The result of %s cannot be sent: %s", endpoint.uri, error.message
            )
            return self.refuse(request, endpoint, error)
        return "ok"

    def refuse(self, request: int, endpoint: Endpoint, error: BaseException) -> str:
        """Send the error that a handler raised; return its URI."""
        self._running.pop(request, None)
        answer = self._dispatcher.failure(endpoint, error)
        if not uris.is_valid(answer.uri):
            logger.error("%s raised an error with the invalid URI %r", endpoint.uri, answer.uri)
            answer = HandlerFailed(
                answer.message or "The procedure raised an error whose URI is not valid."
            )
        head: Message = [ERROR, INVOCATION, request, {}, answer.uri]
        try:
            self._reply(append_payload([*head], answer.args, answer.kwargs), endpoint)
        except (PayloadNotEncodable, PayloadTooLarge) as reason:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The error of %s cannot be sent whole: %s", endpoint.uri, reason.message
            )
            self._reply([*head, [answer.message[:1000]]], endpoint)
        return answer.uri

    def _reply(self, message: Message, endpoint: Endpoint) -> None:
        try:
            self._send(message)
        except (NotJoined, ConnectionLost):
            logger.warning("%s was done when its session had ended already", endpoint.uri)


class _Answer:
    """Where the outcome of one invocation goes: back over its session."""

    __slots__ = ("_endpoint", "_request", "_serving")

    def __init__(
        self,
        serving: Serving,
        request: int,
        endpoint: Endpoint,
        details: dict[str, Any],  # noqa: ARG002 - for the one that logs
    ) -> None:
        self._serving = serving
        self._request = request
        self._endpoint = endpoint

    def result(self, value: Any) -> None:
        self._serving.answer(self._request, self._endpoint, value)

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self._serving.progress(self._request, self._endpoint, args, kwargs)

    def error(self, error: BaseException) -> None:
        self._serving.refuse(self._request, self._endpoint, error)


class _LoggedAnswer(_Answer):
    """An answer that leaves a line in the access log."""

    __slots__ = ("_caller", "_start", "_uri")

    def __init__(
        self, serving: Serving, request: int, endpoint: Endpoint, details: dict[str, Any]
    ) -> None:
        super().__init__(serving, request, endpoint, details)
        self._uri = details.get("procedure") or endpoint.uri
        self._caller = details.get("caller")
        self._start = time.perf_counter()

    def result(self, value: Any) -> None:
        self._log(self._serving.answer(self._request, self._endpoint, value))

    def error(self, error: BaseException) -> None:
        self._log(self._serving.refuse(self._request, self._endpoint, error))

    def _log(self, outcome: str) -> None:
        caller = self._caller if isinstance(self._caller, int) else None
        logs.log_access(self._uri, caller, time.perf_counter() - self._start, outcome)
