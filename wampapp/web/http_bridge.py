"""Calls, events and topics for those who speak HTTP and not WAMP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)

from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    RouterRefused,
    RouterUnreachable,
    UsageError,
    WampError,
)
from wampapp.protocol.plain_forms import plain_form
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.context import Event  # noqa: TC001 - a handler's annotation is looked up
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.results import CallResult
from wampapp.web.arguments import body_of
from wampapp.web.cross_site import is_foreign
from wampapp.web.current import Request
from wampapp.web.http_sessions import Sessions
from wampapp.web.responses import Response, Stream, send_response
from wampapp.web.wsgi import environ_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wampapp.session.connection import Connection
    from wampapp.web.http_sessions import Running

    class HasService(Protocol):
        """An app, as the bridge knows it."""

        @property
        def running_service(self) -> Running | None:
            """What runs it; None while it does not run."""


logger = logging.getLogger("wampapp.web")

_JSON: Final = "application/json"
#: The most events that wait for a client that does not read; then it is disconnected.
_MAX_WAITING: Final = 1000
#: Seconds of silence after which a comment shows that the connection is alive.
_HEARTBEAT: Final = 15.0

#: The HTTP status of errors that WAMP predefines; those of apps are answered with 400.
STATUSES: Final[Mapping[str, int]] = {
    "wamp.error.invalid_uri": 400,
    "wamp.error.invalid_argument": 422,
    "wamp.error.no_such_procedure": 404,
    "wamp.error.not_authorized": 403,
    "wamp.error.authorization_failed": 503,
    "wamp.error.payload_size_exceeded": 413,
    "wamp.error.canceled": 503,
    "wamp.error.timeout": 504,
    "wamp.error.unavailable": 503,
    "wampapp.error.overloaded": 503,
    "wamp.error.runtime_error": 500,
}


def bridge(
    app: HasService, *, statuses: Mapping[str, int] | None = None, max_body: int = 2**20
) -> Bridge:
    """Return an ASGI app by which HTTP's clients call, publish and get events; mount it.

    ::

        app.mount("/rpc", bridge(app))

    ``POST /rpc/call/com.shop.add`` calls, ``POST /rpc/publish/com.shop.ordered`` publishes, and
    ``GET /rpc/events/com.shop.ordered`` is a stream of server-sent events.

    Who sends a request joins the router for it, anonymously or, with ``Authorization: Bearer
    AUTHID:TICKET`` or ``Basic``, with a ticket; and may do what the router allows them.

    Args:
        app: the app whose router is used.
        statuses: the HTTP statuses of error URIs, in addition to those of WAMP's own.
        max_body: the largest body of a request, in bytes.

    Raises:
        UsageError: a status is not one of an error.
    """
    return Bridge(app, {**STATUSES, **(statuses or {})}, max_body)


class Bridge:
    """The ASGI app that :func:`bridge` returns."""

    def __init__(self, app: HasService, statuses: Mapping[str, int], max_body: int) -> None:
        for uri, status in statuses.items():
            if type(status) is not int or not 400 <= status <= 599:
                raise UsageError(f"{uri} has the status {status!r}; one of an error is 400 to 599.")
        self._app = app
        self._statuses = statuses
        self._max_body = max_body
        self._sessions: Sessions | None = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request; see the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        environ = environ_of(scope, None, terminated=True)
        request = Request(environ)
        sessions = self._sessions
        if sessions is None:
            raise RuntimeError("the bridge is mounted in an app that does not run its lifespan")
        try:
            response = await self._answer(request, receive, sessions)
            if response is None:
                return
        except HTTPException as error:
            response = _json({"error": error.name, "message": error.description}, error.code or 500)
            for name, value in error.get_headers(environ):
                if name != "Content-Type":
                    response.headers.add(name, value)
        except RouterRefused as error:
            response = _json({"error": error.reason, "message": str(error)}, 401)
            response.headers["WWW-Authenticate"] = 'Bearer realm="WAMP", Basic realm="WAMP"'
        except (NotJoined, ConnectionLost, RouterUnreachable) as error:
            response = _json({"error": "wamp.error.unavailable", "message": str(error)}, 503)
            response.headers["Retry-After"] = "1"
        except WampError as error:
            response = _failed(error, self._statuses)
        _allow(request, response, sessions)
        await send_response(response, environ, receive, send, sessions.pool)

    async def _live(
        self,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                service = self._app.running_service
                if service is None:
                    message = "the app that it is a bridge to does not run"
                    await send({"type": "lifespan.startup.failed", "message": message})
                    return
                self._sessions = Sessions(service)
            elif self._sessions is not None:
                sessions, self._sessions = self._sessions, None
                await sessions.close()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    async def _answer(
        self,
        request: Request,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        sessions: Sessions,
    ) -> Response | None:
        _, _, path = request.path.partition("/")
        verb, _, uri = path.partition("/")
        if verb not in ("call", "publish", "events") or not uri:
            raise NotFound("The paths here are call/URI, publish/URI and events/TOPIC.")
        if is_foreign(request, sessions.service.trusts_origin):
            raise Forbidden("This page is from another site; --allow-origin lets it in.")
        if request.method == "OPTIONS":
            return Response(status=204)
        credential = _credential(request)
        if verb == "events":
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(["GET", "HEAD"])
            if request.headers.get("Origin") and not _may_read(request, sessions):
                raise Forbidden("This page is from another site; --allow-origin lets it in.")
            events = _Events(sessions, credential, uri, _match(request))
            await events.open()
            response = Stream(events)
            response.mimetype = "text/event-stream"
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Accel-Buffering"] = "no"  # nginx would keep them back
            return response
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        body = await body_of(request, receive, self._max_body)
        if body is None:
            return None
        args, kwargs = _arguments(request, body.read())
        async with sessions.session(credential) as connection:
            if verb == "publish":
                await connection.publish(uri, args, kwargs, options={"acknowledge": True})
                return Response(status=204)
            return _json(_plain(await connection.call(uri, args, kwargs)), 200)


def _arguments(request: Request, data: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments in a body: a list, an object of named ones, or both."""
    if not data:
        return [], {}
    if not request.is_json:
        # A page of any site may send plain text without asking first.
        raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    if isinstance(value, list):
        return value, {}
    if not isinstance(value, dict):
        raise BadRequest("The body is a list of arguments, or an object of named ones.")
    if value.keys() <= {"args", "kwargs"} and isinstance(value.get("args", []), list):
        kwargs = value.get("kwargs", {})
        if isinstance(kwargs, dict):
            return value.get("args", []), kwargs
    return [], value


