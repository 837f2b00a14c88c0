"""A certificate authority of the tests' own, and a TLS door in front of a plain server."""

import contextlib
import datetime as dt
import ipaddress
import secrets
import selectors
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.listener import Listener


class Authority:
    """A certificate authority whose files stand in a folder.

    Args:
        folder: where its files go; one folder holds one authority.
        parent: who signs its own certificate; itself by default.
    """

    def __init__(self, folder: Path, parent: "Authority | None" = None) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        # A name of its own, for that is how OpenSSL looks for it.
        name = f"wampapp tests {secrets.token_hex(4)}"
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / "ca.pem"
        signer = parent or self
        certificate = signer._build(self._name, self._key, None)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        host: str | None,
        *,
        expired: bool = False,
        days: int = 1,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        end = now - dt.timedelta(minutes=1) if expired else now + dt.timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            try:
                alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
            except ValueError:
                alternative = x509.DNSName(host)
            builder = builder.add_extension(
                x509.SubjectAlternativeName([alternative]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, host: str, *, expired: bool = False, days: int = 1) -> Path:
        """Issue a certificate for a host name or address; key and certificate in one file."""
        certificate, key = self.issue_pair(host, expired=expired, days=days)
        file = self._folder / f"{host}{'-expired' if expired else ''}.pem"
        file.write_bytes(key.read_bytes() + certificate.read_bytes())
        return file

    def issue_pair(
        self,
        name: str,
        *,
        expired: bool = False,
        days: int = 1,
        passphrase: bytes | None = None,
    ) -> tuple[Path, Path]:
        """Issue a certificate in a file of its own, and its key in another; return both."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(subject, key, name, expired=expired, days=days)
        files = self._folder / f"{name}-certificate.pem", self._folder / f"{name}-key.pem"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        locked = serialization.BestAvailableEncryption(passphrase) if passphrase else None
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                locked or serialization.NoEncryption(),
            )
        )
        return files


class TlsDoor(Listener):
    """Takes TLS connections on a loopback port and passes them on, decrypted.

    Args:
        certificate: the file of its own certificate and key.
        target: the port of the plain server.
        clients: the file of the authority that clients must have a certificate of; None asks
            for none.
        port: where it listens; 0 for a free one.
        onward: with what it speaks TLS to the server; None for a plain server.
    """

    def __init__(
        self,
        certificate: Path,
        target: int,
        *,
        clients: Path | None = None,
        port: int = 0,
        onward: ssl.SSLContext | None = None,
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients)
        self._target = target
        self._onward = onward
        super().__init__(self._pass_on, port)

    def _open(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self._target))
        if self._onward is None:
            return plain
        return self._onward.wrap_socket(plain, server_hostname="localhost")

    def _pass_on(self, plain: socket.socket) -> None:
        try:
            outside = self._context.wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            )
        except OSError:
            plain.close()
            return
        try:
            outside.do_handshake()
        except OSError:
            _close_gently(outside)
            return
        with outside, self._open() as inside:
            with selectors.DefaultSelector() as selector:
                selector.register(outside, selectors.EVENT_READ, inside)
                selector.register(inside, selectors.EVENT_READ, outside)
                while True:
                    for key, _ in selector.select():
                        try:
                            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                            while data and isinstance(key.fileobj, ssl.SSLSocket):
                                key.data.sendall(data)
                                data = b""
                                if not key.fileobj.pending():
                                    break
                                data = key.fileobj.recv(65536)
                            else:
                                if not data:
                                    return
                                key.data.sendall(data)
                        except OSError:
                            return


def _close_gently(connection: socket.socket) -> None:
    """Close a connection such that the peer reads what was sent last: a reset would lose it."""
    with contextlib.suppress(OSError):
        plain = socket.socket(fileno=connection.detach())
        with plain:
            plain.settimeout(20)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
