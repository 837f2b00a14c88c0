"""Why a link ended, in words for people."""

from __future__ import annotations

import sys
from typing import Any, Final

#: What the reason of a link that ended over TLS begins with.
TLS_FAILED: Final = "TLS failed"
#: How OpenSSL names what a server finds wrong with its client's certificate.
_ABOUT_OURS: Final = (
    "alert unknown ca",
    "alert bad certificate",
    "alert certificate",
    "alert unsupported certificate",
)


def failure_text(failure: Any) -> str:
    """Return why a connection was lost, from Twisted's ``Failure``, as the end of a sentence."""
    from twisted.internet.error import ConnectionDone

    if failure.check(ConnectionDone):
        return "the peer closed the connection"
    return reason_text(failure.value)


def reason_text(error: BaseException | None) -> str:
    """Return why a connection failed, from an exception, as the end of a sentence."""
    from twisted.internet import error as errors

    if isinstance(error, errors.ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, errors.TimeoutError | errors.TCPTimedOutError):
        return "connecting took too long"
    if (fault := tls_fault(error)) is not None:
        return f"{TLS_FAILED}: {fault}"
    text = str(error).strip().rstrip(".")
    return (text[:1].lower() + text[1:]) if text else type(error).__name__


def tls_fault(error: BaseException | None) -> str | None:
    """Return what went wrong with TLS; None where it was something else."""
    # Not imported here: an error of theirs can only have been raised once they are.
    ssl = sys.modules.get("OpenSSL.SSL")
    if ssl is not None and isinstance(error, ssl.SysCallError):
        return None  # the peer went away in the middle, as a router that stops does
    if ssl is not None and isinstance(error, ssl.Error):
        reasons = [entry[-1] for entry in error.args[0]] if error.args else []
        return ", ".join(filter(None, reasons)) or "the peer ended the handshake"
    identity = sys.modules.get("service_identity")
    if identity is not None and isinstance(error, identity.VerificationError):
        return "the certificate is for another host"
    return None


def tls_sentence(where: str, reason: str) -> str:
    """Return the sentence for a router with which TLS failed.

    Args:
        where: its URL.
        reason: why the link ended.
    """
    # What the other side finds wrong comes as an alert, which OpenSSL's reason names.
    if any(word in reason for word in _ABOUT_OURS):
        return f"The router at {where} does not take our certificate: {reason}."
    return f"The router at {where} cannot be trusted: {reason}."
