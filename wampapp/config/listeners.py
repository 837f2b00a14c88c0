"""Where a router listens besides its port, as frozen records that check themselves."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wampapp.config.url import authority
from wampapp.errors import UsageError

#: The longest path of a Unix socket that all systems take, in bytes.
_MAX_PATH: Final = 100


@dataclass(frozen=True, slots=True)
class Listener:
    """A further place where a router listens: a TCP port, or a Unix socket.

    Args:
        port: the TCP port; 0 for any free one.
        host: the address to bind to; 127.0.0.1 by default.
        unix: the path of the socket.
        mode: who may connect to the socket, as the permissions of its file; 0o660 by default.
        tls_cert: the file of a certificate (PEM); with it, the port speaks TLS.
        tls_key: the file of its private key; None where it is in the same file.

    Raises:
        UsageError: there is neither a port nor a path, or both, or something that does not go with
            it, or a value is not valid.
    """

    port: int | None = None
    host: str | None = None
    unix: str | os.PathLike[str] | None = None
    mode: int | None = None
    tls_cert: str | os.PathLike[str] | None = None
    tls_key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if (self.port is None) == (self.unix is None):
            raise UsageError("A listener has either a port or the path of a Unix socket (unix).")
        if self.unix is None:
            self._check_port()
        else:
            self._check_path()
        if self.tls_key is not None and self.tls_cert is None:
            raise UsageError("A listener's tls_key needs a tls_cert.")

    @property
    def url(self) -> str:
        """The URL for RawSocket clients; with the port that was asked for."""
        if self.unix is not None:
            return f"unix://{Path(self.unix).absolute()}"
        scheme = "rs" if self.tls_cert is None else "rss"
        return f"{scheme}://{authority(self.host or '127.0.0.1', self.port or 0)}"

    def _check_port(self) -> None:
        if type(self.port) is not int or not 0 <= self.port <= 65535:
            raise UsageError(f"The port {self.port!r} is not a whole number from 0 to 65535.")
        if self.mode is not None:
            raise UsageError("Only a Unix socket has a mode.")
        if self.host is not None and (not isinstance(self.host, str) or not self.host.strip()):
            raise UsageError(f"The host {self.host!r} is not an address, such as 127.0.0.1.")

    def _check_path(self) -> None:
        if self.host is not None or self.tls_cert is not None:
            raise UsageError("A Unix socket has neither a host nor TLS.")
        if not isinstance(self.unix, str | os.PathLike) or not os.fspath(self.unix):
            raise UsageError(f"The path of a Unix socket is {self.unix!r}; give one.")
        if len(os.fsencode(Path(self.unix).absolute())) > _MAX_PATH:
            raise UsageError(f"The path of a Unix socket has more than {_MAX_PATH} bytes.")
        if self.mode is not None and (type(self.mode) is not int or not 0 <= self.mode <= 0o777):
            raise UsageError(f"The mode {self.mode!r} is not one such as 0o660.")


def http_listener(text: object) -> Listener:
    """Return where web pages are served, of ``host:port`` or a port.

    Args:
        text: the text, such as ``127.0.0.1:8000``, ``[::1]:8000`` or ``8000``.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = str(text).strip().rpartition(":")
    if port.isascii() and port.isdigit() and (host or not colon):
        with contextlib.suppress(UsageError):
            return Listener(int(port), host.strip("[]") or None)
    raise UsageError(
        f"{text!r} does not say where to serve web pages; give an address and a port, such as "
        "127.0.0.1:8000."
    )
