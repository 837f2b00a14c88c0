"""The router's side of a session: how it joins, what its peer sends, how it ends. Sans-I/O."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from wampapp.errors import (
    CLOSE_NORMAL,
    GOODBYE_AND_OUT,
    PROTOCOL_VIOLATION,
    SYSTEM_SHUTDOWN,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
)
from wampapp.protocol.features import APP
from wampapp.protocol.messages import (
    ABORT,
    AUTHENTICATE,
    GOODBYE,
    HELLO,
    MalformedMessage,
)
from wampapp.router.access.rights import NO_RIGHTS
from wampapp.router.meter import Meter
from wampapp.router.peer import Peer
from wampapp.router.peer_features import known_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import Message
    from wampapp.router.access.identity import Identity, Joining
    from wampapp.router.numbers import Numbers
    from wampapp.router.turns import Timer
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.router")


class SessionRouter(Protocol):
    """What a session needs of its router."""

    @property
    def limits(self) -> Limits:
        """What is taken from a peer."""

    @property
    def numbers(self) -> Numbers:
        """What the router counts."""

    def attach(self, session: RouterSession) -> None:
        """Count a session whose link has opened."""

    def detach(self, session: RouterSession) -> None:
        """Stop counting a session whose link is gone."""

    def join(self, session: RouterSession, hello: Message) -> None:
        """Answer HELLO, with WELCOME, CHALLENGE or ABORT; raises :class:`ProtocolViolation`."""

    def authenticate(self, session: RouterSession, joining: Joining, message: Message) -> None:
        """Answer AUTHENTICATE, with WELCOME or ABORT."""

    def refuse(self, session: RouterSession, reason: str, text: str) -> None:
        """Account for a session that cannot join, for a reason that is a URI and a sentence."""

    def leave(self, session: RouterSession, realm: SessionRealm, how: str) -> None:
        """Take a session out of its realm; how it ended is the end of a sentence."""


class SessionRealm(Protocol):
    """What a session, and the router that it leaves, need of its realm."""

    @property
    def name(self) -> str:
        """The realm's name."""

    @property
    def sessions(self) -> Mapping[int, RouterSession]:
        """The joined sessions, by id."""

    @property
    def handlers(self) -> Mapping[int, Callable[[RouterSession, Message], object]]:
        """What handles each message of a joined session, by the message's code."""

    def refuse(self, session: RouterSession, error: MalformedMessage) -> bool:
        """Refuse a malformed message by itself, and return whether that was possible."""

    def remove(self, session: RouterSession, *, announce: bool) -> None:
        """Forget a session that leaves."""


class Extras:
    """What only some calls have.

    Attributes:
        details: those of the INVOCATION while more of the call is to come; None if it is whole.
        timer: ends the call after its timeout; None without one.
        free: counts a call less of the callee; None where it takes any number.
        retry: calls another callee, as this one is unavailable; None where there is no other.
    """

    __slots__ = ("details", "free", "retry", "timer")

    def __init__(self) -> None:
        self.details: dict[str, Any] | None = None
        self.timer: Timer | None = None
        self.free: Callable[[], None] | None = None
        self.retry: Callable[[], None] | None = None


class PendingCall(msgspec.Struct, eq=False):
    """A call that waits for its callee.

    A struct, because msgspec makes one in half the time: 0.15 µs less for each call.

    Attributes:
        caller: the session that called; None once nobody waits, when the answer is dropped.
        request: the caller's request id.
        callee: the session that answers.
        procedure: the procedure, for error messages.
        registration: the id of the registration.
        invocation: our request id of the invocation.
        progress: whether the caller takes progressive results.
        extras: what only some calls have.
    """

    caller: RouterSession | None
    request: int
    callee: RouterSession
    procedure: str
    registration: int
    invocation: int
    progress: bool = False
    extras: Extras | None = None


