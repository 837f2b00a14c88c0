"""What listens as a router does, in the test's own process, and says what a test tells it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import msgspec

Send = Callable[[list[Any]], None]

#: RawSocket's handshake: the largest messages, in MessagePack.
_HANDSHAKE = b"\x7f\xf2\0\0"


class FakeRouter:
    """Listens for RawSocket with MessagePack on a free loopback port. A subclass converses.

    Attributes:
        url: where it listens.
    """

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rs://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        """Take part in one connection, until the client closes it or the router wants to.

        Args:
            messages: what the client says.
            send: sends it a message.
        """
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
