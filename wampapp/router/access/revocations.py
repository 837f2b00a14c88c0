"""The procedures that take registrations and subscriptions from sessions. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.errors import (
    INVALID_ARGUMENT,
    NO_SUCH_REGISTRATION,
    NO_SUCH_SUBSCRIPTION,
    WampError,
)
from wampapp.protocol.messages import short_repr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.router.meta import Procedure
    from wampapp.router.registrations import Registrations
    from wampapp.router.session import RouterSession
    from wampapp.router.subscriptions import Subscriptions


class Revocations:
    """Revokes registrations and subscriptions for those whose role may call that.

    The specification lets a router revoke them, and has no procedures for it. These are
    Crossbar.io's.

    Args:
        sessions: the joined sessions, by id.
        registrations: the realm's.
        subscriptions: the realm's.

    Attributes:
        procedures: the procedures, by URI.
    """

    def __init__(
        self,
        sessions: Mapping[int, RouterSession],
        registrations: Registrations,
        subscriptions: Subscriptions,
    ) -> None:
        self._sessions = sessions
        self._registrations = registrations
        self._subscriptions = subscriptions
        self.procedures: dict[str, Procedure] = {
            "wamp.registration.remove_callee": self._remove_callee,
            "wamp.subscription.remove_subscriber": self._remove_subscriber,
        }

    def _remove_callee(self, _: RouterSession, args: list[Any], kwargs: dict[str, Any]) -> None:
        number, session, reason = self._arguments(args, kwargs)
        if session is None or number not in session.registrations:
            text = f"That session has no registration {short_repr(number)}."
            raise WampError(NO_SUCH_REGISTRATION, text)
        self._registrations.revoke(session, number, reason)

    def _remove_subscriber(self, _: RouterSession, args: list[Any], kwargs: dict[str, Any]) -> None:
        number, session, reason = self._arguments(args, kwargs)
        if session is None or number not in session.subscriptions:
            text = f"That session has no subscription {short_repr(number)}."
            raise WampError(NO_SUCH_SUBSCRIPTION, text)
        self._subscriptions.revoke(session, number, reason)

    def _arguments(
        self, args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[int, RouterSession | None, str]:
        reason = args[2] if len(args) == 3 else kwargs.get("reason", "")
        ids = args[:2]
        if (
            len(args) not in (2, 3)
            or kwargs.keys() - {"reason"}
            or not all(type(number) is int for number in ids)
            or not isinstance(reason, str)
        ):
            raise WampError(
                INVALID_ARGUMENT,
                "The arguments are the id, the id of the session, and the reason, a text.",
            )
        return ids[0], self._sessions.get(ids[1]), reason