def _match(request: Request) -> str | None:
    match = request.args.get("match")
    if match not in (None, "prefix", "wildcard"):
        raise BadRequest(f"match is {match!r}; it can be prefix or wildcard.")
    return match


def _credential(request: Request) -> tuple[str, str] | None:
    """Return the authid and the ticket of a request; None if it has none."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    octets = rest.strip().encode("latin-1")
    try:
        if scheme.lower() == "basic":
            octets = base64.b64decode(octets, validate=True)
        text = octets.decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    authid, colon, ticket = text.partition(":")
    if scheme.lower() not in ("basic", "bearer") or not (authid and colon and ticket):
        raise BadRequest("Authorization is 'Bearer AUTHID:TICKET', or Basic with the same.")
    return authid, ticket


def _may_read(request: Request, sessions: Sessions) -> bool:
    origin = request.headers["Origin"]
    return origin == request.host_url.rstrip("/") or sessions.service.trusts_origin(origin)


def _allow(request: Request, response: Response, sessions: Sessions) -> None:
    """Let pages of trusted origins read the answer."""
    origin = request.headers.get("Origin")
    if origin is not None and sessions.service.trusts_origin(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "authorization, content-type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.vary.add("Origin")


def _json(value: Any, status: int) -> Response:
    body = msgspec.json.encode(value, enc_hook=plain_form)
    return Response(body, status, mimetype=_JSON)


def _plain(value: Any) -> Any:
    if isinstance(value, CallResult):
        return {"args": list(value.args), "kwargs": value.kwargs}
    return value


def _failed(error: WampError, statuses: Mapping[str, int]) -> Response:
    body = {
        "error": error.uri,
        "message": error.message or HTTPStatus(400).phrase,
        "args": list(error.args),
        "kwargs": error.kwargs,
    }
    return _json(body, statuses.get(error.uri, 400))


class _Events:
    """The events of a topic, as server-sent events: an asynchronous iterator of octets."""

    def __init__(
        self,
        sessions: Sessions,
        credential: tuple[str, str] | None,
        topic: str,
        match: str | None,
    ) -> None:
        self._names_topic = match is not None
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting.put_nowait(b"retry: 1000\n\n")
        if "<" in topic:
            raise BadRequest(f"{topic!r} is not a topic; for a pattern, add ?match=wildcard.")
        try:
            record = Blueprint().add_subscription(
                self._take,
                topic,
                run="loop",
                validate=False,
                match=match,  # type: ignore[arg-type]
            )
        except UsageError as error:
            raise BadRequest(str(error)) from None
        self._record, self._endpoint = record, endpoint_for(record)
        self._entered = sessions.session(credential)
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Subscribe to the topic."""
        connection = await self._entered.__aenter__()
        try:
            await connection.announce(self._record, self._endpoint)
        except BaseException:
            await self._entered.__aexit__(None, None, None)
            raise
        self._connection = connection

    def _take(self, event: Event, *args: Any, **kwargs: Any) -> None:
        if self._waiting.qsize() < _MAX_WAITING:
            single = len(args) == 1 and not kwargs
            value = args[0] if single else {"args": list(args), "kwargs": kwargs}
            data = msgspec.json.encode(value, enc_hook=plain_form)
            name = f"event: {event.topic}\n" if self._names_topic else ""
            head = f"{name}id: {event.publication}\ndata: "
            self._waiting.put_nowait(head.encode() + data + b"\n\n")
        elif self._waiting.qsize() == _MAX_WAITING:
            logger.warning("A client that gets %s does not read; cut off", self._record.uri)
            self._waiting.put_nowait(None)

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(_HEARTBEAT):
                chunk = await self._waiting.get()
        except TimeoutError:
            return b":\n\n"
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Take the subscription back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.withdraw(self._endpoint)
            await self._entered.__aexit__(None, None, None)
