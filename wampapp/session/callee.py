"""The callee's part of a session: REGISTER, and INVOCATION answered by YIELD or ERROR."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.errors import (
    ConnectionLost,
    InvalidArgument,
    NoSuchProcedure,
    NotJoined,
    PayloadNotEncodable,
    PayloadTooLarge,
    WampError,
)
from wampapp.observe import logs
from wampapp.observe.tracing import running_for
from wampapp.protocol.messages import (
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    UNREGISTER,
    YIELD,
    payload_of,
)
from wampapp.protocol.payload import ATOMS, append_payload, sendable
from wampapp.registry.autobahn_classes import is_a
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.dispatch.execution import Run
    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.registry.endpoint import Endpoint
    from wampapp.session.caller import Caller

logger = logging.getLogger("wampapp.session")


class Callee:
    """Registers procedures, has their handlers run, and sends the outcomes.

    Args:
        dispatcher: what runs the handlers.
        caller: what makes requests of the router.

    Attributes:
        send: sends a message; the session replaces it with each change of its state. Raises
            NotJoined or ConnectionLost.
    """

    send: Callable[[Message], None]

    def __init__(self, dispatcher: Dispatcher, caller: Caller) -> None:
        self._dispatcher = dispatcher
        self._caller = caller
        #: The procedures, by registration id.
        self._endpoints: dict[int, Endpoint] = {}
        #: The calls that run, by the request id of their INVOCATION.
        self._runs: dict[int, Run] = {}
        self._reply = _LoggedReply if logs.access_enabled() else _Reply

    async def register(self, endpoint: Endpoint) -> int:
        """Register a procedure.

        Args:
            endpoint: the handler of its calls.

        Returns:
            The registration's id.

        Raises:
            WampError: the router refuses.
            NotJoined: the session is not joined.
            ConnectionLost: the link broke.
        """

        def add(registration: int) -> None:
            self._endpoints[registration] = endpoint
            endpoint.id = registration

        options = endpoint.options
        if logs.access_enabled():
            options = {**options, "x_disclose": True}  # its lines name the caller
        return await self._caller.request(REGISTER, options, endpoint.pattern.uri, on_answer=add)

    def find(self, endpoint: Endpoint) -> int | None:
        """Return the id of a handler's registration, in any thread; None if it has none."""
        found = (number for number, known in list(self._endpoints.items()) if known is endpoint)
        return next(found, None)

    async def unregister(self, registration: int) -> None:
        """Take a registration back.

        Args:
            registration: its id.

        Raises:
            WampError: the router refuses.
            NotJoined: the session is not joined.
            ConnectionLost: the link broke.
        """
        await self._caller.request(UNREGISTER, registration)
        # Kept until now: the router may have sent an INVOCATION before it read our message.
        self._endpoints.pop(registration, None)

    async def unregister_all(self) -> None:
        """Take all registrations back, so that no new call comes; those that run go on."""
        registrations = list(self._endpoints)
        with contextlib.suppress(WampError, ConnectionLost, NotJoined):
            await asyncio.gather(*map(self.unregister, registrations))

    def on_unregistered(self, message: Message) -> None:
        """Handle ``[UNREGISTERED, Request]``, and the router's own, whose request is 0."""
        if message[1] != 0:
            self._caller.on_answer(message)
            return
        # "Registration Revocation": the router has taken a registration away.
        details = message[2] if len(message) > 2 else {}
        number = details.get("registration")
        endpoint = self._endpoints.pop(number, None) if type(number) is int else None
        if endpoint is not None:
            logger.warning(
                "%s was taken away by the router: %s",
                endpoint.uri,
                details.get("reason") or "another session registered it by force",
            )

    def on_invocation(self, message: Message) -> None:
        """Handle ``[INVOCATION, Request, Registration, Details, Args?, Kwargs?]``."""
        endpoint = self._endpoints.get(message[2])
        request = message[1]
        if endpoint is None:
            # The router answers REGISTER before it sends a call, so this one is not ours.
            text = f"There is no registration {message[2]} here."
            self._refuse(request, "A call", NoSuchProcedure(text))
            return
        details = message[3]
        args, kwargs = payload_of(message, 4)
        reply = self._reply(self, request, endpoint, details)
        run = self._dispatcher.call(endpoint, args, kwargs, reply, details)
        if not run.done:
            self._runs[request] = run

    def refuse_call(self, error: MalformedMessage) -> None:
        """Answer a call that cannot be read with an error."""
        endpoint = self._endpoints.get(error.head[2]) if len(error.head) > 2 else None
        what = f"A call of {endpoint.uri}" if endpoint else "A call"
        text = f"The call cannot be read: {error.message}"
        self._refuse(error.head[1], what, InvalidArgument(text))

    def refuse_interrupt(self, error: MalformedMessage) -> None:
        """Cancel a run; the options, which cannot be read, make no difference."""
        self.on_interrupt([INTERRUPT, error.head[1], error.options])

    def _refuse(self, request: int, what: str, error: WampError) -> None:
        logger.warning("%s was refused: %s", what, error.message)
        with contextlib.suppress(NotJoined, ConnectionLost):
            self.send([ERROR, INVOCATION, request, {}, error.uri, [error.message]])

    def run_of(self, request: int) -> Run | None:
        """Return the run of a call that has yet to be answered; None if it is about to begin."""
        return self._runs.get(request)

    def on_interrupt(self, message: Message) -> None:
        """Handle ``[INTERRUPT, Request, Options]``: cancel the run, whatever the mode."""
        run = self._runs.get(message[1])
        if run is not None:
            run.cancel()

    # The outcomes of runs.

    def send_progress(
        self, request: int, endpoint: Endpoint, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        """Send a progressive result; raises where it cannot be sent."""
        try:
            self._answer(
                append_payload([YIELD, request, {"progress": True}], args, kwargs), endpoint
            )
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "A progressive result of %s cannot be sent: %s", endpoint.uri, error.message
            )
            raise

    def send_result(self, request: int, endpoint: Endpoint, value: Any) -> str:
        """Send a handler's result; return how the call came out: ``ok``, or an error's URI."""
        self._runs.pop(request, None)
        try:
            if type(value) in ATOMS:
                # append_payload() makes the same of it, and takes 0.3 µs more.
                message: Message = [YIELD, request, {}, [value]]
            elif type(value) is CallResult:
                message = append_payload([YIELD, request, {}], value.args, value.kwargs)
            else:
                message = append_payload([YIELD, request, {}], (value,), {})
            # What _answer() does, written out. Before it, a value's own code may have run, and that
            # may raise anything.
            try:
                self.send(message)
            except (NotJoined, ConnectionLost):
                self._not_sent(endpoint)
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            # Autobahn's class is looked for only now, so that no other result pays for it.
            if is_a(value, "CallResult"):
                return self.send_result(
                    request, endpoint, CallResult(*value.results, **value.kwresults)
                )
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The result of %s cannot be sent: %s", endpoint.uri, error.message
            )
            return self.send_error(request, endpoint, error)
        return "ok"

    def send_error(self, request: int, endpoint: Endpoint, error: WampError) -> str:
        """Send the error that a call ended with; return its URI."""
        self._runs.pop(request, None)
        head: Message = [ERROR, INVOCATION, request, {}, error.uri]
        try:
            self._answer(append_payload([*head], error.args, error.kwargs), endpoint)
        except (PayloadNotEncodable, PayloadTooLarge) as reason:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "The error of %s cannot be sent whole: %s", endpoint.uri, reason.message
            )
            try:
                self._answer([*head, [sendable(error.message)[:1000]]], endpoint)
            except PayloadTooLarge:
                self._answer(head, endpoint)
        return error.uri

    def _answer(self, message: Message, endpoint: Endpoint) -> None:
        try:
            self.send(message)
        except (NotJoined, ConnectionLost):
            self._not_sent(endpoint)

    def _not_sent(self, endpoint: Endpoint) -> None:
        logger.warning(
            "%s finished after its session had ended; its answer was not sent", endpoint.uri
        )


