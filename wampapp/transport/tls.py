"""TLS to a router: whom we trust, and who we are."""

from __future__ import annotations

import codecs
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS, platformTrust
from zope.interface import implementer

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import StrPath

    from wampapp.config.records import Tls


def client_options(host: str, tls: Tls) -> Any:
    """Return what Twisted needs to speak TLS to a host.

    Args:
        host: the router's host name or address, which its certificate must name.
        tls: whom we trust, and who we are.

    Returns:
        Twisted's ``IOpenSSLClientConnectionCreator``.

    Raises:
        UsageError: a file is missing, or holds something else.
    """
    own = (
        {}
        if tls.certificate is None
        else own_certificate(tls.certificate, tls.key or tls.certificate)
    )
    if not tls.verify:
        return _Unverified(host, CertificateOptions(verify=False, **own).getContext())
    trusted: Any = platformTrust() if tls.ca is None else _Trusted(_certificates(tls.ca))
    return optionsForClientTLS(host, trustRoot=trusted, extraCertificateOptions=own)


def _read(path: StrPath, what: str) -> bytes:
    try:
        return Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {error.strerror}.") from None


def _not_pem(what: str, path: StrPath) -> UsageError:
    return UsageError(
        f"The file {path} contains no {what}; give a PEM file, and a key without a passphrase."
    )


def _certificates(path: StrPath) -> list[Any]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(_read(path, "certificate"))
    except ValueError:
        raise _not_pem("certificate", path) from None


def own_certificate(certificate: StrPath, key: StrPath) -> dict[str, Any]:
    """Return our own certificate, with the chain that its file may hold, and its key.

    Args:
        certificate: its file (PEM).
        key: the file of its private key (PEM).

    Returns:
        Arguments of Twisted's ``CertificateOptions``.

    Raises:
        UsageError: a file is missing, or holds something else.
    """
    from cryptography.hazmat.primitives import serialization

    first, *chain = _certificates(certificate)
    try:
        private = serialization.load_pem_private_key(_read(key, "private key"), password=None)
    except (ValueError, TypeError):
        raise _not_pem("private key", key) from None
    if private.public_key() != first.public_key():
        raise UsageError(
            f"The private key in {key} does not belong to the certificate in {certificate}."
        )
    return {"certificate": first, "privateKey": private, "extraCertChain": chain}


def ask_clients(context: Any, ca: StrPath | None) -> None:
    """Have a server ask clients for a certificate. Those that have none are let in as well.

    Args:
        context: pyOpenSSL's context of the server.
        ca: the file of the authorities that must have signed it (PEM); None for any certificate,
            of which the fingerprint then counts.

    Raises:
        UsageError: the file is missing, or holds something else.
    """
    from OpenSSL import SSL

    if ca is None:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    else:
        certificates = _certificates(ca)
        _Trusted(certificates)._addCACertsToContext(context)
        for certificate in certificates:
            context.add_client_ca(certificate)
        context.set_verify(SSL.VERIFY_PEER, lambda _0, _1, _2, _3, is_right: bool(is_right))
        context.checks_clients = True
    # OpenSSL refuses a client that resumes a session of a server that asks, if it has no name.
    context.set_session_id(secrets.token_bytes(16))


def checks_clients(context: Any) -> bool:
    """Return whether a server's context takes only certificates that an authority has signed."""
    return getattr(context, "checks_clients", False)


@implementer(IOpenSSLTrustRoot)
class _Trusted:
    """Trusts the given certificates, whether they are authorities or not."""

    def __init__(self, certificates: list[Any]) -> None:
        self._certificates = certificates

    def _addCACertsToContext(self, context: Any) -> None:
        from OpenSSL.crypto import X509, X509StoreFlags

        store = context.get_cert_store()
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        for certificate in self._certificates:
            store.add_cert(X509.from_cryptography(certificate))


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Speaks TLS with any server, as ``verify=False`` and ``--insecure`` ask for."""

    def __init__(self, host: str, context: Any) -> None:
        self._host = host
        self._context = context

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        from OpenSSL import SSL
        from twisted.internet.abstract import isIPAddress, isIPv6Address

        connection = SSL.Connection(self._context, None)
        connection.set_app_data(protocol)
        if not isIPAddress(self._host) and not isIPv6Address(self._host):
            # A server with several certificates chooses by it.
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection
