"""The router's side of a session: what its peer sends and is sent. Sans-I/O."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Protocol

from wampapp.errors import (
    CLOSE_NORMAL,
    GOODBYE_AND_OUT,
    PROTOCOL_VIOLATION,
    SYSTEM_SHUTDOWN,
    ConnectionLost,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.protocol.features import APP
from wampapp.protocol.messages import (
    ABORT,
    AUTHENTICATE,
    ERROR,
    GOODBYE,
    HELLO,
    MAX_ID,
    MalformedMessage,
)
from wampapp.router.access.rights import NO_RIGHTS
from wampapp.router.peer_features import known_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.router.access.identity import Identity, Joining
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.router")


class SessionRouter(Protocol):
    """What a session needs of its router."""

    @property
    def limits(self) -> Limits:
        """What is taken from a peer."""

    def attach(self, session: RouterSession) -> None:
        """Count a session whose link has opened."""

    def detach(self, session: RouterSession) -> None:
        """Stop counting a session whose link is gone."""

    def join(self, session: RouterSession, hello: Message) -> None:
        """Answer HELLO, with WELCOME, CHALLENGE or ABORT; raises :class:`ProtocolViolation`."""

    def authenticate(self, session: RouterSession, joining: Joining, message: Message) -> None:
        """Answer AUTHENTICATE, with WELCOME or ABORT."""

    def leave(self, session: RouterSession, realm: SessionRealm) -> None:
        """Take a session out of its realm."""


class SessionRealm(Protocol):
    """What a session, and the router that it leaves, need of its realm."""

    @property
    def name(self) -> str:
        """The realm's name."""

    @property
    def sessions(self) -> Mapping[int, RouterSession]:
        """The joined sessions, by id."""

    @property
    def handlers(self) -> Mapping[int, Callable[[RouterSession, Message], None]]:
        """What handles each message of a joined session, by the message's code."""

    def refuse(self, session: RouterSession, error: MalformedMessage) -> bool:
        """Refuse a malformed message by itself, and return whether that was possible."""

    def remove(self, session: RouterSession, *, announce: bool) -> None:
        """Forget a session that leaves."""


class PendingCall:
    """A call that waits for its callee.

    Attributes:
        caller: the session that called; None once nobody waits, when the answer is dropped.
        request: the caller's request id.
        callee: the session that answers.
        invocation: our request id of the invocation.
        procedure: the procedure, for error messages.
        progress: whether the caller takes progressive results.
    """

    __slots__ = ("callee", "caller", "invocation", "procedure", "progress", "request")

    def __init__(
        self, caller: RouterSession, request: int, callee: RouterSession, procedure: str
    ) -> None:
        self.caller: RouterSession | None = caller
        self.request = request
        self.callee = callee
        self.invocation = callee.next_request()
        self.procedure = procedure
        self.progress = False


