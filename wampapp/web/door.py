"""Hands HTTP connections of the router's port to uvicorn, which speaks HTTP with their peers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from email.utils import formatdate
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from zope.interface import implementer

from wampapp.web.site import MAX_HEAD
from wampapp.web.transport import HttpTransport
from wampapp.web.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

logger = logging.getLogger("wampapp.web")

#: For how many seconds a connection without a request stays open.
_KEEP_ALIVE: Final = 5


class HttpFactory(Factory):
    """The factory of the connections that speak HTTP.

    Args:
        app: the ASGI app that answers.
        loop: the event loop.
        patience: the seconds that a request's head may take.
        traffic: see :class:`Turns`; without one, pages take none.
    """

    noisy = False

    def __init__(
        self,
        app: Any,
        loop: asyncio.AbstractEventLoop,
        patience: float,
        traffic: Callable[[], int] = int,
    ) -> None:
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        websockets = "websockets-sansio" if find_spec("websockets") is not None else "none"
        self._config = Config(
            app,
            http="httptools" if find_spec("httptools") is not None else "h11",
            ws=websockets,
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        self._config.load()
        # It tells of each WebSocket; a level that somebody has set for it counts.
        chatty = logging.getLogger("uvicorn.error")
        if chatty.level == logging.NOTSET:
            chatty.setLevel(logging.WARNING)
        self._state = ServerState()
        self._entered: Callable[[], Any] = getattr(loop, "entered", contextlib.nullcontext)
        #: Whether the loop is asyncio's own, so that its code finds it anyway.
        self.is_plain = self._entered is contextlib.nullcontext
        self._now = 0
        self.turns = Turns(loop, traffic)
        self.loop = loop
        self.patience = patience

    def buildProtocol(self, addr: Any) -> Protocol:  # noqa: ARG002
        """Make the protocol of a connection."""
        return _HttpProtocol(self)

    def accept(self, descriptor: int, family: int, data: bytes) -> None:
        """Take over a connection that another process has accepted.

        Args:
            descriptor: its file descriptor, which is closed.
            family: its address family, as ``socket`` has it.
            data: what was read from it.
        """
        from wampapp.loop.runtime import current_runtime

        reactor: Any = current_runtime().reactor
        protocol = _HttpProtocol(self)
        taking: Any = Factory()
        taking.noisy, taking.buildProtocol = False, lambda _address: protocol
        try:
            reactor.adoptStreamConnection(descriptor, family, taking)
        finally:
            os.close(descriptor)
        if data:  # nothing would be the end
            protocol.dataReceived(data)

    def new_protocol(self) -> Any:
        """Make uvicorn's side of a connection."""
        kind: Any = self._config.http_protocol_class
        return kind(config=self._config, server_state=self._state, app_state={}, _loop=self.loop)

    def set_date(self) -> None:
        """Have the answers from now on say what time it is; uvicorn's own server would do it."""
        now = int(time.time())
        if now != self._now:
            self._now = now
            self._state.default_headers = [(b"date", formatdate(now, usegmt=True).encode())]

    def entered(self) -> Any:
        """Return a context in which asyncio's code finds its loop, on whichever reactor."""
        return self._entered()

    async def close(self, grace: float) -> None:
        """Let running requests finish, and close all connections.

        Args:
            grace: the seconds that requests have.
        """
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=grace)
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()


@implementer(IPushProducer)
class _HttpProtocol(Protocol):
    """One HTTP connection: uvicorn's protocol on Twisted's transport."""

    #: No session will ever join here.
    handler = None

    def __init__(self, factory: HttpFactory) -> None:
        self._factory = factory
        #: Whether a request has been read, so that the connection is not one that says nothing.
        self.closing = False
        self._request: Any = None
        self._timer: asyncio.TimerHandle | None = None
        #: What has come and waits for a turn.
        self._data = b""
        self._link: HttpTransport

    def connectionMade(self) -> None:
        transport: Any = self.transport
        with contextlib.suppress(AttributeError, OSError):  # a unix socket has no such option
            transport.setTcpNoDelay(True)
        with self._factory.entered():
            protocol = self._factory.new_protocol()
            self._link = HttpTransport(transport, protocol, self._factory.loop)
            transport.registerProducer(self, True)
            protocol.connection_made(self._link)
        self._watch()

    def dataReceived(self, data: bytes) -> None:
        if self._data:
            self._data += data
            self._link.hold()
        elif self._factory.turns.take(self._read_waiting):
            self._read(data)
        else:
            self._data = data

    def _read_waiting(self) -> None:
        data, self._data = self._data, b""
        self._link.release()
        if data:  # nothing would be the end
            self._read(data)

    def _read(self, data: bytes) -> None:
        if self._link.is_closing():
            return
        self._factory.set_date()
        if self._factory.is_plain:
            self._link.get_protocol().data_received(data)
        else:
            with self._factory.entered():
                self._link.get_protocol().data_received(data)
        self._watch()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closing = True
        self._read_waiting()  # it may be a request whose client does not wait for the answer
        if self._timer is not None:
            self._timer.cancel()
        self._link.ended()
        error = None if isinstance(reason.value, ConnectionDone) else reason.value
        with self._factory.entered():
            self._link.get_protocol().connection_lost(error)

    def _watch(self) -> None:
        """Give the head of a request that has begun only so much time."""
        request = getattr(self._link.get_protocol(), "cycle", self)
        if request is not self._request:
            self._request = request
            self.closing = request is not None
        is_between = request is None or getattr(request, "response_complete", False)
        if not is_between:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None:
            self._timer = self._factory.loop.call_later(self._factory.patience, self._link.abort)

    # What Twisted calls when the peer does not read, and when it does again.

    def pauseProducing(self) -> None:
        """Have what is sent wait."""
        with self._factory.entered():
            self._link.get_protocol().pause_writing()

    def resumeProducing(self) -> None:
        """Have it sent again."""
        with self._factory.entered():
            self._link.get_protocol().resume_writing()

    def stopProducing(self) -> None:
        """Do nothing: the end of the connection is told anyway."""
