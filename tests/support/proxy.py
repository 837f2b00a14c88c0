"""A wire between a peer and its router that a test can cut, or make go silent."""

import contextlib
import selectors
import socket
import threading
from typing import Self


class Wire:
    """Takes TCP connections on a free loopback port and passes their bytes on to another port."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._silent = False
        self._break_at: bytes | None = None
        self._outside: set[socket.socket] = set()
        self._stranded: list[socket.socket] = []
        self._stopping = False
        #: How many connections were taken.
        self.taken = 0
        self._news = threading.Condition(self._lock)
        self._bell, self._ear = socket.socketpair()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    @property
    def rs_url(self) -> str:
        return f"rs://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def silence(self) -> None:
        """Pass nothing on any more, from old connections and from new ones; close none."""
        with self._lock:
            self._silent = True
            for end in self._pairs:
                self._forget(end)

    def until_taken(self, number: int, deadline: float = 60.0) -> None:
        """Wait until so many connections were taken."""
        with self._news:
            assert self._news.wait_for(lambda: self.taken >= number, deadline), self.taken

    def cut(self) -> None:
        """Break all connections; new ones are passed on as before."""
        with self._lock:
            self._silent = False
            for end in list(self._pairs):
                self._close(end)

    def break_at(self, data: bytes) -> None:
        """Break the connection on which these bytes come next, in place of passing them on."""
        with self._lock:
            self._break_at = data

    def strand(self) -> None:
        """Break all connections, but only for those who made them: the target sees no end."""
        with self._lock:
            for end in self._outside & self._pairs.keys():
                inside = self._pairs.pop(end)
                del self._pairs[inside]
                self._forget(inside)
                self._stranded.append(inside)
                self._close(end)

    def close_door(self) -> None:
        """Refuse new connections; the old ones go on."""
        with self._lock:
            self._forget(self._server)
            self._server.close()

    def refuse(self) -> None:
        """Break all connections, and refuse new ones."""
        self.close_door()
        self.cut()

    def allow(self) -> None:
        """Take connections again."""
        with self._lock:
            self._server = socket.create_server(("127.0.0.1", self.port))
            self._selector.register(self._server, selectors.EVENT_READ)
        self._bell.send(b"x")

    def _forget(self, end: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(end)

    def _close(self, end: socket.socket) -> None:
        other = self._pairs.pop(end, None)
        self._outside.discard(end)
        self._forget(end)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        if other is not None:
            self._close(other)

    def _turn(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                if source is self._ear:
                    source.recv(1)
                elif source is self._server:
                    self._take()
                else:
                    self._pass(source)

    def _take(self) -> None:
        outside, _ = self._server.accept()
        with self._lock:
            self.taken += 1
            self._news.notify_all()
            try:
                inside = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                outside.close()
                return
            self._pairs[outside], self._pairs[inside] = inside, outside
            self._outside.add(outside)
            if not self._silent:
                for end in (outside, inside):
                    self._selector.register(end, selectors.EVENT_READ)

    def _pass(self, source: socket.socket) -> None:
        with self._lock:
            other = self._pairs.get(source)
            if other is None or self._silent:
                return
            try:
                data = source.recv(65536)
                if self._break_at is not None and self._break_at in data:
                    self._break_at = None
                elif data:
                    other.sendall(data)
                    return
            except OSError:
                pass
            self._close(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping = True
        self._bell.send(b"x")
        self._thread.join()
        with self._lock:
            for end in [*self._pairs, *self._stranded]:
                self._close(end)
        self._selector.close()
        for end in (self._server, self._bell, self._ear):
            end.close()
