"""What a run is configured with, as frozen records that check themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wampapp.config.limits import DEFAULT_LIMITS, Limits
from wampapp.config.listeners import http_listener
from wampapp.config.origins import check_origin
from wampapp.config.url import parse_urls
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.config.access import RouterConfig
    from wampapp.protocol.credentials import Credential

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080
DEFAULT_REALM: Final = "realm1"
#: Where a client looks for a router that nobody names: at the embedded one's port.
DEFAULT_ROUTER: Final = f"the one on port {DEFAULT_PORT}"
MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken to a router at ``wss://`` or ``rss://``.

    Without one, the router's certificate must come from an authority that this machine trusts,
    and name the URL's host.

    Attributes:
        ca: the file of the authority, or of the very certificate, that is trusted instead (PEM).
        certificate: the file of our own certificate, for routers that ask for one (PEM).
        key: the file of its private key; None where the certificate's file holds it too.
        verify: False accepts any certificate: then anybody on the way can read and change
            everything.
    """

    ca: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        for name in ("ca", "certificate", "key"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str | os.PathLike) and str(value)):
                raise UsageError(f"Tls({name}={value!r}) names no file; give the file's path.")
        if self.key is not None and self.certificate is None:
            raise UsageError("Tls has a key but no certificate; give the certificate's file too.")
        if self.ca is not None and not self.verify:
            raise UsageError(
                "Tls has an authority to trust, but verify=False trusts everybody; choose one."
            )


@dataclass(frozen=True, slots=True)
class Config:
    """What a connection and a run need to know.

    Attributes:
        url: the router's URL, or several with commas between, the first of which that answers is
            joined; None means the embedded router.
        realm: the realm to join.
        host: the address the embedded router listens on.
        port: the TCP port the embedded router listens on; 0 takes any free one.
        handshake_timeout: seconds for connecting, the transport's handshake and the join.
        grace: seconds that running handlers get when the app stops.
        debug: whether callers see the type, message and traceback of a handler's exception.
        watch_loop: whether a handler that blocks the event loop is named in the log; None means as
            ``debug`` says.
        check_results: whether results are checked against the handlers' annotations; None means as
            ``debug`` says.
        allow_origins: web origins, besides this machine's own, that may open a WebSocket; ``*`` for
            every one, ``null`` for pages without one, such as files.
        router_config: who may join the embedded router and do what there: its file, or what the
            file would say; None lets everybody do everything.
        allow_anonymous: whether the embedded router may listen beyond this machine without one.
        tls_cert: the file of the embedded router's certificate; None to speak without TLS.
        tls_key: the file of its private key; None where it is in the same file.
        http: where web pages are served, such as ``127.0.0.1:8000``; None for the embedded
            router's port.
        trust_proxy: whether the ``X-Forwarded-…`` headers of web requests are believed, which only
            a proxy in front of them makes true.
        generation: which start of the app this is, for open pages, which reload at the next; None
            if they do not.
        identifier: the app's procedure that says who a web page is; None if it has none.
        limits: what the embedded router takes and holds.
        auth: the credential; None joins anonymously.
        tls: how TLS is spoken; None for this machine's authorities.
        keep_alive: seconds within which a dead link is noticed; 0 for never.
        rejoin_timeout: seconds that a call made while offline waits for the session.
        fail_fast: whether these count from the loss of the session, so that later calls fail at
            once: for web sites, all of whose requests would wait.
        give_up_after: seconds without a router after which the run ends; None for never.
        name: what the session calls itself, for those who look at the router; None for nothing.
        describe: whether the app tells what it offers; None to tell only those on this machine.
        in_test: whether the app runs in a test, whose clock can be moved.
    """

    url: str | None = None
    realm: str = DEFAULT_REALM
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    handshake_timeout: float = 10.0
    grace: float = 10.0
    debug: bool = False
    watch_loop: bool | None = None
    check_results: bool | None = None
    allow_origins: tuple[str, ...] = ()
    router_config: str | os.PathLike[str] | RouterConfig | None = None
    allow_anonymous: bool = False
    tls_cert: str | os.PathLike[str] | None = None
    tls_key: str | os.PathLike[str] | None = None
    http: str | None = None
    trust_proxy: bool = False
    generation: int | None = None
    identifier: str | None = None
    limits: Limits = DEFAULT_LIMITS
    auth: Credential | None = None
    tls: Tls | None = None
    keep_alive: float = 15.0
    rejoin_timeout: float = 30.0
    fail_fast: bool = False
    give_up_after: float | None = None
    name: str | None = None
    describe: bool | None = None
    in_test: bool = False

    def __post_init__(self) -> None:
        if self.url is not None:
            parse_urls(self.url)
        check_realm(self.realm)
        if not isinstance(self.host, str) or not self.host.strip():
            raise UsageError(
                f"The host {self.host!r} is not an address; give one such as 127.0.0.1, or 0.0.0.0 "
                "for every interface."
            )
        object.__setattr__(self, "host", self.host.strip().strip("[]"))  # as in a URL
        check_port(self.port)
        for origin in self.allow_origins:
            check_origin(origin)
        if self.http is not None:
            http_listener(self.http)
        for name in ("handshake_timeout", "grace", "keep_alive", "rejoin_timeout"):
            check_seconds(getattr(self, name), name)
        if self.give_up_after is not None:
            check_seconds(self.give_up_after, "give_up_after")
        if self.tls is not None and not isinstance(self.tls, Tls):
            raise UsageError(f"tls is {self.tls!r}; give wampapp.Tls(…).")
        if self.auth is not None:
            self._check_auth()

    def _check_auth(self) -> None:
        from wampapp.protocol.credentials import (
            Credential,  # cryptography, which waits until it is needed
        )

        if not isinstance(self.auth, Credential):
            # Not repeated: it may well be the secret.
            raise UsageError(
                f"auth is of type {type(self.auth).__name__}; give a credential such as "
                "wampapp.Ticket(authid, ticket)."
            )


def check_port(port: object) -> int:
    """Check a TCP port.

    Raises:
        UsageError: it is not a whole number from 0 to 65535.
    """
    if type(port) is not int or not 0 <= port <= MAX_PORT:
        raise UsageError(f"The port {port!r} is not a whole number from 0 to {MAX_PORT}.")
    return port


def check_realm(realm: object) -> str:
    """Check a realm's name, which is a URI by the specification.

    Raises:
        UsageError: it is not a valid URI.
    """
    from wampapp.protocol import uris

    if not isinstance(realm, str) or not uris.is_valid(realm):
        raise UsageError(f"The realm {realm!r} is not a valid name; write one such as 'realm1'.")
    return realm


def check_seconds(value: object, name: str) -> float:
    """Check a time span.

    Args:
        value: the seconds.
        name: what they are for, for the error message.

    Raises:
        UsageError: it is not a number of seconds, 0 or more.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise UsageError(f"{name} is {value!r}; give a number of seconds, 0 or more.")
    return float(value)
