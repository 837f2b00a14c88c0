"""Who joins: the credentials that a user writes.

A :class:`Credential` stays the same for all sessions. Each join gets an
:class:`~wampapp.protocol.exchanges.Exchange` of its own, which knows what has been said. Neither
knows of sockets or loops.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Final

from wampapp.errors import UsageError
from wampapp.protocol.channel import BINDINGS
from wampapp.protocol.exchanges import (
    CryptosignExchange,
    Exchange,
    ScramExchange,
    TicketExchange,
    WampcraExchange,
    prepared,
)
from wampapp.protocol.keys import read_key_file, seed_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

#: The methods that prove who joins with a ticket, a secret or a password.
NEEDS_SECRET: Final = frozenset({"ticket", "wampcra", "scram"})


@dataclass(frozen=True, slots=True)
class Credential(ABC):
    """Who joins, and how that is proved. Immutable; its ``repr`` never shows a secret.

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
    """An anonymous session: nothing is proved.

    Args:
        authid: who joins; the router does not have to believe it.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is not text.
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
        UsageError: one of them is missing, empty or not text.
    """

    method: ClassVar[str] = "ticket"

    authid: str
    ticket: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_person(self, "ticket")

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return TicketExchange(self.method, self.ticket)


@dataclass(frozen=True, slots=True)
class Wampcra(Credential):
    """A secret that both sides know and that is never sent (WAMP-CRA, plain or salted).

    Args:
        authid: who joins.
        secret: the secret.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is missing, empty or not text.
    """

    method: ClassVar[str] = "wampcra"

    authid: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_person(self, "secret")

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return WampcraExchange(self.method, self.secret)


@dataclass(frozen=True, slots=True)
class Scram(Credential):
    """A password that only we know; the router proves in turn that it knows us (WAMP-SCRAM).

    It needs the extra ``wampapp[scram]``.

    Args:
        authid: who joins.
        password: the password.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is missing, empty or not text, or a package is not installed.
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
        prepared(self.authid)

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return ScramExchange(self.method, self.authid, self.password)


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
        channel_binding: ``tls-unique`` or ``tls-exporter`` to have the signature hold for this TLS
            connection only, so that nobody in between can use it; the router must know it, and
            Crossbar.io knows ``tls-unique``. None for a signature that holds anywhere.

    Raises:
        UsageError: it does not hold such a key, or there is no such channel binding.
    """

    method: ClassVar[str] = "cryptosign"

    key: str | bytes | None = field(default=None, repr=False)
    key_file: str | os.PathLike[str] | None = None
    channel_binding: str | None = field(default=None, kw_only=True)
    _seed: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        Credential.__post_init__(self)
        if self.key is not None and self.key_file is not None:
            raise UsageError("Cryptosign has both a key and a key file; give one of them.")
        if self.key is not None:
            seed = seed_of(self.key)
        elif self.key_file is not None:
            seed = read_key_file(self.key_file)
        else:
            raise UsageError("Cryptosign has no key; give key=… or key_file=….")
        object.__setattr__(self, "_seed", seed)
        if self.channel_binding not in (None, *BINDINGS):
            raise UsageError(
                f"The channel binding of Cryptosign is {self.channel_binding!r}; it can be "
                f"{' or '.join(map(repr, BINDINGS))}."
            )

    @property
    def public_key(self) -> str:
        """The public half, which the router must know: 64 hexadecimal digits."""
        return str(self.begin().extra["pubkey"])

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return CryptosignExchange(self.method, self._seed, self.channel_binding)


@dataclass(frozen=True, slots=True)
class ClientCertificate(Credential):
    """The certificate that this side shows in TLS, whose private key it has.

    It is the one of ``Tls(certificate=…)``, ``--cert`` or ``WAMPAPP_CERT``.

    Args:
        authid: who joins; None where the router knows that from the certificate.
        authrole: the role that is asked for.

    Raises:
        UsageError: one of them is not text.
    """

    method: ClassVar[str] = "tls"

    def begin(self) -> Exchange:
        """Return what takes part in one join."""
        return Exchange(self.method)


_METHODS: Final[Mapping[str, type[Credential]]] = {
    kind.method: kind for kind in (Anonymous, Ticket, Wampcra, Scram, Cryptosign, ClientCertificate)
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
        method: ``anonymous``, ``ticket``, ``wampcra``, ``scram``, ``cryptosign`` or ``tls``.
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
        # Secrets are ignored: joining anonymously where the environment has one is not a mistake.
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
                "only (WAMPAPP_KEY_FILE)."
            )
        return Cryptosign(authid, secret, key_file, authrole=authrole)
    if key_file is not None:
        raise UsageError(
            f"Authentication by {method} takes no key file; leave out --key-file "
            "(WAMPAPP_KEY_FILE)."
        )
    if method == ClientCertificate.method:
        return ClientCertificate(authid, authrole=authrole)
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


# Checks of what a user gives. No sentence repeats what may be a secret.


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
        raise UsageError(f"The {name} of {who} is not valid UTF-8; give text that is.") from None
