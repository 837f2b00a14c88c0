"""A certificate authority of the tests' own, and a TLS door in front of a plain server."""

import datetime as dt
import ipaddress
import selectors
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority whose files stand in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wampapp tests")])
        self.file = folder / "ca.pem"
        certificate = self._build(self._name, self._key, None)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, host: str | None
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
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

    def issue(self, host: str) -> Path:
        """Issue a certificate for a host name or address; key and certificate in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self._build(name, key, host).public_bytes(serialization.Encoding.PEM)
        )
        return file


class TlsDoor:
    """Takes TLS connections on a free loopback port and passes them on, decrypted."""

    def __init__(self, certificate: Path, target: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(plain,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            outside = self._context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        with outside, socket.create_connection(("127.0.0.1", self._target)) as inside:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(20)
