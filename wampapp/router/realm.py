"""One realm: its sessions, its broker, its dealer and its meta API. Sans-I/O."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wampapp.errors import INVALID_ARGUMENT
from wampapp.protocol.messages import (
    CALL,
    CANCEL,
    ERROR,
    INVOCATION,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
)
from wampapp.router import broker, dealer
from wampapp.router.access.guard import Guard
from wampapp.router.access.kills import Kills
from wampapp.router.access.revocations import Revocations
from wampapp.router.answers import Answers
from wampapp.router.event_history import EventHistory
from wampapp.router.meta import SessionMeta, procedures_of
from wampapp.router.testaments import Testaments
from wampapp.router.turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.config.limits import Limits
    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.router.access.inquirer import Inquirer
    from wampapp.router.access.policy import Policy
    from wampapp.router.meta import Procedure
    from wampapp.router.numbers import Numbers
    from wampapp.router.registrations import Registration
    from wampapp.router.session import RouterSession
    from wampapp.router.subscriptions import Subscription
    from wampapp.router.turns import CallLater

    Handler = Callable[[RouterSession, Message], object]


class Realm:
    """A realm: a broker, a dealer, and the sessions that joined.

    Args:
        name: the realm's name.
        next_id: returns the next id of the router scope.
        now: returns the time, in seconds since 1970.
        numbers: what the router counts.
        limits: what is retained at most.
        call_later: calls a function after some seconds; None where everything is done at once.

    Attributes:
        name: the realm's name.
        features: what WELCOME announces, by the router's role ("Feature Announcement").
        sessions: the joined sessions, by id.
        authids: how many of them each principal has.
        broker: routes events.
        dealer: routes calls.
        answers: routes their answers.
        handlers: what handles each message of a joined session, by the message's code.
        unguarded: the same, without the checks of a realm with roles.
        inquirer: what asks an app; None where nothing is asked.
    """

    def __init__(
        self,
        name: str,
        next_id: Callable[[], int],
        now: Callable[[], float],
        numbers: Numbers,
        limits: Limits,
        call_later: CallLater | None = None,
    ) -> None:
        self.name = name
        self.features = {"broker": broker.FEATURES, "dealer": dealer.FEATURES}
        self._call_later = call_later
        self.sessions: dict[int, RouterSession] = {}
        self.authids: Counter[str] = Counter()
        procedures: dict[str, Procedure] = {}
        self._procedures = procedures
        self.broker = broker.Broker(next_id, now, numbers, limits)
        self.dealer = dealer.Dealer(
            next_id, now, numbers, self.broker.announce, procedures, call_later
        )
        self.answers = Answers(numbers)
        self._testaments = Testaments()
        self._meta = SessionMeta(self.sessions, self.broker.announce)
        subscriptions, registrations = self.broker.subscriptions, self.dealer.registrations
        for meta in (self._meta, subscriptions.meta, registrations.meta):
            procedures.update(procedures_of(meta.procedures))
        procedures.update(self._testaments.procedures)
        publish: Handler = self.broker.publish
        if limits.history_events:
            history = EventHistory(self.broker, now, limits)
            publish = history.publish
            procedures.update(history.procedures)
            self.features["broker"] = broker.FEATURES | {"event_history": True}
        self.handlers: dict[int, Handler] = {
            PUBLISH: publish,
            SUBSCRIBE: subscriptions.subscribe,
            UNSUBSCRIBE: subscriptions.unsubscribe,
            CALL: self.dealer.call,
            CANCEL: self.dealer.cancel,
            YIELD: self.answers.yielded,
            ERROR: self.answers.failed,
            REGISTER: registrations.register,
            UNREGISTER: registrations.unregister,
        }
        self.unguarded = self.handlers
        self.inquirer: Inquirer | None = None

    def guard(self, policy: Policy) -> None:
        """Restrict each session to what its role may do.

        Args:
            policy: what the roles may do.
        """
        authorizing = None
        if self.inquirer is not None and policy.has_authorizers:
            authorizing = policy.authorizing(self.inquirer)
        self.handlers = Guard(self.unguarded, authorizing).handlers
        self._procedures.update(Kills(self.sessions).procedures)
        revocations = Revocations(
            self.sessions, self.dealer.registrations, self.broker.subscriptions
        )
        self._procedures.update(revocations.procedures)

    def refuse(self, session: RouterSession, error: MalformedMessage) -> bool:
        """Refuse a message that is malformed, and only that message.

        Args:
            session: who sent it.
            error: what is wrong with it.

        Returns:
            Whether it could be refused; nothing was done if not.
        """
        code, number = error.head[:2]
        if code in (CALL, SUBSCRIBE, UNSUBSCRIBE, REGISTER, UNREGISTER):
            if code == CALL and number in session.calls:
                return False  # an error would answer the other call with this id
            session.send_error(code, number, INVALID_ARGUMENT, error.message)
        elif code == PUBLISH:
            if error.options.get("acknowledge") is True:
                session.send_error(code, number, INVALID_ARGUMENT, error.message)
        elif code == YIELD:
            return self.answers.refuse(session, number, error)
        elif code == ERROR:
            last = error.head[2] if len(error.head) > 2 and number == INVOCATION else 0
            return self.answers.refuse(session, last, error)
        else:
            return code == CANCEL
        return True

    def add(self, session: RouterSession) -> None:
        """Take in a session that was sent its WELCOME, and announce it."""
        self.sessions[session.id] = session
        self.authids[session.authid] += 1
        self._meta.joined(session)

    def remove(self, session: RouterSession, *, announce: bool) -> None:
        """Forget a session: its registrations, subscriptions and pending calls.

        If it has many, that takes some turns of the loop.

        Args:
            session: the session; nothing is done for one that was not added.
            announce: whether the meta API's events are published, once all that is done.
        """
        if self.sessions.pop(session.id, None) is None:
            return
        self.authids[session.authid] -= 1
        if not self.authids[session.authid]:
            del self.authids[session.authid]
        testaments = self._testaments.taken(session)
        if announce:
            for message in testaments:
                self.handlers[PUBLISH](session, message)
        in_turns(self._removing(session, announce=announce), self._call_later)

    def _removing(self, session: RouterSession, *, announce: bool) -> Iterator[None]:
        registrations, subscriptions = self.dealer.registrations, self.broker.subscriptions
        served: list[Registration] = []
        heard: list[Subscription] = []
        for registration in registrations.removing(session):
            served.append(registration)
            yield
        yield from self.dealer.removing(session)
        for subscription in subscriptions.removing(session):
            heard.append(subscription)
            yield
        if announce:
            for registration in served:
                registrations.meta.removed(session, registration)
                yield
            for subscription in heard:
                subscriptions.meta.removed(session, subscription)
                yield
            self._meta.left(session)

    def forbidden(self, session: RouterSession) -> bool:
        """Return whether a session holds what its role may not have any more."""
        rights = session.rights
        return any(
            not rights.allow(action, entry.match, entry.uri)
            and not rights.leave_open(entry.match, entry.uri)
            for action, entries in (
                ("register", self.dealer.registrations.of(session)),
                ("subscribe", self.broker.subscriptions.of(session)),
            )
            for entry in entries
        )