class RouterSession:
    """The router's side of one connection. It is the handler of a link.

    Args:
        router: the router.
        authid: who will join; empty for a random name.
        authrole: in which role.
        is_local: whether it is an app's in the router's own process, which may do everything.

    Attributes:
        id: the session's id; 0 before it joined.
        realm: the realm it joined; None before and after.
        authid: who it is.
        authrole: in which role.
        authmethod: how it proved that.
        rights: what it may do in a realm that has roles.
        extra: what WELCOME carries as ``authextra``.
        joining: what it has to prove, between CHALLENGE and AUTHENTICATE.
        subscriptions: the ids of its subscriptions.
        registrations: the ids of its registrations.
        calls: the calls that it made and that still run, by its request ids.
        invocations: the calls that it answers and that still run, by our request ids.
    """

    def __init__(
        self,
        router: SessionRouter,
        authid: str = "",
        authrole: str = "anonymous",
        *,
        is_local: bool = False,
    ) -> None:
        self._router = router
        self._link: Link | None = None
        self.id = 0
        self.realm: SessionRealm | None = None
        self.subscriptions: set[int] = set()
        self.registrations: set[int] = set()
        self.calls: dict[int, PendingCall] = {}
        self.invocations: dict[int, PendingCall] = {}
        self.authid = authid
        self.authrole = authrole
        self.authmethod = "anonymous"
        self.rights = NO_RIGHTS
        self.is_local = is_local
        self.joining: Joining | None = None
        self.extra: dict[str, Any] = {}
        self._features: frozenset[tuple[str, str]] = frozenset()
        self._app = ""
        self._requests = 0

    def next_request(self) -> int:
        """Return the next request id of the session scope, which counts from 1 ("IDs")."""
        self._requests = self._requests % MAX_ID + 1
        return self._requests

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link
        size = self._router.limits.hello_size
        link.take(size, size)
        self._router.attach(self)

    def received(self, message: Message) -> None:
        """Handle a message."""
        realm = self.realm
        try:
            if realm is None:
                self._handle_first(message)
                return
            handle = realm.handlers.get(message[0])
            if handle is not None:
                handle(self, message)
            else:
                self._handle_other(message)
        except ProtocolViolation as error:
            self.violated(error)

    def violated(self, error: ProtocolViolation) -> None:
        """Refuse a message that is malformed; any other violation ends the session.

        So what is wrong with one request of a peer does not end its others.
        """
        realm = self.realm
        if isinstance(error, MalformedMessage) and realm is not None and realm.refuse(self, error):
            logger.info("Session %s sent a malformed message: %s", self.id, error.message)
            return
        logger.info("Session %s broke the protocol: %s", self.id, error.message)
        self.abort(PROTOCOL_VIOLATION, error.message)

    def lost(self, reason: str) -> None:
        """Forget the session: its link is gone."""
        logger.debug("Session %s is gone: %s", self.id, reason)
        self._link = None
        self._leave()
        self._router.detach(self)

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
                # The link will call lost() in a moment, and everything is cleaned up there.
                logger.debug("A message for session %s came too late", self.id)

    def send_event(self, event: Message, encoded: dict[Codec, bytes | None]) -> None:
        """Send an EVENT that other sessions get as well; a link that cannot carry it is skipped.

        Args:
            event: the message.
            encoded: its encoded forms so far, by serializer, which is added to; None for a
                serializer that cannot carry it.
        """
        link = self._link
        if link is None:
            return
        try:
            payload = encoded[link.codec]
        except KeyError:
            try:
                payload = link.codec.encode(event)
            except PayloadNotEncodable as error:
                payload = None
                logger.warning("An event cannot be sent to some subscribers: %s", error.message)
            encoded[link.codec] = payload
        if payload is not None:
            try:
                link.write(payload)
            except PayloadTooLarge as error:
                logger.warning("An event cannot be sent to session %s: %s", self.id, error.message)
            except ConnectionLost:
                logger.debug("An event for session %s came too late", self.id)

    def send_error(self, kind: int, request: int, error_uri: str, text: str) -> None:
        """Answer a request with ERROR.

        Args:
            kind: the code of the request's message.
            request: the request's id.
            error_uri: the error URI.
            text: one sentence for people; left out where the peer takes only short messages.
        """
        try:
            self.send([ERROR, kind, request, {}, error_uri, [text]])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([ERROR, kind, request, {}, error_uri])

    def supports(self, role: str, feature: str) -> bool:
        """Return whether the peer announced a feature in HELLO.

        Args:
            role: the peer's role, such as ``callee``.
            feature: the feature, such as ``call_canceling``; one of ``KNOWN``.
        """
        return (role, feature) in self._features

    def describe(self) -> dict[str, Any]:
        """Return the session's details as the session meta API gives them ("Session Meta API")."""
        transport = {"channel_serializer": self._link.codec.SERIALIZER_ID} if self._link else None
        about = {"session": self.id, **self.identity(), "transport": transport}
        return {**about, "authextra": {APP: self._app}} if self._app else about

    def abort(self, reason: str, text: str) -> None:
        """End the session with ABORT, and close the link.

        Args:
            reason: the reason's URI.
            text: one sentence for people; left out where the peer takes only short messages.
        """
        link = self._link
        if link is None:
            return
        self._leave()
        try:
            self.send([ABORT, {"message": text}, reason])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([ABORT, {}, reason])
        self._link = None
        link.close()

    def shut_down(self) -> None:
        """Say GOODBYE because the router stops, and close the link."""
        if self.realm is None:
            self.abort(SYSTEM_SHUTDOWN, "The router stops.")
            return
        self.dismiss(SYSTEM_SHUTDOWN)

    @property
    def link(self) -> Link | None:
        """The link to the peer; None once it is gone."""
        return self._link

    def dismiss(self, reason: str, text: str = "") -> None:
        """End a joined session with GOODBYE, and close the link.

        Args:
            reason: the reason's URI.
            text: one sentence for people; may be empty.
        """
        if self.realm is None:
            return
        self._leave()
        try:
            self.send([GOODBYE, {"message": text} if text else {}, reason])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([GOODBYE, {}, CLOSE_NORMAL])
        self._close()

    # Joining and leaving.

    def introduce(self, roles: dict[str, Any], app: str) -> None:
        """Take what HELLO says of the peer: its roles, and its app's name, which may be empty."""
        self._app = app
        self._features = known_features(roles)

    def enter(self, realm: SessionRealm, number: int, identity: Identity) -> None:
        """Take a place in a realm; WELCOME is sent next.

        Args:
            realm: the realm.
            number: the session's id.
            identity: who the peer is.
        """
        self.joining = None
        self.realm = realm
        if self._link is not None:
            limits = self._router.limits
            self._link.take(limits.message_size, limits.message_values)
        self.id = number
        self.authid = identity.authid or secrets.token_urlsafe(12)
        self.authrole = identity.authrole
        self.authmethod = identity.authmethod
        self.rights = identity.rights
        self.extra = identity.extra

    def identity(self) -> dict[str, Any]:
        """Return who the session is, as WELCOME and the session meta API write it."""
        return {
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": self.authmethod,
            "authprovider": "static",
        }

    def _handle_first(self, message: Message) -> None:
        """Handle the message that begins a session: HELLO, or ABORT."""
        joining = self.joining
        if message[0] == ABORT:
            self._close()
        elif message[0] == HELLO and joining is None:
            self._router.join(self, message)
        elif message[0] == AUTHENTICATE and joining is not None and not joining.is_answered:
            joining.is_answered = True
            self._router.authenticate(self, joining, message)
        elif joining is not None:
            raise ProtocolViolation("A CHALLENGE is answered by one AUTHENTICATE.")
        else:
            raise ProtocolViolation("The first message of a session must be HELLO.")

    def _handle_other(self, message: Message) -> None:
        """Handle a joined session's message that neither broker nor dealer handles."""
        code = message[0]
        if code == GOODBYE:
            self._leave()
            if message[2] != GOODBYE_AND_OUT:
                self.send([GOODBYE, {}, GOODBYE_AND_OUT])
            self._close()
        elif code == ABORT:
            self._close()
        else:
            raise ProtocolViolation(f"A client cannot send a message with code {code} here.")

    def _close(self) -> None:
        """Leave the realm, and close the link."""
        link, self._link = self._link, None
        self._leave()
        if link is not None:
            link.close()

    def _leave(self) -> None:
        self.joining = None
        realm, self.realm = self.realm, None
        if realm is not None:
            self._router.leave(self, realm)
