"""What views return, made into responses, and responses sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.utils import send_file as _send_file
from werkzeug.wrappers import Response as WerkzeugResponse

from wampapp.errors import UsageError
from wampapp.protocol.plain_forms import plain_form
from wampapp.web.current import current
from wampapp.web.wsgi import WsgiApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from _typeshed import StrPath

    from wampapp.loop.threads import ThreadPool

_HTML: Final = "text/html"


class Response(WerkzeugResponse):
    """An answer; see werkzeug's ``Response``. It is HTML unless it says otherwise."""

    default_mimetype = _HTML


class Stream(Response):
    """An answer whose body comes from an asynchronous generator.

    Args:
        chunks: the pieces, texts or octets.
    """

    def __init__(self, chunks: AsyncIterator[str | bytes]) -> None:
        super().__init__(iter(()))  # whose length is not known
        self.chunks = chunks


def make_response(value: Any = "", *rest: Any) -> WerkzeugResponse:
    """Make a response of what a view may return.

    Args:
        value: a text or octets, which are HTML; a response; a path, which is sent as a file; an
            iterator of texts or octets, which is streamed; an HTTP exception; or what can be
            sent as JSON. Or such a value in a tuple with a status, headers, or both.
        rest: a status, headers, or both.

    Returns:
        The response.

    Raises:
        UsageError: it is None, or cannot be sent as JSON.
    """
    if rest:
        value = (value, *rest)
    status: Any = None
    headers: Any = None
    if isinstance(value, tuple):
        value, status, headers = _parts(value)
    response = _response(value)
    if isinstance(status, int):
        response.status_code = status
    elif status is not None:
        response.status = status
    if headers is not None:
        response.headers.update(headers)
    return response


def _parts(value: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Return the value, the status and the headers of a tuple."""
    match value:
        case (body, int() | str() as status):
            return body, status, None
        case (body, headers):
            return body, None, headers
        case (body, status, headers):
            return body, status, headers
    raise UsageError(
        f"A view returned a tuple of {len(value)}; it is (body, status), (body, headers) or "
        "(body, status, headers). To send a tuple as JSON, make a list of it."
    )


def _response(value: Any) -> WerkzeugResponse:
    match value:
        case WerkzeugResponse():
            return value
        case str() | bytes():
            return Response(value)
        case bytearray():
            return Response(bytes(value))
        case HTTPException():
            return WerkzeugResponse.force_type(value.get_response(), {})
        case Path():
            return send_file(value)
        case AsyncIterator():
            return Stream(value)
        case Iterator():
            return Response(value)
        case None:
            raise UsageError(
                "The view returned None; return what the page shows, or ('', 204) for nothing."
            )
    try:
        body = msgspec.json.encode(value, enc_hook=plain_form)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise UsageError(f"What the view returned cannot be sent as JSON: {error}.") from None
    return Response(body, mimetype="application/json")


def send_file(
    path: StrPath,
    *,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    max_age: int | None = None,
) -> WerkzeugResponse:
    """Return a response with a file; in parts, or not at all, where the browser asks for that.

    Args:
        path: the file. Never one whose name a visitor chose: for these there is ``app.static``.
        mimetype: its type; by default, what its name says.
        as_attachment: whether the browser saves it.
        download_name: the name under which it does; by default the file's own.
        max_age: for how many seconds it may be kept without asking again.

    Raises:
        werkzeug.exceptions.NotFound: there is no such file.
    """
    from werkzeug.exceptions import NotFound

    try:
        return _send_file(
            Path(path).absolute(),
            current().request.environ,
            mimetype=mimetype,
            as_attachment=as_attachment,
            download_name=download_name,
            max_age=max_age,
            response_class=Response,
        )
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound from None


async def send_response(
    response: WerkzeugResponse,
    environ: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
    pool: ThreadPool,
) -> None:
    """Send a response as the ASGI specification has it.

    Args:
        response: the response.
        environ: the request's environment, with its scope.
        receive: takes the request's messages, of which all that have a body are taken already.
        send: sends a message.
        pool: the threads that read files and plain iterators.
    """
    if isinstance(response, Stream):
        await _send_stream(response, environ, receive, send)
        return
    if not response.is_sequence:
        await WsgiApp(response, pool, is_read=True)(environ["asgi.scope"], receive, send)
        return
    chunks, status, headers = response.get_wsgi_response(environ)
    await send(_head(status, headers))
    await send({"type": "http.response.body", "body": b"".join(chunks)})
    response.close()


def _head(status: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    pairs = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name != "Date"  # which every answer gets
    ]
    code = int(status.partition(" ")[0])
    return {"type": "http.response.start", "status": code, "headers": pairs}


async def _send_stream(
    response: Stream,
    environ: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    async def relay() -> None:
        _, status, headers = response.get_wsgi_response(environ)
        await send(_head(status, headers))
        if environ["REQUEST_METHOD"] != "HEAD":
            async for chunk in response.chunks:
                data = chunk.encode() if isinstance(chunk, str) else chunk
                await send({"type": "http.response.body", "body": data, "more_body": True})
                # A generator that never waits lets others run, and hears that its client has gone.
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    # A client that has gone ends the generator, wherever it waits.
    relaying, gone = asyncio.create_task(relay()), asyncio.create_task(until_gone())
    try:
        await asyncio.wait([relaying, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (relaying, gone):
            task.cancel()
        await asyncio.wait([relaying, gone])
        aclose = getattr(response.chunks, "aclose", None)
        if aclose is not None:
            await aclose()
        response.close()
    if not relaying.cancelled():
        with contextlib.suppress(asyncio.CancelledError):
            relaying.result()
