"""Who may join a router, and who may do what there, as frozen records that check themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wampapp.config.listeners import Listener
from wampapp.errors import InvalidUri, UsageError
from wampapp.protocol import patterns, uris
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable

ACTIONS: Final = ("call", "register", "publish", "subscribe")
DISCLOSED: Final = ("caller", "publisher")
#: The role of an app that runs in the router's own process: it may do everything.
TRUSTED: Final = "trusted"

#: What a principal keeps of its secrets, by the method.
_KEPT: Final = {"ticket": TicketHash, "wampcra": WampcraKey, "scram": ScramKeys}
DEFAULT_ASK_TIMEOUT: Final = 5.0
_MAX_SECONDS: Final = 86400
_LEAST_SESSION: Final = 1
_LONGEST_SESSION: Final = 366 * 86400
#: What a certificate's common name begins with, where it stands beside fingerprints.
COMMON_NAME: Final = "CN="
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")

R = TypeVar("R", "Role", "Principal", "RealmConfig")


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role may do with the URIs that a pattern matches.

    Of several permissions that match a URI, the most specific one decides: the exact one, else
    the longest prefix, else the wildcard pattern with the most components before its first gap.
    URIs below ``wamp.`` belong to the router, and only a pattern that begins with ``wamp.``
    matches them.

    Args:
        uri: the URI or pattern; ``com.shop.<sku>.price`` and ``com.log.<path:rest>`` say by
            themselves how they match.
        match: ``exact``, ``prefix`` or ``wildcard``; ``exact`` by default.
        allow: what is allowed: any of ``call``, ``register``, ``publish`` and ``subscribe``.
        disclose: whose identity the other side is told: ``caller`` that of the role's calls,
            ``publisher`` that of its events.

    Raises:
        UsageError: the pattern is not valid, or one of the others is not known.
    """

    uri: str
    match: str | None = field(default=None, kw_only=True)
    allow: Collection[str] = field(default=(), kw_only=True)
    disclose: Collection[str] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        uri, match = _pattern(self.uri, self.match)
        object.__setattr__(self, "uri", uri)
        object.__setattr__(self, "match", match)
        for name, known in (("allow", ACTIONS), ("disclose", DISCLOSED)):
            object.__setattr__(self, name, _names(getattr(self, name), name, known))


