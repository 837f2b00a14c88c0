"""The answers of the callees of one realm, on their way to the callers. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    FEATURE_NOT_SUPPORTED,
    INVALID_URI,
    PROTOCOL_VIOLATION,
    UNAVAILABLE,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import CALL, ERROR, INVOCATION, RESULT, short_repr
from wampapp.router.calls import end, leave_place, refuse_unavailable, release
from wampapp.router.options import PASSTHRU, passed_through

if TYPE_CHECKING:
    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.router.numbers import Numbers
    from wampapp.router.session import RouterSession

_NO_DETAILS: Final[dict[str, Any]] = {}


class Answers:
    """Routes answers to callers ("Remote Procedure Calls").

    Args:
        numbers: what the router counts.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def yielded(self, session: RouterSession, message: Message) -> None:
        """Handle YIELD: ``[YIELD, Request, Options, Args?, Kwargs?]``."""
        number, options = message[1], message[2]
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
            # As end() and release() do, which are not called for each answer: 0.1 µs less.
            del session.invocations[number]
            if pending.extras is not None:
                leave_place(pending.extras)
                release(pending)
            elif caller is not None:
                del caller.calls[request]
                pending.caller = None
        if caller is None:
            return
        if options and (passed := passed_through(options)):
            if not caller.supports("caller", PASSTHRU):
                release(pending)
                text = f"The result needs {PASSTHRU}, which the caller has not announced."
                caller.send_error(CALL, request, FEATURE_NOT_SUPPORTED, text)
                return
            details = {**details, **passed}
        try:
            caller.send([RESULT, request, details, *message[3:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            release(pending)
            caller.send_error(CALL, request, error.uri, error.message)

    def refuse(self, session: RouterSession, number: int, error: MalformedMessage) -> bool:
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
            end(pending)  # otherwise more of its answers may follow
        caller, request = pending.caller, pending.request
        release(pending)
        if caller is not None:
            text = f"The callee's answer cannot be read: {error.message}"
            caller.send_error(CALL, request, PROTOCOL_VIOLATION, text)
        return True

    def failed(self, session: RouterSession, message: Message) -> None:
        """Handle a callee's ERROR: ``[ERROR, 68, Request, Details, Error, Args?, Kwargs?]``."""
        if message[1] != INVOCATION:
            raise ProtocolViolation("A client sends ERROR only for an INVOCATION.")
        pending = session.invocations.get(message[2])
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {message[2]} to answer.")
        end(pending)
        why = message[4]
        if why == UNAVAILABLE and session.reroutes:
            extras = pending.extras
            if extras is None or extras.retry is None or extras.details is not None:
                refuse_unavailable(pending)
            else:
                extras.retry()
            return
        caller, request = pending.caller, pending.request
        release(pending)
        if caller is None:
            return
        if not uris.is_valid(why):
            caller.send_error(
                CALL, request, INVALID_URI, f"The error URI {short_repr(why)} is invalid."
            )
            return
        self._numbers.errors += 1
        try:
            caller.send([ERROR, CALL, request, passed_through(message[3]), why, *message[5:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            caller.send_error(CALL, request, error.uri, error.message)
