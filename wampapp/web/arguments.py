"""What a request brings for its view: its body, and the fields of query, form and JSON."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from wampapp.registry.view_binding import Texts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from werkzeug.datastructures import MultiDict

    from wampapp.dispatch.functions import Functions
    from wampapp.registry.view_binding import ViewBinding
    from wampapp.web.current import Request

#: Forms of more octets are read in a worker thread.
_LARGE: Final = 64 * 1024
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


async def body_of(
    request: Request, receive: Callable[[], Awaitable[dict[str, Any]]], most: int
) -> io.BytesIO | None:
    """Read the body of a request.

    Args:
        request: the request.
        receive: takes its messages.
        most: the octets that it may have.

    Returns:
        The body; None if the client has gone before it was complete.

    Raises:
        RequestEntityTooLarge: it is larger.
    """
    too_large = RequestEntityTooLarge(f"The body is larger than {most:,} octets.")
    if (request.content_length or 0) > most:
        raise too_large
    body = io.BytesIO()
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return body  # also if the client has gone: nothing is missing
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body.write(message.get("body", b""))
        if body.tell() > most:
            raise too_large
        if not message.get("more_body", False):
            body.seek(0)
            return body


async def fields_of(request: Request, binding: ViewBinding, functions: Functions) -> dict[str, Any]:
    """Return the fields of a request that its view takes, by name.

    A field of the body comes before one of the query with the same name.

    Raises:
        BadRequest: the body is said to be JSON, and is not, or is not an object.
    """
    if not binding.takes_fields:
        return {}
    found = _texts(request.args, binding)
    if request.mimetype in _FORMS:
        if (request.content_length or _LARGE) < _LARGE:
            form = request.form
        else:
            form = await functions.run_in_thread(lambda: request.form)
        found.update(_texts(form, binding))
    elif request.is_json:
        found.update(_json(request, binding))
    return found


def _texts(fields: MultiDict[str, str], binding: ViewBinding) -> dict[str, Any]:
    return {name: Texts(fields.getlist(name)) for name in binding.wants(fields)}


def _json(request: Request, binding: ViewBinding) -> dict[str, Any]:
    data = request.get_data()
    if not data:
        return {}
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadRequest("The body is JSON, but not an object.")
    return {name: value[name] for name in binding.wants(value)}
