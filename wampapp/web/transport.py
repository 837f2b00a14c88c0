"""A Twisted connection as asyncio's protocols know one."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from twisted.protocols.policies import ProtocolWrapper

#: For how many seconds a connection that we close stays open for its peer to read the answer.
_LINGER: Final = 2.0
#: What is longer, in octets, is sent at once.
_LONG: Final = 2**16


class HttpTransport(asyncio.Transport):
    """asyncio's transport on one of Twisted's.

    Args:
        inner: Twisted's transport.
        protocol: asyncio's protocol, which may put another one in its place.
        loop: the event loop.
    """

    def __init__(self, inner: Any, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        #: What was written last, and goes with what is written next, or in the next turn.
        self._last = b""
        self._is_closing = False
        #: Whether the protocol wants nothing, and whether what it has got waits.
        self._is_paused = self._is_held = False
        self._timer: asyncio.TimerHandle | None = None
        self._protocol = protocol
        self._socket = None if isinstance(inner, ProtocolWrapper) else inner.getHandle()
        peer, host = inner.getPeer(), inner.getHost()
        self._about = {
            "peername": _pair(peer),
            "sockname": _pair(host),
            # What asyncio's users look at to find out whether there is TLS.
            "sslcontext": True if isinstance(inner, ProtocolWrapper) else None,
        }

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection; see :class:`asyncio.BaseTransport`."""
        found = self._about.get(name)
        return default if found is None else found

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Put another protocol in the place of the one that there is."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Return the protocol."""
        return self._protocol

    def write(self, data: Any) -> None:
        """Send data."""
        if self._is_closing:
            return
        if self._last or len(data) > _LONG:
            data, self._last = self._last + bytes(data), b""
            self._send(data)
        elif data:
            # The head of an answer, which comes by itself: with the body, it is one packet, and
            # takes an eighth of the time less.
            self._last = bytes(data)
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._last:
            data, self._last = self._last, b""
            self._send(data)

    def _send(self, data: bytes) -> None:
        inner = self._inner
        if self._socket is not None and not (inner.dataBuffer or inner._tempDataBuffer):
            # Past Twisted, which would have the loop watch the socket first: a fifth of the time of
            # a short answer.
            try:
                sent = self._socket.send(data)
            except OSError:
                sent = 0  # what is wrong, the transport finds too
            if sent == len(data):
                return
            data = data[sent:]
        inner.write(data)

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces of data."""
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return self._is_closing

    def close(self) -> None:
        """Close the connection once everything is sent."""
        if self._is_closing:
            return
        self._flush()
        self._is_closing = True
        if self._about["sslcontext"]:
            self._inner.loseConnection()  # TLS says so to the peer, and waits for its answer
            return
        # Closed at once, a connection on which something still comes in would be reset, and the
        # answer lost.
        self._inner.loseWriteConnection()
        self._timer = self._loop.call_later(_LINGER, self._inner.abortConnection)

    def ended(self) -> None:
        """Note that the connection is gone."""
        self._is_closing = True
        self._last = b""
        if self._timer is not None:
            self._timer.cancel()

    def abort(self) -> None:
        """Close the connection at once."""
        self._is_closing = True
        self._last = b""
        self._inner.abortConnection()

    def pause_reading(self) -> None:
        """Stop reading; what comes stays with the peer."""
        self._is_paused = True
        self._inner.pauseProducing()

    def resume_reading(self) -> None:
        """Read again."""
        self._is_paused = False
        self._resume()

    def hold(self) -> None:
        """Stop reading, whatever the protocol wants, until :meth:`release` is called."""
        self._is_held = True
        self._inner.pauseProducing()

    def release(self) -> None:
        """Read again, if the protocol does not mind."""
        if self._is_held:
            self._is_held = False
            self._resume()

    def _resume(self) -> None:
        if not (self._is_closing or self._is_paused or self._is_held):
            self._inner.resumeProducing()

    def is_reading(self) -> bool:
        """Return whether it may read."""
        return not self._is_closing

    def can_write_eof(self) -> bool:
        """Return False: an HTTP connection is closed as a whole."""
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: Twisted has limits of its own."""


def _pair(address: Any) -> tuple[str, int] | None:
    host = getattr(address, "host", None)
    return None if host is None else (host, address.port)
