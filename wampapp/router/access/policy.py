"""What one realm's configuration says, made ready for those who join. Sans-I/O."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import COMMON_NAME, TRUSTED, Principal
from wampapp.errors import AUTHENTICATION_FAILED, NOT_AUTHORIZED, UNAVAILABLE, WampError
from wampapp.protocol.hashes import PBKDF2, PBKDF2_ROUNDS, ScramKeys, TicketHash, WampcraKey
from wampapp.router.access.authorizing import Authorizing
from wampapp.router.access.identity import Hello, Identity, Joining
from wampapp.router.access.lookup import Lookup
from wampapp.router.access.proofs import (
    ANONYMOUS,
    COOKIE,
    CROSSBAR_SCRAM,
    CRYPTOSIGN,
    SCRAM,
    TICKET,
    TLS,
    WAMPCRA,
    CryptosignProof,
    Proof,
    ScramProof,
    TicketProof,
    WampcraProof,
)
from wampapp.router.access.rights import Rights, trusted_rights

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.access import RealmConfig
    from wampapp.router.access.identity import Page
    from wampapp.router.access.inquirer import Inquirer

logger = logging.getLogger("wampapp.router")

NO_MATCHING_AUTH_METHOD: Final = "wamp.error.no_matching_auth_method"
_LOCAL: Final = "local"

#: What somebody is taken for whom the authenticator does not know, where it could be anybody.
_STRANGER: Final = Principal(
    "nobody in particular",
    "",
    ticket=TicketHash(b"", b""),
    wampcra=WampcraKey(b"", "salt"),
    scram=ScramKeys(PBKDF2, PBKDF2_ROUNDS, 0, bytes(16), b"", b"", b"", b""),
    cryptosign=["00" * 32],
)


class Policy:
    """Who may join one realm, and what the roles may do there.

    Args:
        config: the realm's configuration.
        now: returns the time in seconds.
        secret: what decoys are made of; the same as long as the router lives.
        trusted: the key by which the processes of the app prove themselves that the router
            belongs to; None where there are none.

    Attributes:
        lookup: asks the authenticator.
    """

    def __init__(
        self,
        config: RealmConfig,
        now: Callable[[], float],
        secret: bytes,
        trusted: WampcraKey | None = None,
    ) -> None:
        self._config = config
        self._now = now
        self.lookup = Lookup(config, now)
        self._trusted_key = trusted
        self._rights = {
            role.name: Rights(role.name, role.permissions, role.authorizer, role.session_timeout)
            for role in config.roles
        }
        self._rights[TRUSTED] = trusted_rights()
        self._principals = tuple(config.principals)
        #: Whom somebody may be taken for who is not known.
        self._candidates = self._principals
        if config.authenticator is not None:
            self._candidates += (_STRANGER,)
        self._by_authid = {principal.authid: principal for principal in self._principals}
        self._by_key = {key: one for one in self._principals for key in one.cryptosign}
        self._by_certificate = {one: owner for owner in self._principals for one in owner.tls}
        self._secret = secret

    @property
    def methods(self) -> list[str]:
        """The methods by which anybody may join."""
        offered = {ANONYMOUS: self._config.anonymous is not None}
        for method in (TICKET, WAMPCRA, SCRAM, CROSSBAR_SCRAM):
            offered[method] = any(_kept(one, method) is not None for one in self._candidates)
        offered[CRYPTOSIGN] = any(one.cryptosign for one in self._candidates)
        offered[TLS] = bool(self._by_certificate)
        return [method for method, is_offered in offered.items() if is_offered]

    @property
    def identifier(self) -> str | None:
        """The procedure that says who a web page is; None where the configuration has none."""
        return self._config.identifier

    @property
    def ask_timeout(self) -> float:
        """The seconds that an app may take for an answer."""
        return self._config.ask_timeout

    @property
    def has_authorizers(self) -> bool:
        """Whether an app is asked who may do what."""
        return any(role.authorizer is not None for role in self._config.roles)

    @property
    def asks(self) -> bool:
        """Whether an app is asked about anything: who joins, or who may do what."""
        return self._config.authenticator is not None or self.has_authorizers

    @property
    def needs_clock(self) -> bool:
        """Whether something is done after a time: an answer given up, or a session ended."""
        is_limited = any(role.session_timeout is not None for role in self._config.roles)
        return is_limited or self.asks or self.identifier is not None

    def authorizing(self, inquirer: Inquirer) -> Authorizing:
        """Return what asks the roles' authorizers."""
        config = self._config
        return Authorizing(inquirer, self._now, config.ask_timeout, config.ask_cache)

    def local(self) -> Identity:
        """Return who an app in the router's own process is."""
        return Identity("", TRUSTED, _LOCAL, self._rights[TRUSTED])

    def admitted(self, joining: Joining, extra: dict[str, Any]) -> Identity | None:
        """Return who somebody is that has proved it.

        Args:
            joining: who joins.
            extra: what WELCOME carries as ``authextra``.

        Returns:
            None where the configuration, which was read anew meanwhile, does not have it any more.
        """
        rights = self.rights_of(joining.authid, joining.authrole, joining.method)
        if rights is None:
            return None
        return Identity(joining.authid, joining.authrole, joining.method, rights, extra)

    def rights_of(self, authid: str, authrole: str, authmethod: str) -> Rights | None:
        """Return what a session that has joined may do; None if it may not stay.

        Args:
            authid: who it is.
            authrole: the role that it joined in.
            authmethod: how it proved who it is.
        """
        principal = self._by_authid.get(authid)
        if authmethod == ANONYMOUS:
            right = authrole == self._config.anonymous
        elif authmethod == COOKIE:
            right = authrole != TRUSTED
        elif authrole == TRUSTED:
            right = True
        elif principal is not None:
            right = principal.role == authrole
        else:
            right = self._config.authenticator is not None
        return self._rights.get(authrole) if right else None

    def asks_about(self, hello: Hello) -> bool:
        """Return whether the authenticator is asked about somebody."""
        if self._config.authenticator is None or hello.authid in ("", TRUSTED):
            return False
        if hello.authid in self._by_authid:
            return False
        return hello.methods[:1] != (ANONYMOUS,) or self._config.anonymous is None

    def begin(self, session: int, hello: Hello) -> Identity | Joining:
        """Look at who wants to join.

        Args:
            session: the session's id, which a challenge names.
            hello: who it says it is, and how it can prove that.

        Returns:
            Who it is, where nothing has to be proved; else what has to be proved.

        Raises:
            WampError: it cannot join; its URI is the reason.
        """
        authid, methods = hello.authid, hello.methods
        if authid == TRUSTED and self._trusted_key is not None and WAMPCRA in methods:
            trusted = WampcraProof(self._trusted_key, authid, {"session": session})
            return Joining(self._config.name, WAMPCRA, trusted, authid, TRUSTED)
        if not hello.is_answered:
            raise WampError(UNAVAILABLE, "Who this is cannot be found out now; try again later.")
        # Found for everybody, so that it takes no longer for those who are not known.
        stand_in = self._stand_in(authid, methods)
        principal = self._by_authid.get(authid, hello.found)
        if principal is None or not _has_any(principal, methods):
            principal = stand_in
        for method in methods:
            found = self._without_challenge(method, hello)
            if found is not None:
                return found
            if method == CRYPTOSIGN:
                if principal.cryptosign if authid and principal else self._by_key:
                    return self._cryptosign(hello)
            elif principal is not None and authid and _kept(principal, method) is not None:
                if method in (SCRAM, CROSSBAR_SCRAM) and hello.nonce is None:
                    raise WampError(AUTHENTICATION_FAILED, "HELLO has no nonce for SCRAM.")
                proof = self._proof(method, authid, principal, session, hello.nonce or "")
                return Joining(self._config.name, method, proof, authid, principal.role)
        if TLS in methods and self._by_certificate:
            raise WampError(AUTHENTICATION_FAILED, "The certificate was not accepted.")
        known = ", ".join(self.methods)
        text = f"The realm takes {known}" if known else "Nobody can join the realm"
        hint = "" if authid or known in ("", ANONYMOUS) else " with an authid"
        raise WampError(NO_MATCHING_AUTH_METHOD, f"{text}{hint}.")

    def _without_challenge(self, method: str, hello: Hello) -> Identity | None:
        """Return who somebody is that has nothing to prove; None where that is not so."""
        if method == TLS and (owner := self._shown(hello)) is not None:
            return Identity(owner.authid, owner.role, TLS, self._rights[owner.role])
        if method in (COOKIE, ANONYMOUS) and hello.page is not None:
            identity = self._of_page(hello.page)
            if identity is not None:
                return identity
        if method == ANONYMOUS and self._config.anonymous is not None:
            role = self._config.anonymous
            return Identity("", role, ANONYMOUS, self._rights[role])
        return None

    def _stand_in(self, authid: str, methods: tuple[str, ...]) -> Principal | None:
        """Return the principal whose methods and costs somebody is shown who cannot join."""
        candidates = [one for one in self._candidates if _has_any(one, methods)]
        if not candidates:
            return None
        return candidates[int.from_bytes(self._seed("stand-in", authid)) % len(candidates)]

    def _seed(self, what: str, authid: str) -> bytes:
        text = f"{what}\n{authid}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, text, "sha256")

    def _of_page(self, page: Page) -> Identity | None:
        """Return who a web page is; None where it is nobody in particular.

        Raises:
            WampError: that is not known now, or it has no role here.
        """
        page.check()
        if page.authid is None:
            return None
        owner = self._by_authid.get(page.authid)
        role = page.role or (self._config.anonymous if owner is None else owner.role)
        rights = None if role is None or role == TRUSTED else self._rights.get(role)
        if role is None or rights is None:
            logger.warning("The page of %r has no role: %r", page.authid, role)
            raise WampError(NOT_AUTHORIZED, "This page has no role here.")
        return Identity(page.authid, role, COOKIE, rights)

    def _shown(self, hello: Hello) -> Principal | None:
        """Return whose certificate somebody has shown; None where it is nobody's, or another's."""
        found = hello.found
        shown = None if hello.channel is None else hello.channel.certificate
        if shown is None:
            return None
        names = [shown.fingerprint, *([COMMON_NAME + shown.name] if shown.name else [])]
        owners = [found] if found is not None and any(one in found.tls for one in names) else []
        owners += [self._by_certificate[name] for name in names if name in self._by_certificate]
        return next((one for one in owners if hello.authid in ("", one.authid)), None)

    def _cryptosign(self, hello: Hello) -> Joining:
        authid, key, found = hello.authid, hello.public_key, hello.found
        name = key.lower() if isinstance(key, str) else ""
        owner = found if found is not None and name in found.cryptosign else self._by_key.get(name)
        is_known = owner is not None and authid in ("", owner.authid)
        proof = CryptosignProof(
            key, is_known=is_known, channel=hello.channel, binding=hello.binding
        )
        who, role = (owner.authid, owner.role) if owner is not None else ("", "")
        return Joining(self._config.name, CRYPTOSIGN, proof, who, role)

    def _proof(
        self, method: str, authid: str, principal: Principal, session: int, nonce: str
    ) -> Proof:
        kept = _kept(principal, method)
        decoy = kept.decoy(self._seed(method, authid)) if kept is not None else None
        kept = kept if principal.authid == authid else decoy
        if isinstance(kept, TicketHash):
            return TicketProof(kept)
        if isinstance(kept, WampcraKey):
            return WampcraProof(kept, authid, {"session": session})
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


def _has_any(principal: Principal, methods: tuple[str, ...]) -> bool:
    """Return whether a principal may use one of several methods."""
    return any(
        _kept(principal, method) is not None or (method == CRYPTOSIGN and principal.cryptosign)
        for method in methods
    )
