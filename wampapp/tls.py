"""TLS to a router: who is trusted, and who we are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.config import Tls


def client_options(host: str, tls: Tls) -> Any:
    """Return what Twisted needs to speak TLS to a host.

    Args:
        host: the router's host name or address, which its certificate must name.
        tls: who is trusted, and who we are.

    Returns:
        Twisted's ``IOpenSSLClientConnectionCreator``.

    Raises:
        UsageError: a file is missing, or holds something else.
    """
    from OpenSSL import crypto
    from twisted.internet import ssl

    def load(path: str, what: str, parse: Any) -> Any:
        try:
            return parse(Path(path).read_bytes())
        except OSError as error:
            raise UsageError(f"The {what} {path} cannot be read: {error.strerror}.") from None
        except (crypto.Error, ValueError, TypeError):
            raise UsageError(
                f"The file {path} holds no {what}; a PEM file is expected, and a key without a "
                "passphrase."
            ) from None

    own = None
    if tls.certificate is not None:
        certificate = load(tls.certificate, "certificate", ssl.Certificate.loadPEM)
        key = load(
            tls.key or tls.certificate,
            "private key",
            # An empty passphrase, or OpenSSL would ask for one at the terminal.
            lambda data: crypto.load_privatekey(crypto.FILETYPE_PEM, data, passphrase=b""),
        )
        own = ssl.PrivateCertificate.fromCertificateAndKeyPair(certificate, ssl.KeyPair(key))
    if not tls.verify:
        return _Unverified(host, own)
    trusted = None
    if tls.ca is not None:
        trusted = ssl.trustRootFromCertificates(load(tls.ca, "certificate", _certificates))
    return ssl.optionsForClientTLS(host, trustRoot=trusted, clientCertificate=own)


def _certificates(data: bytes) -> list[Any]:
    """All certificates of a PEM file."""
    from twisted.internet import ssl

    end = b"-----END CERTIFICATE-----"
    parts = [part + end for part in data.split(end)[:-1]]
    if not parts:
        raise ValueError
    return [ssl.Certificate.loadPEM(part) for part in parts]


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Speaks TLS with whoever answers; what ``verify=False`` and ``--insecure`` ask for."""

    def __init__(self, host: str, own: Any) -> None:
        from twisted.internet import ssl

        options = {} if own is None else {"privateKey": own.privateKey.original}
        if own is not None:
            options["certificate"] = own.original
        self._context = ssl.CertificateOptions(verify=False, **options).getContext()
        self._host = host

    def clientConnectionForTLS(self, protocol: Any) -> Any:  # noqa: N802 - Twisted's name
        from OpenSSL import SSL
        from twisted.internet.abstract import isIPAddress, isIPv6Address

        connection = SSL.Connection(self._context, None)
        connection.set_app_data(protocol)
        if not isIPAddress(self._host) and not isIPv6Address(self._host):
            # Servers with several certificates choose by it.
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection
