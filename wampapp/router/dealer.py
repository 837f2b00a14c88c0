"""The dealer of one realm: the routing of calls and their answers. Sans-I/O."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    CANCELED,
    FEATURE_NOT_SUPPORTED,
    INVALID_URI,
    NO_AVAILABLE_CALLEE,
    NO_SUCH_PROCEDURE,
    OVERLOADED,
    TIMEOUT,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import (
    CALL,
    INTERRUPT,
    INVOCATION,
    RESULT,
    payload_of,
    short_repr,
)
from wampapp.router.calls import end, leave_place, refuse, refuse_unavailable, release, stop
from wampapp.router.index import EXACT
from wampapp.router.options import invocation_details, needs_more, seconds_of
from wampapp.router.registrations import Registrations
from wampapp.router.session import Extras, PendingCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wampapp.protocol.messages import Message
    from wampapp.router.meta import Announce, Procedure
    from wampapp.router.numbers import Numbers
    from wampapp.router.registrations import Registration
    from wampapp.router.session import RouterSession
    from wampapp.router.turns import CallLater

#: What WELCOME says of the dealer ("Feature Announcement").
FEATURES: Final = {
    "progressive_call_results": True,
    "call_canceling": True,
    "caller_identification": True,
    "pattern_based_registration": True,
    "shared_registration": True,
    "registration_revocation": True,
    "call_reroute": True,
    "call_timeout": True,
    "payload_passthru_mode": True,
    "progressive_call_invocations": True,
    "session_meta_api": True,
    "registration_meta_api": True,
    "testament_meta_api": True,
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
        procedures: the procedures that the router answers itself, by URI.
        call_later: calls a function after some seconds; None where calls have no timeouts.

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
        call_later: CallLater | None,
    ) -> None:
        self.registrations = Registrations(next_id, now, announce)
        self._index = self.registrations.index
        self._procedures = procedures
        self._numbers = numbers
        self._call_later = call_later

    def call(self, session: RouterSession, message: Message) -> None:
        """Handle CALL: ``[CALL, Request, Options, Procedure, Args?, Kwargs?]``."""
        request, options, name = message[1], message[2], message[3]
        self._numbers.calls += 1
        if request in session.calls or (session.late and request in session.late):
            self._continue(session, message)
            return
        if name in self._procedures:  # before any pattern of a peer's that matches it too
            self._answer(session, message)
            return
        registration = self._index.best(name)
        if registration is None:
            _refuse_unknown(session, message)
            return
        callee = registration.choose() if registration.most is None else registration.choose_other()
        if callee is None or callee.realm is None:
            self._go_round(session, message, registration)
            return
        if len(session.calls) >= session.most_calls or len(callee.invocations) >= callee.most_calls:
            _refuse_one_more(session, message)
            return
        details = _NO_DETAILS
        if options or registration.match != EXACT or registration.callees[callee]:
            try:
                details = invocation_details(session, options, registration, callee, name)
            except WampError as error:
                refuse(session, request, options, error.uri, error.message)
                return
        number = callee.next_request()
        pending = PendingCall(session, request, callee, name, registration.id, number)
        session.calls[request] = callee.invocations[number] = pending
        may_retry = callee.reroutes and len(registration.callees) > 1
        if (options and needs_more(options)) or may_retry or registration.most is not None:
            self._equip(pending, registration, message, details)
        try:
            callee.send([INVOCATION, number, registration.id, details, *message[4:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            # What the caller's serializer carries, the callee's may not.
            end(pending)
            release(pending)
            session.send_error(CALL, request, error.uri, error.message)

    def _go_round(
        self, session: RouterSession, message: Message, registration: Registration
    ) -> None:
        """Call again without the callees that have left; refuse it if none takes a call now."""
        if any(callee.realm is None for callee in registration.callees):
            self.registrations.prune(registration)  # they are still being removed
            self._numbers.calls -= 1
            self.call(session, message)
            return
        text = f"All callees of {short_repr(message[3])} have as many calls as they take."
        refuse(session, message[1], message[2], NO_AVAILABLE_CALLEE, text)

    def _equip(
        self,
        pending: PendingCall,
        registration: Registration,
        message: Message,
        details: dict[str, Any],
    ) -> None:
        """Give a call what only some need: more results, more parts, a timeout, other callees."""
        callee, extras = pending.callee, Extras()
        pending.progress = "receive_progress" in details
        pending.extras = extras
        if "progress" in details:
            extras.details = details
        extras.free = registration.take(callee)
        if callee.reroutes and len(registration.callees) > 1:
            extras.retry = partial(self._retry, pending, extras, registration, message, {callee})
        seconds = seconds_of(message[2])
        if seconds is not None and self._call_later is not None:
            extras.timer = self._call_later(seconds, partial(self._expire, pending, extras))

    def _continue(self, session: RouterSession, message: Message) -> None:
        """Hand on more of a call that comes in parts ("Progressive Call Invocations")."""
        request, options = message[1:3]
        self._numbers.calls -= 1  # it has been counted
        pending = session.calls.get(request)
        if pending is None:
            # Its answer came before all of it was sent.
            if options.get("progress") is not True:
                session.late.discard(request)
            return
        extras = pending.extras
        if extras is None or extras.details is None:
            raise ProtocolViolation(f"The call with the request id {request} still runs.")
        extras.retry = None  # another callee would miss the parts that this one has
        details = extras.details
        if options.get("progress") is not True:
            extras.details = None
            details = {name: value for name, value in details.items() if name != "progress"}
        number, registration = pending.invocation, pending.registration
        try:
            pending.callee.send([INVOCATION, number, registration, details, *message[4:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            stop(pending, error.uri, error.message)

    def _retry(
        self,
        pending: PendingCall,
        extras: Extras,
        registration: Registration,
        message: Message,
        tried: set[RouterSession],
    ) -> None:
        """Call another callee, as those that were tried are unavailable ("Call Re-Routing")."""
        caller = pending.caller
        while caller is not None and (callee := registration.choose_other(tried)) is not None:
            tried.add(callee)
            if len(callee.invocations) >= callee.most_calls:
                continue
            try:
                details = invocation_details(
                    caller, message[2], registration, callee, pending.procedure
                )
            except WampError:
                continue  # it lacks a feature that the call needs
            pending.progress = "receive_progress" in details
            pending.callee, pending.invocation = callee, callee.next_request()
            callee.invocations[pending.invocation] = pending
            extras.free = registration.take(callee)
            try:
                callee.send(
                    [INVOCATION, pending.invocation, registration.id, details, *message[4:]]
                )
            except (PayloadNotEncodable, PayloadTooLarge) as error:
                end(pending)
                release(pending)
                caller.send_error(CALL, pending.request, error.uri, error.message)
            return
        refuse_unavailable(pending)

    def _expire(self, pending: PendingCall, extras: Extras) -> None:
        """End a call whose timeout has passed ("Call Timeouts")."""
        extras.timer = None
        text = f"The call of {short_repr(pending.procedure)} was not answered in time."
        stop(pending, TIMEOUT, text)

    def _answer(self, session: RouterSession, message: Message) -> None:
        """Answer a call of the router's own procedures."""
        request, options, name = message[1:4]
        if options.get("progress") is True:
            text = f"The router's own procedure {short_repr(name)} takes no call in parts."
            refuse(session, request, options, FEATURE_NOT_SUPPORTED, text)
            return
        args, kwargs = payload_of(message, 4)
        try:
            result = self._procedures[name](session, args, kwargs)
            session.send([RESULT, request, _NO_DETAILS, [result]])
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
        if mode == "kill":
            if pending.extras is not None:
                pending.extras.retry = None  # whatever the callee answers, no other one is called
        else:
            release(pending)
            session.send_error(CALL, request, CANCELED, "The call was cancelled.")

    def removing(self, session: RouterSession) -> Iterator[None]:
        """Forget the calls of a session that has left, and those to it, one at each step."""
        for pending in list(session.calls.values()):
            if pending.caller is None:
                continue  # answered since the last step
            release(pending)
            if pending.callee is not session and pending.callee.supports(
                "callee", "call_canceling"
            ):
                pending.callee.send([INTERRUPT, pending.invocation, {"mode": "killnowait"}])
            yield
        for pending in session.invocations.values():
            caller, request = pending.caller, pending.request
            if pending.extras is not None:
                leave_place(pending.extras)
            if caller is not None:
                release(pending)
                caller.send_error(
                    CALL,
                    request,
                    CANCELED,
                    f"The callee of {short_repr(pending.procedure)} left before it answered.",
                )
            yield
        session.invocations.clear()


def _refuse_unknown(session: RouterSession, message: Message) -> None:
    request, options, name = message[1:4]
    if uris.is_valid(name):
        why, text = NO_SUCH_PROCEDURE, f"There is no procedure {short_repr(name)}."
    else:
        why, text = INVALID_URI, f"The procedure {short_repr(name)} is invalid."
    refuse(session, request, options, why, text)


def _refuse_one_more(session: RouterSession, message: Message) -> None:
    most = session.most_calls
    if len(session.calls) >= most:
        who = "caller already waits for the answers of"
    else:
        who = "callee has yet to answer"
    text = f"The {who} {most:,} calls, the most that one session may have."
    refuse(session, message[1], message[2], OVERLOADED, text)
