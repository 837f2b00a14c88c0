"""What is at the router's port besides WAMP: the app's pages, and the router's own."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.dispatch.hooks import brief
from wampapp.errors import HookFailed, UsageError
from wampapp.observe.tracing import RUNNING, of_request
from wampapp.registry.web_records import OWN
from wampapp.web.lifespan import Lifespan
from wampapp.web.wsgi import WsgiApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.records import Mount
    from wampapp.web.files import Files
    from wampapp.web.views import Views

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    #: Answers a request for a path, at the host that it names: a status, headers and a body.
    Fallback = Callable[[str, str | None], tuple[int, dict[str, str], bytes]]

logger = logging.getLogger("wampapp.web")

#: Of a request's head, that much is read.
MAX_HEAD: Final = 64 * 1024
#: So many names are remembered, allowed or not.
_MAX_HOSTS: Final = 64
#: What pages that reload wait for; see browser/reload.js.
_ALIVE: Final = f"{OWN}/alive"
#: What is asked for by whatever watches a service.
_WATCHED: Final = ("/healthz", "/readyz")
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}


class Site:
    """An ASGI app that hands each request to what is at its path.

    First come the mounted apps and folders, the longest path first; then the app's own views; then
    what is at ``/``.

    Args:
        mounts: the web apps that are mounted.
        files: the folders.
        views: the app's own pages; None if there are none.
        pool: the threads in which WSGI apps run.

    Attributes:
        fallback: answers what nothing else is there for.
        host_allowed: returns whether pages may be shown under the name in a Host header.

    Raises:
        UsageError: something that is mounted by its name is not there, or is not a web app.
    """

    def __init__(
        self,
        mounts: Iterable[Mount],
        files: Iterable[Files],
        views: Views | None,
        pool: ThreadPool,
    ) -> None:
        self.fallback: Fallback = _nothing_here
        self.host_allowed: Callable[[str], bool] = lambda _host: True
        self._views = views
        #: Which names of this machine are allowed, as far as they were asked for.
        self._hosts: dict[str, bool] = {}
        #: Which start of the service this is, and what is done when its process is about to end;
        #: None if nobody wants to know.
        self._generation: int | None = None
        self._ending: asyncio.Future[None] | None = None
        self._lifespans: dict[str, Lifespan] = {}
        found: dict[str, Any] = {mount.path: _loaded(mount) for mount in mounts}
        for path, app in found.items():
            if is_asgi(app):
                self._lifespans[path] = Lifespan(app, path)
            else:
                found[path] = WsgiApp(app, pool)
        found.update({folder.path: folder for folder in files})
        self._rest = found.pop("/", None)
        # The longest first: it is the one that is meant.
        self._apps = sorted(found.items(), key=lambda entry: -len(entry[0]))

    def tell_end(self) -> None:
        """Have the pages know that this process ends: they wait for it."""
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)

    async def _stay(self, scope: dict[str, Any], send: Send) -> None:
        """Answer with a body that lasts until this process ends, to a page that is its own.

        HEAD is for a page that waits for the next start: the process that has made the page may
        still answer, and so may the others of its start.
        """
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
        is_ours = scope["query_string"] == b"of=%d" % (self._generation or 0)
        is_asked = scope["method"] == "HEAD"
        status = 204 if is_asked and is_ours else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if is_ours and not is_asked and self._ending is not None:
            await send({"type": "http.response.body", "body": b"here", "more_body": True})
            await asyncio.shield(self._ending)
        await send({"type": "http.response.body", "body": b""})

    async def start(self, generation: int | None = None) -> None:
        """Start the apps.

        Args:
            generation: which start of the service this is, for pages that wait for the next; None
                if there will be none.

        Raises:
            HookFailed: the startup of one of them failed.
        """
        if generation is not None:
            self._generation = generation
            self._ending = asyncio.get_running_loop().create_future()
        for lifespan in self._lifespans.values():
            await lifespan.start()

    async def stop(self) -> None:
        """Shut the apps down, the last one first."""
        for lifespan in reversed(self._lifespans.values()):
            await lifespan.stop()

    def _is_allowed(self, host: str) -> bool:
        known = self._hosts.get(host)
        if known is None:
            if len(self._hosts) >= _MAX_HOSTS:
                self._hosts.clear()
            known = self._hosts[host] = self.host_allowed(host)
        return known

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or open a WebSocket; see the ASGI specification."""
        if scope["type"] == "http":
            # Each request has a task, and so a context, of its own.
            RUNNING.set(of_request(scope["headers"]))
        host, fault = _host_and_fault(scope)
        if fault is None and host is not None and not self._is_allowed(host):
            fault = 421, "This name is not the router's; --allow-origin, with it, lets it in.\n"
        if fault is not None:
            refused = {**_TEXT, "connection": "close"}
            await _answer(scope, receive, send, fault[0], refused, fault[1].encode())
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path == _ALIVE and self._ending is not None and scope["type"] == "http":
            await self._stay(scope, send)
            return
        if f"{path}/".startswith(f"{OWN}/") and scope.get("method") in ("GET", "HEAD"):
            status, fields, body = self.fallback(path, host)
            if status != 404:
                await _answer(scope, receive, send, status, fields, body)
                return
        for prefix, app in self._apps:
            if path == prefix or path.startswith(f"{prefix}/"):
                await self._hand_over(app, prefix, scope, receive, send)
                return
        views = self._views if scope["type"] == "http" else None
        if views is not None and await views.answers(scope, receive, send):
            return
        if self._rest is not None:
            await self._hand_over(self._rest, "/", scope, receive, send)
            return
        status, fields, body = self.fallback(path, host)
        if status == 404 and views is not None:
            await views.answers(scope, receive, send, otherwise=True)
        else:
            await _answer(scope, receive, send, status, fields, body)

    async def _hand_over(
        self, app: Any, prefix: str, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        root = "" if prefix == "/" else prefix
        inner = {**scope, "root_path": scope.get("root_path", "") + root}
        lifespan = self._lifespans.get(prefix)
        if lifespan is not None:
            inner["state"] = lifespan.state.copy()
        link = _Link(receive) if scope["type"] == "websocket" else None
        try:
            await app(inner, link or receive, send)
        except Exception as error:
            # What it raises because its client has gone is not worth a traceback.
            if not (link.has_gone if link is not None else await _has_gone(receive, send)):
                raise
            logger.debug("The client of %s has gone: %r", scope["path"], error)


class _Link:
    """Takes the messages of a WebSocket, and remembers whether the last one was among them."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.has_gone = False

    async def __call__(self) -> dict[str, Any]:
        message = await self._receive()
        self.has_gone = self.has_gone or message["type"] == "websocket.disconnect"
        return message


async def _has_gone(receive: Receive, send: Send) -> bool:
    """Return whether a request's client has gone."""
    # uvicorn knows. To ask for a further message is not enough: once the answer is complete, it is
    # that the client has gone, also where the app has answered and raises what it has caught.
    known = getattr(getattr(send, "__self__", None), "disconnected", None)
    if known is not None:
        return bool(known)
    asking = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        return False
    return bool(asking.result()["type"] == "http.disconnect")


def _nothing_here(path: str, _host: str | None) -> tuple[int, dict[str, str], bytes]:
    """Answer for a worker, which is up and has joined."""
    return (200, _TEXT, b"ok\n") if path in _WATCHED else (404, _TEXT, b"Not Found\n")


def is_asgi(app: Any) -> bool:
    """Return whether a web app is for ASGI: calling it gives a coroutine."""
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(
        getattr(app, "__call__", None)  # noqa: B004 - it is looked at, not asked whether it is there
    )


def _host_and_fault(scope: dict[str, Any]) -> tuple[str | None, tuple[int, str] | None]:
    """Return the Host header, and what is wrong with a request that parsers read differently."""
    host: bytes | None = None
    hosts = size = 0
    has_length = is_chunked = False
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name == b"host":
            host, hosts = value, hosts + 1
        elif name == b"content-length":
            has_length = True
        elif name == b"transfer-encoding":
            is_chunked = True
    fault = None
    if is_chunked and has_length:
        fault = 400, "A request has either Content-Length or Transfer-Encoding.\n"
    elif hosts > 1 or (not hosts and scope["http_version"] != "1.0"):
        fault = 400, "A request names its host once.\n"
    elif size > MAX_HEAD:
        fault = 431, "The headers are too long.\n"
    return None if host is None else host.decode("latin-1"), fault


async def _answer(
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})  # which is answered with 403
        return
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _loaded(mount: Mount) -> Any:
    """Return the app of a mount, which may be named as ``module:attribute``.

    Raises:
        UsageError: there is no such app.
        HookFailed: its module raises when it is imported.
    """
    app, what = mount.app, f"{mount.path} mounts {mount.app!r}"
    if isinstance(app, str):
        place, _, attribute = app.partition(":")
        try:
            found: Any = importlib.import_module(place)
        except Exception as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing is not None and f"{place}.".startswith(f"{missing}."):
                raise UsageError(f"{what}, and there is no module {missing!r}.") from None
            logger.exception("%s, which cannot be imported", what)
            raise HookFailed(f"{what}, which cannot be imported: {brief(error)}.") from None
        try:
            for part in attribute.split("."):
                found = getattr(found, part)
        except AttributeError:
            raise UsageError(f"{what}, and {place} has no {attribute!r}.") from None
        app = found
    if not callable(app):
        raise UsageError(
            f"{mount.path} mounts {type(app).__name__}, which is neither an ASGI nor a WSGI app."
        )
    return app
