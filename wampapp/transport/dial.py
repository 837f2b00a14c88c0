"""Ways to a router: over the network by its URL, or in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from abc import ABC, abstractmethod
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import Tls
from wampapp.config.url import parse_url
from wampapp.errors import RouterUnreachable, TlsFailed
from wampapp.transport.local import connect_locally
from wampapp.transport.reasons import TLS_FAILED, reason_text, tls_sentence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wampapp.config.url import RouterUrl
    from wampapp.transport.link import Handler, Link


logger = logging.getLogger("wampapp")

#: What the error begins with where there is nothing that could be a router.
NOTHING_LISTENS: Final = "No router answers"
#: The answer of a web server that has no WebSocket at a path; ours says where it is.
_NO_WEBSOCKET: Final = re.compile(r"upgrade failed \[(?:2..|3..|404|405)\](?!.* is at /)")


class Dialer(ABC):
    """How a session gets its link.

    Attributes:
        where: the router's URL, for messages.
        remote: whether the link can break by itself.
    """

    where: str
    remote: bool

    @abstractmethod
    async def dial(self, handler: Handler, timeout: float) -> None:
        """Link ``handler`` to a router; raises RouterUnreachable or TlsFailed."""

    @contextlib.asynccontextmanager
    async def joining(self) -> AsyncIterator[None]:
        """Surround an attempt to join, from its :meth:`dial` on; it raises what the attempt does.

        It ends well once the session has joined.
        """
        yield


class UrlDialer(Dialer):
    """Dials a router by its URL.

    Args:
        url: the URL.
        reactor: Twisted's reactor, on the running loop.
        tls: whom TLS trusts, and who we are; None to trust this machine's authorities.

    Raises:
        InvalidUrl: the URL is not a router's.
    """

    remote = True

    def __init__(self, url: str, reactor: Any, tls: Tls | None = None) -> None:
        self.where = url
        self._tls = tls
        self._url = parse_url(url)
        if tls is not None and not tls.verify and self._url.secure:
            logger.warning(
                "The certificate of %s is not checked: anyone in between can read and change "
                "everything.",
                url,
            )
        self._reactor = reactor

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Connect to the URL; see :class:`Dialer`."""
        await connect(self._url, handler, self._reactor, timeout, self._tls)


def warm_up() -> None:
    """Import what a connection will need, before it is needed."""
    import_module("wampapp.transport.factories")


class LocalDialer(Dialer):
    """Reaches a router in the same process.

    Args:
        new_session: makes the router's side of a connection.
    """

    where = "the embedded router"
    remote = False

    def __init__(self, new_session: Callable[[], Handler]) -> None:
        self._new_session = new_session

    async def dial(self, handler: Handler, timeout: float) -> None:  # noqa: ARG002
        """Link to the router in this process; see :class:`Dialer`."""
        connect_locally(handler, self._new_session())


