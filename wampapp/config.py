"""Where the router is and how patient we are: from arguments and ``WAMPAPP_*`` variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from wampapp.errors import InvalidUrl, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.auth import Credential

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080
DEFAULT_REALM: Final = "realm1"
#: Where a client looks for a router when nothing names one: the embedded router's RawSocket.
DEFAULT_URL: Final = f"rs://{DEFAULT_HOST}:{DEFAULT_PORT}"

_DEFAULT_PORTS: Final = {"ws": 80, "wss": 443, "rs": 8080, "rss": 8443}
_URL_FORMS: Final = "ws://host:port/path, wss://…, rs://host:port, rss://…, unix:///path/to/socket"
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class RouterUrl:
    """A router's URL, taken apart.

    Attributes:
        url: the URL as it was given.
        scheme: ``ws``, ``wss``, ``rs``, ``rss`` or ``unix``.
        host: the host name or address; empty for ``unix``.
        port: the TCP port; 0 for ``unix``.
        path: the WebSocket resource, or the socket's path for ``unix``.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme in ("wss", "rss")

    @property
    def websocket(self) -> bool:
        """Whether WebSocket is spoken; RawSocket otherwise."""
        return self.scheme in ("ws", "wss")


def parse_url(url: str) -> RouterUrl:
    """Take a router's URL apart.

    Args:
        url: ``ws://``, ``wss://``, ``rs://``, ``rss://`` or ``unix:///path``.

    Returns:
        Its parts, with the scheme's default port and path filled in.

    Raises:
        InvalidUrl: another scheme, no host, or a port that is none.
    """
    if not isinstance(url, str):
        raise InvalidUrl(f"The router URL {url!r} is no string; use one of {_URL_FORMS}.")
    if "@" in url.partition("://")[2].partition("/")[0]:
        # A password in a URL ends up in logs and process lists, so it is not repeated here.
        raise InvalidUrl("A router URL carries no user name and no password; leave them out.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidUrl(f"The router URL {url!r} is not valid: {error}.") from None
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.strip("/"):
            raise InvalidUrl(
                f"The router URL {url!r} names no socket; write unix:///path/to/socket."
            )
        return RouterUrl(url, "unix", "", 0, unquote(parts.path))
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidUrl(f"The router URL {url!r} has no known scheme; use one of {_URL_FORMS}.")
    if not parts.hostname:
        raise InvalidUrl(f"The router URL {url!r} names no host; use one of {_URL_FORMS}.")
    if any(character.isspace() for character in parts.netloc):
        raise InvalidUrl(f"The router URL {url!r} has white space in its host.")
    if port == 0:
        raise InvalidUrl(f"The router URL {url!r} has port 0, which nobody listens on.")
    websocket = parts.scheme.startswith("ws")
    if not websocket and parts.path.strip("/"):
        raise InvalidUrl(f"The router URL {url!r} has a path, which {parts.scheme}:// cannot have.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return RouterUrl(
        url,
        parts.scheme,
        parts.hostname,
        port if port is not None else _DEFAULT_PORTS[parts.scheme],
        path if websocket else "",
    )


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken to a router at ``wss://`` or ``rss://``.

    Without one, the router's certificate must come from an authority that this machine trusts,
    and name the URL's host.

    Attributes:
        ca: the file of the authority, or of the very certificate, that is trusted instead (PEM).
        certificate: the file of our own certificate, for routers that ask for one (PEM).
        key: the file of its private key; None where the certificate's file holds it too.
        verify: False takes any certificate: whoever stands between can read and change all.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        for name in ("ca", "certificate", "key"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str | os.PathLike) and str(value)):
                raise UsageError(f"Tls({name}={value!r}) names no file; give the file's path.")
        if self.key is not None and self.certificate is None:
            raise UsageError("Tls has a key and no certificate; give the certificate's file too.")
        if self.ca is not None and not self.verify:
            raise UsageError(
                "Tls has an authority to trust, and verify=False trusts everybody; choose one."
            )


@dataclass(frozen=True, slots=True)
class Config:
    """What a connection needs to know.

    Attributes:
        url: the router's URL; None means the embedded router.
        realm: the realm to join.
        host: the address the embedded router listens on.
        port: the TCP port the embedded router listens on; 0 takes any free one.
        handshake_timeout: seconds for connecting, the transport's handshake and the join.
        grace: seconds that running handlers get when the app stops.
        debug: whether callers see the type, message and traceback of a handler's exception.
        allow_origins: web origins, besides this machine's own, that may open a WebSocket.
        auth: the credential; None joins anonymously.
        tls: how TLS is spoken; None for this machine's authorities.
        keep_alive: seconds within which a dead link is noticed; 0 for never.
        rejoin_timeout: seconds that a call made while offline waits for the session.
        give_up_after: seconds without a router after which the run ends; None for never.
    """

    url: str | None = None
    realm: str = DEFAULT_REALM
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    handshake_timeout: float = 10.0
    grace: float = 10.0
    debug: bool = False
    allow_origins: tuple[str, ...] = ()
    auth: Credential | None = None
    tls: Tls | None = None
    keep_alive: float = 15.0
    rejoin_timeout: float = 30.0
    give_up_after: float | None = None

    def __post_init__(self) -> None:
        if self.url is not None:
            parse_url(self.url)
        check_realm(self.realm)
        if not isinstance(self.host, str) or not self.host.strip():
            raise UsageError(
                f"The host {self.host!r} is no address; give one such as 127.0.0.1, or 0.0.0.0 for "
                "every interface."
            )
        check_port(self.port)
        for name in ("handshake_timeout", "grace", "keep_alive", "rejoin_timeout"):
            check_seconds(getattr(self, name), name)
        if self.give_up_after is not None:
            check_seconds(self.give_up_after, "give_up_after")
        if self.tls is not None and not isinstance(self.tls, Tls):
            raise UsageError(f"tls is {self.tls!r}; give wampapp.Tls(…).")
        if self.auth is not None:
            self._check_auth()

    def _check_auth(self) -> None:
        from wampapp.auth import Credential  # cryptography, which waits until it is needed

        if not isinstance(self.auth, Credential):
            # Not repeated: it may well be the secret.
            raise UsageError(
                f"auth is of type {type(self.auth).__name__}; give a credential such as "
                "wampapp.Ticket(authid, ticket)."
            )


def check_port(port: object) -> int:
    """Check a TCP port.

    Raises:
        UsageError: it is no whole number from 0 to 65535.
    """
    if type(port) is not int or not 0 <= port <= _HIGHEST_PORT:
        raise UsageError(f"The port {port!r} is no whole number from 0 to {_HIGHEST_PORT}.")
    return port


def check_realm(realm: object) -> str:
    """Check a realm's name, which is a URI by the specification.

    Raises:
        UsageError: it is no valid URI.
    """
    from wampapp import uri

    if not isinstance(realm, str) or not uri.is_valid(realm):
        raise UsageError(f"The realm {realm!r} is no valid name; write one such as 'realm1'.")
    return realm


def check_seconds(value: object, name: str) -> float:
    """Check a time span.

    Args:
        value: the seconds.
        name: what they are for, for the error message.

    Raises:
        UsageError: it is no number of seconds from 0 up.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise UsageError(f"{name} is {value!r}; give a number of seconds, 0 or more.")
    return float(value)


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
        Options of :func:`wampapp.runner.settle`.

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
    from wampapp.auth import credential_from

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
