"""The dealer of one realm: registrations, and the routing of calls. Sans-I/O."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    CANCELED,
    INVALID_ARGUMENT,
    INVALID_URI,
    NO_SUCH_PROCEDURE,
    NO_SUCH_REGISTRATION,
    PROCEDURE_ALREADY_EXISTS,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProtocolViolation,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import (
    CALL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    UNREGISTERED,
    payload_of,
    short_repr,
)
from wampapp.protocol.patterns import is_match
from wampapp.router.index import EXACT, UriIndex
from wampapp.router.meta import RegistrationMeta, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wampapp.protocol.messages import Message
    from wampapp.router.core import RouterSession
    from wampapp.router.meta import Announce

#: What WELCOME says of the dealer ("Feature Announcement").
FEATURES: Final = {
    "progressive_call_results": True,
    "call_canceling": True,
    "caller_identification": True,
    "pattern_based_registration": True,
    "shared_registration": True,
    "registration_revocation": True,
    "session_meta_api": True,
    "registration_meta_api": True,
}

DIFFERENT_POLICY: Final = "wamp.error.procedure_exists_with_different_invocation_policy"

_POLICIES: Final = ("single", "first", "last", "roundrobin", "random")
_MODES: Final = ("skip", "kill", "killnowait")
#: Load is spread by it, nothing is guarded; a program's own seed counts for nothing here.
_random: Final = random.Random()  # noqa: S311

_NO_DETAILS: Final[dict[str, Any]] = {}


class Registration:
    """A procedure, or a pattern of procedures, and its callees.

    Attributes:
        id: the registration's id, the same for all its callees.
        match: ``exact``, ``prefix`` or ``wildcard``.
        uri: the procedure or pattern.
        invoke: the policy by which one of several callees is chosen.
        callees: the sessions, in the order of their arrival, and whether each asked to be told
            the caller.
        created: when it was made, in seconds since 1970.
    """

    __slots__ = ("_turn", "callees", "created", "id", "invoke", "match", "uri")

    def __init__(self, number: int, match: str, pattern: str, invoke: str, created: float) -> None:
        self.id = number
        self.created = created
        self.match = match
        self.uri = pattern
        self.invoke = invoke
        self.callees: dict[RouterSession, bool] = {}
        self._turn = 0

    @property
    def sessions(self) -> Collection[RouterSession]:
        """The callees."""
        return self.callees

    def describe(self) -> dict[str, Any]:
        """Return what the registration meta API tells of it ("RegistrationDetails")."""
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
        if self.invoke == "random":
            return _random.choice(callees)
        self._turn = (self._turn + 1) % len(callees)
        return callees[self._turn - 1]


class PendingCall:
    """A call that waits for its callee.

    Attributes:
        caller: the session that called; None once nobody waits, when the answer is dropped.
        request: the caller's request id.
        callee: the session that answers.
        number: our request id of the invocation.
        procedure: the procedure, for error messages.
        progress: whether the caller takes progressive results.
    """

    __slots__ = ("callee", "caller", "number", "procedure", "progress", "request")

    def __init__(
        self, caller: RouterSession, request: int, callee: RouterSession, procedure: str
    ) -> None:
        self.caller: RouterSession | None = caller
        self.request = request
        self.callee = callee
        self.number = callee.next_request()
        self.procedure = procedure
        self.progress = False


class Dealer:
    """Routes calls to callees and answers to callers ("Remote Procedure Calls").

    Args:
        next_id: gives the next id of the router scope.
        own: the procedures that the router answers itself, by URI; each takes the positional
            arguments, and raises :class:`WampError`.
        announce: publishes an event of the router's own; :meth:`Broker.announce`.
        now: tells the time, in seconds since 1970.

    Attributes:
        meta: tells of the registrations.
    """

    def __init__(
        self,
        next_id: Callable[[], int],
        own: Mapping[str, Callable[[list[Any]], Any]],
        announce: Announce,
        now: Callable[[], float],
    ) -> None:
        self._next_id = next_id
        self._own = own
        self._index: UriIndex[Registration] = UriIndex()
        self._by_id: dict[int, Registration] = {}
        self._now = now
        self.meta = RegistrationMeta(self._by_id, self._index, announce)

    @property
    def registrations(self) -> dict[int, Registration]:
        """The registrations, by id."""
        return self._by_id

    # Registering.

    def register(self, session: RouterSession, message: Message) -> None:
        """Handle REGISTER: ``[REGISTER, Request, Options, Procedure]``."""
        _, request, options, name = message
        match = session.match_of(REGISTER, request, options)
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
        invoke = options.get("invoke", "single")
        if invoke not in _POLICIES:
            session.send_error(
                REGISTER,
                request,
                INVALID_ARGUMENT,
                f"There is no invocation policy {short_repr(invoke)}.",
            )
            return
        registration = self._index.get(match, name)
        if registration is not None and options.get("force_reregister") is True:
            self._revoke(registration)
            registration = None
        if registration is None:
            registration = Registration(self._next_id(), match, name, invoke, self._now())
            self._index.add(match, name, registration)
            self._by_id[registration.id] = registration
        else:
            refusal = _refusal(registration, invoke, session)
            if refusal is not None:
                session.send_error(REGISTER, request, *refusal)
                return
        registration.callees[session] = options.get("x_disclose") is True
        session.registrations.add(registration.id)
        session.send([REGISTERED, request, registration.id])
        self.meta.added(session, registration)

    def _revoke(self, registration: Registration) -> None:
        """Take a registration from its callees, because another one asked for it by force."""
        for callee in list(registration.callees):
            self._drop(callee, registration.id)
            if callee.can("callee", "registration_revocation"):
                details = {"registration": registration.id, "reason": "forced by another session"}
                callee.send([UNREGISTERED, 0, details])
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

    def _drop(self, session: RouterSession, number: int) -> Registration:
        session.registrations.discard(number)
        registration = self._by_id[number]
        del registration.callees[session]
        if not registration.callees:
            self._index.remove(registration.match, registration.uri)
            del self._by_id[number]
        return registration

    # Calling.

    def call(self, session: RouterSession, message: Message) -> None:
        """Handle CALL: ``[CALL, Request, Options, Procedure, Args?, Kwargs?]``."""
        request, options, name = message[1:4]
        if request in session.calls:
            raise ProtocolViolation(f"The request id {request} is of a call that still runs.")
        if name in self._own:  # before any pattern of a peer's that matches it too
            self._answer(session, message)
            return
        registration = self._index.best(name)
        if registration is None:
            if uris.is_valid(name):
                why, text = NO_SUCH_PROCEDURE, f"There is no procedure {short_repr(name)}."
            else:
                why, text = INVALID_URI, f"The procedure {short_repr(name)} is invalid."
            session.send_error(CALL, request, why, text)
            return
        callee = registration.choose()
        pending = PendingCall(session, request, callee, name)
        details = _NO_DETAILS
        if options or registration.match != EXACT or registration.callees[callee]:
            details = _details(session, options, registration, callee, name)
            pending.progress = "receive_progress" in details
        callee.invocations[pending.number] = session.calls[request] = pending
        try:
            callee.send([INVOCATION, pending.number, registration.id, details, *message[4:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            # What the caller's serializer carries, the callee's may not.
            del callee.invocations[pending.number], session.calls[request]
            session.send_error(CALL, request, error.uri, error.message)

    def _answer(self, session: RouterSession, message: Message) -> None:
        """Answer a call of the router's own procedures."""
        request, name = message[1], message[3]
        args, kwargs = payload_of(message, 4)
        if kwargs:
            session.send_error(
                CALL, request, INVALID_ARGUMENT, f"{name} takes no keyword arguments."
            )
            return
        try:
            session.send([RESULT, request, _NO_DETAILS, [self._own[name](args)]])
        except WampError as error:
            session.send_error(CALL, request, error.uri, error.message)

    def cancel(self, session: RouterSession, message: Message) -> None:
        """Handle CANCEL: ``[CANCEL, Request, Options]`` ("Call Canceling")."""
        _, request, options = message
        pending = session.calls.get(request)
        if pending is None:
            return  # the answer is on its way already
        mode = options.get("mode", "killnowait")
        if mode not in _MODES:
            raise ProtocolViolation(f"There is no mode {short_repr(mode)} of cancelling a call.")
        if not pending.callee.can("callee", "call_canceling"):
            mode = "skip"
        if mode != "skip":
            pending.callee.send([INTERRUPT, pending.number, {"mode": mode}])
        if mode != "kill":
            self._release(pending)
            session.send_error(CALL, request, CANCELED, "The call was cancelled.")

    def _release(self, pending: PendingCall) -> None:
        """Let a call go: its caller waits no more, whatever the callee still says."""
        if pending.caller is not None:
            del pending.caller.calls[pending.request]
            pending.caller = None

    def yielded(self, session: RouterSession, message: Message) -> None:
        """Handle YIELD: ``[YIELD, Request, Options, Args?, Kwargs?]``."""
        _, number, options = message[:3]
        pending = session.invocations.get(number)
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {number} to answer.")
        caller, request = pending.caller, pending.request
        details: dict[str, Any] = _NO_DETAILS
        if options and options.get("progress") is True:
            if not pending.progress:
                raise ProtocolViolation(f"The caller of invocation {number} takes no progress.")
            details = {"progress": True}
        else:
            del session.invocations[number]
            self._release(pending)
        if caller is None:
            return
        try:
            caller.send([RESULT, request, details, *message[3:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            self._release(pending)
            caller.send_error(CALL, request, error.uri, error.message)

    def failed(self, session: RouterSession, message: Message) -> None:
        """Handle a callee's ERROR: ``[ERROR, 68, Request, Details, Error, Args?, Kwargs?]``."""
        if message[1] != INVOCATION:
            raise ProtocolViolation("A client sends ERROR for an INVOCATION alone.")
        pending = session.invocations.pop(message[2], None)
        if pending is None:
            raise ProtocolViolation(f"There is no invocation {message[2]} to answer.")
        caller, request = pending.caller, pending.request
        self._release(pending)
        if caller is None:
            return
        why = message[4]
        if not uris.is_valid(why):
            caller.send_error(
                CALL, request, INVALID_URI, f"The error URI {short_repr(why)} is invalid."
            )
            return
        try:
            caller.send([ERROR, CALL, request, {}, why, *message[5:]])
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            caller.send_error(CALL, request, error.uri, error.message)

    # Leaving.

    def remove(self, session: RouterSession) -> list[Registration]:
        """Forget a session that has left: its procedures, and the calls to and from it.

        Returns:
            The registrations that it was taken from.
        """
        registrations = [self._drop(session, number) for number in sorted(session.registrations)]
        for pending in list(session.calls.values()):
            self._release(pending)
            if pending.callee is not session and pending.callee.can("callee", "call_canceling"):
                pending.callee.send([INTERRUPT, pending.number, {"mode": "killnowait"}])
        for pending in session.invocations.values():
            caller, request = pending.caller, pending.request
            if caller is not None:
                self._release(pending)
                caller.send_error(
                    CALL,
                    request,
                    CANCELED,
                    f"The callee of {short_repr(pending.procedure)} left before it answered.",
                )
        session.invocations.clear()
        return registrations


def _refusal(
    registration: Registration, invoke: str, session: RouterSession
) -> tuple[str, str] | None:
    """Why a session may not join a registration; error URI and sentence."""
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


def _details(
    caller: RouterSession,
    options: dict[str, Any],
    registration: Registration,
    callee: RouterSession,
    name: str,
) -> dict[str, Any]:
    """Make the details of an INVOCATION that has some."""
    details: dict[str, Any] = {}
    if registration.match != EXACT:
        details["procedure"] = name
    if options.get("receive_progress") is True and callee.can("callee", "progressive_call_results"):
        details["receive_progress"] = True
    if options.get("disclose_me") is True or registration.callees[callee]:
        details["caller"] = caller.id
        details["caller_authid"] = caller.authid
        details["caller_authrole"] = caller.authrole
    return details
