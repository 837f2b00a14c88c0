"""Plain requests over TLS."""

import http.client
import ssl
from pathlib import Path

from tests.support.process import DEADLINE


class Https:
    """A site that speaks TLS on this machine.

    Args:
        port: its port.
        trust: the file of the authority of its certificate, which is for localhost.
    """

    def __init__(self, port: int, trust: Path) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(trust))

    def ask(
        self, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, str, dict[str, str]]:
        """Ask for a page; return the status, the text and the headers."""
        link = http.client.HTTPSConnection(
            "localhost", self._port, timeout=DEADLINE, context=self._context
        )
        try:
            link.request("GET" if body is None else "POST", path, body, headers)
            answer = link.getresponse()
            text = answer.read().decode()
            return answer.status, text, {k.lower(): v for k, v in answer.getheaders()}
        finally:
            link.close()