class RouterSession(Peer):
    """The router's side of one connection. It is the handler of a link.

    Args:
        router: the router.
        authid: who will join; empty for a random name.
        authrole: in which role.
        is_local: whether it is an app's in the router's own process, which may do everything.

    Attributes:
        realm: the realm it joined; None before and after.
        limits: the router's.
        most_calls: how many calls it may have made, or have to answer.
        authid: who it is.
        authrole: in which role.
        authmethod: how it proved that.
        rights: what it may do in a realm that has roles.
        extra: what WELCOME carries as ``authextra``.
        app: what the session calls itself; empty for nothing.
        expiry: ends it after its role's time; None without one.
        joining: what it has to prove, between CHALLENGE and AUTHENTICATE.
        subscriptions: the ids of its subscriptions.
        registrations: the ids of its registrations.
        calls: the calls that it made and that still run, by its request ids.
        late: those of its calls, sent in parts, that were answered before their last part.
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
        super().__init__(router.numbers)
        self._router = router
        self.limits = router.limits
        self.most_calls = router.limits.calls
        self.realm: SessionRealm | None = None
        self.subscriptions: set[int] = set()
        self.registrations: set[int] = set()
        self.calls: dict[int, PendingCall] = {}
        self.late: set[int] = set()
        self.invocations: dict[int, PendingCall] = {}
        self.authid = authid
        self.authrole = authrole
        self.authmethod = "anonymous"
        self.rights = NO_RIGHTS
        self.is_local = is_local
        self.joining: Joining | None = None
        self.extra: dict[str, Any] = {}
        self.expiry: Timer | None = None
        self.app = ""

    # What the link calls.

    def opened(self, link: Link) -> None:
        """Take the link."""
        self._link = link
        self.address = link.address
        size = self.limits.hello_size
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
        self.abort(PROTOCOL_VIOLATION, error.message)

    def lost(self, reason: str) -> None:
        """Forget the session: its link is gone."""
        self._link = None
        self._leave(reason)
        self._router.detach(self)

    def describe(self) -> dict[str, Any]:
        """Return the session's details as the session meta API gives them ("Session Meta API")."""
        transport = {"channel_serializer": self._link.codec.SERIALIZER_ID} if self._link else None
        about = {"session": self.id, **self.identity(), "transport": transport}
        return {**about, "authextra": {APP: self.app}} if self.app else about

    def abort(self, reason: str, text: str) -> None:
        """End the session with ABORT, and close the link.

        Args:
            reason: the reason's URI.
            text: one sentence for people; left out where the peer takes only short messages.
        """
        link = self._link
        if link is None:
            return
        if self.realm is None:
            self._router.refuse(self, reason, text)
        self._leave(_aborted(reason, text))
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

    def dismiss(self, reason: str, text: str = "") -> None:
        """End a joined session with GOODBYE, and close the link.

        Args:
            reason: the reason's URI.
            text: one sentence for people; may be empty.
        """
        if self.realm is None:
            return
        self._leave(f"it was ended ({reason})")
        try:
            self.send([GOODBYE, {"message": text} if text else {}, reason])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([GOODBYE, {}, CLOSE_NORMAL])
        self._close("")

    # Joining and leaving.

    def introduce(self, roles: dict[str, Any], app: str) -> None:
        """Take what HELLO says of the peer: its roles, and its app's name, which may be empty."""
        self.app = app
        self._features = known_features(roles)
        self.reroutes = self.supports("callee", "call_reroute")

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
            self._link.take(self.limits.message_size, self.limits.message_values)
            self._link.request = None
        self.id = number
        self.authid = identity.authid or secrets.token_urlsafe(12)
        self.authrole = identity.authrole
        self.authmethod = identity.authmethod
        self.rights = identity.rights
        self.extra = identity.extra

    def limit_rate(self, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        """Read only so many messages in a second; ``call_later`` takes seconds and a function."""
        meter = Meter(self, self.limits.rate, self.received, call_later)
        # In the method's place, so that it costs nothing where there is no limit.
        self.received = meter.received  # type: ignore[method-assign]

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
            self._close("")
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
            self._leave("it said goodbye")
            if message[2] != GOODBYE_AND_OUT:
                self.send([GOODBYE, {}, GOODBYE_AND_OUT])
            self._close("")
        elif code == ABORT:
            self._close("it aborted")
        else:
            raise ProtocolViolation(f"A client cannot send a message with code {code} here.")

    def _close(self, how: str) -> None:
        """Leave the realm, and close the link."""
        link, self._link = self._link, None
        self._leave(how)
        if link is not None:
            link.close()

    def _leave(self, how: str) -> None:
        self.joining = None
        realm, self.realm = self.realm, None
        if realm is not None:
            self._router.leave(self, realm, how)


def _aborted(reason: str, text: str) -> str:
    """Return how a session ended that the router aborts, as the end of a sentence."""
    if reason == PROTOCOL_VIOLATION:
        return f"it broke the protocol: {text.rstrip('.')}"
    return f"it was aborted ({reason}): {text.rstrip('.')}"
