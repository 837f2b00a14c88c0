"""The web pages at the router's port: one for browsers, and two for what watches the router."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper

from wampapp.config.url import WEBSOCKET_PATH
from wampapp.describe.console_files import CONSOLE

if TYPE_CHECKING:
    import asyncio

    from twisted.python.failure import Failure

    from wampapp.server.address import Address

logger = logging.getLogger("wampapp.router")

_MAX_HEAD: Final = 16 * 1024
#: For how many seconds a connection stays open for its peer to read the answer.
_LINGER: Final = 2.0

_UPGRADE: Final = re.compile(r"upgrade:\s*websocket\s*", re.IGNORECASE)

_HOST: Final = re.compile(r"host:\s*(.*?)\s*", re.IGNORECASE)

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>wampapp router</title>
<h1>A WAMP router runs here</h1>
<p>WebSocket clients connect to <code>{websocket}</code>, RawSocket clients to
<code>{rawsocket}</code>.</p>
</html>
"""


#: Returns one of our own files by the path of its URL: its media type, and what is in it.
OwnFile = Callable[[str], "tuple[str, bytes] | None"]


class _Answer(NamedTuple):
    """An HTTP response: its status line without the version, its body, and what that may load."""

    status: str
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    policy: str = "default-src 'none'"
    location: str = ""

    def encode(self, *, with_body: bool) -> bytes:
        """Return the response as it is sent; the connection is closed after it."""
        location = f"Location: {self.location}\r\n" if self.location else ""
        head = (
            f"HTTP/1.1 {self.status}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\n"
            "Server: wampapp\r\n"
            f"Content-Type: {self.kind}\r\n"
            f"Content-Length: {len(self.body)}\r\n"
            f"{location}"
            f"Content-Security-Policy: {self.policy}\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "Allow: GET, HEAD\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode("latin-1") + (self.body if with_body else b"")

    def parts(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and the body, for another server."""
        headers = {
            "content-type": self.kind,
            "content-security-policy": self.policy,
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        if self.location:
            headers["location"] = self.location
        return int(self.status.partition(" ")[0]), headers, self.body


def _error(status: str) -> _Answer:
    return _Answer(status, f"{status.partition(' ')[2]}\n".encode())


def _unavailable(why: str) -> _Answer:
    return _Answer("503 Service Unavailable", f"{why}\n".encode("utf-8", "replace"))


#: The console loads its own files, speaks WAMP to where it comes from, and is in no other's frame.
_CONSOLE_POLICY: Final = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_MISDIRECTED: Final = _Answer(
    "421 Misdirected Request",
    b"This name is not the router's; --allow-origin, with the origin of a page, lets it in.\n",
)
#: The files of the console are relative to a folder.
_TO_CONSOLE: Final = _Answer("307 Temporary Redirect", b"", location=CONSOLE)
_OK: Final = _Answer("200 OK", b"ok\n")


def console_reply(own_file: OwnFile, path: str) -> tuple[int, dict[str, str], bytes] | None:
    """Return the answer to GET for the console, or a file of it; None if there is no such file.

    Args:
        own_file: returns the files of the console.
        path: the path of the URL.
    """
    found = _console(own_file, path)
    return None if found is None else found.parts()


def _console(own_file: OwnFile | None, path: str) -> _Answer | None:
    is_folder = path == CONSOLE.rstrip("/")
    found = None if own_file is None else own_file(CONSOLE if is_folder else path)
    if found is None:
        return None
    return _TO_CONSOLE if is_folder else _Answer("200 OK", found[1], found[0], _CONSOLE_POLICY)


class PageFactory(Factory):
    """The factory of the connections that ask for a page.

    Args:
        address: where the router listens, which the page shows.
        loop: the event loop.
        unready: returns why what runs here is not ready, a sentence; empty if it is.
        unwell: returns the names of the health checks that failed.
        host_allowed: returns whether a page may be shown under the name in a Host header.
        own_file: returns the files of the console; None without a console.
    """

    noisy = False

    def __init__(
        self,
        address: Address,
        loop: asyncio.AbstractEventLoop,
        unready: Callable[[], str],
        unwell: Callable[[], list[str]],
        host_allowed: Callable[[str], bool],
        own_file: OwnFile | None = None,
    ) -> None:
        html = _PAGE.format(websocket=address.websocket_url, rawsocket=address.rawsocket_url)
        self._page = _Answer("200 OK", html.encode(), "text/html; charset=utf-8")
        self._own_file = own_file
        self._unready = unready
        self._unwell = unwell
        self._host_allowed = host_allowed
        self.loop = loop

    def answer(self, path: str, host: str | None) -> _Answer:
        """Return the answer to a request for a path, at the host that it names, as browsers do."""
        found = self._page if path == "/" else _console(self._own_file, path)
        if found is not None:
            return found if host is None or self._host_allowed(host) else _MISDIRECTED
        if path == "/healthz":
            failed = ", ".join(self._unwell())
            return _unavailable(f"unwell: {failed}") if failed else _OK
        if path == "/readyz":
            why = self._unready()
            return _unavailable(why) if why else _OK
        return _error("404 Not Found")

    def reply(self, path: str, host: str | None) -> tuple[int, dict[str, str], bytes]:
        """Return the answer to GET as a status, headers and a body; see :meth:`answer`."""
        return self.answer(path, host).parts()

    def buildProtocol(self, addr: Any) -> Protocol:  # noqa: ARG002
        """Make the protocol of a connection."""
        return _PageProtocol(self)


class _PageProtocol(Protocol):
    """Answers one request, and closes.

    Only the request's head is read. A body would be stored somewhere, and any web page can make a
    browser send one to a port of its user's machine; a connection that stays open could ask for
    more answers than it reads.
    """

    #: Whether the request has been answered.
    closing = False
    #: No session will ever join here.
    handler = None

    def __init__(self, factory: PageFactory) -> None:
        self._factory = factory
        self._head = b""
        self._timer: asyncio.TimerHandle | None = None

    def dataReceived(self, data: bytes) -> None:
        if self.closing:
            return
        self._head += data
        head, ended, _ = self._head.partition(b"\r\n\r\n")
        if ended:
            self._answer(head.decode("latin-1"))
        elif len(self._head) > _MAX_HEAD:
            self._send(_error("431 Request Header Fields Too Large"), with_body=True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()

    def _answer(self, head: str) -> None:
        request, *lines = head.split("\r\n")
        words = request.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self._send(_error("400 Bad Request"), with_body=True)
            return
        method, target, _ = words
        if any(_UPGRADE.fullmatch(line) for line in lines):
            answer = _websocket_elsewhere(target)
        elif method not in ("GET", "HEAD"):
            answer = _error("405 Method Not Allowed")
        else:
            named = [found[1] for line in lines if (found := _HOST.fullmatch(line))]
            answer = self._factory.answer(target.partition("?")[0], named[0] if named else None)
        self._send(answer, with_body=method != "HEAD")

    def _send(self, answer: _Answer, *, with_body: bool) -> None:
        self.closing = True
        self._head = b""
        transport: Any = self.transport
        transport.write(answer.encode(with_body=with_body))
        if isinstance(transport, ProtocolWrapper):
            transport.loseConnection()  # TLS says so to the peer, and waits for its answer
        else:
            # Closed at once, a connection on which something still comes in would be reset, and
            # the answer lost.
            transport.loseWriteConnection()
        self._timer = self._factory.loop.call_later(_LINGER, transport.abortConnection)


def _websocket_elsewhere(target: str) -> _Answer:
    """Return the answer to a WebSocket client that asks for another path than the router's.

    Clients show their users the status line and not the text below it, so the path is in both.
    """
    logger.warning("A WebSocket client asked for %s; it must connect to %s", target, WEBSOCKET_PATH)
    return _error(f"404 Not Found; the WebSocket is at {WEBSOCKET_PATH}")
