"""Asks for one page again and again, and prints how often a second it was answered.

``python -m tests.benchmarks.page_load URL SECONDS CONNECTIONS``
"""

import asyncio
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop


class Asker(asyncio.Protocol):
    """One connection, which asks for the next page as soon as it has the last one."""

    def __init__(self, host: str, path: str) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.answered = 0
        self.left = 0
        self.head = b""
        self.lost: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.left:
            self.head += data
            head, ended, rest = self.head.partition(b"\r\n\r\n")
            if not ended:
                return
            self.head = b""
            lower = head.lower()
            if not head.startswith(b"HTTP/1.1 200"):
                self.lost = head.decode("latin-1")
                self.transport.close()
                return
            _, has_length, after = lower.partition(b"\r\ncontent-length:")
            assert has_length, head
            self.left = int(after.partition(b"\r\n")[0]) - len(rest)
        else:
            self.left -= len(data)
        if self.left <= 0:
            self.left = 0
            self.answered += 1
            self.transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.lost or f"the connection was closed ({exc})"


async def main(url: str, seconds: float, connections: int) -> None:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    askers = [Asker(parts.netloc, parts.path) for _ in range(connections)]
    for asker in askers:
        await loop.create_connection(lambda asker=asker: asker, parts.hostname, parts.port)  # type: ignore[misc]
    await asyncio.sleep(0.3)  # to warm up
    before, began = sum(asker.answered for asker in askers), time.perf_counter()
    await asyncio.sleep(seconds)
    count = sum(asker.answered for asker in askers) - before
    took = time.perf_counter() - began
    for asker in askers:
        if asker.lost is not None or not asker.answered:
            raise RuntimeError(asker.lost or "there was no answer")
    print(count / took)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
