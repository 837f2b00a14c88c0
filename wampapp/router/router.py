"""The router: its realms, and the sessions that are connected to it. Sans-I/O."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from wampapp.config.limits import Limits
from wampapp.errors import (
    AUTHENTICATION_FAILED,
    CLOSE_NORMAL,
    CLOSE_REALM,
    INVALID_URI,
    LIMIT_EXCEEDED,
    PAYLOAD_SIZE_EXCEEDED,
    PayloadTooLarge,
    ProtocolViolation,
    UsageError,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.features import APP, OTHER_REALMS
from wampapp.protocol.messages import CHALLENGE, MAX_ID, WELCOME, short_repr
from wampapp.router.access.identity import Hello, Identity, Joining, hello_of
from wampapp.router.access.policies import Policies
from wampapp.router.access.proofs import Proof
from wampapp.router.numbers import Numbers
from wampapp.router.realm import Realm
from wampapp.router.session import RouterSession
from wampapp.transport.link import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.access import RouterConfig
    from wampapp.protocol.messages import Message
    from wampapp.router.session import SessionRealm
    from wampapp.router.turns import CallLater

logger = logging.getLogger("wampapp.router")

#: Of an app's name, that much is kept for others to see.
_MAX_NAME: Final = 128
_MAX_NAMED_REALMS: Final = 3

T = TypeVar("T")


class Aside(Protocol):
    """Does work that takes long somewhere else, so that nobody waits for it."""

    def __call__(self, work: Callable[[], T], done: Callable[[T], None], /) -> None:
        """Do it, and call a function with what came of it, in the thread of the router."""


def _at_once(work: Callable[[], T], done: Callable[[T], None]) -> None:
    done(work())


class Router:
    """A router. A realm is made when its first session joins, and goes with its last.

    Without a configuration every session may do everything, in any realm that it names.

    Args:
        agent: what WELCOME says the router is.
        now: returns the time, in seconds since 1970; the meta API says when something was made.
        config: the realms, who may join them, and who may do what there.
        trusted: the secret by which the processes of an app join that the router belongs to: by
            WAMP-CRA, as ``trusted``; None where there are none.
        aside: does work that takes long, and calls a function with what came of it: both are its
            arguments. By default it is done at once.
        call_later: calls a function after some seconds; for a configuration that asks an app, and
            for a limit of the rate.
        limits: what is taken from peers; None for the defaults.

    Raises:
        UsageError: the configuration asks an app, or the rate is limited, and there is no
            ``call_later``.

    Attributes:
        limits: what is taken from peers.
        numbers: what the router has counted.
        realms: the realms that have sessions, by name.
    """

    def __init__(
        self,
        agent: str = "wampapp",
        now: Callable[[], float] = time.time,
        config: RouterConfig | None = None,
        trusted: str | None = None,
        aside: Aside = _at_once,
        call_later: CallLater | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.agent = agent
        self.limits = limits or Limits()
        self.numbers = Numbers()
        self._now = now
        self._aside = aside
        self._policies = Policies(self, config, now, trusted, call_later)
        self._call_later = call_later
        if self.limits.rate and call_later is None:
            raise UsageError("A limit of the rate needs a clock; give Router(call_later=…).")
        self.realms: dict[str, Realm] = {}
        self._ids = itertools.count(1)
        self._attached: set[RouterSession] = set()
        self._closing = False
        self._on_closed: Callable[[], None] | None = None

    def new_session(self, authid: str = "", authrole: str = "anonymous") -> RouterSession:
        """Make the router's side of a new connection.

        Args:
            authid: who will join; empty for a random name.
            authrole: in which role.
        """
        return RouterSession(self, authid, authrole)

    def new_local_session(self) -> RouterSession:
        """Make the router's side of a connection of an app in this process, which may do all."""
        return RouterSession(self, is_local=True)

    def reload(
        self, read: Callable[[], RouterConfig], on_end: Callable[[], None] = lambda: None
    ) -> None:
        """Read the configuration anew; a wrong one is logged, and the old one stays.

        Args:
            read: returns it, or raises :class:`UsageError`. It may take long.
            on_end: called when that is done.
        """

        def work() -> RouterConfig | UsageError:
            try:
                return read()
            except UsageError as error:
                return error

        def done(found: RouterConfig | UsageError) -> None:
            if isinstance(found, UsageError):
                logger.error("The router keeps the configuration that it has. %s", found)
            else:
                ended = self.reconfigure(found)
                logger.info("The router has a new configuration, by which %s sessions end", ended)
            on_end()

        self._aside(work, done)

    def reconfigure(self, config: RouterConfig) -> int:
        """Go by another configuration from now on.

        Sessions stay if they may still be here, in the same role, and with all that they have
        registered and subscribed to; others end.

        Args:
            config: the configuration.

        Returns:
            How many sessions end.

        Raises:
            UsageError: see the class.
        """
        ended = self._policies.change(config, self.realms.values())
        for session in ended:
            session.dismiss(CLOSE_REALM, "What this session may do has changed.")
        return len(ended)

    def identify_by(self, realm: str, procedure: str | None) -> None:
        """Ask an app who the web pages of a realm are.

        Args:
            realm: the realm.
            procedure: a procedure there, which gets the request that the page's WebSocket began
                with, and returns an authid, a dictionary with ``authid`` and ``role``, or None;
                None to ask nobody. A configuration's ``identifier`` comes first.
        """
        self._policies.identify_by(realm, procedure)
        if realm in self.realms:
            self._policies.guard(self.realms[realm])

    @property
    def asks_about_pages(self) -> bool:
        """Whether an app is asked who the web pages of any realm are."""
        return self._policies.asks_about_pages

    @property
    def is_closing(self) -> bool:
        """Whether it has been told to close."""
        return self._closing

    @property
    def is_guarded(self) -> bool:
        """Whether all who join must be allowed to, and may do only what their roles may."""
        return not self._policies.is_open

    def close(self, on_closed: Callable[[], None] | None = None) -> None:
        """Say GOODBYE to all sessions, and close their links.

        Args:
            on_closed: called when the last link is gone.
        """
        self._closing = True
        self._on_closed = on_closed
        for session in list(self._attached):
            session.shut_down()
        if not self._attached and on_closed is not None:
            on_closed()

    # What sessions call.

    def attach(self, session: RouterSession) -> None:
        """Count a session whose link has opened; one that comes too late is told so."""
        self._attached.add(session)
        if self._closing:
            session.shut_down()

    def detach(self, session: RouterSession) -> None:
        """Stop counting a session whose link is gone."""
        self._attached.discard(session)
        if self._on_closed is not None and not self._attached:
            self._on_closed()

    def join(self, session: RouterSession, hello: Message) -> None:
        """Handle HELLO: ``[HELLO, Realm, Details]`` ("Session Establishment")."""
        _, name, details = hello
        if not uris.is_valid(name):
            session.abort(INVALID_URI, f"{short_repr(name)} is not a valid realm name.")
            return
        roles = details.get("roles")
        if not isinstance(roles, dict) or not roles:
            raise ProtocolViolation("HELLO must announce at least one role.")
        extra = details.get("authextra")
        app = extra.get(APP) if isinstance(extra, dict) else None
        session.introduce(roles, app[:_MAX_NAME] if isinstance(app, str) else "")
        said = hello_of(details, session.link)
        if session.is_local:
            self._begin(session, name, said)
            return
        waiting = session.joining = Joining(name, "", Proof(), "", "", is_answered=True)

        def known(hello: Hello) -> None:
            if session.joining is waiting:
                session.joining = None
                self._begin(session, name, hello)

        realm = self.realms.get(name)
        self._policies.ask(name, said, None if realm is None else realm.inquirer, known)

    def _begin(self, session: RouterSession, name: str, hello: Hello) -> None:
        """Let somebody in, have it prove who it is, or refuse it."""
        try:
            who = self._policies.identify(session, name, _random_id(), hello)
        except WampError as error:
            session.abort(error.uri, error.message)
            return
        if isinstance(who, Identity):
            self._admit(session, name, who)
            return
        session.joining = who
        try:
            session.send([CHALLENGE, who.method, who.proof.extra])
        except PayloadTooLarge:
            session.abort(PAYLOAD_SIZE_EXCEEDED, "CHALLENGE is larger than this client takes.")

    def authenticate(self, session: RouterSession, joining: Joining, message: Message) -> None:
        """Handle AUTHENTICATE: ``[AUTHENTICATE, Signature, Extra]`` ("Authentication")."""
        _, signature, details = message

        def decide(extra: dict[str, Any] | None) -> None:
            if session.joining is not joining:
                return  # it has gone meanwhile
            policy = self._policies.get(joining.realm)
            identity = None
            if extra is not None and policy is not None:
                identity = policy.admitted(joining, extra)
            if identity is None:
                session.abort(AUTHENTICATION_FAILED, "The credential was not accepted.")
            else:
                self._admit(session, joining.realm, identity)

        self._aside(lambda: joining.proof.accepts(signature, details), decide)

    def _admit(self, session: RouterSession, name: str, identity: Identity) -> None:
        """Let a session in, and tell it so."""
        known, most = self.realms.get(name), self.limits.sessions_per_authid
        if known is not None and known.authids[identity.authid] >= most:
            text = f"There are {most:,} sessions of {short_repr(identity.authid)} already."
            session.abort(LIMIT_EXCEEDED, text)
            return
        realm = self._realm(name)
        number = _random_id()
        while number in realm.sessions:
            number = _random_id()
        session.enter(realm, number, identity)
        try:
            self._welcome(session, realm)
        except PayloadTooLarge:
            session.abort(PAYLOAD_SIZE_EXCEEDED, "WELCOME is larger than this client takes.")
            return
        self.numbers.joins += 1
        # The app that carries the router says itself that it is there.
        level = logging.DEBUG if session.address == LOCAL else logging.INFO
        who = (session.id, name, session.authid, session.authrole, session.address)
        logger.log(level, "Session %s joined %s as %s, %s, from %s", *who)
        if self._call_later is not None:
            if self.limits.rate:
                session.limit_rate(self._call_later)
            if identity.rights.session_timeout is not None:
                self._expire_later(session, identity.rights.session_timeout, self._call_later)
        realm.add(session)

    def _expire_later(self, session: RouterSession, seconds: float, call_later: CallLater) -> None:
        text = f"A session of the role {session.authrole!r} lasts {seconds:g} s here; join again."
        session.expiry = call_later(seconds, lambda: session.dismiss(CLOSE_NORMAL, text))

    def _realm(self, name: str) -> Realm:
        """Return a realm; it is made if there is none of that name."""
        realm = self.realms.get(name)
        if realm is None:
            make = (name, self._ids.__next__, self._now, self.numbers, self.limits)
            realm = self.realms[name] = Realm(*make, self._call_later)
            self._policies.guard(realm)
        return realm

    def _welcome(self, session: RouterSession, realm: Realm) -> None:
        details = {"agent": self.agent, "realm": realm.name, **session.identity()}
        if session.extra:
            details["authextra"] = session.extra
        if self._policies.is_open and not realm.sessions and len(self.realms) > 1:
            # Its name may be a mistake: any realm that is asked for is made.
            others = (name for name in self.realms if name != realm.name)
            details[OTHER_REALMS] = list(itertools.islice(others, _MAX_NAMED_REALMS))
        roles: dict[str, Any] = {
            role: {"features": features} for role, features in realm.features.items()
        }
        try:
            session.send([WELCOME, session.id, {**details, "roles": roles}])
        except PayloadTooLarge:
            # On RawSocket a client may take as little as 512 bytes; it can still join.
            details.pop(OTHER_REALMS, None)
            session.send([WELCOME, session.id, {**details, "roles": {role: {} for role in roles}}])

    def refuse(self, session: RouterSession, reason: str, text: str) -> None:
        """Account for a session that cannot join.

        Args:
            session: the session.
            reason: why, as a URI.
            text: why, as a sentence.
        """
        self.numbers.refusals[reason] += 1
        logger.info("A session from %s could not join: %s", session.address, text)

    def leave(self, session: RouterSession, realm: SessionRealm, how: str) -> None:
        """Take a session out of its realm.

        Args:
            session: the session.
            realm: its realm.
            how: how it ended, as the end of a sentence.
        """
        # When the router stops, all leave in the same way.
        level = logging.DEBUG if self._closing or session.address == LOCAL else logging.INFO
        logger.log(level, "Session %s left %s: %s", session.id, realm.name, how)
        # When all leave at once nothing is announced: the listeners leave too, in no order.
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        realm.remove(session, announce=not self._closing)
        if not realm.sessions:
            # Kept, empty realms would let anyone fill the memory.
            self.realms.pop(realm.name, None)


def _random_id() -> int:
    return 1 + secrets.randbelow(MAX_ID)
