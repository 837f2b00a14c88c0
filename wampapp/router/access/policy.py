"""What one realm's configuration says, made ready for those who join. Sans-I/O."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import TRUSTED
from wampapp.errors import AUTHENTICATION_FAILED, WampError
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey
from wampapp.router.access.proofs import (
    ANONYMOUS,
    CROSSBAR_SCRAM,
    CRYPTOSIGN,
    SCRAM,
    TICKET,
    WAMPCRA,
    CryptosignProof,
    Proof,
    ScramProof,
    TicketProof,
    WampcraProof,
    nonce_of,
)
from wampapp.router.access.rights import NO_RIGHTS, Rights, trusted_rights

if TYPE_CHECKING:
    from wampapp.config.access import Principal, RealmConfig

NO_MATCHING_AUTH_METHOD: Final = "wamp.error.no_matching_auth_method"
_LOCAL: Final = "local"

#: Of what HELLO offers, that many methods are looked at, and that much of a name.
_MAX_METHODS: Final = 16
_MAX_AUTHID: Final = 256


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a session is.

    Attributes:
        authid: its name; empty for a random one.
        authrole: its role.
        authmethod: how it proved that.
        rights: what it may do.
        extra: what WELCOME carries as ``authextra``.
    """

    authid: str
    authrole: str
    authmethod: str = ANONYMOUS
    rights: Rights = NO_RIGHTS
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Joining:
    """Somebody who was sent a CHALLENGE.

    Attributes:
        realm: the realm's name.
        method: the method.
        proof: what the answer is checked against.
        authid: who it is, if the answer is right.
        authrole: in which role.
        is_answered: whether AUTHENTICATE has come.
    """

    realm: str
    method: str
    proof: Proof
    authid: str
    authrole: str
    is_answered: bool = False


