"""The router: its realms, and the sessions that are connected to it. Sans-I/O."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.limits import Limits
from wampapp.errors import (
    INVALID_URI,
    PAYLOAD_SIZE_EXCEEDED,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.protocol import uris
from wampapp.protocol.features import APP, OTHER_REALMS
from wampapp.protocol.messages import MAX_ID, WELCOME, short_repr
from wampapp.router.realm import Realm
from wampapp.router.session import RouterSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.messages import Message
    from wampapp.router.session import SessionRealm

#: Of an app's name, that much is kept for others to see.
_MAX_NAME: Final = 128
_MAX_NAMED_REALMS: Final = 3
NO_MATCHING_AUTH_METHOD: Final = "wamp.error.no_matching_auth_method"


class Router:
    """A router. A realm is made when its first session joins, and goes with its last.

    Args:
        agent: what WELCOME says the router is.
        now: returns the time, in seconds since 1970; the meta API says when something was made.
        limits: what is taken from peers; None for the defaults.

    Attributes:
        limits: what is taken from peers.
        realms: the realms that have sessions, by name.
    """

    def __init__(
        self,
        agent: str = "wampapp",
        now: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        self.agent = agent
        self.limits = limits or Limits()
        self._now = now
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
        """Count a session whose link has opened."""
        self._attached.add(session)

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
        methods = details.get("authmethods")
        if isinstance(methods, list) and methods and "anonymous" not in methods:
            session.abort(NO_MATCHING_AUTH_METHOD, "This router takes only anonymous sessions.")
            return
        realm = self._realm(name)
        number = 0
        while not number or number in realm.sessions:
            number = 1 + secrets.randbelow(MAX_ID)
        extra = details.get("authextra")
        app = extra.get(APP) if isinstance(extra, dict) else None
        session.enter(realm, number, roles, app[:_MAX_NAME] if isinstance(app, str) else "")
        try:
            self._welcome(session, realm)
        except PayloadTooLarge:
            session.abort(PAYLOAD_SIZE_EXCEEDED, "WELCOME is larger than this client takes.")
        else:
            realm.add(session)

    def _realm(self, name: str) -> Realm:
        """Return a realm; it is made if there is none of that name."""
        realm = self.realms.get(name)
        if realm is None:
            realm = self.realms[name] = Realm(name, self._ids.__next__, self._now)
        return realm

    def _welcome(self, session: RouterSession, realm: Realm) -> None:
        details = {"agent": self.agent, "realm": realm.name, **session.identity()}
        if not realm.sessions and len(self.realms) > 1:
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

    def leave(self, session: RouterSession, realm: SessionRealm) -> None:
        """Take a session out of its realm."""
        # When all leave at once nothing is announced: the listeners leave too, in no order.
        realm.remove(session, announce=not self._closing)
        if not realm.sessions:
            # Kept, empty realms would let anyone fill the memory.
            self.realms.pop(realm.name, None)
