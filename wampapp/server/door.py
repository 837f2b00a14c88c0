"""The router's one TCP port: RawSocket, WebSocket at ``/ws``, and a web page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from typing import Protocol as Shape
from urllib.parse import urlsplit

from autobahn.websocket.types import ConnectionDeny
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper

from wampapp.config.listeners import Listener
from wampapp.config.origins import ANY, OPAQUE, check_origin, normalize
from wampapp.config.url import WEBSOCKET_PATH, is_loopback
from wampapp.errors import UsageError
from wampapp.server.address import Address, host_allowed, is_ip_address
from wampapp.server.connections import Connections
from wampapp.server.listening import listen_on
from wampapp.transport.budget import Budget
from wampapp.transport.factories import rawsocket_server_factory, websocket_server_factory
from wampapp.transport.websocket import WebSocketServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from _typeshed import StrPath
    from twisted.python.failure import Failure

    from wampapp.router.router import Router
    from wampapp.server.page import OwnFile, PageFactory

logger = logging.getLogger("wampapp.router")

_RAWSOCKET_MAGIC: Final = 0x7F
_MAX_REQUEST_LINE: Final = 8192
_MAX_REQUEST_HEAD: Final = 65536
_GOODBYE_TIMEOUT: Final = 2.0
#: So many connections are begun with in a turn of the loop, which takes some milliseconds.
_ARRIVALS: Final = 32
#: What is said once of the origins that let in more than one website.
_LETS_IN: Final = {
    ANY: "every web page that somebody opens",
    OPAQUE: "every page that is opened from disk, and every website from a sandboxed frame,",
}


class Healthy(Shape):
    """An app in this process, as those see it who watch over it.

    Attributes:
        is_ready: whether it has joined, and its hooks have run.
    """

    is_ready: bool

    @property
    def failed(self) -> list[str]:
        """The names of its health checks that failed."""


class Server:
    """Serves a router on a TCP port.

    Args:
        router: the router.
        reactor: Twisted's reactor, on the running loop.
        handshake_timeout: a connection that has not joined after so many seconds is closed.
        allow_origins: web origins, besides this machine's own, that may open a WebSocket; ``*`` for
            every one, ``null`` for pages without one, such as files.
        tls_cert: the file of the certificate with which the port speaks TLS; None for without.
        tls_key: the file of its private key; None where it is in the same file.
        client_ca: the file of the authorities that must have signed a client's certificate, if it
            shows one; None for any certificate.
        asks_clients: whether clients are asked for one, where TLS is spoken.
        listeners: where it listens besides.
        on_close: called when it has stopped.
    """

    def __init__(
        self,
        router: Router,
        reactor: Any,
        *,
        handshake_timeout: float = 10.0,
        allow_origins: Sequence[str] = (),
        tls_cert: StrPath | None = None,
        tls_key: StrPath | None = None,
        client_ca: StrPath | None = None,
        asks_clients: bool = False,
        listeners: Iterable[Listener] = (),
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.router = router
        self._on_close = on_close
        self._tls_cert, self._tls_key = tls_cert, tls_key
        self._client_ca, self._asks_clients = client_ca, asks_clients
        self._listeners = tuple(listeners)
        self._reactor = reactor
        self._ports: list[Any] = []
        self._arrivals: deque[Callable[[], None]] = deque()
        self._is_admitting = False
        self.handshake_timeout = handshake_timeout
        self.allow_origins = frozenset(map(check_origin, allow_origins))
        self.host = ""
        limits = router.limits
        self.connections = Connections(limits)
        self.budget = Budget(limits.unsent_total, self._call_later)
        self.rawsocket = rawsocket_server_factory(
            router.new_session, self._call_soon, max_unsent=limits.unsent, budget=self.budget
        )
        self.websocket = websocket_server_factory(
            router.new_session,
            reactor,
            self._call_soon,
            handshake_timeout=handshake_timeout,
            protocol=_OriginCheckingWebSocket,
            max_unsent=limits.unsent,
            budget=self.budget,
        )
        self.websocket.origin_allowed = self.origin_allowed
        self.websocket.asks_about_pages = lambda: router.asks_about_pages
        self._page: Any = None
        #: Returns the files of the console, by the paths of their URLs; None without a console.
        self.own_file: OwnFile | None = None
        #: Makes what answers everything but ``/ws``, of what does by itself; None for that.
        self.page_maker: Callable[[PageFactory], Any] | None = None
        #: The apps in this process.
        self.services: list[Healthy] = []
        self._address: Address

    def _call_soon(self, callback: Callable[[], None]) -> None:
        self.loop.call_soon(callback)

    def _call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.loop.call_later(seconds, callback)

    def listen(self, host: str, port: int) -> Address:
        """Start to listen.

        Args:
            host: the address or name to bind to.
            port: the TCP port; 0 takes any free one.

        Returns:
            Where it listens.

        Raises:
            PortInUse: another program listens there.
            UsageError: the address is not this machine's, or the port needs more privileges.
        """
        self.host = host
        self.loop = asyncio.get_running_loop()
        self.rawsocket.entered = self.websocket.entered = getattr(self.loop, "entered", None)
        factory = _DetectingFactory(self)
        first = Listener(port, host, tls_cert=self._tls_cert, tls_key=self._tls_key)
        try:
            for listener in (first, *self._listeners):
                port_opened = listen_on(
                    self._reactor,
                    factory,
                    listener,
                    client_ca=self._client_ca,
                    asks_clients=self._asks_clients,
                )
                self._ports.append(port_opened)
        except UsageError:
            for opened in self._ports:
                opened.stopListening()
            self._ports.clear()
            raise
        for listener in self._listeners:
            logger.info("The router listens on %s as well", listener.url)
        for origin in self.allow_origins & _LETS_IN.keys():
            logger.warning(
                "--allow-origin '%s' lets %s call, publish and register here",
                origin,
                _LETS_IN[origin],
            )
        is_secure = self._tls_cert is not None
        self._address = Address(host, self._ports[0].getHost().port, is_secure)
        return self._address

    def admit(self, begin: Callable[[], None]) -> None:
        """Begin with a connection, soon: of a crowd only some in each turn of the loop.

        Args:
            begin: begins with it.
        """
        self._arrivals.append(begin)
        if not self._is_admitting:
            self._is_admitting = True
            self._call_soon(self._admit_some)

    def _admit_some(self) -> None:
        arrivals = self._arrivals
        try:
            for _ in range(min(len(arrivals), _ARRIVALS)):
                arrivals.popleft()()
        finally:
            self._is_admitting = bool(arrivals)
            if arrivals:
                self._call_soon(self._admit_some)

    async def close(self) -> None:
        """Stop listening, and say GOODBYE to all sessions."""
        ports, self._ports = self._ports, []
        for port in ports:
            stopped = port.stopListening()
            if stopped is not None:
                await stopped.asFuture(asyncio.get_running_loop())
        emptied = asyncio.Event()
        self.router.close(emptied.set)
        # What was sent last must reach the wire, but a peer that does not read is not waited for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_TIMEOUT):
                await emptied.wait()
        self._on_close()

    def page(self) -> Any:
        """Return the factory of what answers everything but ``/ws``, made at the first request."""
        if self._page is None:
            from wampapp.server.page import PageFactory

            # Another realm may be shown later.
            file = lambda path: (  # noqa: E731
                self.own_file(path) if self.own_file and self.is_local else None
            )
            page = PageFactory(
                self._address, self.loop, self._unready, self._unwell, self.host_allowed, file
            )
            self._page = page if self.page_maker is None else self.page_maker(page)
        return self._page

    def _unready(self) -> str:
        """Return why what runs in this process is not ready; empty if it is."""
        if self.router.is_closing:
            return "The router stops."
        return "" if all(one.is_ready for one in self.services) else "The app has yet to start."

    def _unwell(self) -> list[str]:
        """Return the names of the health checks that failed."""
        return [name for one in self.services for name in one.failed]

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches all of where it listens."""
        hosts = [one.host or "127.0.0.1" for one in self._listeners if one.unix is None]
        return all(map(is_loopback, [self.host, *hosts]))

    def host_allowed(self, host: str) -> bool:
        """Return whether a web page may be shown under the name in a Host header."""
        return host_allowed(host, self.host, self.allow_origins)

    def origin_allowed(self, origin: str, host: str) -> bool:
        """Return whether a web page may open a WebSocket.

        Any page on the web can reach a developer's loopback port, so the page's origin counts.
        A page from the host that it connects to passes only if no foreign name can have been
        pointed at this machine (DNS rebinding): the host is an IP address, or the very name that
        the server is bound to.

        Args:
            origin: the Origin header.
            host: the Host header.
        """
        origin = normalize(origin)
        if not self.allow_origins.isdisjoint((origin, ANY)):
            return True
        try:
            parts = urlsplit(origin)
            name = parts.hostname or ""
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        if is_loopback(name):
            return True
        same = parts.netloc == host.strip().lower()
        return same and (is_ip_address(name) or name == self.host.lower())