class _Reply(msgspec.Struct, eq=False):
    """The reply to one INVOCATION: it goes back over the session that the call came by."""

    callee: Callee
    request: int
    endpoint: Endpoint
    details: dict[str, Any]

    def result(self, value: Any) -> None:
        self.callee.send_result(self.request, self.endpoint, value)

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.callee.send_progress(self.request, self.endpoint, args, kwargs)

    def error(self, error: WampError) -> None:
        self.callee.send_error(self.request, self.endpoint, error)


class _LoggedReply(_Reply):
    """A reply that leaves a line in the access log."""

    start: float = msgspec.field(default_factory=time.perf_counter)

    def result(self, value: Any) -> None:
        run = self.callee.run_of(self.request)
        self._log(run, self.callee.send_result(self.request, self.endpoint, value))

    def error(self, error: WampError) -> None:
        run = self.callee.run_of(self.request)
        self._log(run, self.callee.send_error(self.request, self.endpoint, error))

    def _log(self, run: Run | None, outcome: str) -> None:
        uri = self.details.get("procedure") or self.endpoint.uri
        caller = self.details.get("caller")
        took = time.perf_counter() - self.start
        # One that is done already is the one that runs.
        with contextlib.nullcontext() if run is None else running_for(run):
            logs.log_access(uri, caller if isinstance(caller, int) else None, took, outcome)
