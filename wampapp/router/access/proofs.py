"""How somebody who joins proves who it is: the router's side of WAMP authentication. Sans-I/O.

A proof is made for one join, from what the router keeps of the secret or from a decoy. Whether
somebody is unknown or has a wrong secret, the same is computed and the same is answered.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError
from wampapp.protocol.channel import bind
from wampapp.protocol.exchanges import prepared

if TYPE_CHECKING:
    from wampapp.protocol.channel import Channel
    from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey

ANONYMOUS: Final = "anonymous"
#: Nothing that the session does: an app knows its web page, such as by a cookie.
COOKIE: Final = "cookie"
TICKET: Final = "ticket"
WAMPCRA: Final = "wampcra"
#: SCRAM by the specification, and as Crossbar.io speaks it: the name tells them apart.
SCRAM: Final = "wamp-scram"
CROSSBAR_SCRAM: Final = "scram"
CRYPTOSIGN: Final = "cryptosign"
TLS: Final = "tls"

_NONCE_LENGTH: Final = 24  # octets; a multiple of three, so that its Base64 has no padding
_MAX_NONCE: Final = 256
_NONCE: Final = re.compile(r"[!-+\--~]+")  # what RFC 5802 calls printable: no comma
_SIGNED: Final = re.compile(r"[0-9a-fA-F]{192}")
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_DIGEST_LENGTH: Final = 32
#: What verifies nothing: a public key for those who give none.
_NO_KEY: Final = bytes(32)


class Proof:
    """The proof of one join.

    Attributes:
        extra: what CHALLENGE carries.
    """

    extra: dict[str, Any]

    def accepts(self, signature: str, extra: dict[str, Any]) -> dict[str, Any] | None:
        """Check an AUTHENTICATE. It may take long, so no event loop should wait for it.

        Args:
            signature: its signature.
            extra: its details.

        Returns:
            What WELCOME carries as ``authextra``; None where it proves nothing.
        """
        raise NotImplementedError


class TicketProof(Proof):
    """The ticket as it is ("Ticket-based Authentication").

    Args:
        kept: what is kept of the ticket.
    """

    def __init__(self, kept: TicketHash) -> None:
        self._kept = kept
        self.extra = {}

    def accepts(self, signature: str, _extra: dict[str, Any], /) -> dict[str, Any] | None:
        """Check an AUTHENTICATE; see :class:`Proof`."""
        return {} if self._kept.matches(signature) else None


class WampcraProof(Proof):
    """A signed challenge ("Challenge Response Authentication").

    Args:
        kept: the key.
        authid: who joins.
        about: more that the challenge names: the session, the role.
    """

    def __init__(self, kept: WampcraKey, authid: str, about: dict[str, Any]) -> None:
        self._kept = kept
        self._challenge = json.dumps(
            {
                "authid": authid,
                "authmethod": WAMPCRA,
                "authprovider": "static",
                "nonce": secrets.token_urlsafe(_NONCE_LENGTH),
                "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                **about,
            }
        )
        self.extra = {"challenge": self._challenge}
        if kept.salt:
            self.extra |= {"salt": kept.salt, "iterations": kept.rounds, "keylen": kept.length}

    def accepts(self, signature: str, _extra: dict[str, Any], /) -> dict[str, Any] | None:
        """Check an AUTHENTICATE; see :class:`Proof`."""
        right = self._kept.signature(self._challenge).encode()
        given = signature.encode("utf-8", "surrogatepass")
        return {} if hmac.compare_digest(right, given) else None


class ScramProof(Proof):
    """SCRAM, in either dialect; :class:`~wampapp.protocol.exchanges.ScramExchange` has the other.

    Args:
        kept: the keys.
        authid: who joins.
        nonce: the client's nonce.
        as_crossbar: whether the client speaks Crossbar.io's dialect.
    """

    def __init__(self, kept: ScramKeys, authid: str, nonce: str, *, as_crossbar: bool) -> None:
        self._as_crossbar = as_crossbar
        self._nonce = nonce + _base64(secrets.token_bytes(_NONCE_LENGTH))
        salt = _base64(kept.salt)
        self.extra = {
            "nonce": self._nonce,
            "kdf": kept.kdf,
            "salt": salt,
            "iterations": kept.rounds,
        }
        if kept.memory:
            self.extra["memory"] = kept.memory
        name = _prepared(authid)
        if as_crossbar:
            self._stored, self._server, bound = kept.crossbar_stored, kept.crossbar_server, ""
        else:
            self._stored, self._server, bound = kept.stored, kept.server, "biws"
            name = name.replace("=", "=3D").replace(",", "=2C")
        said = f"n={name},r={nonce},r={self._nonce},s={salt},i={kept.rounds},c={bound}"
        self._said = f"{said},r={self._nonce}".encode("utf-8", "surrogatepass")

    def accepts(self, signature: str, extra: dict[str, Any], /) -> dict[str, Any] | None:
        """Check an AUTHENTICATE; see :class:`Proof`."""
        try:
            proof = base64.b64decode(signature.encode("ascii"), validate=True)
        except ValueError:
            proof = b""
        fits = len(proof) == _DIGEST_LENGTH and extra.get("nonce", self._nonce) == self._nonce
        stamp = hmac.digest(self._stored, self._said, "sha256")
        client_key = bytes(
            one ^ other for one, other in zip(proof.ljust(_DIGEST_LENGTH), stamp, strict=False)
        )
        right = hmac.compare_digest(hashlib.sha256(client_key).digest(), self._stored)
        if not (fits and right):
            return None
        verifier = _base64(hmac.digest(self._server, self._said, "sha256"))
        return {"scram_server_signature" if self._as_crossbar else "verifier": verifier}


class CryptosignProof(Proof):
    """A challenge signed with a private key ("Cryptosign-based Authentication").

    Args:
        public_key: the key that the client named, in hexadecimal digits; any text.
        is_known: whether it is a key of who joins.
        channel: the link's TLS, if the client asks for channel binding and there is TLS.
        binding: what it asks for, one of ``BINDINGS``.
    """

    def __init__(
        self,
        public_key: object,
        *,
        is_known: bool,
        channel: Channel | None = None,
        binding: str | None = None,
    ) -> None:
        given = public_key if isinstance(public_key, str) and _KEY.fullmatch(public_key) else ""
        self._public_key = bytes.fromhex(given) or _NO_KEY
        self._is_known = is_known
        challenge = secrets.token_bytes(32)
        self.extra = {"challenge": challenge.hex(), "channel_binding": None}
        if channel is not None and binding is not None:
            self.extra["channel_binding"] = binding
            challenge = bind(challenge, channel.binding(binding))
        self._signed = challenge

    def accepts(self, signature: str, _extra: dict[str, Any], /) -> dict[str, Any] | None:
        """Check an AUTHENTICATE; see :class:`Proof`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if not _SIGNED.fullmatch(signature):
            return None
        signed = binascii.unhexlify(signature)
        try:
            key = Ed25519PublicKey.from_public_bytes(self._public_key)
            key.verify(signed[:64], signed[64:])
        except (InvalidSignature, ValueError):
            return None
        right = hmac.compare_digest(signed[64:], self._signed)
        return {} if right and self._is_known else None


def nonce_of(extra: dict[str, Any]) -> str | None:
    """Return the client's nonce, from the ``authextra`` of HELLO; None where it has none."""
    nonce = extra.get("nonce")
    if isinstance(nonce, str) and len(nonce) <= _MAX_NONCE and _NONCE.fullmatch(nonce):
        return nonce
    return None


def key_of(extra: dict[str, Any]) -> str | None:
    """Return the client's public key, from the ``authextra`` of HELLO; None where it has none."""
    key = extra.get("pubkey")
    return key if isinstance(key, str) and _KEY.fullmatch(key) else None


def _prepared(authid: str) -> str:
    try:
        return prepared(authid)
    except (UsageError, ImportError):
        return authid  # then it is nobody's


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