def _host_of(addr: Any) -> str:
    """Return the address of a peer without its port."""
    return getattr(addr, "host", "a Unix socket")


class _DetectingFactory(Factory):
    """The factory of what answers at the port: a :class:`_DetectingProtocol` each time."""

    noisy = False

    def __init__(self, server: Server) -> None:
        self.server = server

    def buildProtocol(self, addr: Any) -> Protocol | None:
        if not self.server.connections.take(_host_of(addr)):
            return None  # Twisted closes it
        return _DetectingProtocol(self.server, addr)


class _DetectingProtocol(Protocol):
    """Recognises RawSocket, WebSocket or HTTP by a connection's first bytes.

    The connection is then handed over, with what was read, to a protocol of that kind.
    """

    #: It becomes one, and is read as such from the beginning; see :class:`BaseLink`.
    is_link = True

    def __init__(self, server: Server, addr: Any) -> None:
        self._server = server
        self._addr = addr
        self._buffer = b""
        self._is_connected = True
        self._factory: Any = None
        self._chosen: Any = None

    def connectionMade(self) -> None:
        server = self._server
        self._timer = server.loop.call_later(server.handshake_timeout, self._check_joined)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        self._is_connected = False
        self._timer.cancel()
        self._server.connections.give_back(_host_of(self._addr))

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        if self._factory is not None:
            return  # it waits for its turn
        if self._buffer[0] == _RAWSOCKET_MAGIC:
            self._begin_with(self._server.rawsocket)
            return
        line, ended, _ = self._buffer.partition(b"\n")
        if not self._buffer[:1].isalpha() or len(line) > _MAX_REQUEST_LINE:
            logger.info("A connection speaks neither WAMP nor HTTP; closing it")
            self.transport.abortConnection()  # type: ignore[union-attr]
        elif ended:
            path = line.split(b" ")[1:2]
            asks_websocket = path and path[0].split(b"?")[0].rstrip(b"/") == WEBSOCKET_PATH.encode()
            self._begin_with(self._server.websocket if asks_websocket else self._server.page())

    def _begin_with(self, factory: Any) -> None:
        self._factory = factory
        self._server.admit(self._hand_over)

    def _hand_over(self) -> None:
        transport, buffer, self._buffer = self.transport, self._buffer, b""
        if not self._is_connected:
            return  # its peer did not wait
        chosen = self._chosen = self._factory.buildProtocol(self._addr)
        lost = chosen.connectionLost

        def connection_lost(reason: Failure = connectionDone) -> None:
            self._chosen = None
            self.connectionLost(reason)
            del chosen.connectionLost  # which is this function
            lost(reason)

        chosen.connectionLost = connection_lost
        if isinstance(transport, ProtocolWrapper):  # with TLS
            transport.wrappedProtocol = chosen
        else:
            transport.protocol = chosen  # type: ignore[union-attr]
        chosen.makeConnection(transport)
        chosen.dataReceived(buffer)

    def _check_joined(self) -> None:
        """Close the connection if no session has joined on it in time."""
        chosen = self._chosen
        if chosen is not None and (chosen.closing or (chosen.handler and chosen.handler.id)):
            return
        logger.info("A connection has not joined within the handshake timeout; closing it")
        self.transport.abortConnection()  # type: ignore[union-attr]


