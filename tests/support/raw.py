"""A socket on which a test writes and reads RawSocket frames by hand."""

import base64
import os
import socket
import struct
from typing import Protocol

import cbor2
import msgspec

DEADLINE = 60.0  # seconds

JSON, MSGPACK, CBOR = 1, 2, 3
HELLO = [1, "realm1", {"roles": {"caller": {}}}]
ENCODE = {JSON: msgspec.json.encode, MSGPACK: msgspec.msgpack.encode, CBOR: cbor2.dumps}
DECODE = {JSON: msgspec.json.decode, MSGPACK: msgspec.msgpack.decode, CBOR: cbor2.loads}


class Listening(Protocol):
    """What listens on this machine: a router of either kind."""

    @property
    def port(self) -> int:
        """The port."""


class Raw:
    """A socket that speaks RawSocket frames, or whatever a test wants."""

    def __init__(self, router: Listening) -> None:
        self.socket = socket.create_connection(("127.0.0.1", router.port), DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.serializer = JSON

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def shake(self, serializer: int) -> None:
        self.serializer = serializer
        self.socket.sendall(bytes([0x7F, 0xF0 | serializer, 0, 0]))
        assert self.stream.read(4) == bytes([0x7F, 0xF0 | serializer, 0, 0])

    def frame(self, payload: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def send(self, message: object) -> None:
        self.frame(ENCODE[self.serializer](message))

    def receive(self) -> list:
        (length,) = struct.unpack(">I", self.stream.read(4))
        return DECODE[self.serializer](self.stream.read(length))

    def join(self, serializer: int) -> None:
        self.shake(serializer)
        self.send(HELLO)
        assert self.receive()[0] == 2  # WELCOME

    def ended(self) -> bool:
        """Wait for the end of the connection, whatever the router still says."""
        try:
            while self.stream.read(4096):
                pass
        except ConnectionResetError:
            pass
        return True


def upgrade(router: Listening, path: str = "/ws", **changes: str | None) -> bytes:
    """The request of a WebSocket client; `changes` are headers, without those that are None."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{router.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "wamp.2.json",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


def status(raw: Raw) -> int:
    """The status of the HTTP answer, whose first line is read."""
    return int(raw.stream.readline().split()[1])
