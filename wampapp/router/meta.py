"""The session meta API of one realm: who is in it, who joins and who leaves. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import INVALID_ARGUMENT, NO_SUCH_SESSION, WampError
from wampapp.messages import MAX_ID, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.router.broker import Broker
    from wampapp.router.core import RouterSession

ON_JOIN: Final = "wamp.session.on_join"
ON_LEAVE: Final = "wamp.session.on_leave"


class SessionMeta:
    """Tells of a realm's sessions, by events and as procedures ("Session Meta API").

    Args:
        sessions: the joined sessions, by id; the realm keeps them.
        broker: what carries the events.

    Attributes:
        procedures: what the router answers itself, by URI; each takes the call's positional
            arguments and returns the result.
    """

    def __init__(self, sessions: Mapping[int, RouterSession], broker: Broker) -> None:
        self._sessions = sessions
        self._broker = broker
        self.procedures: dict[str, Callable[[list[Any]], Any]] = {
            "wamp.session.count": lambda args: len(self._selected(args)),
            "wamp.session.list": self._selected,
            "wamp.session.get": self._get,
        }

    def joined(self, session: RouterSession) -> None:
        """Publish ``wamp.session.on_join``: ``[details]``."""
        self._broker.announce(ON_JOIN, lambda: [session.describe()])

    def left(self, session: RouterSession) -> None:
        """Publish ``wamp.session.on_leave``: ``[session, authid, authrole]``."""
        self._broker.announce(ON_LEAVE, lambda: [session.id, session.authid, session.authrole])

    def _selected(self, args: list[Any]) -> list[int]:
        """Return the ids of the sessions with one of the authroles; without any, of all."""
        if len(args) > 1 or not all(isinstance(roles, list | None) for roles in args):
            raise WampError(INVALID_ARGUMENT, "The one argument, if any, is a list of authroles.")
        roles = args[0] if args else None
        return [
            number
            for number, session in self._sessions.items()
            if roles is None or session.authrole in roles
        ]

    def _get(self, args: list[Any]) -> dict[str, Any]:
        # A bool is an int in Python, and no id.
        if len(args) != 1 or type(args[0]) is not int or not 0 <= args[0] <= MAX_ID:
            raise WampError(INVALID_ARGUMENT, "The one argument is a session's id.")
        session = self._sessions.get(args[0])
        if session is None:
            raise WampError(NO_SUCH_SESSION, f"There is no session {brief(args[0])}.")
        return session.describe()
