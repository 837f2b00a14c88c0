"""What a view raises, made into a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from markupsafe import escape
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    UnprocessableEntity,
)

from wampapp.dispatch.failures import Failures
from wampapp.errors import (
    Canceled,
    ConnectionLost,
    HandlerFailed,
    InvalidArgument,
    NotJoined,
    WampError,
)
from wampapp.web.responses import Response

if TYPE_CHECKING:
    from wampapp.registry.endpoint import Endpoint
    from wampapp.web.current import Request

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{code} {name}</title>
<h1>{name}</h1>
<p>{text}</p>
{more}</html>
"""


class Refused(WampError):
    """A view that did not answer, as the dispatcher passes it on.

    Args:
        answer: the HTTP error.
        handled: whether an error handler has had it.
    """

    def __init__(self, answer: HTTPException, *, handled: bool) -> None:
        super().__init__("wampapp.error.page", answer.description)
        self.answer = answer
        self.handled = handled


class ViewFailures(Failures):
    """Turns what views raise into HTTP errors, and logs what nobody expected."""

    def error_for(self, endpoint: Endpoint, error: BaseException) -> WampError:
        """Turn what a view raised into an HTTP error.

        Args:
            endpoint: the view.
            error: what it raised, or what kept the request away from it.
        """
        if isinstance(error, HTTPException):
            return Refused(error, handled=True)
        if isinstance(error, InvalidArgument) and error.__traceback__ is None:
            return Refused(UnprocessableEntity(error.message), handled=False)
        if isinstance(error, NotJoined | ConnectionLost | Canceled):
            self._logger.warning("%s is not available: %s", endpoint.uri, error)
            text = "The service is not available just now; try again."
            return Refused(ServiceUnavailable(text, retry_after=1), handled=False)
        return self.failed(endpoint, error)

    def failed(self, endpoint: Endpoint, error: BaseException) -> HandlerFailed:
        """Log an exception, and return what the visitor may know of it."""
        failed = super().failed(endpoint, error)
        if not self._debug:
            error_id = failed.kwargs["error_id"]
            text = f"The page failed; the service's log says why, under the error id {error_id}."
            failed.args = (text,)
        return failed


def unexpected(error: HandlerFailed) -> InternalServerError:
    """Return the HTTP error of a view that failed."""
    made = InternalServerError(error.message)
    made.traceback = error.kwargs.get("traceback")  # type: ignore[attr-defined]
    return made


def error_page(error: HTTPException, request: Request) -> Any:
    """Return the answer to a request for which there is no error handler.

    It is HTML for those who ask for that, as browsers do, JSON for those who speak it, and one
    line of text for others.

    Args:
        error: the HTTP error.
        request: the request.
    """
    response = error.get_response(request.environ)
    if error.response is not None or error.code is None or error.code < 400:
        return response
    text, name = error.description or "", error.name
    traceback = getattr(error, "traceback", None)
    types = [kind for kind, _ in request.accept_mimetypes]
    made: Response
    if _HTML in types:
        more = "" if traceback is None else f"<pre>{escape(traceback)}</pre>\n"
        page = _PAGE.format(code=error.code, name=escape(name), text=escape(text), more=more)
        made = Response(page)
        made.headers["Content-Security-Policy"] = "default-src 'none'"
    elif _JSON in types or request.is_json:
        import msgspec

        body = {"error": {"status": error.code, "name": name, "message": text}}
        made = Response(msgspec.json.encode(body), mimetype=_JSON)
    else:
        made = Response(f"{text}\n{traceback or ''}", mimetype="text/plain")
    made.status_code = error.code
    for header, value in error.get_headers(request.environ):
        if header.lower() != "content-type":
            made.headers.add(header, value)
    made.headers["X-Content-Type-Options"] = "nosniff"
    return made


_HTML: Final = "text/html"
_JSON: Final = "application/json"
