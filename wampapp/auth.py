"""Who joins, and how it is proved to the router: the client's side of WAMP authentication.

A :class:`Credential` is what the user writes, and stays the same for all sessions. Each join gets
an :class:`Exchange` of its own, which knows what has been said. Neither knows of sockets or loops.

SCRAM is spoken as Crossbar.io speaks it, which is not as the specification has it; :class:`_Scram`
says where they differ.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from wampapp.errors import AUTHENTICATION_FAILED, RouterRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The methods that prove who joins with a ticket, a secret or a password.
NEEDS_SECRET: Final = frozenset({"ticket", "wampcra", "scram"})

# What a challenge may ask for. Who only plays the router could otherwise keep a thread busy
# for ever (the upper bounds), or get a proof from which the password is soon guessed (the lower
# ones, for which the specification asks in "Salted Challenge Response Authentication").
_MAX_ROUNDS: Final = 10_000_000
_MAX_KEY_LENGTH: Final = 1024  # octets; every 32 of them cost all rounds once more
_MIN_SCRAM_ROUNDS: Final = 4096  # of PBKDF2, by RFC 7677
_MAX_MEMORY: Final = 1024 * 1024  # KiB
_MIN_WORK: Final = 8 * 1024  # KiB of memory times rounds, of Argon2
_MAX_WORK: Final = 32 * 1024 * 1024  # likewise; about half a minute
_MIN_ARGON2_MEMORY: Final = 8  # KiB, and octets of salt: what Argon2 itself insists on
_MIN_ARGON2_SALT: Final = 8

# A multiple of three, so that its Base64 has no padding. What Crossbar.io sends back (the Base64 of
# our octets and its own) then begins with it, like what the specification has (text after text).
_NONCE_LENGTH: Final = 24

_SEED_LENGTH: Final = 32
_KEY_FILE_LIMIT: Final = 64 * 1024
_SSH_MARK: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_SEED_LINE: Final = re.compile(
    rb"^[ \t]*private-key-ed25519[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE
)
_PUBLIC_KEY: Final = re.compile(rb"^[ \t]*(ssh-ed25519 |public-key-ed25519[ \t]*:)", re.MULTILINE)
_SEED: Final = re.compile(r"[0-9a-fA-F]{64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]+")


class Exchange:
    """What is said in one join. Made by :meth:`Credential.begin`.

    Args:
        method: the name of the authentication method.

    Attributes:
        extra: what HELLO tells the router (``authextra``).
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._challenged = False
        self.extra: dict[str, Any] = {}

    def answer(self, method: str, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Answer a CHALLENGE. It may take seconds, so no event loop should wait for it.

        Args:
            method: the method that the router asks for.
            extra: the details of the challenge.

        Returns:
            The signature and the details of AUTHENTICATE.

        Raises:
            RouterRefused: the challenge is none of this method, or it is malformed.
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
        """Check what the router proves of itself.

        Args:
            details: those of WELCOME.

        Raises:
            RouterRefused: the router should know the secret, and does not.
        """


@dataclass(frozen=True, slots=True)
class Credential(ABC):
    """Who joins, and how it is proved. Immutable; secrets never show in its ``repr``.

    Attributes:
        method: the name of the authentication method.
        authid: who joins; None where the router says who that is.
        authrole: the role that is asked for; None for what the router gives.
    """

    method: ClassVar[str]

    authid: str | None = None
    authrole: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("authid", "authrole"):
            if getattr(self, name) is not None:
                _check_text(self, name)

    @abstractmethod
    def begin(self) -> Exchange:
        """Return what takes part in one join."""


@dataclass(frozen=True, slots=True)
class Anonymous(Credential):
    """Nobody in particular: nothing is proved.

    Args:
        authid: who joins; the router need not believe it.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is no text.
    """

    method: ClassVar[str] = "anonymous"

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return Exchange(self.method)


@dataclass(frozen=True, slots=True)
class Ticket(Credential):
    """A ticket that is sent as it is: use it with TLS only.

    Args:
        authid: who joins.
        ticket: the ticket.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is missing, empty or no text.
    """

    method: ClassVar[str] = "ticket"

    authid: str
    ticket: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_person(self, "ticket")

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return _Ticket(self.method, self.ticket)


@dataclass(frozen=True, slots=True)
class Wampcra(Credential):
    """A secret that both sides know and that is never sent (WAMP-CRA, plain or salted).

    Args:
        authid: who joins.
        secret: the secret.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is missing, empty or no text.
    """

    method: ClassVar[str] = "wampcra"

    authid: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_person(self, "secret")

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return _Wampcra(self.method, self.secret)


@dataclass(frozen=True, slots=True)
class Scram(Credential):
    """A password that only we know; the router proves in turn that it knows us (WAMP-SCRAM).

    It needs the extra ``wampapp[scram]``.

    Args:
        authid: who joins.
        password: the password.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is missing, empty or no text, or a package is not installed.
    """

    method: ClassVar[str] = "scram"

    authid: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_person(self, "password")
        if find_spec("argon2") is None or find_spec("passlib") is None:
            raise UsageError(
                "SCRAM needs a package that is not installed; run: pip install 'wampapp[scram]'."
            )
        _prepared(self.authid)

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return _Scram(self.method, self.authid, self.password)


@dataclass(frozen=True, slots=True)
class Cryptosign(Credential):
    """An Ed25519 key, whose public half the router knows (WAMP-Cryptosign).

    Exactly one of ``key`` and ``key_file`` is given. The file is read here, and not again.

    Args:
        authid: who joins; None where the router knows that from the key.
        key: the private key: a seed of 32 octets, or its 64 hexadecimal digits.
        key_file: a file with those digits, a key file of Autobahn's or Crossbar.io's, or a private
            key of OpenSSH's without a passphrase.
        authrole: the role that is asked for.

    Raises:
        UsageError: there is no such key in it.
    """

    method: ClassVar[str] = "cryptosign"

    key: str | bytes | None = field(default=None, repr=False)
    key_file: str | os.PathLike[str] | None = None
    _seed: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        Credential.__post_init__(self)
        if self.key is not None and self.key_file is not None:
            raise UsageError("Cryptosign has both a key and a key file; give one of them.")
        if self.key is not None:
            seed = _seed_of(self.key)
        elif self.key_file is not None:
            seed = _read_key_file(self.key_file)
        else:
            raise UsageError("Cryptosign has no key; give key=… or key_file=….")
        object.__setattr__(self, "_seed", seed)

    @property
    def public_key(self) -> str:
        """The public half, which the router must know: 64 hexadecimal digits."""
        return str(self.begin().extra["pubkey"])

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return _Cryptosign(self.method, self._seed)


class _Ticket(Exchange):
    def __init__(self, method: str, ticket: str) -> None:
        super().__init__(method)
        self._ticket = ticket

    def _answer(self, _extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        return self._ticket, {}


class _Wampcra(Exchange):
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


class _Scram(Exchange):
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
            raise _malformed("its nonce is none of the router's")
        salt = _text(extra, "salt")
        salted = self._salted(extra, _octets(salt, "its salt is no Base64"))
        said = (
            f"n={_prepared(self._authid)},r={self._nonce},"
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
        told = details.get("authextra")
        found: Any = None
        if isinstance(told, dict):
            found = told.get("verifier", told.get("scram_server_signature"))
        if not isinstance(found, str):
            raise _refused("The router did not prove that it knows us: it gave no signature.")
        wrong = "The router did not prove that it knows us: its signature is wrong."
        try:
            given = base64.b64decode(found.removeprefix("v="), validate=True)
        except ValueError:
            raise _refused(wrong) from None
        if not hmac.compare_digest(given, self._signature):
            raise _refused(wrong)


class _Cryptosign(Exchange):
    # The cryptography package signs, for Autobahn's CryptosignKey gives a Deferred or a future,
    # which is nothing for a thread. Autobahn always installs it; PyNaCl it does not.

    def __init__(self, method: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        super().__init__(method)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.extra = {"pubkey": public.hex(), "channel_binding": None}

    def _answer(self, extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        _check_unbound(extra)
        challenge = _text(extra, "challenge")
        if not _SEED.fullmatch(challenge):
            raise _malformed("it is not 64 hexadecimal digits")
        data = bytes.fromhex(challenge)
        return (self._key.sign(data) + data).hex(), {}


_METHODS: Final[Mapping[str, type[Credential]]] = {
    kind.method: kind for kind in (Anonymous, Ticket, Wampcra, Scram, Cryptosign)
}


def credential_from(
    *,
    method: str | None,
    authid: str | None,
    secret: str | None,
    key_file: str | None,
    authrole: str | None = None,
) -> Credential | None:
    """Make a credential from settings, as a command line or the environment gives them.

    Args:
        method: ``anonymous``, ``ticket``, ``wampcra``, ``scram`` or ``cryptosign``.
        authid: who joins.
        secret: the ticket, secret or password; for ``cryptosign`` the private key.
        key_file: the file of the private key, for ``cryptosign``, which it implies.
        authrole: the role that is asked for.

    Returns:
        None where nothing is set.

    Raises:
        UsageError: they do not make a credential.
    """
    if method is None and key_file is None:
        if authid is None and secret is None and authrole is None:
            return None
        what = "an authid" if authid is not None else "a secret" if secret is not None else "a role"
        raise UsageError(
            f"There is {what} and no authentication method; give --authmethod (WAMPAPP_AUTHMETHOD)."
        )
    method = method or Cryptosign.method
    if method not in _METHODS:
        known = ", ".join(_METHODS)
        raise UsageError(f"There is no authentication method {method!r}; use one of {known}.")
    if method == Anonymous.method:
        # Secrets are passed over: to join as nobody where the environment has one is no mistake.
        return Anonymous(authid, authrole=authrole)
    if method == Cryptosign.method:
        if key_file is None and secret is None:
            raise UsageError(
                "Authentication by cryptosign needs a private key; give --key-file "
                "(WAMPAPP_KEY_FILE)."
            )
        if key_file is not None and secret is not None:
            raise UsageError(
                "There are both a key file and a secret; for cryptosign give --key-file "
                "(WAMPAPP_KEY_FILE) alone."
            )
        return Cryptosign(authid, secret, key_file, authrole=authrole)
    if key_file is not None:
        raise UsageError(
            f"Authentication by {method} takes no key file; leave out --key-file "
            "(WAMPAPP_KEY_FILE)."
        )
    if authid is None:
        raise UsageError(
            f"Authentication by {method} needs to know who joins; give --authid (WAMPAPP_AUTHID)."
        )
    if secret is None:
        raise UsageError(
            f"Authentication by {method} needs a secret; give --secret-file, --ask-secret or "
            "WAMPAPP_SECRET."
        )
    kinds: dict[str, type[Ticket | Wampcra | Scram]] = {
        "ticket": Ticket, "wampcra": Wampcra, "scram": Scram
    }  # fmt: skip
    return kinds[method](authid, secret, authrole=authrole)


# What a user gives. No sentence repeats it where it may be a secret.


def _check_person(credential: Credential, secret: str) -> None:
    Credential.__post_init__(credential)
    _check_text(credential, "authid")
    _check_text(credential, secret)


def _check_text(credential: Credential, name: str) -> None:
    who = type(credential).__name__
    value = getattr(credential, name)
    if value is None:
        raise UsageError(f"{who} has no {name}; give one.")
    if not isinstance(value, str):
        raise UsageError(f"The {name} of {who} is of type {type(value).__name__}; give a string.")
    if not value:
        raise UsageError(f"The {name} of {who} is empty; give one.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"The {name} of {who} is no text in UTF-8; give one that is.") from None


def _prepared(authid: str) -> str:
    """Normalize an authid by SASLprep (RFC 4013)."""
    if authid.isascii() and authid.isprintable():
        return authid  # as SASLprep leaves it, and there is no need to import that
    from passlib.utils import saslprep  # type: ignore[import-untyped]

    try:
        prepared: str = saslprep(authid)
    except ValueError:
        prepared = ""
    if not prepared:
        raise UsageError(f"The authid {authid!r} has characters that SCRAM does not allow.")
    return prepared


def _seed_of(key: object) -> bytes:
    if isinstance(key, str):
        digits = key.strip()
        if _SEED.fullmatch(digits):
            return bytes.fromhex(digits)
    elif not isinstance(key, bytes):
        raise UsageError(
            f"The key of Cryptosign is of type {type(key).__name__}; give 64 hexadecimal digits."
        )
    elif len(key) == _SEED_LENGTH:
        return key
    raise UsageError(
        "The key of Cryptosign is no Ed25519 seed; give 32 bytes, or 64 hexadecimal digits."
    )


def _read_key_file(path: object) -> bytes:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise UsageError(f"Cryptosign(key_file={path!r}) names no file; give the file's path.")
    try:
        with Path(path).open("rb") as file:
            data = file.read(_KEY_FILE_LIMIT)
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # a null in the path
        raise UsageError(f"The key file {path!r} cannot be read: {error}.") from None
    if data.lstrip().startswith(_SSH_MARK):
        return _read_ssh_key(data, path)
    lines = _SEED_LINE.findall(data)
    digits = (lines or [data])[0].strip().decode("latin-1")
    if len(lines) <= 1 and _SEED.fullmatch(digits):
        return bytes.fromhex(digits)
    if not lines and _PUBLIC_KEY.search(data):
        raise UsageError(
            f"The key file {path} holds a public key only; give the file of the private one."
        )
    raise UsageError(
        f"The key file {path} holds no Ed25519 private key; give one with 64 hexadecimal digits, a "
        "line 'private-key-ed25519: …', or a private key of OpenSSH's."
    )


def _read_ssh_key(data: bytes, path: object) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    key: Any = None
    try:
        key = load_ssh_private_key(data, None)
    except TypeError:
        # Never asked for here: nobody sits at the terminal of most services.
        raise UsageError(
            f"The key file {path} is encrypted; take its passphrase away with ssh-keygen -p, or "
            "give another."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            f"The key file {path} is damaged, or of a kind that is not known; give an Ed25519 key, "
            "as ssh-keygen -t ed25519 makes one."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"The key file {path} holds a key that is not Ed25519; make one with ssh-keygen -t "
            "ed25519."
        )
    return key.private_bytes_raw()


# What a router gives: foreign data.


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
        raise _malformed(f"its {name} is no text" if name in extra else f"it has no {name}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _malformed(f"its {name} is no text in UTF-8") from None
    return value


def _count(extra: dict[str, Any], name: str, lowest: int, highest: int) -> int:
    value = extra.get(name)
    if type(value) is not int:
        raise _malformed(f"its {name} is no number" if name in extra else f"it has no {name}")
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
