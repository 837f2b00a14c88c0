"""What the ``WAMPAPP_*`` variables say; which of several settings counts, ``settle`` says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.limits import parse_limits
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def is_on(text: str) -> bool:
    """Return whether a variable's text switches something on."""
    return text.lower() in ("1", "true", "t", "yes", "y", "on")


#: How the variables of a run become values, by the fields of a ``Config``.
CONVERTERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "url": str,
    "realm": str,
    "host": str,
    "port": int,
    "debug": is_on,
    "allow_origins": lambda text: tuple(text.split()),
    "router_config": str,
    "allow_anonymous": is_on,
    "http": str,
    "trust_proxy": is_on,
    "tls_cert": str,
    "tls_key": str,
    "limits": lambda text: parse_limits(text.split()),
    "handshake_timeout": float,
    "give_up_after": float,
}
#: Variables that are not named for their field: the option is repeated, and so is singular.
_NAMES: Final = {"allow_origins": "WAMPAPP_ALLOW_ORIGIN", "limits": "WAMPAPP_LIMIT"}


def read(fields: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what variables say of some fields of a ``Config``; an empty one says nothing.

    Args:
        fields: their names; those without a variable of their own are left out.
        environ: the environment; the process's own by default.

    Raises:
        UsageError: a variable should be a number, and is not.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    for field in fields:
        convert = CONVERTERS.get(field)
        variable = _NAMES.get(field, f"WAMPAPP_{field.upper()}")
        text = environ.get(variable)
        if convert is not None and text:
            try:
                found[field] = convert(text)
            except ValueError:
                raise UsageError(f"{variable} is {text!r}; give a number.") from None
    return found


@dataclass(frozen=True, slots=True)
class TlsVariables:
    """What variables say of TLS.

    Attributes:
        ca: ``WAMPAPP_CA``.
        certificate: ``WAMPAPP_CERT``.
        key: ``WAMPAPP_CERT_KEY``.
        insecure: ``WAMPAPP_INSECURE``.
    """

    ca: str | None
    certificate: str | None
    key: str | None
    insecure: bool


def tls(environ: Mapping[str, str] | None = None) -> TlsVariables:
    """Return what variables say of TLS."""
    environ = os.environ if environ is None else environ
    return TlsVariables(
        environ.get("WAMPAPP_CA") or None,
        environ.get("WAMPAPP_CERT") or None,
        environ.get("WAMPAPP_CERT_KEY") or None,
        is_on(environ.get("WAMPAPP_INSECURE", "")),
    )


@dataclass(frozen=True, slots=True)
class CredentialVariables:
    """What variables say of the credential.

    Attributes:
        method: ``WAMPAPP_AUTHMETHOD``.
        authid: ``WAMPAPP_AUTHID``.
        authrole: ``WAMPAPP_AUTHROLE``.
        secret: ``WAMPAPP_SECRET``.
        secret_file: ``WAMPAPP_SECRET_FILE``.
        key_file: ``WAMPAPP_KEY_FILE``.
    """

    method: str | None
    authid: str | None
    authrole: str | None
    secret: str | None
    secret_file: str | None
    key_file: str | None


def credential(environ: Mapping[str, str] | None = None) -> CredentialVariables:
    """Return what variables say of the credential; the secret's file is not read."""
    environ = os.environ if environ is None else environ
    return CredentialVariables(
        method=environ.get("WAMPAPP_AUTHMETHOD") or None,
        authid=environ.get("WAMPAPP_AUTHID") or None,
        authrole=environ.get("WAMPAPP_AUTHROLE") or None,
        secret=environ.get("WAMPAPP_SECRET") or None,
        secret_file=environ.get("WAMPAPP_SECRET_FILE") or None,
        key_file=environ.get("WAMPAPP_KEY_FILE") or None,
    )


def read_secret(path: str) -> str:
    """Read a secret's file, without the newline at its end.

    Raises:
        UsageError: it cannot be read, is not text, or is empty.
    """
    try:
        secret = Path(path).read_text(encoding="utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"The secret file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The secret file {path} is not text.") from None
    if not secret:
        raise UsageError(f"The secret file {path} is empty.")
    return secret


def log() -> tuple[str | None, str | None]:
    """Return what variables say of the log's level and form."""
    return os.environ.get("WAMPAPP_LOG_LEVEL"), os.environ.get("WAMPAPP_LOG_FORMAT")