class Policy:
    """Who may join one realm, and what the roles may do there.

    Args:
        config: the realm's configuration.
        trusted: the key by which the processes of the app prove themselves that the router
            belongs to; None where there are none.
    """

    def __init__(self, config: RealmConfig, trusted: WampcraKey | None = None) -> None:
        self._config = config
        self._trusted_key = trusted
        self._rights = {role.name: Rights(role.name, role.permissions) for role in config.roles}
        self._rights[TRUSTED] = trusted_rights()
        self._principals = tuple(config.principals)
        self._by_authid = {principal.authid: principal for principal in self._principals}
        self._by_key = {key: one for one in self._principals for key in one.cryptosign}
        #: Makes decoys, the same ones each time that somebody asks.
        self._secret = secrets.token_bytes(32)

    @property
    def methods(self) -> list[str]:
        """The methods by which anybody may join."""
        offered = {ANONYMOUS: self._config.anonymous is not None}
        for method in (TICKET, WAMPCRA, SCRAM, CROSSBAR_SCRAM):
            offered[method] = any(_kept(one, method) is not None for one in self._principals)
        offered[CRYPTOSIGN] = bool(self._by_key)
        return [method for method, is_offered in offered.items() if is_offered]

    def local(self) -> Identity:
        """Return who an app in the router's own process is."""
        return Identity("", TRUSTED, _LOCAL, self._rights[TRUSTED])

    def admitted(self, joining: Joining, extra: dict[str, Any]) -> Identity:
        """Return who somebody is that has proved it.

        Args:
            joining: who joins.
            extra: what WELCOME carries as ``authextra``.
        """
        rights = self._rights[joining.authrole]
        return Identity(joining.authid, joining.authrole, joining.method, rights, extra)

    def begin(self, session: int, details: dict[str, Any]) -> Identity | Joining:
        """Look at who wants to join.

        Args:
            session: the session's id, which a challenge names.
            details: those of HELLO.

        Returns:
            Who it is, where nothing has to be proved; else what has to be proved.

        Raises:
            WampError: it cannot join; its URI is the reason.
        """
        offered = details.get("authmethods")
        methods = offered[:_MAX_METHODS] if isinstance(offered, list) and offered else [ANONYMOUS]
        authid = details.get("authid")
        authid = authid if isinstance(authid, str) and len(authid) <= _MAX_AUTHID else ""
        extra = details.get("authextra")
        extra = extra if isinstance(extra, dict) else {}
        nonce = nonce_of(extra)
        if authid == TRUSTED and self._trusted_key is not None and WAMPCRA in methods:
            trusted = WampcraProof(self._trusted_key, authid, {"session": session})
            return Joining(self._config.name, WAMPCRA, trusted, authid, TRUSTED)
        # Found for everybody, so that it takes no longer for those who are not known.
        stand_in = self._stand_in(authid, methods)
        principal = self._by_authid.get(authid)
        if principal is None or not _has_any(principal, methods):
            principal = stand_in
        for method in methods:
            if method == ANONYMOUS and self._config.anonymous is not None:
                role = self._config.anonymous
                return Identity("", role, ANONYMOUS, self._rights[role])
            if method == CRYPTOSIGN:
                if self._by_key and (not authid or (principal and principal.cryptosign)):
                    return self._cryptosign(authid, extra.get("pubkey"))
            elif principal is not None and authid and _kept(principal, method) is not None:
                if method in (SCRAM, CROSSBAR_SCRAM) and nonce is None:
                    raise WampError(AUTHENTICATION_FAILED, "HELLO has no nonce for SCRAM.")
                proof = self._proof(method, authid, principal, session, nonce or "")
                return Joining(self._config.name, method, proof, authid, principal.role)
        known = ", ".join(self.methods)
        text = f"The realm takes {known}" if known else "Nobody can join the realm"
        hint = "" if authid or known in ("", ANONYMOUS) else " with an authid"
        raise WampError(NO_MATCHING_AUTH_METHOD, f"{text}{hint}.")

    def _stand_in(self, authid: str, methods: list[Any]) -> Principal | None:
        """Return the principal whose methods and costs somebody is shown who cannot join."""
        candidates = [one for one in self._principals if _has_any(one, methods)]
        if not candidates:
            return None
        return candidates[int.from_bytes(self._seed("stand-in", authid)) % len(candidates)]

    def _seed(self, what: str, authid: str) -> bytes:
        text = f"{what}\n{authid}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, text, "sha256")

    def _cryptosign(self, authid: str, key: object) -> Joining:
        owner = self._by_key.get(key.lower()) if isinstance(key, str) else None
        is_known = owner is not None and authid in ("", owner.authid)
        name, role = (owner.authid, owner.role) if owner is not None else ("", "")
        proof = CryptosignProof(key, is_known=is_known)
        return Joining(self._config.name, CRYPTOSIGN, proof, name, role)

    def _proof(
        self, method: str, authid: str, principal: Principal, session: int, nonce: str
    ) -> Proof:
        kept = _kept(principal, method)
        decoy = kept.decoy(self._seed(method, authid)) if kept is not None else None
        kept = kept if principal.authid == authid else decoy
        if isinstance(kept, TicketHash):
            return TicketProof(kept)
        if isinstance(kept, WampcraKey):
            return WampcraProof(kept, authid, {"session": session, "authrole": principal.role})
        if isinstance(kept, ScramKeys):
            return ScramProof(kept, authid, nonce, as_crossbar=method == CROSSBAR_SCRAM)
        raise LookupError(method)


def _kept(principal: Principal, method: object) -> TicketHash | WampcraKey | ScramKeys | None:
    """Return what is kept of a principal's secret for a method."""
    if method == TICKET:
        return principal.ticket
    if method == WAMPCRA:
        return principal.wampcra
    return principal.scram if method in (SCRAM, CROSSBAR_SCRAM) else None


def _has_any(principal: Principal, methods: list[Any]) -> bool:
    """Return whether a principal may use one of several methods."""
    return any(
        _kept(principal, method) is not None or (method == CRYPTOSIGN and principal.cryptosign)
        for method in methods
    )
