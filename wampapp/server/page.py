"""The web pages at the router's port: one for browsers, and two for what watches the router."""

from __future__ import annotations

import logging
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper

from wampapp.config.url import WEBSOCKET_PATH

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

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


class _Answer(NamedTuple):
    """An HTTP response: its status line without the version, and its body."""

    status: str
    body: str
    kind: str = "text/plain; charset=utf-8"

    def encode(self, *, with_body: bool) -> bytes:
        """Return the response as it is sent; the connection is closed after it."""
        body = self.body.encode()
        head = (
            f"HTTP/1.1 {self.status}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\n"
            "Server: wampapp\r\n"
            f"Content-Type: {self.kind}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Content-Security-Policy: default-src 'none'\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "Allow: GET, HEAD\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode("latin-1") + (body if with_body else b"")


def _error(status: str) -> _Answer:
    return _Answer(status, f"{status.partition(' ')[2]}\n")


_MISDIRECTED: Final = _Answer(
    "421 Misdirected Request",
    "This name is not the router's; --allow-origin, with the origin of a page, lets it in.\n",
)
_OK: Final = _Answer("200 OK", "ok\n")
_STOPPING: Final = _Answer("503 Service Unavailable", "The router stops.\n")


class PageFactory(Factory):
    """The factory of the connections that ask for a page.

    Args:
        address: where the router listens, which the page shows.
        loop: the event loop.
        is_ready: returns whether the router takes sessions.
        host_allowed: returns whether a page may be shown under the name in a Host header.
    """

    noisy = False

    def __init__(
        self,
        address: Address,
        loop: asyncio.AbstractEventLoop,
        is_ready: Callable[[], bool],
        host_allowed: Callable[[str], bool],
    ) -> None:
        html = _PAGE.format(websocket=address.websocket_url, rawsocket=address.rawsocket_url)
        self._page = _Answer("200 OK", html, "text/html; charset=utf-8")
        self._is_ready = is_ready
        self._host_allowed = host_allowed
        self.loop = loop

    def answer(self, path: str, host: str | None) -> _Answer:
        """Return the answer to a request for a path, at the host that it names, as browsers do."""
        if path == "/":
            return self._page if host is None or self._host_allowed(host) else _MISDIRECTED
        if path == "/healthz" or (path == "/readyz" and self._is_ready()):
            return _OK
        return _STOPPING if path == "/readyz" else _error("404 Not Found")

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
