"""What listens on a loopback port, and serves each connection in a thread of its own."""

import contextlib
import errno
import socket
import threading
from collections.abc import Callable
from typing import Self

DEADLINE = 60.0  # seconds


class Listener:
    """Listens until its block ends; then all of its threads must have ended, too.

    Args:
        serve: called with each connection; it closes it.
        port: where it listens; 0 for a free port.

    Attributes:
        port: where it listens.
    """

    def __init__(self, serve: Callable[[socket.socket], None], port: int = 0) -> None:
        self._serve = serve
        self._server = socket.create_server(("127.0.0.1", port))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError as error:
                assert error.errno in (errno.EINVAL, errno.EBADF)  # it was shut
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def shut(self) -> None:
        """Take no more connections; those that are there stay. The port is free again."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.shut()
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()


def join_sockets(first: socket.socket, second: socket.socket, most: int | None = None) -> None:
    """Pass bytes on in both directions until one side ends, and the other with it.

    Args:
        first: one side.
        second: the other.
        most: how many bytes pass from the second to the first before both end; None for any.
    """
    back = threading.Thread(target=_pump, args=(second, first, most))
    back.start()
    _pump(first, second, None)
    back.join(DEADLINE)


def _pump(source: socket.socket, target: socket.socket, most: int | None) -> None:
    with contextlib.suppress(OSError):
        while most != 0 and (data := source.recv(65536 if most is None else most)):
            target.sendall(data)
            if most is not None:
                most -= len(data)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