class _OriginCheckingWebSocket(WebSocketServer):
    """A router's WebSocket link that web pages may only open from an allowed origin."""

    def dataReceived(self, data: bytes) -> None:
        if self.state == self.STATE_CONNECTING and len(self.data) > _MAX_REQUEST_HEAD:
            self.transport.abortConnection()
            return
        super().dataReceived(data)

    def onConnect(self, request: Any) -> Any:
        origin = request.origin
        if origin and not self.factory.origin_allowed(origin, request.headers.get("host", "")):
            page = origin if normalize(origin) != OPAQUE else "a file (its origin is 'null')"
            logger.warning(
                "Refused a WebSocket from the web page at %s; --allow-origin lets it in", page
            )
            raise ConnectionDeny(ConnectionDeny.FORBIDDEN, "This origin is not allowed.")
        if origin and self.factory.asks_about_pages():
            self.request = {
                "path": request.path,
                "query": self.http_request_uri.partition("?")[2],
                "headers": dict(request.headers),
                "address": self.address,
            }
        return super().onConnect(request)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """Refuse the WebSocket; the log says why, since browsers show their users nothing."""
        if code != ConnectionDeny.FORBIDDEN:
            logger.info("Refused a WebSocket: %s", reason)
        super().failHandshake(reason, code, responseHeaders)
