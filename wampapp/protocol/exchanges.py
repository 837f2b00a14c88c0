"""What one join exchanges to prove who joins: the client's side of WAMP authentication.

SCRAM is spoken as Crossbar.io speaks it, which differs from the specification;
:class:`ScramExchange` says where.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import AUTHENTICATION_FAILED, RouterRefused, UsageError
from wampapp.protocol.channel import bind

if TYPE_CHECKING:
    from wampapp.protocol.channel import Channel

# What a challenge may ask for. An impostor could otherwise keep a thread busy for ever (the upper
# bounds), or get a proof from which the password is soon guessed (the lower ones, which the
# specification demands in "Salted Challenge Response Authentication").
_MAX_ROUNDS: Final = 10_000_000
_MAX_KEY_LENGTH: Final = 1024  # octets; every 32 of them cost all rounds once more
_MIN_SCRAM_ROUNDS: Final = 4096  # of PBKDF2, by RFC 7677
_MAX_MEMORY: Final = 1024 * 1024  # KiB
_MIN_WORK: Final = 8 * 1024  # KiB of memory times rounds, of Argon2
_MAX_WORK: Final = 32 * 1024 * 1024  # the same; about half a minute
_MIN_ARGON2_MEMORY: Final = 8  # KiB, and octets of salt: what Argon2 itself insists on
_MIN_ARGON2_SALT: Final = 8

# A multiple of three, so that its Base64 has no padding. What Crossbar.io sends back (the Base64 of
# our octets and its own) then begins with it, like what the specification has (text after text).
_NONCE_LENGTH: Final = 24

_HEX_CHALLENGE: Final = re.compile(r"[0-9a-fA-F]{64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]+")


class Exchange:
    """The authentication of one join. Made by :meth:`Credential.begin`.

    Args:
        method: the name of the authentication method.

    Attributes:
        extra: what HELLO carries as ``authextra``.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._challenged = False
        self.extra: dict[str, Any] = {}

    def bind(self, channel: Channel | None) -> None:
        """Take the TLS of the link, before HELLO; None without."""

    def answer(self, method: str, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Answer a CHALLENGE. It may take seconds, so no event loop should wait for it.

        Args:
            method: the method that the router asks for.
            extra: the details of the challenge.

        Returns:
            The signature and the details of AUTHENTICATE.

        Raises:
            RouterRefused: the challenge is not of this method, or it is malformed.
        """
        if method != self._method:
            raise _refused(
                f"The router asks for authentication by {method!r:.60}, and {self._method!r} was "
                "offered."
            )
        if self._challenged:
            raise _refused("The router sent a second challenge.")
        self._challenged = True
        return self._answer(extra)

    def _answer(self, _extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        raise _refused(f"The router sent a challenge, and {self._method!r} has no answer to one.")

    def verify(self, details: dict[str, Any]) -> None:
        """Check that the router is the one that knows the secret.

        Args:
            details: those of WELCOME.

        Raises:
            RouterRefused: it should know the secret, and does not.
        """


class TicketExchange(Exchange):
    """Sends the ticket as it is ("Ticket-based Authentication")."""

    def __init__(self, method: str, ticket: str) -> None:
        super().__init__(method)
        self._ticket = ticket

    def _answer(self, _extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        return self._ticket, {}


class WampcraExchange(Exchange):
    """Signs the challenge with the secret ("Challenge Response Authentication")."""

    def __init__(self, method: str, secret: str) -> None:
        super().__init__(method)
        self._secret = secret

    def _answer(self, extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        from autobahn.wamp.auth import compute_wcs, derive_key

        challenge = _text(extra, "challenge")
        key = self._secret.encode()
        if extra.get("salt") is not None:
            salt = _text(extra, "salt").encode()
            rounds = _count(extra, "iterations", 1, _MAX_ROUNDS)
            length = _count(extra, "keylen", 1, _MAX_KEY_LENGTH)
            blocks = -(-length // hashlib.sha256().digest_size)
            if rounds * blocks > _MAX_ROUNDS:
                raise _malformed("its iterations and its keylen ask for too much work")
            key = derive_key(key, salt, rounds, length)
        return compute_wcs(key, challenge.encode()).decode("ascii"), {}


class ScramExchange(Exchange):
    """SCRAM as Crossbar.io does it.

    It differs from the specification in ways that a router does not announce, but its name for the
    method does: ``scram`` there, ``wamp-scram`` in the specification.

    - What is signed has an empty channel binding, where the specification has ``biws``.
    - With Argon2, the keys are made from the hash's Base64 instead of its octets.
    - Commas and equals signs in the authid are not escaped.
    - The password is not normalized by those who make Crossbar.io's credentials from it, such as
      Autobahn's ``derive_scram_credential``; the authid is.
    - Its own signature is called ``scram_server_signature`` instead of ``verifier``.

    Autobahn's ``AuthScram`` is not used: it fails with PBKDF2, does not look whether the nonce is
    ours, and raises a ``KeyError`` where the router proves nothing.
    """

    def __init__(self, method: str, authid: str, password: str) -> None:
        super().__init__(method)
        self._authid = authid
        self._password = password
        self._nonce = _base64(os.urandom(_NONCE_LENGTH))
        self._signature: bytes | None = None
        self.extra = {"nonce": self._nonce, "channel_binding": None}

    def _answer(self, extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        _check_unbound(extra)
        nonce = _text(extra, "nonce")
        if not nonce.startswith(self._nonce):
            raise _malformed("its nonce does not begin with ours")
        if nonce == self._nonce or not _BASE64.fullmatch(nonce):
            raise _malformed("its nonce has no part of the router's")
        salt = _text(extra, "salt")
        salted = self._salted(extra, _octets(salt, "its salt is not Base64"))
        said = (
            f"n={prepared(self._authid)},r={self._nonce},"
            f"r={nonce},s={salt},i={extra['iterations']},"
            f"c=,r={nonce}"
        ).encode()
        client_key = _hmac(salted, b"Client Key")
        stamp = _hmac(hashlib.sha256(client_key).digest(), said)
        proof = bytes(one ^ other for one, other in zip(client_key, stamp, strict=True))
        self._signature = _hmac(_hmac(salted, b"Server Key"), said)
        return _base64(proof), {"nonce": nonce, "channel_binding": None, "cbind_data": None}

    def _salted(self, extra: dict[str, Any], salt: bytes) -> bytes:
        password = self._password.encode()
        kdf = _text(extra, "kdf")
        if kdf == "pbkdf2":
            rounds = _count(extra, "iterations", _MIN_SCRAM_ROUNDS, _MAX_ROUNDS)
            return hashlib.pbkdf2_hmac("sha256", password, salt, rounds)
        if kdf != "argon2id-13":
            raise _refused(f"The router asks for the key derivation {kdf!r:.60}, which is unknown.")
        memory = _count(extra, "memory", _MIN_ARGON2_MEMORY, _MAX_MEMORY)
        rounds = _count(extra, "iterations", 1, _MAX_WORK // memory)
        if rounds * memory < _MIN_WORK:
            raise _refused(
                f"The router asks for a hash of the password with {rounds} iterations in {memory} "
                "KiB, from which the password would be guessed too soon."
            )
        if len(salt) < _MIN_ARGON2_SALT:
            raise _malformed("its salt is too short")
        from argon2.low_level import Type, hash_secret_raw

        octets = hash_secret_raw(password, salt, rounds, memory, 1, 32, Type.ID, version=0x13)
        return _base64(octets).rstrip("=").encode()

    def verify(self, details: dict[str, Any]) -> None:
        """Check the router's signature, which only one who knows us can make.

        Args:
            details: those of WELCOME.

        Raises:
            RouterRefused: it is missing, or wrong.
        """
        if self._signature is None:
            raise _refused("The router welcomed us before we proved who we are.")
        proved = details.get("authextra")
        found: Any = None
        if isinstance(proved, dict):
            found = proved.get("verifier", proved.get("scram_server_signature"))
        if not isinstance(found, str):
            raise _refused("The router did not prove that it knows us: it gave no signature.")
        wrong = "The router did not prove that it knows us: its signature is wrong."
        try:
            given = base64.b64decode(found.removeprefix("v="), validate=True)
        except ValueError:
            raise _refused(wrong) from None
        if not hmac.compare_digest(given, self._signature):
            raise _refused(wrong)


class CryptosignExchange(Exchange):
    """Signs the challenge with the private key ("Cryptosign-based Authentication")."""

    # The cryptography package signs: Autobahn's CryptosignKey gives a Deferred or a future, which a
    # thread cannot use. Autobahn always installs cryptography, but not PyNaCl.

    def __init__(self, method: str, seed: bytes, binding: str | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        super().__init__(method)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.extra = {"pubkey": public.hex(), "channel_binding": binding}
        self._binding = binding
        self._channel_id: bytes | None = None

    def bind(self, channel: Channel | None) -> None:
        """Take the TLS of the link; see :class:`Exchange`."""
        if self._binding is not None and channel is not None:
            self._channel_id = channel.binding(self._binding)

    def _answer(self, extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        if self._binding is None:
            _check_unbound(extra)
        elif self._channel_id is None:
            raise _refused("Channel binding needs TLS; give a wss:// or rss:// URL.")
        elif extra.get("channel_binding") != self._binding:
            raise _refused(f"The router does not know the channel binding {self._binding}.")
        challenge = _text(extra, "challenge")
        if not _HEX_CHALLENGE.fullmatch(challenge):
            raise _malformed("it is not 64 hexadecimal digits")
        data = bytes.fromhex(challenge)
        if self._channel_id is not None:
            data = bind(data, self._channel_id)
        return (self._key.sign(data) + data).hex(), {}


def prepared(authid: str) -> str:
    """Normalize an authid by SASLprep (RFC 4013)."""
    if authid.isascii() and authid.isprintable():
        return authid  # SASLprep would leave it as it is
    from passlib.utils import saslprep  # type: ignore[import-untyped]

    try:
        prepared: str = saslprep(authid)
    except ValueError:
        prepared = ""
    if not prepared:
        raise UsageError(f"The authid {authid!r} has characters that SCRAM does not allow.")
    return prepared


# Checks of what a router gives.


def _refused(sentence: str) -> RouterRefused:
    return RouterRefused(sentence, AUTHENTICATION_FAILED)


def _malformed(what: str) -> RouterRefused:
    return _refused(f"The router's challenge is malformed: {what}.")


def _check_unbound(extra: dict[str, Any]) -> None:
    if extra.get("channel_binding") is not None:
        raise _refused("The router asks for channel binding, which was not offered.")


def _text(extra: dict[str, Any], name: str) -> str:
    value = extra.get(name)
    if not isinstance(value, str):
        raise _malformed(f"its {name} is not text" if name in extra else f"it has no {name}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _malformed(f"its {name} is not valid UTF-8") from None
    return value


def _count(extra: dict[str, Any], name: str, lowest: int, highest: int) -> int:
    value = extra.get(name)
    if type(value) is not int:
        raise _malformed(f"its {name} is not a number" if name in extra else f"it has no {name}")
    if not lowest <= value <= highest:
        raise _refused(
            f"The router's challenge asks for {name} outside of what is accepted, {lowest} to "
            f"{highest}."
        )
    return value


def _octets(text: str, trouble: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _malformed(trouble) from None


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
