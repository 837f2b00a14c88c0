"""A router that joins everybody, and answers calls as a test tells it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any, Self

import msgspec

from wampapp.errors import NO_SUCH_PROCEDURE, NO_SUCH_SUBSCRIPTION, WampError

HELLO, CALL, UNSUBSCRIBE, GOODBYE = 1, 48, 34, 6
SESSION = 4711


class AnsweringRouter:
    """Listens for RawSocket with MessagePack on a free loopback port.

    Args:
        procedures: what is answered to a call, by URI; each gets the positional arguments, and may
            raise a WampError.
        silent: whether nothing is answered at all once a client has joined.
        withheld: how many calls of each procedure must have come before the first is answered; one
            that asks for one thing after the other waits for ever.
        welcome: further details of WELCOME.
    """

    def __init__(
        self,
        procedures: Mapping[str, Callable[..., Any]],
        *,
        silent: bool = False,
        withheld: Mapping[str, int] | None = None,
        welcome: Mapping[str, Any] | None = None,
    ) -> None:
        self._procedures = procedures
        self._silent = silent
        self._withheld = dict(withheld or {})
        self._welcome = welcome or {}
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rs://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

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
            if not stream.read(4):
                return
            connection.sendall(b"\x7f\xf2\0\0")
            held: dict[str, list[Any]] = {}
            while (message := self._read(stream)) is not None:
                for answer in self._answers(message, held):
                    payload = msgspec.msgpack.encode(answer)
                    connection.sendall(struct.pack(">I", len(payload)) + payload)

    @staticmethod
    def _read(stream: IO[bytes]) -> Any:
        head = stream.read(4)
        if len(head) < 4:
            return None
        return msgspec.msgpack.decode(stream.read(struct.unpack(">I", head)[0]))

    def _answers(self, message: list[Any], held: dict[str, list[Any]]) -> list[Any]:
        if message[0] == HELLO:
            roles = {"broker": {}, "dealer": {}}
            return [[2, SESSION, {"authrole": "guest", "roles": roles, **self._welcome}]]
        if message[0] == GOODBYE:
            return [[6, {}, "wamp.close.goodbye_and_out"]]
        if self._silent:
            return []
        if message[0] == UNSUBSCRIBE:
            return [[8, UNSUBSCRIBE, message[1], {}, NO_SUCH_SUBSCRIPTION]]
        assert message[0] == CALL, message
        name = message[3]
        waiting = held.setdefault(name, [])
        waiting.append(self._result(message))
        if len(waiting) < self._withheld.get(name, 0):
            return []
        self._withheld.pop(name, None)
        answers = waiting[:]
        waiting.clear()
        return answers

    def _result(self, message: list[Any]) -> list[Any]:
        name, args = message[3], message[4] if len(message) > 4 else []
        if name not in self._procedures:
            return [8, CALL, message[1], {}, NO_SUCH_PROCEDURE]
        try:
            return [50, message[1], {}, [self._procedures[name](*args)]]
        except WampError as error:
            return [8, CALL, message[1], {}, error.uri, list(error.args)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
