"""Where a server listens, and whether an address can be reached from other machines."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wampapp.config.origins import ANY
from wampapp.config.url import WEBSOCKET_PATH, authority, is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: the address it is bound to.
        port: the TCP port.
        secure: whether it speaks TLS.
    """

    host: str
    port: int
    secure: bool = False

    @property
    def authority(self) -> str:
        """Host and port as a URL writes them."""
        return authority(self.host, self.port)

    @property
    def websocket_url(self) -> str:
        """The URL for WebSocket clients."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{WEBSOCKET_PATH}"

    @property
    def rawsocket_url(self) -> str:
        """The URL for RawSocket clients."""
        return f"{'rss' if self.secure else 'rs'}://{self.authority}"

    @property
    def page_url(self) -> str:
        """The URL of the web page."""
        return f"{'https' if self.secure else 'http'}://{self.authority}/"


def is_ip_address(host: str) -> bool:
    """Return whether a host is an IP address, and not a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def host_allowed(header: str, bound: str, origins: Collection[str]) -> bool:
    """Return whether a web page may be shown under a name.

    Somebody may have pointed a foreign name at this machine, whose pages could then read ours
    (DNS rebinding): it must be an address, the name that the server is bound to, or the name of
    an origin that is allowed.

    Args:
        header: the Host header.
        bound: the address or name that the server is bound to.
        origins: the origins that are allowed.
    """
    try:
        name = urlsplit(f"//{header.strip().lower()}").hostname or ""
    except ValueError:
        return False
    if is_loopback(name) or is_ip_address(name) or name == bound.lower():
        return True
    return ANY in origins or any(urlsplit(origin).hostname == name for origin in origins)
