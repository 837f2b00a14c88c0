"""The opening handshake: HELLO, the answer to CHALLENGE, and what WELCOME and ABORT mean."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from wampapp.errors import (
    AUTHENTICATION_FAILED,
    NO_SUCH_REALM,
    PROTOCOL_VIOLATION,
    UNAVAILABLE,
    RouterRefused,
    RouterUnreachable,
)
from wampapp.protocol.credentials import Anonymous
from wampapp.protocol.features import APP, ROLES
from wampapp.protocol.messages import AUTHENTICATE, HELLO

if TYPE_CHECKING:
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.protocol.channel import Channel
    from wampapp.protocol.credentials import Credential
    from wampapp.protocol.messages import Message

logger = logging.getLogger("wampapp.session")


class Handshake:
    """What one session says until it has joined ("Session Establishment").

    Args:
        realm: the realm.
        credential: who joins; None for an anonymous session.
        name: what the session calls itself; None for nothing.
    """

    def __init__(self, realm: str, credential: Credential | None, name: str | None = None) -> None:
        self._name = name
        self._realm = realm
        self._credential = credential or Anonymous()
        self._exchange = self._credential.begin()

    def hello(self, channel: Channel | None) -> Message:
        """Return the HELLO.

        Args:
            channel: the link's TLS; None without.
        """
        self._exchange.bind(channel)
        who = self._credential
        extra = dict(self._exchange.extra or {})
        if self._name:
            extra[APP] = self._name
        details = {
            "roles": ROLES,
            "authmethods": [who.method],
            "authid": who.authid,
            "authrole": who.authrole,
            "authextra": extra,
        }
        return [HELLO, self._realm, {name: value for name, value in details.items() if value}]

    async def authenticate(
        self, dispatcher: Dispatcher, method: str, extra: dict[str, Any]
    ) -> Message:
        """Answer a CHALLENGE.

        Args:
            dispatcher: whose worker threads do it: making a key from a password takes long on
                purpose.
            method: the challenge's method.
            extra: its details.

        Returns:
            The AUTHENTICATE.

        Raises:
            RouterRefused: the challenge is not one that the credential can answer.
        """
        try:
            answer = await dispatcher.functions.run_in_thread(self._exchange.answer, method, extra)
        except RouterRefused:
            raise
        except Exception:
            logger.exception("The router's challenge could not be answered")
            text = "The router's challenge could not be answered; the log says why."
            raise RouterRefused(text, AUTHENTICATION_FAILED) from None
        return [AUTHENTICATE, *answer]

    def verify(self, details: dict[str, Any]) -> None:
        """Check what the router had to prove of itself.

        Args:
            details: those of WELCOME.

        Raises:
            RouterRefused: it did not prove it.
        """
        self._exchange.verify(details)

    def error_for(self, reason: str, text: str) -> RouterRefused | RouterUnreachable:
        """Return the error that an ABORT before WELCOME means.

        Args:
            reason: its reason, a URI.
            text: its message; empty if it has none.
        """
        why = f"{text} ({reason})" if text else reason
        if reason.startswith("wamp.close.") or reason == UNAVAILABLE:
            # It is starting or stopping, or an app that it asks is: another attempt is worth while.
            return RouterUnreachable(f"The router takes no sessions now: {why}.")
        who = self._credential
        if reason == NO_SUCH_REALM:
            what = f"the realm {self._realm!r}"
        elif who.method != Anonymous.method:
            name = f" of {who.authid!r}" if who.authid else ""
            what = f"the {who.method} credential{name} for the realm {self._realm!r}"
        elif reason == PROTOCOL_VIOLATION:
            what = "the session"
        else:
            what = (
                f"to let nobody in particular into the realm {self._realm!r} (a credential is "
                "given by App(auth=…) or --authmethod)"
            )
        return RouterRefused(f"The router refused {what}: {why}.".replace("..", "."), reason)
