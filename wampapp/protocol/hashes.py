"""What a router keeps of a secret: enough to check who knows it, and no more.

Each kind is made from the secret by its ``of``, and has a text that goes into a file. Its
``decoy`` looks the same to those who try, and lets nobody in: it is what somebody unknown is
checked against, so that nobody learns who is known.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from typing import Final

from wampapp.errors import UsageError
from wampapp.protocol.exchanges import prepared

#: The costs of new hashes: those that are recommended where a person waits for it.
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}
_WAMPCRA_ROUNDS: Final = 10_000  # browsers do it in JavaScript
_WAMPCRA_LENGTH: Final = 32
PBKDF2_ROUNDS: Final = 600_000
_ARGON2_ROUNDS: Final = 3
_ARGON2_MEMORY: Final = 64 * 1024  # KiB
_SALT_LENGTH: Final = 16
_DIGEST_LENGTH: Final = 32
#: The most that a hash in a file may ask for.
_MAX_SCRYPT_LOG: Final = 20
_MAX_ROUNDS: Final = 10_000_000

PBKDF2: Final = "pbkdf2"
ARGON2: Final = "argon2id-13"

_TICKET: Final = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=8,p=1\$([\w+/]+={0,2})\$([\w+/]+={0,2})")
_WAMPCRA: Final = re.compile(r"\$wampcra\$i=(\d{1,8}),l=(\d{1,3})\$([!-#%-~]+)\$([\w+/]+={0,2})")
_SCRAM: Final = re.compile(
    r"\$scram\$(pbkdf2|argon2id-13),i=(\d{1,8}),m=(\d{1,8})\$([\w+/]+={0,2})"
    r"\$([\w+/]+={0,2})\$([\w+/]+={0,2})\$([\w+/]+={0,2})\$([\w+/]+={0,2})"
)


@dataclass(frozen=True, slots=True)
class TicketHash:
    """A ticket's scrypt hash.

    Attributes:
        salt: what was hashed with it.
        digest: the hash.
        log_rounds: the cost, as a power of two.
    """

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    log_rounds: int = 14

    @classmethod
    def of(cls, ticket: str) -> TicketHash:
        """Return the hash of a ticket; it takes some 50 ms."""
        salt = os.urandom(_SALT_LENGTH)
        return cls(salt, _scrypt(ticket.encode(), salt, _SCRYPT["n"]))

    @classmethod
    def parse(cls, text: str) -> TicketHash | None:
        """Return what a text stands for; None where it is not a ticket's hash."""
        found = _TICKET.fullmatch(text)
        parts = [_octets(part) for part in found.groups()[1:]] if found else []
        if found is None or not all(parts) or not 1 <= int(found[1]) <= _MAX_SCRYPT_LOG:
            return None
        return cls(parts[0], parts[1], int(found[1]))

    @property
    def text(self) -> str:
        """The hash as a file has it."""
        return f"$scrypt$ln={self.log_rounds},r=8,p=1${_base64(self.salt)}${_base64(self.digest)}"

    def matches(self, ticket: str) -> bool:
        """Return whether this is the ticket; it takes as long as :meth:`of`."""
        found = _scrypt(_utf8(ticket), self.salt, 2**self.log_rounds)
        return hmac.compare_digest(found, self.digest)

    def decoy(self, seed: bytes) -> TicketHash:
        """Return one that costs the same and that no ticket matches."""
        return TicketHash(_stretch(seed, b"salt"), _stretch(seed, b"digest"), self.log_rounds)


