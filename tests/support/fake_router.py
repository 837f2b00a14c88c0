"""What listens as a router does, in the test's own process, and says what a test tells it."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tests.support.listener import Listener

Send = Callable[[list[Any]], None]

#: RawSocket's handshake: the largest messages, in MessagePack.
_HANDSHAKE = b"\x7f\xf2\0\0"


class FakeRouter(Listener):
    """Listens for RawSocket with MessagePack on a free loopback port. A subclass converses.

    Attributes:
        url: where it listens.
    """

    def __init__(self) -> None:
        super().__init__(self._take_part)
        self.url = f"rs://127.0.0.1:{self.port}"

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        """Take part in one connection, until the client closes it or the router wants to.

        Args:
            messages: what the client says.
            send: sends it a message.
        """
        raise NotImplementedError

    def _take_part(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):

            def messages() -> Iterator[list[Any]]:
                while len(head := stream.read(4)) == 4:
                    yield msgspec.msgpack.decode(stream.read(struct.unpack(">I", head)[0]))

            def send(message: list[Any]) -> None:
                payload = msgspec.msgpack.encode(message)
                connection.sendall(struct.pack(">I", len(payload)) + payload)

            if stream.read(4):
                connection.sendall(_HANDSHAKE)
                self.converse(messages(), send)
