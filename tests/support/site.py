"""A service with web pages, asked by plain HTTP."""

import contextlib
import http.client
import socket
from pathlib import Path

from tests.support.process import DEADLINE, Wampapp


class Site:
    """A running service with web pages.

    Attributes:
        process: the service.
        port: its port.
        folder: where its files are, if they are copies.
    """

    folder: Path

    def __init__(self, process: Wampapp) -> None:
        self.process = process
        self.port = int(process.until(r"rss?://127\.0\.0\.1:(\d+)")[1])
        process.until("Press Ctrl-C")

    def ask(
        self, path: str, body: bytes | None = None, method: str | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """Ask for a page; return the status, the text and the headers.

        The names of headers are written with underscores.
        """
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            link.request(method or ("GET" if body is None else "POST"), path, body, fields)
            answer = link.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return answer.status, text, {k.lower(): v for k, v in answer.getheaders()}
        finally:
            link.close()

    def raw(self, request: bytes) -> bytes:
        """Send octets, and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as link:
            got = b""
            with contextlib.suppress(ConnectionError):
                link.sendall(request)
                while data := link.recv(65536):
                    got += data
            return got

    def open(self, path: str) -> socket.socket:
        """Ask for a page, and return the connection on which the answer comes."""
        link = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return link
