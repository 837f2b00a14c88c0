"""The URL of a router, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from wampapp.errors import InvalidUrl

_DEFAULT_PORTS: Final = {"ws": 80, "wss": 443, "rs": 8080, "rss": 8443}
#: The path at which the embedded router, and Crossbar.io by default, speak WebSocket.
WEBSOCKET_PATH: Final = "/ws"
#: Addresses to listen on that stand for all of a machine's, and the one that reaches them from it.
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here
#: What is between the URLs of a list. A path may hold a comma, too.
_BETWEEN: Final = re.compile(r"\s*,\s*(?=[a-z]+:/)", re.IGNORECASE)
_URL_FORMS: Final = "ws://host:port/path, wss://…, rs://host:port, rss://…, unix:///path/to/socket"


@dataclass(frozen=True, slots=True)
class RouterUrl:
    """A router's URL, taken apart.

    Attributes:
        url: the URL as it was given.
        scheme: ``ws``, ``wss``, ``rs``, ``rss`` or ``unix``.
        host: the host name or address; empty for ``unix``.
        port: the TCP port; 0 for ``unix``.
        path: the WebSocket resource, or the socket's path for ``unix``.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme in ("wss", "rss")

    @property
    def is_local(self) -> bool:
        """Whether only this machine is reached by it."""
        return self.scheme == "unix" or is_loopback(self.host)

    @property
    def websocket(self) -> bool:
        """Whether WebSocket is spoken; RawSocket otherwise."""
        return self.scheme in ("ws", "wss")


def authority(host: str, port: int) -> str:
    """Return host and port as a URL writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def urls_at(host: str, port: int) -> tuple[str, str]:
    """Return the URLs by which this machine reaches a router that listens on a port of its own.

    Args:
        host: the address that the router is bound to.
        port: its TCP port.

    Returns:
        The URL for RawSocket, and the one for WebSocket.
    """
    place = authority(_EVERYWHERE.get(host, host), port)
    return f"rs://{place}", f"ws://{place}{WEBSOCKET_PATH}"


def parse_urls(urls: str) -> tuple[RouterUrl, ...]:
    """Take the URL of a router apart, or a list of them.

    Args:
        urls: as in :func:`parse_url`, or several of them with commas between.

    Raises:
        InvalidUrl: as in :func:`parse_url`; or one without TLS, to another machine, is in a list
            with one with TLS.
    """
    if not isinstance(urls, str):
        return (parse_url(urls),)
    if urls.rstrip().endswith(","):
        raise InvalidUrl(f"The router URL {without_secrets(urls)!r} ends in a comma; leave it out.")
    found = tuple(map(parse_url, _BETWEEN.split(urls)))
    open_to_all = [url for url in found if not (url.secure or url.is_local)]
    if open_to_all and any(url.secure for url in found):
        raise InvalidUrl(
            f"In a list with TLS, {without_secrets(open_to_all[0].url)} has none: whoever can keep "
            "the others from answering would read everything. Use TLS for all of them."
        )
    return found


def parse_url(url: str) -> RouterUrl:
    """Take a router's URL apart.

    Args:
        url: ``ws://``, ``wss://``, ``rs://``, ``rss://`` or ``unix:///path``.

    Returns:
        Its parts, with the scheme's default port and path filled in.

    Raises:
        InvalidUrl: the scheme is not known, the host is missing, or the port is not valid.
    """
    if not isinstance(url, str):
        raise InvalidUrl(f"The router URL {url!r} is not a string; use one of {_URL_FORMS}.")
    if "@" in url.partition("://")[2].partition("/")[0]:
        # A password in a URL ends up in logs and process lists, so it is not repeated here.
        raise InvalidUrl("A router URL cannot carry a user name or a password; leave them out.")
    if url.lower().startswith("unix:"):
        # A file's name may hold anything, even what ends the path of other URLs.
        path = url[len("unix:") :].removeprefix("//")
        if not path.startswith("/") or not path.strip("/"):
            raise InvalidUrl(
                f"The router URL {url!r} names no socket; write unix:///path/to/socket."
            )
        return RouterUrl(url, "unix", "", 0, unquote(path))
    if any(character.isspace() for character in url):
        # urlsplit would remove some of it without a word.
        raise InvalidUrl(f"The router URL {url!r} has white space in it; leave it out.")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidUrl(f"The router URL {url!r} is not valid: {error}.") from None
    port = _port(url, parts)
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidUrl(f"The router URL {url!r} has no known scheme; use one of {_URL_FORMS}.")
    if not parts.hostname:
        raise InvalidUrl(f"The router URL {url!r} names no host; use one of {_URL_FORMS}.")
    if port == 0:
        raise InvalidUrl(f"The router URL {url!r} has port 0, on which nothing can listen.")
    websocket = parts.scheme.startswith("ws")
    if not websocket and (parts.path.strip("/") or parts.query):
        raise InvalidUrl(f"The router URL {url!r} has a path, which {parts.scheme}:// cannot have.")
    if "#" in url:
        raise InvalidUrl(
            f"The router URL {url!r} has a '#', which only ends a web page's address; leave it out."
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return RouterUrl(
        url,
        parts.scheme,
        parts.hostname,
        port if port is not None else _DEFAULT_PORTS[parts.scheme],
        path if websocket else "",
    )


def without_secrets(url: str) -> str:
    """Return a router's URL without what may be secret in it: user, password and query.

    Args:
        url: the URL, or several with commas between; they need not be valid.
    """
    several = _BETWEEN.split(url)
    if len(several) > 1:
        return ",".join(map(without_secrets, several))
    scheme, separator, rest = url.partition("://")
    if scheme.lower().startswith("unix"):
        return url
    place, slash, path = rest.partition("/")
    return re.split(r"[?#]", f"{scheme}{separator}{place.rpartition('@')[2]}{slash}{path}")[0]


def _port(url: str, parts: SplitResult) -> int | None:
    """Return the port of a URL; None if it names none.

    Raises:
        InvalidUrl: it is not a port.
    """
    if "," in parts.netloc:
        raise InvalidUrl(
            f"The router URL {url!r} has a comma in its host; in a list, write each URL in full, "
            "as in rs://a:8080,rs://b:8080."
        )
    host, _, last = parts.netloc.rpartition(":")
    try:
        if "]" not in parts.netloc or parts.netloc.endswith("]") or host.endswith("]"):
            return parts.port
    except ValueError:
        for place, written in ((host, f"[{host}]:{last}"), (parts.netloc, f"[{parts.netloc}]")):
            if _is_ipv6(place):
                raise InvalidUrl(
                    f"The router URL {url!r} has an IPv6 address without brackets; write "
                    f"{parts.scheme}://{written}{parts.path}."
                ) from None
    raise InvalidUrl(
        f"The router URL {url!r} is not valid: after the host, only a port may follow, a whole "
        "number up to 65535."
    )


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only be reached from this machine."""
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
