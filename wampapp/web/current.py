"""The request that is being answered, for whatever runs on its behalf."""

from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Protocol

from werkzeug.local import LocalProxy
from werkzeug.wrappers import Request as WerkzeugRequest

from wampapp.errors import UsageError
from wampapp.observe.tracing import current_trace_id

if TYPE_CHECKING:
    from jinja2 import Environment
    from werkzeug.routing import MapAdapter

    from wampapp.web.sessions import Session


class Request(WerkzeugRequest):
    """A request, as views get it; see werkzeug's ``Request``. Its body has been read already.

    Attributes:
        endpoint: the name of the view; None if no route matches.
        view_args: the variables of the path.
    """

    endpoint: str | None = None
    view_args: dict[str, Any] | None = None

    @property
    def trace_id(self) -> str | None:
        """The id of the trace that the request belongs to, in what answers it."""
        return current_trace_id()


class Surroundings(Protocol):
    """What an app's views share."""

    def templates(self) -> Environment:
        """Return what finds and renders the templates."""

    def version_of(self, endpoint: str, filename: str) -> str | None:
        """Return what changes with a file of a static folder; None where there is no such file."""

    def open_session(self, request: Request) -> Session:
        """Return what the request's cookie holds."""


class Current:
    """A request that is being answered, with what belongs to it.

    Attributes:
        request: the request.
        adapter: finds the view of a path, and the path of a view.
        site: what the app's views share.
        flashes: the messages that were taken out of the session for this request's page.
        g: what the app keeps while it answers.
    """

    def __init__(self, request: Request, adapter: MapAdapter, site: Surroundings) -> None:
        self.request = request
        self.adapter = adapter
        self.site = site
        self.flashes: list[tuple[str, str]] | None = None
        self.g = SimpleNamespace()
        self._session: Session | None = None

    @property
    def opened_session(self) -> Session | None:
        """The session, if it was asked for."""
        return self._session

    @property
    def session(self) -> Session:
        """What the cookie holds; read when it is first asked for."""
        if self._session is None:
            self._session = self.site.open_session(self.request)
        return self._session


CURRENT: Final[ContextVar[Current]] = ContextVar("wampapp.web.request")


class NoRequest(UsageError, RuntimeError):
    """No request is being answered where one is asked for."""


def current() -> Current:
    """Return the request that is being answered.

    Raises:
        NoRequest: there is none.
    """
    found = CURRENT.get(None)
    if found is None:
        raise NoRequest(
            "No request for a web page is being answered here; this works only in views, and in "
            "what they call."
        )
    return found


#: The request, the session and ``g`` of the view that runs, for whatever it calls.
request: Request = LocalProxy(lambda: current().request)  # type: ignore[assignment]
session: Session = LocalProxy(lambda: current().session)  # type: ignore[assignment]
g: Any = LocalProxy(lambda: current().g)