@dataclass(frozen=True, slots=True)
class WampcraKey:
    """The key that signs in WAMP-CRA: anybody who has it can join.

    Attributes:
        key: the key: the secret itself, or what is derived from it, in Base64.
        salt: what it is derived with, a text; empty where the key is the secret itself.
        rounds: the cost of that.
        length: the octets of the derived key.
    """

    key: bytes = field(repr=False)
    salt: str = ""
    rounds: int = _WAMPCRA_ROUNDS
    length: int = _WAMPCRA_LENGTH

    @classmethod
    def plain(cls, secret: str) -> WampcraKey:
        """Return the key of a secret that is known as it is."""
        return cls(secret.encode())

    @classmethod
    def of(cls, secret: str) -> WampcraKey:
        """Return a salted key of a secret, from which the secret cannot be read."""
        salt = _base64(os.urandom(_SALT_LENGTH))
        octets = hashlib.pbkdf2_hmac(
            "sha256", secret.encode(), salt.encode(), _WAMPCRA_ROUNDS, _WAMPCRA_LENGTH
        )
        return cls(_base64(octets).encode(), salt)

    @classmethod
    def parse(cls, text: str) -> WampcraKey | None:
        """Return what a text stands for; None where it is not such a key."""
        found = _WAMPCRA.fullmatch(text)
        if found is None or not _octets(found[4]):
            return None
        rounds, length = int(found[1]), int(found[2])
        if not 1 <= rounds <= _MAX_ROUNDS or not 1 <= length <= 128:
            return None
        return cls(found[4].encode(), found[3], rounds, length)

    @property
    def text(self) -> str:
        """The key as a file has it."""
        return f"$wampcra$i={self.rounds},l={self.length}${self.salt}${self.key.decode()}"

    def signature(self, challenge: str) -> str:
        """Return what one who knows the key answers to a challenge."""
        return _base64(hmac.digest(self.key, challenge.encode(), "sha256"))

    def decoy(self, seed: bytes) -> WampcraKey:
        """Return one that looks the same and that nobody knows."""
        salt = _base64(_stretch(seed, b"salt")[:_SALT_LENGTH]) if self.salt else ""
        key = _base64(_stretch(seed, b"key")).encode()
        return WampcraKey(key, salt, self.rounds, self.length)


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What SCRAM keeps of a password: nobody can join with it ("WAMP-SCRAM").

    Attributes:
        kdf: how the password is salted: ``pbkdf2`` or ``argon2id-13``.
        rounds: the cost in time.
        memory: the cost in memory, in KiB; 0 with ``pbkdf2``.
        salt: the salt.
        stored, server: the two keys, by the specification.
        crossbar_stored, crossbar_server: the same as Crossbar.io makes them.
    """

    kdf: str
    rounds: int
    memory: int
    salt: bytes = field(repr=False)
    stored: bytes = field(repr=False)
    server: bytes = field(repr=False)
    crossbar_stored: bytes = field(repr=False)
    crossbar_server: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str, kdf: str = PBKDF2) -> ScramKeys:
        """Return the keys of a password.

        Args:
            password: the password.
            kdf: ``pbkdf2``, or ``argon2id-13``, which needs the extra ``wampapp[scram]``.

        Raises:
            UsageError: the package for it is not installed.
        """
        salt = os.urandom(_SALT_LENGTH)
        if kdf == PBKDF2:
            rounds, memory = PBKDF2_ROUNDS, 0
        else:
            rounds, memory = _ARGON2_ROUNDS, _ARGON2_MEMORY
        raw, normalized = password.encode(), _normalized(password)
        strict = loose = _salted(normalized, kdf, salt, rounds, memory)
        if raw != normalized:
            loose = _salted(raw, kdf, salt, rounds, memory)
        if kdf == ARGON2:
            loose = _base64(loose).rstrip("=").encode()
        return cls(kdf, rounds, memory, salt, *_keys(strict), *_keys(loose))

    @classmethod
    def parse(cls, text: str) -> ScramKeys | None:
        """Return what a text stands for; None where it is not of this kind."""
        found = _SCRAM.fullmatch(text)
        if found is None:
            return None
        salt, *keys = (_octets(part) for part in found.groups()[3:])
        if not salt or any(len(key) != _DIGEST_LENGTH for key in keys):
            return None
        return cls(found[1], int(found[2]), int(found[3]), salt, *keys)

    @property
    def text(self) -> str:
        """The keys as a file has them."""
        parts = (
            self.salt,
            self.stored,
            self.server,
            self.crossbar_stored,
            self.crossbar_server,
        )
        joined = "$".join(map(_base64, parts))
        return f"$scram${self.kdf},i={self.rounds},m={self.memory}${joined}"

    def decoy(self, seed: bytes) -> ScramKeys:
        """Return some that look the same and that no password has."""
        keys = [_stretch(seed, name) for name in (b"1", b"2", b"3", b"4")]
        salt = _stretch(seed, b"salt")[: len(self.salt)]
        return ScramKeys(self.kdf, self.rounds, self.memory, salt, *keys)


def _scrypt(secret: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.scrypt(
        secret, salt=salt, n=rounds, r=8, p=1, maxmem=2 * 128 * 8 * rounds, dklen=_DIGEST_LENGTH
    )


def _salted(password: bytes, kdf: str, salt: bytes, rounds: int, memory: int) -> bytes:
    if kdf == PBKDF2:
        return hashlib.pbkdf2_hmac("sha256", password, salt, rounds)
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise UsageError(
            "Argon2 needs a package that is not installed; run: pip install 'wampapp[scram]'."
        ) from None
    return hash_secret_raw(password, salt, rounds, memory, 1, 32, Type.ID, version=0x13)


def _normalized(password: str) -> bytes:
    try:
        return prepared(password).encode()
    except UsageError:
        raise UsageError("The password has characters that SCRAM does not allow.") from None
    except ImportError:
        raise UsageError(
            "SCRAM with such a password needs a package that is not installed; run: pip install "
            "'wampapp[scram]'."
        ) from None


def _keys(salted: bytes) -> tuple[bytes, bytes]:
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")


def _stretch(seed: bytes, name: bytes) -> bytes:
    return hmac.digest(seed, name, "sha256")


def _utf8(text: str) -> bytes:
    # A peer may send half of a surrogate pair.
    return text.encode("utf-8", "surrogatepass")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    """Return what Base64 stands for; nothing where it is not Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
