"""A router that answers HELLO with what a test tells it, one answer for each connection."""

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any, Self

import msgspec


class ScriptedRouter:
    """Listens for RawSocket with MessagePack on a free loopback port.

    Each connection gets the next of the answers; the last is for all that follow. None closes the
    connection after the HELLO. What came is kept in `hellos`.
    """

    def __init__(self, *answers: Sequence[Any] | None) -> None:
        self._answers = list(answers)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rs://127.0.0.1:{self._server.getsockname()[1]}"
        self.hellos: list[Any] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                stream.read(4)
                connection.sendall(b"\x7f\xf2\0\0")
                if not (head := stream.read(4)):
                    continue
                self.hellos.append(
                    msgspec.msgpack.decode(stream.read(struct.unpack(">I", head)[0]))
                )
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer is not None:
                    payload = msgspec.msgpack.encode(answer)
                    connection.sendall(struct.pack(">I", len(payload)) + payload)
                    with contextlib.suppress(ConnectionResetError):
                        while stream.read(1):  # until the client has closed its side
                            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(30)
