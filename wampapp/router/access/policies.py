"""The policies of all realms, and what becomes of sessions when these change. Sans-I/O."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from wampapp.config.access import TRUSTED, RouterConfig
from wampapp.errors import NO_SUCH_REALM, UsageError, WampError
from wampapp.protocol.hashes import WampcraKey
from wampapp.protocol.messages import short_repr
from wampapp.router.access.identity import Hello, Identity, Joining
from wampapp.router.access.inquirer import Inquirer
from wampapp.router.access.policy import NO_MATCHING_AUTH_METHOD, Policy
from wampapp.router.access.proofs import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wampapp.config.access import Principal
    from wampapp.router.access.inquirer import Handler
    from wampapp.router.realm import Realm
    from wampapp.router.session import RouterSession, SessionRouter
    from wampapp.router.turns import CallLater


class Policies:
    """Who may join which realm, and what they may do there.

    Args:
        router: the router.
        config: the realms, who may join them, and who may do what there.
        now: returns the time in seconds.
        trusted: the secret by which the processes of an app join that the router belongs to; None
            where there are none.
        call_later: calls a function after some seconds; for a configuration that asks an app.

    Raises:
        UsageError: the configuration asks an app, and there is no ``call_later``.

    Attributes:
        is_open: whether everybody may do everything in realms that have no policy.
    """

    def __init__(
        self,
        router: SessionRouter,
        config: RouterConfig | None,
        now: Callable[[], float],
        trusted: str | None,
        call_later: CallLater | None,
    ) -> None:
        self._router = router
        self._now = now
        self._trusted = None if trusted is None else WampcraKey.plain(trusted)
        self._call_later = call_later
        self._secret = secrets.token_bytes(32)
        config = RouterConfig(open_realms=True) if config is None else config
        self.is_open = config.open_realms
        self._policies = self._made(config)

    def get(self, realm: str) -> Policy | None:
        """Return the policy of a realm; None where it has none."""
        return self._policies.get(realm)

    def identify(
        self, session: RouterSession, name: str, number: int, hello: Hello, found: Principal | None
    ) -> Identity | Joining:
        """Return who wants to join a realm, or what it has to prove.

        Args:
            session: the session.
            name: the realm.
            number: the id of the session, which a challenge names.
            hello: who it says it is, and how it can prove that.
            found: who that is by the realm's authenticator; None where nobody was found.

        Raises:
            WampError: it cannot join; its URI is the reason.
        """
        policy = self.get(name)
        if policy is not None:
            return policy.local() if session.is_local else policy.begin(number, hello, found)
        if not self.is_open:
            raise WampError(NO_SUCH_REALM, f"There is no realm {short_repr(name)}.")
        # The app's own processes bring a credential wherever they join.
        is_own = self._trusted is not None and hello.authid == TRUSTED
        if ANONYMOUS not in hello.methods and not is_own:
            raise WampError(NO_MATCHING_AUTH_METHOD, "This realm takes only anonymous sessions.")
        return Identity(session.authid, session.authrole)

    def guard(self, realm: Realm) -> None:
        """Restrict the sessions of a realm to what its policy allows, if it has one."""
        policy = self.get(realm.name)
        if policy is None:
            return
        later = self._call_later
        inquirer: Callable[[dict[int, Handler]], Inquirer] | None = None
        if later is not None and policy.asks:
            inquirer = lambda handlers: Inquirer(self._router, handlers, later)  # noqa: E731
        realm.guard(policy, inquirer)

    def change(self, config: RouterConfig, realms: Iterable[Realm]) -> list[RouterSession]:
        """Go by another configuration from now on.

        Args:
            config: the configuration.
            realms: the realms that have sessions.

        Returns:
            The sessions that must end: they may not be here any more, or not in their role, or hold
            what it may not register or subscribe to.

        Raises:
            UsageError: see the class; then nothing has changed.
        """
        before, self._policies = self._policies, self._made(config)
        self.is_open = config.open_realms
        ended: list[RouterSession] = []
        for realm in realms:
            sessions = realm.sessions.values()
            policy = self.get(realm.name)
            if policy is None:
                if realm.name in before or not self.is_open:
                    ended += sessions
            elif realm.name not in before:
                ended += sessions  # nobody has proved anything there
            else:
                self.guard(realm)
                ended += [one for one in sessions if not _stays(one, realm, policy)]
        return ended

    def _made(self, config: RouterConfig) -> dict[str, Policy]:
        policies = {
            realm.name: Policy(realm, self._now, self._secret, self._trusted)
            for realm in config.realms
        }
        if self._call_later is None and any(policy.asks for policy in policies.values()):
            raise UsageError(
                "The configuration has an authenticator or authorizer, whose time is limited; give "
                "Router(call_later=…), such as the call_later of an event loop."
            )
        return policies


def _stays(session: RouterSession, realm: Realm, policy: Policy) -> bool:
    """Give a session its rights by a new policy; return whether it may stay."""
    rights = policy.rights_of(session.authid, session.authrole, session.authmethod)
    if rights is None:
        return False
    session.rights = rights
    return not realm.forbidden(session)
