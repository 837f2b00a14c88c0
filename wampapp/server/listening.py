"""Opens the ports and Unix sockets of a router."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.error import CannotListenError

from wampapp.errors import PortInUse, UsageError
from wampapp.server.certificate import ServerCertificate

if TYPE_CHECKING:
    from _typeshed import StrPath

    from wampapp.config.listeners import Listener

_MODE: Final = 0o660
#: So many may connect at once; others would be kept waiting for seconds by their own system.
_BACKLOG: Final = 1024


def listen_on(
    reactor: Any,
    factory: Any,
    listener: Listener,
    *,
    client_ca: StrPath | None = None,
    asks_clients: bool = False,
    option: str = "--port",
) -> Any:
    """Listen at one place.

    Args:
        reactor: Twisted's reactor.
        factory: makes the protocols.
        listener: the place.
        client_ca: the file of the authorities that must have signed a client's certificate; None
            for any certificate.
        asks_clients: whether clients are asked for a certificate, where TLS is spoken.
        option: the option that says where, for messages.

    Returns:
        Twisted's ``IListeningPort``.

    Raises:
        PortInUse: another program listens there.
        UsageError: it cannot be listened there for another reason.
    """
    if listener.unix is not None:
        return _listen_unix(reactor, factory, os.fspath(listener.unix), listener.mode)
    host, port = listener.host or "127.0.0.1", listener.port or 0
    try:
        if listener.tls_cert is None:
            return reactor.listenTCP(port, factory, _BACKLOG, host)
        files = listener.tls_cert, listener.tls_key, client_ca
        certificate = ServerCertificate(*files, asks=asks_clients)
        return reactor.listenSSL(port, factory, certificate, _BACKLOG, host)
    except CannotListenError as error:
        raise _listen_error(host, port, error.socketError, option) from None


def _listen_unix(reactor: Any, factory: Any, path: str, mode: int | None) -> Any:
    if not Path(path).absolute().parent.is_dir():
        raise UsageError(f"The router cannot listen on the socket {path}: there is no such folder.")
    _remove_stale(path)
    # The file must never be open to more people than it will be: its mode is what is left of 0o777.
    before = os.umask(0o777 & ~(_MODE if mode is None else mode))
    try:
        return reactor.listenUNIX(path, factory, _BACKLOG, _MODE if mode is None else mode)
    except CannotListenError as error:
        reason = getattr(error.socketError, "strerror", error.socketError)
        raise UsageError(f"The router cannot listen on the socket {path}: {reason}.") from None
    finally:
        os.umask(before)


def _remove_stale(path: str) -> None:
    """Remove the socket of a router that was killed; raise :class:`PortInUse` for a live one."""
    if not Path(path).is_socket():
        return  # what is wrong with it is said when it is opened
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except OSError:
            return
    raise PortInUse(f"Another program listens on the socket {path}; give another path.")


def _listen_error(host: str, port: int, error: Any, option: str) -> UsageError:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return PortInUse(f"Port {port} on {host} is taken; choose another with {option}.")
    if number == errno.EACCES:
        return UsageError(
            f"Port {port} needs more privileges than this user has; use {option} with a port from "
            "1024 on."
        )
    return UsageError(
        f"The router cannot listen on {host}, port {port}: {getattr(error, 'strerror', error)}; "
        "--host takes an address of this machine, such as 127.0.0.1."
    )
