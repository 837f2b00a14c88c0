"""The request that a web page's WebSocket began with, as ``@app.identify`` functions get it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The HTTP request by which a web page opened its WebSocket.

    Attributes:
        path: the path of its URL, without the query.
        query: the query, without the question mark; empty if there is none.
        headers: the headers, by their names in lower case.
        address: where the browser is, such as ``127.0.0.1:53412``.
    """

    path: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    address: str = ""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies; of two with one name, the first, which browsers have most specific."""
        found: dict[str, str] = {}
        for part in self.headers.get("cookie", "").split(";"):
            name, is_there, value = part.strip().partition("=")
            if is_there:
                found.setdefault(name, value.strip('"'))
        return found

    @property
    def args(self) -> dict[str, str]:
        """The parameters of the query; of two with one name, the first."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            found.setdefault(name, value)
        return found

    @property
    def origin(self) -> str:
        """The web page's origin, such as ``https://shop.example``; empty without one."""
        return self.headers.get("origin", "")