@dataclass(frozen=True, slots=True)
class Role:
    """What sessions may do that have this role.

    Args:
        name: the role's name, which is the sessions' ``authrole``.
        permissions: what it may do; nothing by default.
        authorizer: a procedure of the realm that is asked about what no permission matches.
        session_timeout: the seconds after which a session ends, to join anew; None for never.

    Raises:
        UsageError: the name is empty or reserved, or two permissions have the same pattern.
    """

    name: str
    permissions: Collection[Permission] = ()
    authorizer: str | None = field(default=None, kw_only=True)
    session_timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self.name, "role")
        if self.name == TRUSTED:
            raise UsageError(
                f"The role {TRUSTED!r} is the one of apps in the router's own process; choose "
                "another name."
            )
        _check_procedure(self.authorizer, "authorizer")
        if self.session_timeout is not None:
            _check_seconds(self, "session_timeout", _LEAST_SESSION, _LONGEST_SESSION)
        object.__setattr__(self, "permissions", tuple(self.permissions))
        seen = set()
        for permission in self.permissions:
            pattern = permission.match, permission.uri
            if pattern in seen:
                raise UsageError(
                    f"The role {self.name!r} has two permissions for {permission.uri!r}; write "
                    "one that allows all that it may."
                )
            seen.add(pattern)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who may join, and in which role.

    The methods by which it may prove who it is are those for which something is given.

    Args:
        authid: who it is.
        role: the name of the role.
        ticket: what is kept of its ticket.
        wampcra: the key that it signs with in WAMP-CRA.
        scram: what is kept of its password for SCRAM.
        cryptosign: its public keys, 64 hexadecimal digits each.
        tls: its certificates: SHA-256 fingerprints, or ``CN=`` and a subject's common name.

    Raises:
        UsageError: one of them is empty, or not of its kind.
    """

    authid: str
    role: str
    ticket: TicketHash | None = field(default=None, kw_only=True)
    wampcra: WampcraKey | None = field(default=None, kw_only=True)
    scram: ScramKeys | None = field(default=None, kw_only=True)
    cryptosign: Collection[str] = field(default=(), kw_only=True)
    tls: Collection[str] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self.authid, "principal")
        if self.authid == TRUSTED:
            raise UsageError(
                f"The principal {TRUSTED!r} is the app that the router belongs to; choose another "
                "name."
            )
        for name, kind in _KEPT.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                # Not repeated: it may well be the secret.
                raise UsageError(
                    f"The {name} of the principal {self.authid!r} is of type "
                    f"{type(value).__name__}; give wampapp.router.{kind.__name__}.of(…)."
                )
        keys = self.cryptosign
        if not isinstance(keys, list | tuple | set | frozenset) or not all(map(_is_key, keys)):
            raise UsageError(
                f"The cryptosign of the principal {self.authid!r} is not a list of public keys; "
                "each has 64 hexadecimal digits, as Cryptosign(…).public_key shows them."
            )
        object.__setattr__(self, "cryptosign", tuple(key.lower() for key in keys))
        listed = self.tls
        is_list = isinstance(listed, list | tuple | set | frozenset)
        certificates = [_certificate(one) for one in listed] if is_list else [None]
        if None in certificates:
            raise UsageError(
                f"The tls of the principal {self.authid!r} is not a list of certificates; each is "
                "a SHA-256 fingerprint (64 hexadecimal digits), or 'CN=' and a common name."
            )
        object.__setattr__(self, "tls", tuple(certificates))


@dataclass(frozen=True, slots=True)
class RealmConfig:
    """A realm: its roles, and who joins it in which of them.

    Args:
        name: the realm's name.
        roles: the roles.
        principals: who may join.
        anonymous: the role of sessions that prove nothing; None to refuse them.
        authenticator: a procedure of the realm that is asked about principals that are not here.
        identifier: a procedure of the realm that is asked who a web page is.
        ask_timeout: the seconds that an authenticator or authorizer may take.
        ask_cache: the seconds for which its answer holds; 0 to ask each time.

    Raises:
        UsageError: a name is there twice, or a role that is named is not there.
    """

    name: str
    roles: Collection[Role] = ()
    principals: Collection[Principal] = ()
    anonymous: str | None = None
    authenticator: str | None = field(default=None, kw_only=True)
    identifier: str | None = field(default=None, kw_only=True)
    ask_timeout: float = field(default=DEFAULT_ASK_TIMEOUT, kw_only=True)
    ask_cache: float = field(default=60.0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not uris.is_valid(self.name):
            raise UsageError(
                f"The realm {self.name!r} is not a valid name; write one such as 'realm1'."
            )
        _check_procedure(self.authenticator, "authenticator")
        _check_procedure(self.identifier, "identifier")
        for name in ("ask_timeout", "ask_cache"):
            _check_seconds(self, name, 0, _MAX_SECONDS)
        object.__setattr__(self, "roles", _unique(self.roles, "name", "role"))
        object.__setattr__(self, "principals", _unique(self.principals, "authid", "principal"))
        for principal in self.principals:
            self.check_role(principal.role, f"The principal {principal.authid!r} has")
        for name, what in (("cryptosign", "public key"), ("tls", "certificate")):
            owners: dict[str, str] = {}
            for principal in self.principals:
                for key in getattr(principal, name):
                    if owners.setdefault(key, principal.authid) != principal.authid:
                        raise UsageError(
                            f"The principals {owners[key]!r} and {principal.authid!r} have the "
                            f"same {what}; each needs one of its own."
                        )
        if self.anonymous is not None:
            self.check_role(self.anonymous, "Anonymous sessions have")

    def check_role(self, name: str, who: str) -> None:
        """Check that a role is one of the realm's.

        Args:
            name: the role's name.
            who: who has it, as the beginning of a sentence.

        Raises:
            UsageError: it is not.
        """
        names = [role.name for role in self.roles]
        if name not in names:
            known = f"its roles are {', '.join(names)}" if names else "it has no roles"
            raise UsageError(
                f"{who} the role {name!r}, which the realm {self.name!r} does not have; {known}."
            )


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """All that a router is told of who may do what.

    Args:
        realms: the realms.
        open_realms: whether any other realm is made for those who ask for it, as without a
            configuration; everybody may do everything there.
        listeners: where the router listens besides its port.
        tls_client_ca: the file of the authorities that must have signed a client's certificate, if
            it shows one.

    Raises:
        UsageError: a realm is there twice, or a principal's certificate is known by its name and
            there is no ``tls_client_ca``.
    """

    realms: Collection[RealmConfig] = ()
    open_realms: bool = False
    listeners: Collection[Listener] = ()
    tls_client_ca: str | os.PathLike[str] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "listeners", tuple(self.listeners))
        if not all(isinstance(one, Listener) for one in self.listeners):
            raise UsageError("The listeners of a router are a list of Listener(…).")
        object.__setattr__(self, "realms", _unique(self.realms, "name", "realm"))
        if self.tls_client_ca is None:
            for principal in self._principals:
                if any(one.startswith(COMMON_NAME) for one in principal.tls):
                    raise UsageError(
                        f"The principal {principal.authid!r} has a certificate by its common name, "
                        "which anybody can give to one; tls_client_ca names who must have signed "
                        "it."
                    )

    @property
    def asks_clients(self) -> bool:
        """Whether somebody may join by a certificate, for which clients have to be asked."""
        return self.tls_client_ca is not None or any(one.tls for one in self._principals)

    @property
    def _principals(self) -> list[Principal]:
        return [principal for realm in self.realms for principal in realm.principals]


def _is_key(key: object) -> bool:
    return isinstance(key, str) and _KEY.fullmatch(key) is not None


def _certificate(value: object) -> str | None:
    """Return how a certificate is known, in one form; None where that says nothing."""
    if not isinstance(value, str):
        return None
    if value.startswith(COMMON_NAME):
        return value if value[len(COMMON_NAME) :].strip() else None
    digits = value.replace(":", "").lower()
    return digits if _KEY.fullmatch(digits) else None


def _pattern(uri: object, match: str | None) -> tuple[str, str]:
    """Return a permission's URI as it goes on the wire, and how it matches."""
    if not isinstance(uri, str):
        raise UsageError(f"A permission's uri is {uri!r}; give a string such as 'com.shop.order'.")
    if match is not None and match not in patterns.MATCHES:
        raise UsageError(
            f"A permission's match is {match!r}; it can be 'exact', 'prefix' or 'wildcard'."
        )
    if "<" in uri or ">" in uri:
        try:
            parsed = patterns.parse(uri, "permission's URI", match)  # type: ignore[arg-type]
        except InvalidUri as error:
            raise UsageError(str(error)) from None
        return parsed.uri, parsed.match
    match = match or "exact"
    if not patterns.is_match(match, uri):
        hint = "; match = 'prefix' makes it everything" if not uri else ""
        raise UsageError(f"The permission's URI {uri[:120]!r} is not valid{hint}.")
    return uri, match


