"""The plain web page that a browser finds at the router's port."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from twisted.web.resource import Resource
from twisted.web.server import Site

from wampapp.config.url import WEBSOCKET_PATH

if TYPE_CHECKING:
    from wampapp.server.address import Address

logger = logging.getLogger("wampapp.router")

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>wampapp router</title>
<h1>A WAMP router runs here</h1>
<p>WebSocket clients connect to <code>{websocket}</code>, RawSocket clients to
<code>{rawsocket}</code>.</p>
</html>
"""

_HEADERS: Final = {
    b"content-type": b"text/html; charset=utf-8",
    b"content-security-policy": b"default-src 'none'",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"server": b"wampapp",
}


class _Page(Resource):
    """One fixed page at ``/``; everything else is not found."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._html = html.encode()
        self.putChild(b"", self)  # type: ignore[arg-type]

    def render_GET(self, request: Any) -> bytes:
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        return self._html


class _WebSocketElsewhere(Resource):
    """The answer to a WebSocket client that asked for another path than the router's.

    Clients show their users the status line and not the text below it, so the path is in both.
    """

    isLeaf = True

    def render(self, request: Any) -> bytes:
        asked = request.uri.decode("latin-1")
        logger.warning(
            "A WebSocket client asked for %s; it must connect to %s", asked, WEBSOCKET_PATH
        )
        reason = f"Not Found; the WebSocket is at {WEBSOCKET_PATH}"
        request.setResponseCode(404, reason.encode())
        request.setHeader(b"content-type", b"text/plain")
        return f"{reason}\n".encode()


class _QuietSite(Site):
    """A site without an access log."""

    noisy = False
    displayTracebacks = False

    def getResourceFor(self, request: Any) -> Any:
        """Return what answers a request."""
        if (request.getHeader("upgrade") or "").lower() == "websocket":
            return _WebSocketElsewhere()
        return super().getResourceFor(request)

    def log(self, request: Any) -> None:
        """Write nothing."""


def make_site(address: Address) -> Site:
    """Make the web server's factory.

    Args:
        address: where the router listens, which the page shows.
    """
    html = _PAGE.format(websocket=address.websocket_url, rawsocket=address.rawsocket_url)
    return _QuietSite(_Page(html), timeout=30)
