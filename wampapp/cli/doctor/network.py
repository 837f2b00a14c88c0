"""A router's port before any WAMP is spoken: TCP, TLS's certificate, the time by HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from zope.interface import implementer

from wampapp.errors import RouterUnreachable, TlsFailed
from wampapp.transport.dial import open_connection
from wampapp.transport.reasons import TLS_FAILED, failure_text, tls_sentence

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampapp.config.records import Tls
    from wampapp.config.url import RouterUrl

_MAX_HEAD: Final = 65536
_MINUTE: Final = "%Y-%m-%d %H:%M UTC"


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a router's certificate says.

    Attributes:
        names: the host names and addresses that it is for.
        issuer: who issued it.
        begins: when it begins to be valid.
        ends: when it expires.
    """

    names: tuple[str, ...]
    issuer: str
    begins: dt.datetime
    ends: dt.datetime

    def __str__(self) -> str:
        names = ", ".join(self.names) or "no host name"
        now = dt.datetime.now(dt.UTC)
        if self.ends < now:
            span = f"expired on {self.ends:{_MINUTE}}"
        elif self.begins > now:
            span = f"not valid before {self.begins:{_MINUTE}}, later than this machine's clock"
        else:
            span = f"valid until {self.ends:{_MINUTE}}"
        return f"for {names}, by {self.issuer}, {span}"


async def connect(url: RouterUrl, reactor: Any, timeout: float) -> str:
    """Connect without TLS, and disconnect.

    Args:
        url: the router's URL.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds that each address may take.

    Returns:
        The address that answered; the socket's path for ``unix``.

    Raises:
        RouterUnreachable: nothing listens there.
    """
    plain = dataclasses.replace(url, scheme="rs") if url.secure else url
    factory = _Factory(b"")
    protocol = await open_connection(plain, factory, reactor, timeout)
    peer = protocol.transport.getPeer()
    protocol.transport.loseConnection()
    return url.path if url.scheme == "unix" else str(peer.host)


async def certificate(
    url: RouterUrl, reactor: Any, timeout: float, tls: Tls | None = None
) -> Certificate:
    """Do TLS's handshake, and disconnect.

    Args:
        url: the router's URL, one with TLS.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds for all of it.
        tls: which certificates are trusted; None for this machine's authorities.

    Returns:
        The router's certificate.

    Raises:
        TlsFailed: it is not trusted, or no TLS version or cipher is agreed on.
        RouterUnreachable: what answers does not speak TLS.
        UsageError: a file that ``tls`` names cannot be used.
    """
    factory = _Factory(b"")
    try:
        async with asyncio.timeout(timeout):
            protocol = await open_connection(url, factory, reactor, timeout, tls)
            try:
                await factory.shaken
                return _certificate(protocol.transport.getPeerCertificate())
            finally:
                protocol.abort()
    except TimeoutError:
        raise RouterUnreachable(
            f"What listens at {url.url} did not answer to TLS within {timeout:g} s."
        ) from None
    except _Ended as end:
        if end.reason.startswith(TLS_FAILED):
            raise TlsFailed(tls_sentence(url.url, end.reason)) from None
        raise RouterUnreachable(
            f"What listens at {url.url} does not speak TLS: {end.reason}."
        ) from None


async def time_at(
    url: RouterUrl, reactor: Any, timeout: float, tls: Tls | None = None
) -> dt.datetime | None:
    """Ask for the time at a router's port by HTTP.

    Args:
        url: the router's URL.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds for all of it.
        tls: which certificates are trusted; None for this machine's authorities.

    Returns:
        The ``Date`` of the answer, in whole seconds; None if there is none.
    """
    host = f"[{url.host}]" if ":" in url.host else url.host
    factory = _Factory(
        f"HEAD / HTTP/1.1\r\nHost: {host}:{url.port}\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        async with asyncio.timeout(timeout):
            protocol = await open_connection(url, factory, reactor, timeout, tls)
            try:
                head = await factory.answer
            finally:
                protocol.abort()
    except (TimeoutError, RouterUnreachable, _Ended):
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"date":
            try:
                return parsedate_to_datetime(value.decode("latin-1").strip())
            except ValueError:
                return None
    return None


class _Ended(Exception):
    """The connection ended too early."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Factory(Factory):
    """Makes the protocol of one connection, and has the futures of what it finds."""

    noisy = False

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.request = request
        #: Done when TLS's handshake is.
        self.shaken: asyncio.Future[None] = loop.create_future()
        #: The head of the answer to the request.
        self.answer: asyncio.Future[bytes] = loop.create_future()
        for future in (self.shaken, self.answer):
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def buildProtocol(self, addr: Any) -> Protocol:  # noqa: ARG002, N802 - Twisted's name
        return _Probe(self)


@implementer(IHandshakeListener)
class _Probe(Protocol):
    """Sends a request, if there is one, and reads the head of the answer."""

    transport: Any

    def __init__(self, made_by: _Factory) -> None:
        self._made_by = made_by
        self._head = b""
        self.over = False

    def abort(self) -> None:
        """Disconnect, unless the connection is over."""
        if not self.over:
            self.transport.abortConnection()

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        if self._made_by.request:
            self.transport.write(self._made_by.request)

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's name
        if not self._made_by.shaken.done():
            self._made_by.shaken.set_result(None)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._head += data
        head, ended, _ = self._head.partition(b"\r\n\r\n")
        if ended and not self._made_by.answer.done():
            self._made_by.answer.set_result(head)
        if len(self._head) > _MAX_HEAD:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.over = True
        for future in (self._made_by.shaken, self._made_by.answer):
            if not future.done():
                future.set_exception(_Ended(failure_text(reason)))


def _certificate(found: Any) -> Certificate:
    from cryptography import x509

    parsed = found.to_cryptography()
    names: list[str] = []
    try:
        extension = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        pass
    else:
        names += extension.value.get_values_for_type(x509.DNSName)
        names += map(str, extension.value.get_values_for_type(x509.IPAddress))
    common = parsed.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    issuer = str(common[0].value) if common else parsed.issuer.rfc4514_string()
    return Certificate(
        tuple(names), issuer, parsed.not_valid_before_utc, parsed.not_valid_after_utc
    )
