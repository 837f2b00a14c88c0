"""The router: realms, and the sessions in them. Sans-I/O: messages in, messages out."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    GOODBYE_AND_OUT,
    INVALID_URI,
    PAYLOAD_SIZE_EXCEEDED,
    PROTOCOL_VIOLATION,
    SYSTEM_SHUTDOWN,
    ConnectionLost,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    GOODBYE,
    HELLO,
    MAX_ID,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    WELCOME,
    YIELD,
    short_repr,
)
from wampapp.router import broker, dealer, meta
from wampapp.router.index import EXACT, PREFIX, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.codec import Codec
    from wampapp.protocol.messages import Message
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.router")

NO_MATCHING_AUTH_METHOD: Final = "wamp.error.no_matching_auth_method"
OPTION_NOT_ALLOWED: Final = "wamp.error.option_not_allowed"


class Realm:
    """A realm: a broker, a dealer, and the sessions that joined.

    Args:
        name: the realm's name.
        next_id: gives the next id of the router scope.
        now: tells the time, in seconds since 1970.

    Attributes:
        sessions: the joined sessions, by id.
        handlers: what handles each message of a joined session.
    """

    def __init__(self, name: str, next_id: Callable[[], int], now: Callable[[], float]) -> None:
        self.name = name
        self.sessions: dict[int, RouterSession] = {}
        own: dict[str, Callable[[list[Any]], Any]] = {}
        self.broker = broker.Broker(next_id, now)
        self.dealer = dealer.Dealer(next_id, own, self.broker.announce, now)
        self.meta = meta.SessionMeta(self.sessions, self.broker.announce)
        for part in (self.meta, self.broker.meta, self.dealer.meta):
            own.update(part.procedures)
        self.handlers: dict[int, Callable[[RouterSession, Message], None]] = {
            PUBLISH: self.broker.publish,
            SUBSCRIBE: self.broker.subscribe,
            UNSUBSCRIBE: self.broker.unsubscribe,
            CALL: self.dealer.call,
            CANCEL: self.dealer.cancel,
            YIELD: self.dealer.yielded,
            ERROR: self.dealer.failed,
            REGISTER: self.dealer.register,
            UNREGISTER: self.dealer.unregister,
        }

    def add(self, session: RouterSession) -> None:
        """Take in a session that has heard its WELCOME, and tell who listens."""
        self.sessions[session.id] = session
        self.meta.joined(session)

    def remove(self, session: RouterSession, *, told: bool = True) -> None:
        """Forget a session: its registrations, subscriptions and pending calls.

        Args:
            session: the session; one that was not taken in is let go in silence.
            told: whether who listens is told, once all that is done.
        """
        if self.sessions.pop(session.id, None) is not None:
            registrations = self.dealer.remove(session)
            subscriptions = self.broker.remove(session)
            if told:
                for registration in registrations:
                    self.dealer.meta.removed(session, registration)
                for subscription in subscriptions:
                    self.broker.meta.removed(session, subscription)
                self.meta.left(session)


class Router:
    """A router: realms that come into being when the first session joins.

    Args:
        agent: what WELCOME says the router is.
        now: tells the time, in seconds since 1970; the meta API says when something was made.
    """

    def __init__(self, agent: str = "wampapp", now: Callable[[], float] = time.time) -> None:
        self.agent = agent
        self._now = now
        self.realms: dict[str, Realm] = {}
        self._ids = itertools.count(1)
        self._links: set[RouterSession] = set()
        self._closing = False
        self._on_closed: Callable[[], None] | None = None

    def new_session(self, authid: str = "", authrole: str = "anonymous") -> RouterSession:
        """Make the router's side of a new connection.

        Args:
            authid: who will join; empty for a random name.
            authrole: in which role.
        """
        return RouterSession(self, authid, authrole)

    def realm(self, name: str) -> Realm:
        """Return a realm; it is made if it is not there."""
        realm = self.realms.get(name)
        if realm is None:
            realm = self.realms[name] = Realm(name, self._ids.__next__, self._now)
        return realm

    def connected(self, session: RouterSession) -> None:
        """Take note of an open connection."""
        self._links.add(session)

    def left(self, session: RouterSession, realm: Realm) -> None:
        """Take a session out of its realm; an empty realm goes, or anyone could fill the memory."""
        # When all leave at once nobody is told: those who listen leave too, in no order.
        realm.remove(session, told=not self._closing)
        if not realm.sessions:
            self.realms.pop(realm.name, None)

    def disconnected(self, session: RouterSession) -> None:
        """Take note of a closed connection."""
        self._links.discard(session)
        if self._on_closed is not None and not self._links:
            self._on_closed()

    def close(self, on_closed: Callable[[], None] | None = None) -> None:
        """Say GOODBYE to all sessions, and close their connections.

        Args:
            on_closed: called when the last connection is gone.
        """
        self._closing = True
        self._on_closed = on_closed
        for session in list(self._links):
            session.shut_down()
        if not self._links and on_closed is not None:
            on_closed()


class RouterSession:
    """The router's side of one connection. It is the handler of a link.

    Attributes:
        id: the session's id; 0 before it joined.
        realm: the realm it joined; None before and after.
        authid: who it is.
        authrole: in which role.
        subscriptions: the ids of its subscriptions.
        registrations: the ids of its registrations.
        calls: the calls that it made and that still run, by its request ids.
        invocations: the calls that it answers and that still run, by our request ids.
    """

    def __init__(self, router: Router, authid: str = "", authrole: str = "anonymous") -> None:
        self._router = router
        self._link: Link | None = None
        self.id = 0
        self.realm: Realm | None = None
        self.subscriptions: set[int] = set()
        self.registrations: set[int] = set()
        self.calls: dict[int, dealer.PendingCall] = {}
        self.invocations: dict[int, dealer.PendingCall] = {}
        self.authid = authid
        self.authrole = authrole
        self._roles: dict[str, Any] = {}
        self._requests = 0

    def next_request(self) -> int:
        """Return the next request id of the session scope, which counts from 1."""
        self._requests = self._requests % MAX_ID + 1
        return self._requests

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link
        self._router.connected(self)

    def received(self, message: Message) -> None:
        """Handle a message."""
        realm = self.realm
        try:
            if realm is None:
                self._greet(message)
                return
            handle = realm.handlers.get(message[0])
            if handle is not None:
                handle(self, message)
            else:
                self._handle_other(message)
        except ProtocolViolation as error:
            self.violated(error)

    def violated(self, error: ProtocolViolation) -> None:
        """End a session whose peer broke the protocol."""
        logger.info("Session %s broke the protocol: %s", self.id, error.message)
        self.abort(PROTOCOL_VIOLATION, error.message)

    def lost(self, reason: str) -> None:
        """Forget the session: its link is gone."""
        logger.debug("Session %s is gone: %s", self.id, reason)
        self._link = None
        self._leave()
        self._router.disconnected(self)

    # What broker and dealer call.

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            PayloadNotEncodable: the session's serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
        """
        if self._link is not None:
            try:
                self._link.send(message)
            except ConnectionLost:
                # The link says so by lost() in a moment, and everything is cleaned up there.
                logger.debug("A message for session %s came too late", self.id)

    def send_shared(self, message: Message, frames: dict[Codec, bytes | None]) -> None:
        """Send a message that many sessions get.

        Args:
            message: the message.
            frames: its encoded forms so far, by serializer; None for one that cannot carry it.
        """
        link = self._link
        if link is None:
            return
        try:
            payload = frames[link.codec]
        except KeyError:
            try:
                payload = link.codec.encode(message)
            except PayloadNotEncodable as error:
                payload = None
                logger.warning("An event cannot be sent to some subscribers: %s", error.message)
            frames[link.codec] = payload
        if payload is not None:
            try:
                link.write(payload)
            except PayloadTooLarge as error:
                logger.warning("An event cannot be sent to session %s: %s", self.id, error.message)
            except ConnectionLost:
                logger.debug("An event for session %s came too late", self.id)

    def send_error(self, kind: int, request: int, why: str, text: str) -> None:
        """Answer a request with ERROR.

        Args:
            kind: the code of the request's message.
            request: the request's id.
            why: the error URI.
            text: one sentence for people.
        """
        try:
            self.send([ERROR, kind, request, {}, why, [text]])
        except (PayloadTooLarge, PayloadNotEncodable):
            # A peer may take very short messages alone; the URI says what matters.
            self.send([ERROR, kind, request, {}, why])

    def match_of(self, kind: int, request: int, options: dict[str, Any]) -> str | None:
        """Return the ``match`` option; None, and an ERROR sent, where there is no such match."""
        match = options.get("match", EXACT)
        if match in (EXACT, PREFIX, WILDCARD):
            return str(match)
        self.send_error(
            kind,
            request,
            OPTION_NOT_ALLOWED,
            f"There is no match {short_repr(match)}; use 'exact', 'prefix' or 'wildcard'.",
        )
        return None

    def can(self, role: str, feature: str) -> bool:
        """Tell whether the peer announced a feature in HELLO."""
        announced = self._roles.get(role)
        features = announced.get("features") if isinstance(announced, dict) else None
        return isinstance(features, dict) and features.get(feature) is True

    def describe(self) -> dict[str, Any]:
        """Return what the session meta API tells of the session ("Session Meta API")."""
        transport = {"channel_serializer": self._link.codec.SERIALIZER_ID} if self._link else None
        return {"session": self.id, **self._identity(), "transport": transport}

    def abort(self, why: str, text: str) -> None:
        """End the session with ABORT, and close the connection."""
        link = self._link
        if link is None:
            return
        self._leave()
        try:
            self.send([ABORT, {"message": text}, why])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([ABORT, {}, why])
        self._link = None
        link.close()

    def shut_down(self) -> None:
        """Say GOODBYE because the router stops, and close the connection."""
        link = self._link
        if link is None:
            return
        if self.realm is None:
            self.abort(SYSTEM_SHUTDOWN, "The router stops.")
            return
        self._leave()
        self.send([GOODBYE, {}, SYSTEM_SHUTDOWN])
        self._link = None
        link.close()

    # Joining and leaving.

    def _greet(self, message: Message) -> None:
        if message[0] == ABORT:
            self._hang_up()
            return
        if message[0] != HELLO:
            raise ProtocolViolation("The first message of a session must be HELLO.")
        _, name, details = message
        if not uris.is_valid(name):
            self.abort(INVALID_URI, f"The realm {short_repr(name)} is no valid name.")
            return
        roles = details.get("roles")
        if not isinstance(roles, dict) or not roles:
            raise ProtocolViolation("HELLO must announce at least one role.")
        methods = details.get("authmethods")
        if isinstance(methods, list) and methods and "anonymous" not in methods:
            self.abort(NO_MATCHING_AUTH_METHOD, "This router takes anonymous sessions alone.")
            return
        self._roles = roles
        self.authid = self.authid or secrets.token_urlsafe(12)
        realm = self.realm = self._router.realm(name)
        while not self.id or self.id in realm.sessions:
            self.id = 1 + secrets.randbelow(MAX_ID)
        try:
            self._welcome(name)
        except PayloadTooLarge:
            self.abort(PAYLOAD_SIZE_EXCEEDED, "WELCOME is larger than this client takes.")
        else:
            realm.add(self)

    def _welcome(self, realm: str) -> None:
        details = {"agent": self._router.agent, "realm": realm, **self._identity()}
        features = {"broker": broker.FEATURES, "dealer": dealer.FEATURES}
        roles: dict[str, Any] = {role: {"features": can} for role, can in features.items()}
        try:
            self.send([WELCOME, self.id, {**details, "roles": roles}])
        except PayloadTooLarge:
            # RawSocket's smallest messages have 512 bytes: such a client may join all the same.
            self.send([WELCOME, self.id, {**details, "roles": {role: {} for role in features}}])

    def _identity(self) -> dict[str, Any]:
        return {
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": "anonymous",
            "authprovider": "static",
        }

    def _handle_other(self, message: Message) -> None:
        code = message[0]
        if code == GOODBYE:
            self._leave()
            if message[2] != GOODBYE_AND_OUT:
                self.send([GOODBYE, {}, GOODBYE_AND_OUT])
            self._hang_up()
        elif code == ABORT:
            self._hang_up()
        else:
            raise ProtocolViolation(f"A client cannot send a message with code {code} here.")

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        self._leave()
        if link is not None:
            link.close()

    def _leave(self) -> None:
        realm, self.realm = self.realm, None
        if realm is not None:
            self._router.left(self, realm)
