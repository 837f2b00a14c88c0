"""Where a server listens, and whether an address can be reached from other machines."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from wampapp.config.url import WEBSOCKET_PATH, authority


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


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only be reached from this machine."""
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_ip_address(host: str) -> bool:
    """Return whether a host is an IP address, and not a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
