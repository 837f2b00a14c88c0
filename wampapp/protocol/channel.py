"""The TLS that a session runs over, as far as authentication knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

#: What a signature can be bound to ("TLS Channel Binding"): RFC 5929, and RFC 9266 for TLS 1.3.
BINDINGS: Final = ("tls-unique", "tls-exporter")


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """The certificate that a peer has shown, and whose private key it has.

    Attributes:
        fingerprint: its SHA-256 fingerprint, in 64 hexadecimal digits.
        name: the common name of its subject, if an authority that we trust has signed it;
            otherwise empty.
    """

    fingerprint: str
    name: str


class Channel(Protocol):
    """The TLS of a link."""

    @property
    def certificate(self) -> PeerCertificate | None:
        """The peer's certificate; None if it has shown none."""

    def binding(self, kind: str) -> bytes:
        """Return the 32 octets that only the two ends of this connection know.

        Args:
            kind: one of :data:`BINDINGS`.
        """


def bind(challenge: bytes, identifier: bytes) -> bytes:
    """Return a challenge of 32 octets bound to a channel: what is signed in its place."""
    return bytes(one ^ other for one, other in zip(challenge, identifier, strict=True))
