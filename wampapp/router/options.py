"""What the options of a message say to those who get it. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    FEATURE_NOT_SUPPORTED,
    INVALID_ARGUMENT,
    PROTOCOL_VIOLATION,
    WampError,
)
from wampapp.protocol.messages import short_repr
from wampapp.protocol.traceparent import CARRIER
from wampapp.router.index import EXACT

if TYPE_CHECKING:
    from wampapp.router.registrations import Registration
    from wampapp.router.session import RouterSession

#: The feature of all roles by which a payload goes through a router as it is.
PASSTHRU: Final = "payload_passthru_mode"
_SCHEME: Final = "ppt_scheme"
_PASSTHRU: Final = (_SCHEME, "ppt_serializer", "ppt_cipher", "ppt_keyid")
#: Not in the specification: Crossbar.io hands it on as well.
_TRANSACTION: Final = CARRIER
_MAX_TRANSACTION: Final = 1024
#: Longer timeouts are as good as none.
_MAX_TIMEOUT: Final = 30 * 24 * 3600 * 1000


def passed_through(options: dict[str, Any]) -> dict[str, Any]:
    """Return what is handed on of a payload that is not for the router ("Payload Passthru Mode").

    Args:
        options: of a CALL, a YIELD or a PUBLISH, or the details of an ERROR.
    """
    if _SCHEME not in options:
        return {}
    return {name: options[name] for name in _PASSTHRU if isinstance(options.get(name), str)}


def handed_on(options: dict[str, Any]) -> dict[str, Any]:
    """Return what is handed on of the options of a CALL or a PUBLISH."""
    found = passed_through(options)
    transaction = options.get(_TRANSACTION)
    if isinstance(transaction, str) and len(transaction) <= _MAX_TRANSACTION:
        found[_TRANSACTION] = transaction
    return found


def invocation_details(
    caller: RouterSession,
    options: dict[str, Any],
    registration: Registration,
    callee: RouterSession,
    name: str,
) -> dict[str, Any]:
    """Return the details of an INVOCATION.

    Args:
        caller: the session that calls.
        options: those of the CALL.
        registration: what it calls.
        callee: the session that will answer.
        name: the procedure.

    Raises:
        WampError: the callee lacks a feature that the call needs, or the caller did not announce
            one that it uses.
    """
    if registration.match == EXACT and not (needs_more(options) or registration.callees[callee]):
        return options  # only a trace, which each call that a handler makes carries
    if "timeout" in options:
        seconds_of(options)
    details = handed_on(options)
    if _SCHEME in details and not callee.supports("callee", PASSTHRU):
        raise _unsupported(PASSTHRU)
    if options.get("progress") is True:
        feature = "progressive_call_invocations"
        if not caller.supports("caller", feature):
            text = f"The caller calls in parts, and has not announced {feature}."
            raise WampError(PROTOCOL_VIOLATION, text)
        if not (callee.supports("callee", feature) and callee.supports("callee", "call_canceling")):
            raise _unsupported(feature)
        details["progress"] = True
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


def needs_more(options: dict[str, Any]) -> bool:
    """Return whether the options of a CALL ask for more than to be handed on as they are."""
    if len(options) == 1 and type(trace := options.get(_TRANSACTION)) is str:
        return len(trace) > _MAX_TRANSACTION
    return bool(options)


def seconds_of(options: dict[str, Any]) -> float | None:
    """Return after how many seconds a call is cancelled; None for never ("Call Timeouts").

    Args:
        options: those of the CALL.

    Raises:
        WampError: the option is not a number of milliseconds.
    """
    timeout = options.get("timeout", 0)
    if type(timeout) is float and timeout.is_integer():
        timeout = int(timeout)  # as some peers write their numbers
    if type(timeout) is not int or timeout < 0:
        text = f"The timeout {short_repr(timeout)} is not a whole number of milliseconds."
        raise WampError(INVALID_ARGUMENT, text)
    return timeout / 1000 if 0 < timeout <= _MAX_TIMEOUT else None


def _unsupported(feature: str) -> WampError:
    return WampError(FEATURE_NOT_SUPPORTED, f"The callee does not support {feature}.")
