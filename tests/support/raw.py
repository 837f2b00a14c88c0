"""A socket on which a test writes and reads RawSocket frames by hand."""

import socket
import struct

import cbor2
import msgspec

from tests.support.process import EmbeddedRouter
from wampapp.crossbar import Crossbar

DEADLINE = 20.0  # seconds

JSON, MSGPACK, CBOR = 1, 2, 3
HELLO = [1, "realm1", {"roles": {"caller": {}}}]
ENCODE = {JSON: msgspec.json.encode, MSGPACK: msgspec.msgpack.encode, CBOR: cbor2.dumps}
DECODE = {JSON: msgspec.json.decode, MSGPACK: msgspec.msgpack.decode, CBOR: cbor2.loads}


class Raw:
    """A socket that speaks RawSocket frames, or whatever a test wants."""

    def __init__(self, router: EmbeddedRouter | Crossbar) -> None:
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
