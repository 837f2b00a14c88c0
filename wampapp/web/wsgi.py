"""WSGI apps as ASGI apps: each request in a worker thread of the app's."""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from wampapp.loop.blocking import run_and_wait
from wampapp.loop.threads import blocking_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from wampapp.loop.threads import ThreadPool

logger = logging.getLogger("wampapp.web")

#: What is read of a body before the app asks for more of it.
_CHUNK: Final = 64 * 1024
#: What is read of a body before the request gets a thread.
_BEGINNING: Final = 64 * 1024


class WsgiApp:
    """An ASGI app that has a WSGI app answer, in a worker thread.

    A request gets a thread when its body has come, or the first 64 KiB of it: one that stops before
    that costs none. While a view waits, for more of the body, for its client to read, or for a call
    over WAMP, its thread gives up its place in the pool.

    Args:
        app: the WSGI app.
        pool: the worker threads.
        is_read: whether the bodies of requests have been read already.
    """

    def __init__(
        self, app: Callable[..., Iterable[bytes]], pool: ThreadPool, *, is_read: bool = False
    ) -> None:
        self._app = app
        self._pool = pool
        self._is_read = is_read

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request; WebSockets are refused, and there is no lifespan."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        request = _Request(self._app, scope, receive, send, loop, is_read=self._is_read)
        if not await request.begins():
            return
        context = contextvars.copy_context()

        def finish(error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            error: BaseException | None = None
            try:
                context.run(request.answer)
            except BaseException as raised:  # noqa: BLE001 - it is raised where it is awaited
                error = raised if isinstance(raised, Exception) else RuntimeError(repr(raised))
            loop.call_soon_threadsafe(finish, error)

        self._pool.submit(work)
        try:
            await done
        except _Disconnected:
            logger.debug("The client of %s has gone", scope["path"])
        else:
            await request.send_whole()


class _Disconnected(OSError):
    """The client has gone; the app may find out when it reads or writes."""


class _Request:
    """One request of a WSGI app, in its thread."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        loop: asyncio.AbstractEventLoop,
        *,
        is_read: bool,
    ) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = loop
        self._head: dict[str, Any] | None = None
        #: How long the body is, as the app says; None if it does not say.
        self._length: int | None = None
        #: All of the body, where it came in one piece.
        self._whole = b""
        self._has_begun = False
        self._has_ended = is_read
        names = {name for name, _ in scope["headers"]}
        self._has_length = b"content-length" in names
        self._has_body = self._has_length or b"transfer-encoding" in names
        self._watcher: asyncio.Task[None] | None = None
        #: Of the body, what has come already.
        self._beginning = bytearray()

    async def begins(self) -> bool:
        """Wait for the beginning of the body; return False if the client has gone."""
        while not self._is_read and len(self._beginning) < _BEGINNING:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            self._take(message)
        return True

    def _take(self, message: dict[str, Any]) -> None:
        self._beginning += message.get("body", b"")
        if not message.get("more_body", False):
            self._has_ended = True

    def answer(self) -> None:
        """Call the app, and send what it returns."""
        body = io.BufferedReader(_Body(self), _CHUNK)
        # Of a body in chunks, only the end of reading says where it ends.
        environ = environ_of(self._scope, body, terminated=not self._has_length)
        chunks = self._app(environ, self._start)
        try:
            for chunk in chunks:
                if chunk:
                    self._write(chunk)
            if self._has_begun:
                self._body(b"", more=False)
        finally:
            if self._watcher is not None:
                self._loop.call_soon_threadsafe(self._watcher.cancel)
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take the status and the headers: ``start_response`` of PEP 3333."""
        if exc_info is not None and self._has_begun:
            try:
                raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        if exc_info is None and self._head is not None:
            raise AssertionError("start_response was called twice")  # as PEP 3333 has it
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        self._length = int(lengths[0]) if lengths and lengths[0].isdigit() else None
        self._head = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers
                if name.lower() not in _HOP_BY_HOP
            ],
        }
        return self._write

    def _write(self, chunk: bytes) -> None:
        self._body(chunk, more=True)

    def _body(self, chunk: bytes, *, more: bool) -> None:
        if self._head is None:
            raise AssertionError("the app has sent a body before it called start_response")
        if not self._has_begun and len(chunk) == self._length and not self._whole:
            # It is complete, and needs no way there and back between the threads of its own: half
            # the time of a short answer.
            self._whole = chunk
            return
        if self._whole:  # more than it said, which the server refuses
            chunk, self._whole = self._whole + chunk, b""
        self._wait(self._deliver(chunk, more=more))

    async def send_whole(self) -> None:
        """Send an answer that was not sent piece by piece, on the loop."""
        if self._has_begun:
            return
        if self._head is None:
            raise AssertionError("the app has returned before it called start_response")
        await self._send(self._head)
        await self._send({"type": "http.response.body", "body": self._whole})

    async def _deliver(self, chunk: bytes, *, more: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self._send(self._head or {})
        if more and self._watcher is None and self._is_read:
            self._watcher = asyncio.create_task(self._watch())
        elif self._watcher is not None and self._watcher.done():
            # An endless answer would go on without it.
            raise _Disconnected("the client has gone")
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    @property
    def _is_read(self) -> bool:
        """Whether nothing of the request's body is left to read."""
        return self._has_ended or not self._has_body

    async def _watch(self) -> None:
        """Wait until the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def read_more(self) -> bytes:
        """Return the next piece of the request's body; it may be empty."""
        if not self._beginning:
            message: dict[str, Any] = self._wait(self._receive())
            if message["type"] == "http.disconnect":
                self._has_ended = True
                if self._has_length:
                    return b""  # shorter than was said, which the app can tell
                raise _Disconnected("the client has gone")
            self._take(message)
        body, self._beginning = bytes(self._beginning), bytearray()
        return body

    @property
    def has_ended(self) -> bool:
        """Whether all of the request's body has been read."""
        return self._has_ended and not self._beginning

    def _wait(self, coroutine: Any) -> Any:
        async def run() -> Any:
            return await coroutine

        with blocking_wait() as on_answer:
            return run_and_wait(self._loop, run(), on_answer)


def environ_of(scope: dict[str, Any], body: Any, *, terminated: bool) -> dict[str, Any]:
    """Return the environment of a request, as PEP 3333 has it.

    Args:
        scope: the request, as the ASGI specification has it.
        body: the file from which its body is read.
        terminated: whether the end of the file is the end of the body.
    """
    root = scope.get("root_path", "")
    path = scope["path"].removeprefix(root)
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _latin(root),
        "PATH_INFO": _latin(path),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 80),
        "REQUEST_URI": quote(scope["path"]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": terminated,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "asgi.scope": scope,
    }
    if scope.get("client"):
        environ["REMOTE_ADDR"] = scope["client"][0]
        environ["REMOTE_PORT"] = str(scope["client"][1])
    for raw, value in scope["headers"]:
        written = raw.decode("latin-1")
        if "_" in written:
            continue  # it could be taken for another header
        name = written.upper().replace("-", "_")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


#: What belongs to the connection, and not to an answer.
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te"})


class _Body(io.RawIOBase):
    """The body of a request, read when the app reads."""

    def __init__(self, request: _Request) -> None:
        super().__init__()
        self._request = request
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._request.has_ended:
            self._rest = self._request.read_more()
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _latin(text: str) -> str:
    """Return a path as PEP 3333 has it: its UTF-8, each octet as a character."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
