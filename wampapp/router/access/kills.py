"""The procedures that end sessions, of the session meta API. Sans-I/O."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    CLOSE_NORMAL,
    INVALID_ARGUMENT,
    INVALID_URI,
    NO_SUCH_SESSION,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import short_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.router.meta import Procedure
    from wampapp.router.session import RouterSession

_KILL: Final = "wamp.session.kill"
_KEYWORDS: Final = ("reason", "message")


class Kills:
    """Ends sessions for those whose role may call that ("Session Meta Procedures").

    The session that calls is never among those that end.

    Args:
        sessions: the joined sessions, by id; the realm keeps them.

    Attributes:
        procedures: the procedures, by URI.
    """

    def __init__(self, sessions: Mapping[int, RouterSession]) -> None:
        self._sessions = sessions
        choices: dict[str, Callable[[RouterSession, list[Any]], list[RouterSession]]] = {
            _KILL: self._by_id,
            "wamp.session.kill_by_authid": partial(self._by, "authid"),
            "wamp.session.kill_by_authrole": partial(self._by, "authrole"),
            "wamp.session.kill_all": self._all,
        }
        self.procedures: dict[str, Procedure] = {
            name: partial(_kill, name, choose) for name, choose in choices.items()
        }

    def _by_id(self, caller: RouterSession, args: list[Any]) -> list[RouterSession]:
        number = args[0] if len(args) == 1 else None
        if type(number) is float and number.is_integer():
            number = int(number)  # as some peers write their ids
        if type(number) is not int:
            raise WampError(INVALID_ARGUMENT, "The one argument is a session's id.")
        found = self._sessions.get(number)
        if found is None or found is caller:
            raise WampError(NO_SUCH_SESSION, f"There is no other session {short_repr(number)}.")
        return [found]

    def _by(self, attribute: str, caller: RouterSession, args: list[Any]) -> list[RouterSession]:
        if len(args) != 1 or not isinstance(args[0], str):
            raise WampError(INVALID_ARGUMENT, f"The one argument is an {attribute}.")
        return [one for one in self._others(caller) if getattr(one, attribute) == args[0]]

    def _all(self, caller: RouterSession, args: list[Any]) -> list[RouterSession]:
        if args:
            raise WampError(INVALID_ARGUMENT, "wamp.session.kill_all takes no arguments.")
        return self._others(caller)

    def _others(self, caller: RouterSession) -> list[RouterSession]:
        return [session for session in self._sessions.values() if session is not caller]


def _kill(
    name: str,
    choose: Callable[[RouterSession, list[Any]], list[RouterSession]],
    caller: RouterSession,
    args: list[Any],
    kwargs: dict[str, Any],
) -> int | None:
    """End the sessions that are chosen; return how many, where it may be several."""
    reason, text = _reason(name, kwargs)
    chosen = choose(caller, args)
    for one in chosen:
        one.dismiss(reason, text)
    return None if name == _KILL else len(chosen)


def _reason(name: str, kwargs: dict[str, Any]) -> tuple[str, str]:
    """Return the reason that the sessions are told, a URI, and the sentence; it may be empty."""
    unknown = [keyword for keyword in kwargs if keyword not in _KEYWORDS]
    if unknown:
        raise WampError(
            INVALID_ARGUMENT,
            f"{name} takes the keyword arguments reason and message, not {short_repr(unknown[0])}.",
        )
    reason, text = (kwargs.get(keyword) for keyword in _KEYWORDS)
    if reason is None:
        reason = CLOSE_NORMAL
    if not isinstance(reason, str) or not uris.is_valid(reason):
        raise WampError(INVALID_URI, f"The reason {short_repr(reason)} is not a valid URI.")
    if text is not None and not isinstance(text, str):
        raise WampError(INVALID_ARGUMENT, "The message is not a text.")
    return reason, text or ""
