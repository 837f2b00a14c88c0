"""Hands the connections that ask for web pages to the worker processes, which have the pages."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.server.page import PageFactory

    Taker = Callable[[int, int, bytes, Callable[[], None]], None]

logger = logging.getLogger("wampapp.web")

#: How often a connection looks for a worker that takes it, in seconds.
_PAUSE: Final = 0.02
_NOBODY: Final = b"The service is not there just now; try again.\n"
#: By Refresh, a browser tries again by itself: this page has no script of ours that would.
_UNAVAILABLE: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nCache-Control: no-store\r\nRetry-After: 1\r\nRefresh: 1\r\n"
    b"Connection: close\r\n\r\n%b"
) % (len(_NOBODY), _NOBODY)


class Handover(Factory):
    """The factory of HTTP connections at a parent's port.

    Args:
        page: answers what no worker has an app for; None if the workers answer everything.
        takers: returns what takes a connection in each worker: a function of its file descriptor,
            its address family, and what was read from it. It calls the last argument, in the
            loop's thread, when the worker has it.
        patience: the seconds for which a connection waits for a worker.

    Attributes:
        paths: where the workers' web apps are mounted.
    """

    noisy = False

    def __init__(
        self, page: PageFactory | None, takers: Callable[[], list[Taker]], patience: float
    ) -> None:
        self.page = page
        self.patience = patience
        self.paths: frozenset[str] = frozenset()
        self._takers = takers
        self._turn = itertools.count()

    def buildProtocol(self, addr: Any) -> Protocol:
        """Make the protocol of a connection."""
        return _Handing(self, addr)

    def is_mounted(self, path: str) -> bool:
        """Return whether a worker has an app for a path."""
        return any(
            mount == "/" or path == mount or path.startswith(f"{mount}/") for mount in self.paths
        )

    def taker(self) -> Taker | None:
        """Return what takes the next connection, each worker's in turn; None if there is none."""
        takers = self._takers()
        return takers[next(self._turn) % len(takers)] if takers else None


class _Handing(Protocol):
    """One HTTP connection, which a worker is to have."""

    #: What speaks with the peer is not this; nothing is to be watched here any more.
    closing = False
    handler = None

    def __init__(self, factory: Handover, addr: Any) -> None:
        self._factory = factory
        self._addr = addr
        self._page: Any = None

    def connectionMade(self) -> None:
        if self._factory.page is None:
            self._hand_over(b"")

    def dataReceived(self, data: bytes) -> None:
        if self._page is not None:
            self._page.dataReceived(data)
            self.closing = self._page.closing
            return
        target = data.split(b" ", 2)[1:2]
        path = target[0].partition(b"?")[0].decode("latin-1") if target else ""
        page = self._factory.page
        if page is None or self._factory.is_mounted(path):
            self._hand_over(data)
            return
        self._page = page.buildProtocol(self._addr)
        self._page.makeConnection(self.transport)
        self._page.dataReceived(data)
        self.closing = self._page.closing

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._page is not None:
            self._page.connectionLost(reason)

    def _hand_over(self, data: bytes) -> None:
        self.closing = True
        transport: Any = self.transport
        transport.stopReading()  # what comes from now on is the worker's to read
        self._hand_on(data, asyncio.get_running_loop().time() + self._factory.patience)

    def _hand_on(self, data: bytes, end: float) -> None:
        transport: Any = self.transport
        loop = asyncio.get_running_loop()
        taker = self._factory.taker()
        if taker is None and loop.time() < end:
            # One process has left, and the next has not joined yet.
            loop.call_later(_PAUSE, self._hand_on, data, end)
            return
        if taker is None:
            transport.write(_UNAVAILABLE)
            transport.loseConnection()
            return
        socket = transport.getHandle()
        if socket is None or socket.fileno() < 0:
            return  # its peer has not waited

        def taken() -> None:
            # Only our descriptor is closed: Twisted would shut the connection itself down.
            transport._closeSocket = lambda _orderly: socket.close()
            transport.connectionLost(Failure(ConnectionDone()))

        taker(socket.fileno(), socket.family, data, taken)
