"""The certificate that the router shows, which may be renewed while it runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.ssl import CertificateOptions

from wampapp.errors import UsageError
from wampapp.transport.tls import ask_clients, own_certificate

if TYPE_CHECKING:
    from _typeshed import StrPath

logger = logging.getLogger("wampapp.router")


class ServerCertificate:
    """Gives Twisted what it needs for TLS, from files that are read again when they have changed.

    Args:
        certificate: the file of the certificate and those that it was signed with (PEM).
        key: the file of its private key; None where it is in the same file.
        client_ca: the file of the authorities whose clients are let in, if they show a certificate.
        asks: whether clients are asked for a certificate even without such a file.

    Raises:
        UsageError: a file is missing, or holds something else.
    """

    def __init__(
        self,
        certificate: StrPath,
        key: StrPath | None = None,
        client_ca: StrPath | None = None,
        *,
        asks: bool = False,
    ) -> None:
        self._certificate = certificate
        self._key = certificate if key is None else key
        self._client_ca = client_ca
        self._asks = asks or client_ca is not None
        self._state = self._stat()
        self._context = self._read()

    def getContext(self) -> Any:
        """Return the context of a new connection, as Twisted's ``IOpenSSLContextFactory``."""
        state = self._stat()
        if state != self._state:
            # Certificate and key are replaced one after the other, so the next look may be better.
            try:
                self._context = self._read()
            except UsageError as error:
                logger.warning("The router keeps the certificate that it has: %s", error)
            else:
                logger.info("The router has a new certificate, from %s", self._certificate)
            self._state = state
        return self._context

    def _read(self) -> Any:
        own = own_certificate(self._certificate, self._key)
        context = CertificateOptions(**own).getContext()
        if self._asks:
            ask_clients(context, self._client_ca)
        return context

    def _stat(self) -> list[tuple[int, int, int]]:
        found = []
        for path in (self._certificate, self._key, self._client_ca or self._key):
            try:
                now = Path(path).stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((now.st_mtime_ns, now.st_size, now.st_ino))
        return found