def _names(given: Any, what: str, known: tuple[str, ...]) -> frozenset[str]:
    names = given if isinstance(given, list | tuple | set | frozenset) else None
    if names is None or not all(isinstance(name, str) for name in names):
        raise UsageError(f"A permission's {what} is {given!r}; give a list of {', '.join(known)}.")
    for name in names:
        if name not in known:
            raise UsageError(
                f"A permission cannot {what} {name!r}; it can {what} {', '.join(known)}."
            )
    return frozenset(names)


def _check_procedure(name: object, what: str) -> None:
    if name is not None and not (isinstance(name, str) and uris.is_valid(name)):
        raise UsageError(
            f"The {what} {name!r} is not a procedure; give its URI, such as 'com.example.decide'."
        )


def _check_seconds(record: object, name: str, least: float, most: float) -> None:
    value = getattr(record, name)
    if type(value) not in (int, float) or not least <= value <= most:
        raise UsageError(f"{name} is {value!r}; give a number of seconds from {least} to {most}.")


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"The name {name!r} of a {what} is not a text with characters; give one.")


def _unique(records: Iterable[R], key: str, what: str) -> tuple[R, ...]:
    found: dict[str, R] = {}
    for record in records:
        name = getattr(record, key)
        if name in found:
            raise UsageError(f"The {what} {name!r} is there twice; give each one a name.")
        found[name] = record
    return tuple(found.values())
