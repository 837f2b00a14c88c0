"""The registrations of one realm: which session serves which procedure. Sans-I/O."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    INVALID_ARGUMENT,
    INVALID_URI,
    LIMIT_EXCEEDED,
    NO_SUCH_REGISTRATION,
    PROCEDURE_ALREADY_EXISTS,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import (
    MAX_ID,
    REGISTER,
    REGISTERED,
    UNREGISTER,
    UNREGISTERED,
    short_repr,
)
from wampapp.protocol.patterns import is_match
from wampapp.router.index import UriIndex
from wampapp.router.matching import match_of
from wampapp.router.meta import RegistrationMeta, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from wampapp.protocol.messages import Message
    from wampapp.router.meta import Announce
    from wampapp.router.session import RouterSession

DIFFERENT_POLICY: Final = "wamp.error.procedure_exists_with_different_invocation_policy"

_POLICIES: Final = ("single", "first", "last", "roundrobin", "random")
#: Spreads load, guards nothing. Of our own, because a program in this process may seed Python's.
_random: Final = random.Random()  # noqa: S311


class Registration:
    """A procedure, or a pattern of procedures, and its callees.

    Attributes:
        id: the registration's id, the same for all its callees.
        match: ``exact``, ``prefix`` or ``wildcard``.
        uri: the procedure or pattern.
        invoke: the policy by which one of several callees is chosen.
        callees: the sessions, in the order of their arrival, and whether each asked for the
            caller's identity.
        created: when it was made, in seconds since 1970.
        most: how many calls a callee takes at the same time, for those that said so; None where
            each takes any number.
    """

    __slots__ = ("_busy", "_turn", "callees", "created", "id", "invoke", "match", "most", "uri")

    def __init__(self, number: int, match: str, pattern: str, invoke: str, created: float) -> None:
        self.id = number
        self.created = created
        self.match = match
        self.uri = pattern
        self.invoke = invoke
        self.callees: dict[RouterSession, bool] = {}
        self._turn = 0
        self.most: dict[RouterSession, int] | None = None
        self._busy: Counter[RouterSession] = Counter()

    @property
    def sessions(self) -> Collection[RouterSession]:
        """The callees."""
        return self.callees

    def describe(self) -> dict[str, Any]:
        """Return its details as the registration meta API gives them ("RegistrationDetails")."""
        return {
            "id": self.id,
            "created": utc_text(self.created),
            "uri": self.uri,
            "match": self.match,
            "invoke": self.invoke,
        }

    def choose(self) -> RouterSession:
        """Return the callee whose turn it is ("Shared Registration")."""
        if len(self.callees) == 1 or self.invoke in ("single", "first"):
            return next(iter(self.callees))
        if self.invoke == "last":
            return next(reversed(self.callees))
        callees = list(self.callees)
        return self._of_several(callees)

    def choose_other(self, tried: Collection[RouterSession] = ()) -> RouterSession | None:
        """Return the callee whose turn it is among those that take a call; None if none does.

        Args:
            tried: the callees that are out of the question.
        """
        callees = [
            callee
            for callee in self.callees
            if callee not in tried and callee.realm is not None and self._takes(callee)
        ]
        if not callees:
            return None
        if self.invoke in ("single", "first"):
            return callees[0]
        return callees[-1] if self.invoke == "last" else self._of_several(callees)

    def take(self, callee: RouterSession) -> Callable[[], None] | None:
        """Count a call more of a callee that takes so many at a time.

        Returns:
            What counts it off; None where that is not needed.
        """
        if self.most is None or callee not in self.most:
            return None
        self._busy[callee] += 1

        def free() -> None:
            self._busy[callee] -= 1
            if not self._busy[callee]:
                del self._busy[callee]

        return free

    def _takes(self, callee: RouterSession) -> bool:
        return self.most is None or self._busy[callee] < self.most.get(callee, MAX_ID)

    def _of_several(self, callees: list[RouterSession]) -> RouterSession:
        if self.invoke == "random":
            return _random.choice(callees)
        self._turn = (self._turn + 1) % len(callees)
        return callees[self._turn - 1]


class Registrations:
    """Handles REGISTER and UNREGISTER ("Registering and Unregistering").

    Args:
        next_id: returns the next id of the router scope.
        now: returns the time, in seconds since 1970.
        announce: publishes an event of the router's own.

    Attributes:
        index: the registrations, by pattern.
        meta: the meta API of the registrations.
    """

    def __init__(
        self, next_id: Callable[[], int], now: Callable[[], float], announce: Announce
    ) -> None:
        self._next_id = next_id
        self._now = now
        self._by_id: dict[int, Registration] = {}
        self.index: UriIndex[Registration] = UriIndex()
        self.meta = RegistrationMeta(self._by_id, self.index, announce)

    def register(self, session: RouterSession, message: Message) -> None:
        """Handle REGISTER: ``[REGISTER, Request, Options, Procedure]``."""
        _, request, options, name = message
        match = match_of(session, REGISTER, request, options)
        if match is None:
            return
        if not is_match(match, name) or name.startswith(uris.RESERVED):
            session.send_error(
                REGISTER,
                request,
                INVALID_URI,
                f"The procedure {short_repr(name)} is invalid or reserved.",
            )
            return
        most = session.limits.registrations
        if len(session.registrations) >= most:
            text = f"A session has at most {most:,} registrations here."
            session.send_error(REGISTER, request, LIMIT_EXCEEDED, text)
            return
        invoke = options.get("invoke", "single")
        if invoke not in _POLICIES:
            session.send_error(
                REGISTER,
                request,
                INVALID_ARGUMENT,
                f"There is no invocation policy {short_repr(invoke)}.",
            )
            return
        concurrency = options.get("concurrency")
        if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
            text = f"The concurrency {short_repr(concurrency)} is not a whole number, 1 or more."
            session.send_error(REGISTER, request, INVALID_ARGUMENT, text)
            return
        registration = self.index.get(match, name)
        if registration is not None and next(iter(registration.callees)).realm is None:
            self.prune(registration)
            registration = self.index.get(match, name)
        if registration is not None and options.get("force_reregister") is True:
            for callee in list(registration.callees):
                self.revoke(callee, registration.id, "forced by another session")
            registration = None
        if registration is None:
            registration = Registration(self._next_id(), match, name, invoke, self._now())
            self.index.add(match, name, registration)
            self._by_id[registration.id] = registration
        else:
            refusal = _refusal(registration, invoke, session)
            if refusal is not None:
                session.send_error(REGISTER, request, *refusal)
                return
        registration.callees[session] = options.get("x_disclose") is True
        if concurrency is not None:
            registration.most = {**(registration.most or {}), session: concurrency}
        session.registrations.add(registration.id)
        session.send([REGISTERED, request, registration.id])
        self.meta.added(session, registration)

    def revoke(self, callee: RouterSession, number: int, reason: str) -> None:
        """Take a registration from a callee ("Registration Revocation").

        Args:
            callee: the callee.
            number: the registration's id.
            reason: why, for the callee.
        """
        registration = self._drop(callee, number)
        if callee.supports("callee", "registration_revocation"):
            callee.send([UNREGISTERED, 0, {"registration": number, "reason": reason}])
        self.meta.removed(callee, registration)

    def unregister(self, session: RouterSession, message: Message) -> None:
        """Handle UNREGISTER: ``[UNREGISTER, Request, Registration]``."""
        _, request, number = message
        if number not in session.registrations:
            session.send_error(
                UNREGISTER, request, NO_SUCH_REGISTRATION, f"There is no registration {number}."
            )
            return
        registration = self._drop(session, number)
        session.send([UNREGISTERED, request])
        self.meta.removed(session, registration)

    def of(self, session: RouterSession) -> list[Registration]:
        """Return the registrations of a session."""
        return [self._by_id[number] for number in session.registrations]

    def removing(self, session: RouterSession) -> Iterator[Registration]:
        """Take a session that has left out of its registrations, one at each step."""
        for number in sorted(session.registrations):
            if number in session.registrations:
                yield self._drop(session, number)

    def prune(self, registration: Registration) -> None:
        """Take callees out of a registration that have left, and are still being removed."""
        for callee in [callee for callee in registration.callees if callee.realm is None]:
            self._drop(callee, registration.id)

    def _drop(self, session: RouterSession, number: int) -> Registration:
        session.registrations.discard(number)
        registration = self._by_id[number]
        del registration.callees[session]
        if registration.most is not None:
            registration.most.pop(session, None)
        if not registration.callees:
            self.index.remove(registration.match, registration.uri)
            del self._by_id[number]
        return registration


def _refusal(
    registration: Registration, invoke: str, session: RouterSession
) -> tuple[str, str] | None:
    """Return why a session may not join a registration, as error URI and sentence."""
    taken = f"The procedure {short_repr(registration.uri)} is registered already"
    if registration.invoke != invoke:
        return (
            DIFFERENT_POLICY
            if "single" not in (invoke, registration.invoke)
            else PROCEDURE_ALREADY_EXISTS,
            f"{taken}, with invoke={registration.invoke!r}.",
        )
    if invoke == "single" or session in registration.callees:
        return PROCEDURE_ALREADY_EXISTS, f"{taken}."
    return None