async def connect(
    url: RouterUrl,
    handler: Handler,
    reactor: Any,
    timeout: float,
    tls: Tls | None = None,
    *,
    patience: float | None = None,
) -> None:
    """Connect to a router and do the transport's handshake.

    Returns when ``handler.opened`` has been called.

    Args:
        url: the router's URL.
        handler: the client's side of the session.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds that each step may take; the caller bounds the whole.
        tls: whom TLS trusts, and who we are; None to trust this machine's authorities.
        patience: the seconds that the transport's handshake may take; None for no limit.

    Raises:
        RouterUnreachable: nothing listens there, or what answers is not a WAMP router.
        TlsFailed: the router's certificate is not trusted, or TLS is not agreed on.
        UsageError: a file that ``tls`` names cannot be used.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def on_ready(_link: Link) -> None:
        if not ready.done():
            ready.set_result(None)

    def on_failed(reason: str) -> None:
        if not ready.done():
            if reason.startswith(TLS_FAILED):
                ready.set_exception(TlsFailed(tls_sentence(url.url, reason)))
                return
            text = f"What answers at {url.url} is not a WAMP router: {reason}.{_hint(url, reason)}"
            ready.set_exception(RouterUnreachable(text))

    from wampapp.transport.factories import client_factory

    factory = client_factory(url, handler, reactor, loop.call_soon)
    factory.on_ready, factory.on_failed = on_ready, on_failed
    # On a reactor that is not asyncio's, its callbacks do not run inside the loop by themselves.
    factory.entered = getattr(loop, "entered", None)
    try:
        protocol = await open_connection(url, factory, reactor, timeout, tls)
    except BaseException:
        ready.cancel()  # nobody waits for it any more
        raise

    def give_up() -> None:
        if not ready.done():
            ready.set_exception(RouterUnreachable(f"What listens at {url.url} does not answer."))
            protocol.abort()

    timer = None if patience is None else loop.call_later(patience, give_up)
    try:
        await ready
    except asyncio.CancelledError:
        protocol.abort()
        raise
    finally:
        if timer is not None:
            timer.cancel()


def _hint(url: RouterUrl, reason: str) -> str:
    """Return what may be wrong with the URL of something that is not a router; may be empty."""
    if _NO_WEBSOCKET.search(reason):
        return " Is its WebSocket at another path, such as /ws?"
    return " Does it speak TLS at all?" if url.secure and "upgrade failed" not in reason else ""


async def open_connection(
    url: RouterUrl, factory: Any, reactor: Any, timeout: float, tls: Tls | None = None
) -> Any:
    """Open a connection to a router's host and port, with TLS where the URL asks for it.

    Args:
        url: the router's URL.
        factory: Twisted's factory of the connection's protocol.
        reactor: Twisted's reactor, on the running loop.
        timeout: the seconds that each address may take.
        tls: whom TLS trusts, and who we are; None to trust this machine's authorities.

    Returns:
        The protocol. TLS's handshake has just begun.

    Raises:
        RouterUnreachable: nothing listens there, or the host has no address.
        UsageError: a file that ``tls`` names cannot be used.
    """
    seconds = max(1, round(timeout))
    if url.scheme == "unix":
        ways = [partial(reactor.connectUNIX, url.path, timeout=seconds)]
    else:
        ways = [
            # We resolve addresses ourselves: Twisted's resolver would start its thread pool, whose
            # threads keep a process from ending.
            partial(reactor.connectTCP, address, url.port, timeout=seconds)
            for address in await addresses(url)
        ]
    if url.secure:
        from twisted.protocols.tls import TLSMemoryBIOFactory

        from wampapp.transport.tls import client_options

        options = client_options(url.host, tls or Tls())
        # By default it takes the global reactor as its clock, whose loop may have ended.
        factory = TLSMemoryBIOFactory(options, True, factory, clock=reactor)
    failure: Exception | None = None
    for way in ways:
        try:
            protocol = await _connected(way, factory)
        except Exception as error:  # noqa: BLE001 - Twisted raises many kinds
            failure = error
        else:
            return protocol.wrappedProtocol if url.secure else protocol
    raise RouterUnreachable(f"{NOTHING_LISTENS} at {url.url}: {reason_text(failure)}.")


async def _connected(way: Callable[..., Any], factory: Any) -> Any:
    """Connect in one way, and return the protocol; raises what Twisted gives as the reason."""
    # Not at the top: this module is imported before it is known whether Twisted is needed.
    from twisted.internet.protocol import ClientFactory

    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    class Attempt(ClientFactory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Any:
            protocol = factory.buildProtocol(addr)
            if not outcome.done():
                outcome.set_result(protocol)
            return protocol

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:  # noqa: ARG002
            if not outcome.done():
                outcome.set_exception(reason.value)

    connector = way(factory=Attempt())
    try:
        return await outcome
    except asyncio.CancelledError:
        connector.disconnect()
        raise


async def addresses(url: RouterUrl) -> list[str]:
    """Look up the addresses of a router's host.

    Args:
        url: the router's URL.

    Raises:
        RouterUnreachable: it has none.
    """
    import socket

    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host, url.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise RouterUnreachable(
            f"The host {url.host!r} of {url.url} has no address; check its name."
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
