"""What is known of a link's TLS: what a signature can be bound to, and the peer's certificate."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from wampapp.protocol.channel import PeerCertificate
from wampapp.transport.tls import checks_clients

_LENGTH: Final = 32
_EXPORTER_LABEL: Final = b"EXPORTER-Channel-Binding"  # RFC 9266


class TlsChannel:
    """The TLS of one link.

    Args:
        connection: pyOpenSSL's connection, whose handshake is done.
        is_server: whether we are the server.
    """

    def __init__(self, connection: Any, *, is_server: bool) -> None:
        self._connection = connection
        self._is_server = is_server

    @property
    def certificate(self) -> PeerCertificate | None:
        """The peer's certificate; None if it has shown none."""
        found = self._connection.get_peer_certificate(as_cryptography=True)
        if found is None:
            return None
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import NameOID

        names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        is_checked = checks_clients(self._connection.get_context())
        name = str(names[0].value) if is_checked and len(names) == 1 else ""
        return PeerCertificate(found.fingerprint(hashes.SHA256()).hex(), name)

    def binding(self, kind: str) -> bytes:
        """Return what only the two ends know; see :class:`~wampapp.protocol.channel.Channel`."""
        connection = self._connection
        if kind == "tls-exporter":
            octets: bytes = connection.export_keying_material(_EXPORTER_LABEL, _LENGTH, b"")
            return octets
        # The client's Finished message, since no handshake of ours resumes a session. As Autobahn
        # has it, also with TLS 1.3.
        of_client = connection.get_peer_finished if self._is_server else connection.get_finished
        return hashlib.sha256(of_client()).digest()
