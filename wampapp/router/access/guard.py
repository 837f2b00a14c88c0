"""What a realm with roles lets a session do: a check before broker and dealer. Sans-I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import NOT_AUTHORIZED, ProtocolViolation
from wampapp.protocol.messages import CALL, PUBLISH, REGISTER, SUBSCRIBE, short_repr
from wampapp.protocol.patterns import is_match
from wampapp.router.access.authorizing import ACTIONS
from wampapp.router.calls import refuse
from wampapp.router.index import EXACT
from wampapp.router.matching import match_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.protocol.messages import Message
    from wampapp.router.access.authorizing import Authorizing
    from wampapp.router.session import RouterSession

    Handler = Callable[[RouterSession, Message], object]

logger = logging.getLogger("wampapp.router")

#: How a sentence goes on after "may not".
_VERBS: Final = {"publish": "publish to", "subscribe": "subscribe to"}


class Guard:
    """Stands before the handlers of a realm that has roles.

    Realms without roles have none, and so their messages cost nothing more.

    Args:
        handlers: what handles each message, by the message's code.
        authorizing: asks the roles' authorizers; None where no role has one.

    Attributes:
        handlers: the same, with checks.
    """

    def __init__(
        self, handlers: Mapping[int, Handler], authorizing: Authorizing | None = None
    ) -> None:
        self._authorizing = authorizing
        self._call = handlers[CALL]
        self._publish = handlers[PUBLISH]
        self._register = handlers[REGISTER]
        self._subscribe = handlers[SUBSCRIBE]
        self.handlers: dict[int, Handler] = {
            **handlers,
            CALL: self.call,
            PUBLISH: self.publish,
            REGISTER: self.register,
            SUBSCRIBE: self.subscribe,
        }

    def call(self, session: RouterSession, message: Message) -> None:
        """Handle CALL: ``[CALL, Request, Options, Procedure, Args?, Kwargs?]``."""
        name = message[3]
        permission = session.rights.decisions[name]
        if "call" not in permission.allow:
            if message[1] in session.calls or message[1] in session.late:
                self._call(session, message)  # more of a call that has been decided over
            elif not self._asks(session, message):
                _refuse(session, message, "call", name)
            return
        if "caller" in permission.disclose:
            message[2]["disclose_me"] = True
        self._call(session, message)

    def publish(self, session: RouterSession, message: Message) -> None:
        """Handle PUBLISH: ``[PUBLISH, Request, Options, Topic, Args?, Kwargs?]``."""
        options, name = message[2], message[3]
        permission = session.rights.decisions[name]
        if "publish" not in permission.allow:
            if self._asks(session, message):
                return
            if options.get("acknowledge") is True:
                _refuse(session, message, "publish", name)
            else:
                logger.info(
                    "%s, and it does not wait to hear so", _denied(session, "publish", name)
                )
            return
        if "publisher" in permission.disclose:
            options["disclose_me"] = True
        self._publish(session, message)

    def register(self, session: RouterSession, message: Message) -> None:
        """Handle REGISTER: ``[REGISTER, Request, Options, Procedure]``."""
        if self._may_attach(session, message, "register"):
            self._register(session, message)

    def subscribe(self, session: RouterSession, message: Message) -> None:
        """Handle SUBSCRIBE: ``[SUBSCRIBE, Request, Options, Topic]``."""
        if self._may_attach(session, message, "subscribe"):
            self._subscribe(session, message)

    def _may_attach(self, session: RouterSession, message: Message, action: str) -> bool:
        """Return whether a session may register or subscribe, and answer it if not."""
        code, request, options, name = message
        match = match_of(session, code, request, options)
        if match is None:
            return False
        # The permissions of who calls or publishes say whether it is told who that is.
        options.pop("x_disclose", None)
        # What is not valid is refused as such, whatever the role.
        if not is_match(match, name) or session.rights.allow(action, match, name):
            return True
        if not self._asks(session, message):
            more = "" if match == EXACT else ", or not all that it matches"
            _refuse(session, message, action, name, more)
        return False

    # What an authorizer decides.

    def _asks(self, session: RouterSession, message: Message) -> bool:
        """Ask the role's authorizer, if it has one that decides over this, and return whether."""
        if self._authorizing is None:
            return False
        match, name = message[2].get("match", EXACT), message[3]
        if message[0] in (CALL, PUBLISH):
            match = EXACT
        if not session.rights.leave_open(match, name):
            return False
        self._authorizing.decide(session, message, self._decided)
        return True

    def _decided(self, session: RouterSession, message: Message, answer: tuple[bool, bool]) -> None:
        code, _, options, name = message[:4]
        is_allowed, is_disclosed = answer
        if is_allowed:
            if is_disclosed and code in (CALL, PUBLISH):
                options["disclose_me"] = True
            handlers = {CALL: self._call, PUBLISH: self._publish, REGISTER: self._register}
            try:
                handlers.get(code, self._subscribe)(session, message)
            except ProtocolViolation as error:
                session.violated(error)
        elif code != PUBLISH or options.get("acknowledge") is True:
            _refuse(session, message, ACTIONS[code], name)


def _denied(session: RouterSession, action: str, name: str) -> str:
    verb = _VERBS.get(action, action)
    return f"The role {short_repr(session.authrole)} may not {verb} {short_repr(name)}"


def _refuse(
    session: RouterSession, message: Message, action: str, name: Any, more: str = ""
) -> None:
    code, request, options = message[:3]
    text = f"{_denied(session, action, name)}{more}."
    logger.info("Session %s was refused: %s", session.id, text)
    if code == CALL:
        refuse(session, request, options, NOT_AUTHORIZED, text)
    else:
        session.send_error(code, request, NOT_AUTHORIZED, text)
