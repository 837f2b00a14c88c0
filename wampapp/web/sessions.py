"""What is kept of a visitor from page to page: a dictionary in a signed cookie."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from wampapp.web import tagged_json
from wampapp.web.secret import secret_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request, Response

    from wampapp.registry.blueprint import Blueprint
    from wampapp.registry.page_request import PageRequest

_COOKIE: Final = "session"
#: For how many seconds a cookie is taken, and kept if the session is permanent: 31 days.
_LIFETIME: Final = 31 * 24 * 3600
_PERMANENT: Final = "_permanent"
#: Browsers drop larger cookies without a word.
_MAX_COOKIE: Final = 4093


class Session(dict[str, Any]):
    """A visitor's session. What is put into it is there again at the next request.

    It can hold what JSON can, and tuples, bytes, datetimes and UUIDs. Its reader can see what is
    in it, but cannot change it.

    Args:
        values: what the cookie held.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._before = tagged_json.dumps(values)

    @property
    def permanent(self) -> bool:
        """Whether it outlasts the browser's run, for 31 days from the last request."""
        return bool(self.get(_PERMANENT))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[_PERMANENT] = value

    @property
    def modified(self) -> bool:
        """Whether anything in it has changed, however deep inside."""
        return tagged_json.dumps(dict(self)) != self._before


class SessionCookie:
    """Reads and writes the cookies of sessions, in Flask's format.

    Args:
        key: returns the secret key; asked for once, when a session is used.
    """

    def __init__(self, key: Callable[[], str]) -> None:
        self._key = key
        self._made: URLSafeTimedSerializer | None = None

    @property
    def _serializer(self) -> Any:
        if self._made is None:
            self._made = URLSafeTimedSerializer(
                self._key(),
                salt="cookie-session",
                serializer=tagged_json,
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
            )
        return self._made

    def open(self, request: Request | PageRequest) -> Session:
        """Return a request's session; a new one where the cookie is not ours, or is too old."""
        text = request.cookies.get(_COOKIE)
        if not text:
            return Session({})
        try:
            values = self._serializer.loads(text, max_age=_LIFETIME)
        except (BadSignature, ValueError):
            return Session({})
        return Session(values if isinstance(values, dict) else {})

    def save(self, session: Session, request: Request, response: Response) -> None:
        """Put a session into a response, where it has changed.

        Raises:
            TypeError: it holds something that cookies do not carry.
            ValueError: it is larger than a cookie can be.
        """
        response.vary.add("Cookie")
        if not session.modified and not session.permanent:
            return
        flags: dict[str, Any] = {
            "httponly": True,
            "samesite": "Lax",
            "secure": request.is_secure,
            "path": "/",
        }
        if not session:
            response.delete_cookie(_COOKIE, **flags)
            return
        text = self._serializer.dumps(dict(session))
        if len(text) > _MAX_COOKIE:
            raise ValueError(
                f"The session takes {len(text):,} octets as a cookie, of which browsers keep "
                f"{_MAX_COOKIE:,}; keep less in it, such as an id."
            )
        now = dt.datetime.now(dt.UTC)
        expires = now + dt.timedelta(seconds=_LIFETIME) if session.permanent else None
        response.set_cookie(_COOKIE, text, expires=expires, **flags)


def open_session(app: Blueprint, request: PageRequest) -> Session:
    """Return the session of the visitor whose page opens its WebSocket, to read who it is.

    For the function of :meth:`~wampapp.App.identify`::

        @app.identify
        def who(request: PageRequest) -> str | None:
            return open_session(app, request).get("user")

    Args:
        app: whose views keep the session.
        request: the request of the WebSocket. It gets no answer with a cookie: what is changed in
            the session is not kept.

    Raises:
        UsageError: there is no secret key, and none can be kept.
    """
    return SessionCookie(lambda: secret_key(app.registry.web.root)).open(request)
