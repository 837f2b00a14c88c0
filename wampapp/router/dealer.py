"""The dealer of one realm: the routing of calls and their answers. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    CANCELED,
    INVALID_ARGUMENT,
    INVALID_URI,
    NO_SUCH_PROCEDURE,
    OVERLOADED,
    PROTOCOL_VIOLATION,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import (
    CALL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    RESULT,
    payload_of,
    short_repr,
)
from wampapp.router.index import EXACT
from wampapp.router.registrations import Registrations
from wampapp.router.session import PendingCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.router.meta import Announce, Procedure
    from wampapp.router.numbers import Numbers
    from wampapp.router.registrations import Registration
    from wampapp.router.session import RouterSession

#: What WELCOME says of the dealer ("Feature Announcement").
FEATURES: Final = {
    "progressive_call_results": True,
    "call_canceling": True,
    "caller_identification": True,
    "pattern_based_registration": True,
    "shared_registration": True,
    "registration_revocation": True,
    "session_meta_api": True,
    "registration_meta_api": True,
}

_CANCEL_MODES: Final = ("skip", "kill", "killnowait")
_NO_DETAILS: Final[dict[str, Any]] = {}


class Dealer:
    """Routes calls to callees and answers to callers ("Remote Procedure Calls").

    Args:
        next_id: returns the next id of the router scope.
        now: returns the time, in seconds since 1970.
        numbers: what the router counts.
        announce: publishes an event of the router's own; :meth:`Broker.announce`.
        procedures: the procedures that the router answers itself, by URI; each takes the
            positional arguments, and raises :class:`WampError`.

    Attributes:
        registrations: who serves which procedure.
    """

    def __init__(
        self,
        next_id: Callable[[], int],
        now: Callable[[], float],
        numbers: Numbers,
        announce: Announce,
        procedures: Mapping[str, Procedure],
    ) -> None:
        self.registrations = Registrations(next_id, now, announce)
        self._index = self.registrations.index
        self._procedures = procedures
        self._numbers = numbers

    def call(self, session: RouterSession, message: Message) -> None:
        """Handle CALL: ``[CALL, Request, Options, Procedure, Args?, Kwargs?]``."""
        request, options, name = message[1:4]
        self._numbers.calls += 1
        if request in session.calls:
            raise ProtocolViolation(f"The call with the request id {request} still runs.")
        if name in self._procedures:  # before any pattern of a peer's that matches it too
            self._answer(session, message)
            return
        registration = self._index.best(name)
        if registration is None:
            if uris.is_valid(name):
                why, text = NO_SUCH_PROCEDURE, f"There is no procedure {short_repr(name)}."
            else:
                why, text = INVALID_URI, f"The procedure {short_repr(name)} is invalid."
            session.send_error(CALL, request, why, text)
            return
        callee = registration.choose()
        if callee.realm is None:  # it has left, and is still being removed
            self.registrations.prune(registration)
            self._numbers.calls -= 1
            self.call(session, message)
            return
        if len(session.calls) >= session.most_calls:
            _refuse_one_more(session, request, "caller already waits for the answers of")
            return
        if len(callee.invocations) >= callee.most_calls:
            _refuse_one_more(session, request, "callee has yet to answer")
            return
        pending = PendingCall(session, request, callee, name)
        details = _NO_DETAILS
        if options or registration.match != EXACT or registration.callees[callee]:
            details = _details(session, options, registration, callee, name)
            pending.progress = "receive_progress" in details
        callee.invocations[pending.invocation] = session.calls[request] = pending
        try:
            callee.send([INVOCATION, pending.invocation, registration.id, details, *message[4:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            # What the caller's serializer carries, the callee's may not.
            del callee.invocations[pending.invocation], session.calls[request]
            session.send_error(CALL, request, error.uri, error.message)

    def _answer(self, session: RouterSession, message: Message) -> None:
        """Answer a call of the router's own procedures."""
        request, name = message[1], message[3]
        args, kwargs = payload_of(message, 4)
        if kwargs:
            session.send_error(
                CALL, request, INVALID_ARGUMENT, f"{name} takes no keyword arguments."
            )
            return
        try:
            session.send([RESULT, request, _NO_DETAILS, [self._procedures[name](args)]])
        except WampError as error:
            session.send_error(CALL, request, error.uri, error.message)

    def cancel(self, session: RouterSession, message: Message) -> None:
        """Handle CANCEL: ``[CANCEL, Request, Options]`` ("Call Canceling")."""
        _, request, options = message
        pending = session.calls.get(request)
        if pending is None:
            return  # the answer is on its way already
        mode = options.get("mode", "killnowait")
        if mode not in _CANCEL_MODES:
            raise ProtocolViolation(f"There is no mode {short_repr(mode)} for canceling a call.")
        if not pending.callee.supports("callee", "call_canceling"):
            mode = "skip"
        if mode != "skip":
            pending.callee.send([INTERRUPT, pending.invocation, {"mode": mode}])
        if mode != "kill":
            self._release(pending)
            session.send_error(CALL, request, CANCELED, "The call was cancelled.")

    def _release(self, pending: PendingCall) -> None:
        """Let a call go: its caller no longer waits, whatever the callee still sends."""
        if pending.caller is not None:
            del pending.caller.calls[pending.request]
            pending.caller = None

    def yielded(self, session: RouterSession, message: Message) -> None:
        """Handle YIELD: ``[YIELD, Request, Options, Args?, Kwargs?]``."""
        _, number, options = message[:3]
        pending = session.invocations.get(number)
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {number} to answer.")
        caller, request = pending.caller, pending.request
        details: dict[str, Any] = _NO_DETAILS
        if options and options.get("progress") is True:
            if not pending.progress:
                return  # the caller did not ask for it; the result is still to come
            details = {"progress": True}
        else:
            del session.invocations[number]
            self._release(pending)
        if caller is None:
            return
        try:
            caller.send([RESULT, request, details, *message[3:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            self._release(pending)
            caller.send_error(CALL, request, error.uri, error.message)

    def refuse_answer(self, session: RouterSession, number: int, error: MalformedMessage) -> bool:
        """Answer the caller of an invocation in place of a callee whose answer cannot be read.

        Args:
            session: the callee.
            number: our request id of the invocation.
            error: what is wrong with the YIELD or the ERROR.

        Returns:
            Whether there is such an invocation.
        """
        pending = session.invocations.get(number)
        if pending is None:
            return False
        if error.head[0] == ERROR or not pending.progress:
            del session.invocations[number]  # otherwise more of its answers may follow
        caller, request = pending.caller, pending.request
        self._release(pending)
        if caller is not None:
            text = f"The callee's answer cannot be read: {error.message}"
            caller.send_error(CALL, request, PROTOCOL_VIOLATION, text)
        return True

    def failed(self, session: RouterSession, message: Message) -> None:
        """Handle a callee's ERROR: ``[ERROR, 68, Request, Details, Error, Args?, Kwargs?]``."""
        if message[1] != INVOCATION:
            raise ProtocolViolation("A client sends ERROR only for an INVOCATION.")
        pending = session.invocations.pop(message[2], None)
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {message[2]} to answer.")
        caller, request = pending.caller, pending.request
        self._release(pending)
        if caller is None:
            return
        why = message[4]
        if not uris.is_valid(why):
            caller.send_error(
                CALL, request, INVALID_URI, f"The error URI {short_repr(why)} is invalid."
            )
            return
        self._numbers.errors += 1
        try:
            caller.send([ERROR, CALL, request, {}, why, *message[5:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            caller.send_error(CALL, request, error.uri, error.message)

    # Leaving.

    def removing(self, session: RouterSession) -> Iterator[None]:
        """Forget the calls of a session that has left, and those to it, one at each step."""
        for pending in list(session.calls.values()):
            if pending.caller is None:
                continue  # answered since the last step
            self._release(pending)
            if pending.callee is not session and pending.callee.supports(
                "callee", "call_canceling"
            ):
                pending.callee.send([INTERRUPT, pending.invocation, {"mode": "killnowait"}])
            yield
        for pending in session.invocations.values():
            caller, request = pending.caller, pending.request
            if caller is not None:
                self._release(pending)
                caller.send_error(
                    CALL,
                    request,
                    CANCELED,
                    f"The callee of {short_repr(pending.procedure)} left before it answered.",
                )
            yield
        session.invocations.clear()


def _refuse_one_more(session: RouterSession, request: int, why: str) -> None:
    text = f"The {why} {session.most_calls:,} calls, the most that one session may have."
    session.send_error(CALL, request, OVERLOADED, text)


def _details(
    caller: RouterSession,
    options: dict[str, Any],
    registration: Registration,
    callee: RouterSession,
    name: str,
) -> dict[str, Any]:
    """Make the details of an INVOCATION that has some."""
    details: dict[str, Any] = {}
    if registration.match != EXACT:
        details["procedure"] = name
    if options.get("receive_progress") is True and callee.supports(
        "callee", "progressive_call_results"
    ):
        details["receive_progress"] = True
    if options.get("disclose_me") is True or registration.callees[callee]:
        details["caller"] = caller.id
        details["caller_authid"] = caller.authid
        details["caller_authrole"] = caller.authrole
    return details
