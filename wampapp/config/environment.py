"""What `WAMPAPP_*` variables say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wampapp.config.records import DEFAULT_REALM, Tls
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.protocol.credentials import Credential


def from_environment(
    *,
    url: str | None = None,
    realm: str | None = None,
    default_url: str | None = None,
    default_realm: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[str | None, str]:
    """Settle URL and realm: what was asked for, then ``WAMPAPP_*``, then the default.

    Args:
        url: from the command line or the call; None where it says nothing.
        realm: likewise.
        default_url: what the app says; None means the embedded router.
        default_realm: likewise; None means ``realm1``.
        environ: the environment; the process's own by default.

    Returns:
        The URL, None for the embedded router, and the realm.
    """
    environ = os.environ if environ is None else environ
    return (
        url or environ.get("WAMPAPP_URL") or default_url or None,
        realm or environ.get("WAMPAPP_REALM") or default_realm or DEFAULT_REALM,
    )


def run_variables(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what variables say of a run, but for the router that is joined and the credential.

    Args:
        environ: the environment; the process's own by default.

    Returns:
        Options of :func:`wampapp.runner.foreground.settle`.

    Raises:
        UsageError: one is not valid.
    """
    environ = os.environ if environ is None else environ
    kinds: dict[str, Callable[[str], Any]] = {
        "host": str,
        "port": int,
        "debug": is_on,
        "handshake_timeout": float,
        "give_up_after": float,
    }
    found: dict[str, Any] = {}
    for name, convert in kinds.items():
        variable = f"WAMPAPP_{name.upper()}"
        text = environ.get(variable)
        if text:
            try:
                found[name] = convert(text)
            except ValueError:
                raise UsageError(f"{variable} is {text!r}; give a number.") from None
    origins = environ.get("WAMPAPP_ALLOW_ORIGIN", "").split()
    return found | ({"allow_origins": tuple(origins)} if origins else {})


def is_on(text: str) -> bool:
    """Tell whether a variable's text switches something on."""
    return text.lower() in ("1", "true", "t", "yes", "y", "on")


def tls_from(
    *,
    ca: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
    insecure: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> Tls | None:
    """Settle how TLS is spoken: what was asked for, then ``WAMPAPP_*``.

    Args:
        ca: the file of a trusted authority.
        certificate: the file of our own certificate.
        key: the file of its key.
        insecure: whether any certificate is taken.
        environ: the environment; the process's own by default.

    Returns:
        None where neither says anything.

    Raises:
        UsageError: they do not go together.
    """
    environ = os.environ if environ is None else environ
    if not insecure:
        # What was asked for is not outvoted by the environment: --insecure drops its authority.
        ca = ca or environ.get("WAMPAPP_CA") or None
    if insecure is None:
        insecure = is_on(environ.get("WAMPAPP_INSECURE", ""))
    found = Tls(
        ca=ca,
        certificate=certificate or environ.get("WAMPAPP_CERT") or None,
        # Nor is the key of another certificate taken for it.
        key=key or (None if certificate else environ.get("WAMPAPP_CERT_KEY") or None),
        verify=not insecure,
    )
    return None if found == Tls() else found


def auth_from(
    *,
    method: str | None = None,
    authid: str | None = None,
    authrole: str | None = None,
    secret: str | None = None,
    secret_file: str | None = None,
    key_file: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credential | None:
    """Settle the credential: what was asked for, then ``WAMPAPP_*``.

    Args:
        method: ``anonymous``, ``ticket``, ``wampcra``, ``scram`` or ``cryptosign``.
        authid: who joins.
        authrole: the role that is asked for.
        secret: the ticket, secret or password.
        secret_file: the file that holds it.
        key_file: the file of the private key, for ``cryptosign``.
        environ: the environment; the process's own by default.

    Returns:
        None where neither says anything.

    Raises:
        UsageError: they do not make a credential.
    """
    from wampapp.protocol.credentials import credential_from

    environ = os.environ if environ is None else environ
    method = method or environ.get("WAMPAPP_AUTHMETHOD") or None
    if secret is None:
        secret_file = secret_file or environ.get("WAMPAPP_SECRET_FILE") or None
        secret = environ.get("WAMPAPP_SECRET") if secret_file is None else _read_secret(secret_file)
    return credential_from(
        method=method,
        authid=authid or environ.get("WAMPAPP_AUTHID") or None,
        secret=secret or None,
        key_file=key_file or environ.get("WAMPAPP_KEY_FILE") or None,
        authrole=authrole or environ.get("WAMPAPP_AUTHROLE") or None,
    )


def _read_secret(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"The secret file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The secret file {path} is no text.") from None
    if not secret:
        raise UsageError(f"The secret file {path} is empty.")
    return secret
