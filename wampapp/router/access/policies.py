"""The policies of all realms, and what becomes of sessions when these change. Sans-I/O."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from wampapp.config.access import DEFAULT_ASK_TIMEOUT, TRUSTED, RouterConfig
from wampapp.errors import NO_SUCH_REALM, UsageError, WampError
from wampapp.protocol.hashes import WampcraKey
from wampapp.protocol.messages import short_repr
from wampapp.router.access.identity import Hello, Identity, Joining
from wampapp.router.access.inquirer import Inquirer
from wampapp.router.access.pages import ask_about_page
from wampapp.router.access.policy import NO_MATCHING_AUTH_METHOD, Policy
from wampapp.router.access.proofs import ANONYMOUS, COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        #: The realm whose web pages an app is asked about, and by which procedure.
        self._pages: tuple[str, str | None] = ("", None)
        config = RouterConfig(open_realms=True) if config is None else config
        self.is_open = config.open_realms
        self._policies = self._made(config)

    def get(self, realm: str) -> Policy | None:
        """Return the policy of a realm; None where it has none."""
        return self._policies.get(realm)

    def identify(
        self, session: RouterSession, name: str, number: int, hello: Hello
    ) -> Identity | Joining:
        """Return who wants to join a realm, or what it has to prove.

        Args:
            session: the session.
            name: the realm.
            number: the id of the session, which a challenge names.
            hello: who it says it is, and how it can prove that.

        Raises:
            WampError: it cannot join; its URI is the reason.
        """
        policy = self.get(name)
        if policy is not None:
            return policy.local() if session.is_local else policy.begin(number, hello)
        if not self.is_open:
            raise WampError(NO_SUCH_REALM, f"There is no realm {short_repr(name)}.")
        # The app's own processes bring a credential wherever they join.
        is_own = self._trusted is not None and hello.authid == TRUSTED
        page = hello.page
        if page is not None and not session.is_local:
            page.check()
            if page.authid is not None:
                return Identity(page.authid, page.role or session.authrole, COOKIE)
        if ANONYMOUS not in hello.methods and not is_own:
            raise WampError(NO_MATCHING_AUTH_METHOD, "This realm takes only anonymous sessions.")
        return Identity(session.authid, session.authrole)

    def guard(self, realm: Realm) -> None:
        """Restrict the sessions of a realm to what its policy allows, if it has one."""
        policy, later = self.get(realm.name), self._call_later
        asks = self._identifier(realm.name) is not None or (policy is not None and policy.asks)
        realm.inquirer = None
        if asks and later is not None:
            realm.inquirer = Inquirer(self._router, realm.unguarded, later)
        if policy is not None:
            realm.guard(policy)

    def identify_by(self, name: str, procedure: str | None) -> None:
        """Ask an app who the web pages of a realm are, unless the configuration names another.

        Args:
            name: the realm.
            procedure: the procedure; None to ask nobody.
        """
        self._pages = (name, procedure)

    @property
    def asks_about_pages(self) -> bool:
        """Whether an app says who the web pages of any realm are."""
        return self._pages[1] is not None or any(
            policy.identifier is not None for policy in self._policies.values()
        )

    def ask(
        self, name: str, hello: Hello, inquirer: Inquirer | None, known: Callable[[Hello], None]
    ) -> None:
        """Ask an app about somebody who joins, if one is to be asked.

        Args:
            name: the realm.
            hello: who it says it is, and how it can prove that.
            inquirer: asks in the realm; None while nobody is there, who could answer.
            known: called with that and the answers, at once where nobody is asked.
        """
        policy, identifier = self.get(name), self._identifier(name)

        def ask_authenticator(hello: Hello) -> None:
            is_known = hello.page is not None and hello.page.authid is not None
            if policy is None or is_known or not policy.asks_about(hello):
                known(hello)
                return
            policy.lookup.find(inquirer, hello, known)

        if identifier is None or not hello.is_page:
            ask_authenticator(hello)
            return
        seconds = DEFAULT_ASK_TIMEOUT if policy is None else policy.ask_timeout
        ask_about_page(
            inquirer,
            identifier,
            hello.request or {},
            seconds,
            lambda page: ask_authenticator(replace(hello, page=page)),
        )

    def _identifier(self, name: str) -> str | None:
        policy = self.get(name)
        if policy is not None and policy.identifier is not None:
            return policy.identifier
        realm, procedure = self._pages
        return procedure if realm == name else None

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
        if self._call_later is None and any(policy.needs_clock for policy in policies.values()):
            raise UsageError(
                "The configuration limits the time of a session, or of an app's answer; give "
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
