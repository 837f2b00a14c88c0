"""How a call that waits for its callee ends. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.errors import NO_AVAILABLE_CALLEE
from wampapp.protocol.messages import CALL, INTERRUPT, short_repr

if TYPE_CHECKING:
    from wampapp.router.session import Extras, PendingCall, RouterSession


def release(pending: PendingCall) -> None:
    """Release a call: its caller no longer waits, whatever the callee still sends."""
    caller, extras = pending.caller, pending.extras
    if caller is None:
        return
    del caller.calls[pending.request]
    pending.caller = None
    if extras is not None:
        if extras.details is not None:
            _drop_rest(caller, pending.request)
        if extras.timer is not None:
            extras.timer.cancel()
            extras.timer = None


def refuse(
    caller: RouterSession, request: int, options: dict[str, Any], why: str, text: str
) -> None:
    """Answer a call with an error before any callee has it; what more of it comes is dropped.

    Args:
        caller: the session that calls.
        request: its request id.
        options: those of the CALL.
        why: the error URI.
        text: one sentence for people.
    """
    if options.get("progress") is True:
        _drop_rest(caller, request)
    caller.send_error(CALL, request, why, text)


def _drop_rest(caller: RouterSession, request: int) -> None:
    """Drop the parts of a call that come after its answer ("Progressive Call Invocations")."""
    if len(caller.late) >= caller.most_calls:
        caller.late.clear()  # one that never sends the rest is not given ever more memory
    caller.late.add(request)


def end(pending: PendingCall) -> None:
    """Forget an invocation: its callee has answered, or never got it."""
    del pending.callee.invocations[pending.invocation]
    if pending.extras is not None:
        leave_place(pending.extras)


def leave_place(extras: Extras) -> None:
    """Count a call less of a callee that takes only so many at a time."""
    if extras.free is not None:
        extras.free()
        extras.free = None


def stop(pending: PendingCall, why: str, text: str) -> None:
    """End a call before it is answered: interrupt its callee, and tell its caller why."""
    caller = pending.caller
    if caller is None:
        return
    if pending.callee.supports("callee", "call_canceling"):
        pending.callee.send([INTERRUPT, pending.invocation, {"mode": "killnowait"}])
    release(pending)
    caller.send_error(CALL, pending.request, why, text)


def refuse_unavailable(pending: PendingCall) -> None:
    """End a call that no callee can attend to ("Call Re-Routing")."""
    caller = pending.caller
    release(pending)
    if caller is not None:
        text = f"No callee of {short_repr(pending.procedure)} is available."
        caller.send_error(CALL, pending.request, NO_AVAILABLE_CALLEE, text)
