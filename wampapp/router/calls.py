"""How a call that waits for its callee ends. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.errors import NO_AVAILABLE_CALLEE
from wampapp.protocol.messages import CALL, INTERRUPT, short_repr

if TYPE_CHECKING:
    from wampapp.router.session import PendingCall


def release(pending: PendingCall) -> None:
    """Let a call go: its caller no longer waits, whatever the callee still sends."""
    if pending.caller is not None:
        del pending.caller.calls[pending.request]
        if pending.details is not None:
            late = pending.caller.late
            if len(late) >= pending.caller.most_calls:
                late.clear()  # a caller that never sends the rest is not given ever more memory
            late.add(pending.request)
        pending.caller = None
        if pending.timer is not None:
            pending.timer.cancel()
            pending.timer = None


def end(pending: PendingCall) -> None:
    """Forget an invocation: its callee has answered, or never got it."""
    del pending.callee.invocations[pending.invocation]
    if pending.free is not None:
        pending.free()
        pending.free = None


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
