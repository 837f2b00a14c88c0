"""Serves the files of a folder."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.security import safe_join
from werkzeug.utils import append_slash_redirect
from werkzeug.wsgi import wrap_file

from wampapp.web.current import Request as OurRequest
from wampapp.web.failures import error_page
from wampapp.web.responses import Response, send_response
from wampapp.web.wsgi import environ_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from werkzeug.wrappers import Request

    from wampapp.dispatch.functions import Functions
    from wampapp.loop.threads import ThreadPool
    from wampapp.registry.records import Static

#: Files of so many octets are read at once, and larger ones piece by piece.
_SMALL: Final = 2**20
_PIECE: Final = 2**18
_INDEX: Final = "index.html"
#: The one folder with a dot that is meant for visitors (RFC 8615).
_WELL_KNOWN: Final = ".well-known"
#: Compressed siblings, the best first: how the name ends, and what HTTP calls it.
_ENCODINGS: Final = ((".br", "br"), (".gz", "gzip"))
_ASK_AGAIN: Final = "no-cache"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Found:
    """A file to be sent.

    Attributes:
        path: the file; a compressed sibling, perhaps.
        size: its size in octets.
        mtime_ns: when it was changed.
        encoding: how it is compressed; None for not at all.
        varies: whether others may get another sibling.
    """

    path: Path
    size: int
    mtime_ns: int
    encoding: str | None
    varies: bool

    @property
    def etag(self) -> str:
        """What changes with the file, for ``ETag``."""
        return f"{self.mtime_ns:x}-{self.size:x}{'-' + self.encoding if self.encoding else ''}"


class Files:
    """An ASGI app that serves the files of a folder.

    Args:
        static: where, and which folder.
        functions: runs what touches the disk, in worker threads.
        pool: these threads.

    Attributes:
        path: the path that its URLs begin with.
        endpoint: its name, for ``url_for``.
    """

    def __init__(self, static: Static, functions: Functions, pool: ThreadPool) -> None:
        self.path = static.path
        self.endpoint = static.endpoint
        self._folder = static.folder
        self._functions = functions
        self._pool = pool
        self._versions: dict[str, tuple[tuple[int, int], str]] = {}

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        environ = environ_of(scope, None, terminated=True)
        request = OurRequest(environ)
        response: Any
        try:
            response = await self._functions.run_in_thread(self._respond, request)
        except HTTPException as error:
            response = error_page(error, request)
        await send_response(response, environ, receive, send, self._pool)

    def version_of(self, filename: str) -> str | None:
        """Return what changes with a file's content; None if there is no such file."""
        path = self._inside(filename)
        try:
            about = None if path is None or not path.is_file() else path.stat()
        except OSError:
            about = None
        if path is None or about is None:
            return None
        key = about.st_mtime_ns, about.st_size
        known = self._versions.get(filename)
        if known is None or known[0] != key:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
            known = self._versions[filename] = key, digest
        return known[1]

    def _respond(self, request: Request) -> Any:
        """Return the response to a request, in a worker thread."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD"])
        name = request.path.lstrip("/")
        path = self._inside(name) if name else Path(self._folder)
        if path is None:
            raise NotFound
        try:
            if path.is_dir():
                if not (path / _INDEX).is_file():
                    raise NotFound
                if name and not name.endswith("/"):
                    return append_slash_redirect(request.environ)
                name, path = f"{name}{_INDEX}", path / _INDEX
            elif name.endswith("/"):
                raise NotFound
            found = _best(path, request)
            return self._sent(found, name, request)
        except (OSError, ValueError):  # it is not there, or may not be read
            raise NotFound from None

    def _inside(self, name: str) -> Path | None:
        """Return the path of a file; None if that is outside of the folder, or is hidden."""
        parts = name.split("/")
        if any(part.startswith(".") and part != _WELL_KNOWN for part in parts) or "\0" in name:
            return None
        joined = safe_join(self._folder, name)
        return None if joined is None else Path(joined)

    def _sent(self, found: _Found, name: str, request: Request) -> Response:
        response = Response(mimetype=_type_of(name))
        if found.size <= _SMALL:
            response.set_data(found.path.read_bytes())
        else:
            response.response = wrap_file(request.environ, found.path.open("rb"), _PIECE)
            response.direct_passthrough = True
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.content_length = found.size
        response.set_etag(found.etag)
        response.last_modified = found.mtime_ns / 1e9  # type: ignore[assignment]
        asked = parse_qs(request.query_string.decode("latin-1")).get("v")
        is_version = asked is not None and asked[0] == self.version_of(name)
        response.headers["Cache-Control"] = _FOR_GOOD if is_version else _ASK_AGAIN
        if found.encoding is not None:
            response.headers["Content-Encoding"] = found.encoding
        if found.varies:
            response.vary.add("Accept-Encoding")
        response.make_conditional(request.environ, accept_ranges=True, complete_length=found.size)
        return response


def _best(path: Path, request: Request) -> _Found:
    """Return a file, or the compressed sibling that its reader takes.

    Raises:
        OSError: there is no such file.
    """
    about = path.stat()
    siblings = [(path.with_name(path.name + end), name) for end, name in _ENCODINGS]
    siblings = [(sibling, name) for sibling, name in siblings if sibling.is_file()]
    # A part of a file is a part of what is in it, and not of a sibling.
    if "Range" not in request.headers:
        for sibling, name in siblings:
            smaller = sibling.stat()
            # An older one is of an earlier state of the file.
            if request.accept_encodings[name] > 0 and smaller.st_mtime >= about.st_mtime:
                return _Found(sibling, smaller.st_size, smaller.st_mtime_ns, name, varies=True)
    return _Found(path, about.st_size, about.st_mtime_ns, None, bool(siblings))


def _type_of(name: str) -> str:
    kind, encoding = mimetypes.guess_type(name)
    if kind is None or encoding is not None:
        return "application/octet-stream"
    return kind
