"""The paths of views and files, and answers that send the browser elsewhere."""

from __future__ import annotations

from typing import Any, NoReturn, cast
from urllib.parse import quote

from werkzeug.exceptions import abort as _abort
from werkzeug.routing import BuildError
from werkzeug.utils import redirect as _redirect

from wampapp.errors import UsageError
from wampapp.web.current import current
from wampapp.web.responses import Response


def url_for(
    endpoint: str, /, *, _anchor: str | None = None, _external: bool = False, **values: Any
) -> str:
    """Return the URL of a view, or of a file of a static folder.

    Args:
        endpoint: the view's name; or ``"static"``, with ``filename``.
        _anchor: the part after ``#``.
        _external: whether to return the whole URL, with scheme and host.
        values: the variables of the rule; others become the query.

    Raises:
        UsageError: there is no such view, or it needs other variables.
    """
    here = current()
    filename = values.get("filename")
    if isinstance(filename, str):
        version = here.site.version_of(endpoint, filename)
        if version is not None:
            values.setdefault("v", version)
    try:
        url = here.adapter.build(endpoint, values, force_external=_external)
    except BuildError as error:
        suggested = error.suggested
        hint = "" if suggested is None else f"; did you mean {suggested.endpoint!r}?"
        needed = sorted(
            {
                n
                for rule in here.adapter.map.iter_rules()
                if rule.endpoint == endpoint
                for n in rule.arguments
            }
            - set(values)
        )
        if needed:
            hint = f"; it needs {', '.join(needed)} as well."
        raise UsageError(f"There is no URL for {endpoint!r} with these values{hint}") from None
    return url if _anchor is None else f"{url}#{quote(_anchor)}"


def redirect(location: str, code: int = 302) -> Response:
    """Return an answer that sends the browser to another page.

    Args:
        location: the URL.
        code: the HTTP status.
    """
    return cast("Response", _redirect(location, code, Response))


def abort(status: int, description: str | None = None) -> NoReturn:
    """End a view with an HTTP error, such as 404.

    Args:
        status: the HTTP status.
        description: what the page says.

    Raises:
        werkzeug.exceptions.HTTPException: always.
    """
    if description is None:
        _abort(status)
    _abort(status, description)
