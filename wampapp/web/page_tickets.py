"""Lets the visitors of a site join a router that cannot see their cookies, such as Crossbar.io."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from wampapp.errors import NotAuthorized
from wampapp.web.secret import secret_key

if TYPE_CHECKING:
    from wampapp.registry.blueprint import Blueprint

#: For how many seconds a ticket is taken: for a page to fetch it and to join.
_LIFETIME: Final = 30


class PageTickets:
    """Tickets that views give out, and by which pages join.

    The router asks a procedure of the app's whom a ticket is for, as Crossbar.io's dynamic
    authentication does. The router in the box needs none of this: see
    :meth:`~wampapp.App.identify`.

    Args:
        app: the app, with the views.
        uri: the procedure, which is registered for this; in Crossbar.io's configuration it is the
            ``authenticator`` of ``ticket``. With several workers, one of them answers it.

    Raises:
        InvalidUri: the URI is not valid.
        DuplicateUri: the procedure is registered already.
        AppStarted: the app runs already.
    """

    def __init__(self, app: Blueprint, uri: str) -> None:
        self._app = app
        #: The tickets by which somebody has joined, with the moment from which they are too old.
        self._used: dict[str, float] = {}
        self._made: URLSafeTimedSerializer | None = None
        app.add_registration(self._find, uri, invoke="first")

    @property
    def _serializer(self) -> Any:
        if self._made is None:
            key = secret_key(self._app.registry.web.root)
            self._made = URLSafeTimedSerializer(key, salt="wampapp-page-ticket")
        return self._made

    def issue(self, authid: str, role: str) -> str:
        """Return a ticket, by which one page may join once within 30 seconds.

        Args:
            authid: whom its session is for.
            role: the role that this session has, one of the router's.

        Raises:
            UsageError: there is no secret key, and none can be kept.
        """
        ticket: str = self._serializer.dumps([authid, role, secrets.token_urlsafe(12)])
        return ticket

    async def _find(self, realm: str, authid: str, details: dict[str, Any]) -> dict[str, str]:  # noqa: ARG002
        """Tell the router whom a ticket is for."""
        try:
            name, role, number = self._serializer.loads(details["ticket"], max_age=_LIFETIME)
        except (KeyError, TypeError, ValueError, BadSignature):
            raise NotAuthorized("The ticket is not valid, or it is too old.") from None
        now = time.time()
        self._used = {used: end for used, end in self._used.items() if end > now}
        if number in self._used:
            raise NotAuthorized("The ticket has been used already.")
        # A second more: the age of a ticket is counted in whole seconds.
        self._used[number] = now + _LIFETIME + 1
        return {"authid": name, "role": role}
