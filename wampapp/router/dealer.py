"""The dealer of one realm: registrations, and the routing of calls. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp import uri
from wampapp.errors import (
    CANCELED,
    INVALID_URI,
    NO_SUCH_PROCEDURE,
    NO_SUCH_REGISTRATION,
    PROCEDURE_ALREADY_EXISTS,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.messages import (
    CALL,
    ERROR,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    UNREGISTERED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.messages import Message
    from wampapp.router.core import RouterSession

#: What WELCOME says of the dealer ("Feature Announcement").
FEATURES: Final[dict[str, bool]] = {}


class Registration:
    """A procedure and its callee.

    Attributes:
        id: the registration's id.
        uri: the procedure.
        callee: the session that registered it.
    """

    __slots__ = ("callee", "id", "uri")

    def __init__(self, number: int, procedure: str, callee: RouterSession) -> None:
        self.id = number
        self.uri = procedure
        self.callee = callee


class PendingCall:
    """A call that waits for its callee.

    Attributes:
        caller: the session that called; None once it has left, when the answer is dropped.
        request: the caller's request id.
        procedure: the procedure, for error messages.
    """

    __slots__ = ("caller", "procedure", "request")

    def __init__(self, caller: RouterSession, request: int, procedure: str) -> None:
        self.caller: RouterSession | None = caller
        self.request = request
        self.procedure = procedure


class Dealer:
    """Routes calls to callees and answers to callers ("Remote Procedure Calls").

    Args:
        next_id: gives the next id of the router scope.
    """

    def __init__(self, next_id: Callable[[], int]) -> None:
        self._next_id = next_id
        self._procedures: dict[str, Registration] = {}
        self._by_id: dict[int, Registration] = {}

    @property
    def procedures(self) -> dict[str, Registration]:
        """The registered procedures, by URI."""
        return self._procedures

    def register(self, session: RouterSession, message: Message) -> None:
        """Handle REGISTER: ``[REGISTER, Request, Options, Procedure]``."""
        _, request, options, name = message
        if not uri.is_valid(name) or name.startswith(uri.RESERVED):
            session.send_error(
                REGISTER, request, INVALID_URI, f"The procedure {name!r} is invalid or reserved."
            )
            return
        if not session.allows_match(REGISTER, request, options):
            return
        if name in self._procedures:
            session.send_error(
                REGISTER,
                request,
                PROCEDURE_ALREADY_EXISTS,
                f"The procedure {name!r} is registered already.",
            )
            return
        registration = Registration(self._next_id(), name, session)
        self._procedures[name] = self._by_id[registration.id] = registration
        session.registrations.add(registration.id)
        session.send([REGISTERED, request, registration.id])

    def unregister(self, session: RouterSession, message: Message) -> None:
        """Handle UNREGISTER: ``[UNREGISTER, Request, Registration]``."""
        _, request, number = message
        if number not in session.registrations:
            session.send_error(
                UNREGISTER, request, NO_SUCH_REGISTRATION, f"There is no registration {number}."
            )
            return
        self._drop(session, number)
        session.send([UNREGISTERED, request])

    def call(self, session: RouterSession, message: Message) -> None:
        """Handle CALL: ``[CALL, Request, Options, Procedure, Args?, Kwargs?]``."""
        request, _, name = message[1:4]
        if request in session.calls:
            raise ProtocolViolation(f"The request id {request} is of a call that still runs.")
        registration = self._procedures.get(name)
        if registration is None:
            if uri.is_valid(name):
                why, text = NO_SUCH_PROCEDURE, f"There is no procedure {name!r}."
            else:
                why, text = INVALID_URI, f"The procedure {name!r} is invalid."
            session.send_error(CALL, request, why, text)
            return
        callee = registration.callee
        number = callee.next_request()
        pending = PendingCall(session, request, name)
        callee.invocations[number] = session.calls[request] = pending
        try:
            callee.send([INVOCATION, number, registration.id, {}, *message[4:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            # What the caller's serializer carries, the callee's may not.
            del callee.invocations[number], session.calls[request]
            session.send_error(CALL, request, error.uri, error.message)

    def yielded(self, session: RouterSession, message: Message) -> None:
        """Handle YIELD: ``[YIELD, Request, Options, Args?, Kwargs?]``."""
        pending = self._finish(session, message[1])
        caller = pending.caller
        if caller is None:
            return
        try:
            caller.send([RESULT, pending.request, {}, *message[3:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            caller.send_error(CALL, pending.request, error.uri, error.message)

    def failed(self, session: RouterSession, message: Message) -> None:
        """Handle a callee's ERROR: ``[ERROR, 68, Request, Details, Error, Args?, Kwargs?]``."""
        if message[1] != INVOCATION:
            raise ProtocolViolation("A client sends ERROR for an INVOCATION alone.")
        pending = self._finish(session, message[2])
        caller = pending.caller
        if caller is None:
            return
        why = message[4]
        if not uri.is_valid(why):
            raise ProtocolViolation(f"The error URI {why!r} is invalid.")
        try:
            caller.send([ERROR, CALL, pending.request, {}, why, *message[5:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            caller.send_error(CALL, pending.request, error.uri, error.message)

    def remove(self, session: RouterSession) -> None:
        """Forget a session that has left: its procedures, and the calls to and from it."""
        for number in list(session.registrations):
            self._drop(session, number)
        for pending in session.calls.values():
            pending.caller = None
        session.calls.clear()
        for pending in session.invocations.values():
            caller = pending.caller
            if caller is not None:
                del caller.calls[pending.request]
                caller.send_error(
                    CALL,
                    pending.request,
                    CANCELED,
                    f"The callee of {pending.procedure!r} left before it answered.",
                )
        session.invocations.clear()

    def _finish(self, session: RouterSession, number: int) -> PendingCall:
        pending = session.invocations.pop(number, None)
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {number} to answer.")
        if pending.caller is not None:
            del pending.caller.calls[pending.request]
        return pending

    def _drop(self, session: RouterSession, number: int) -> None:
        session.registrations.discard(number)
        registration = self._by_id.pop(number)
        del self._procedures[registration.uri]
