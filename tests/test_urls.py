"""Every kind of URL reaches a router, and TLS means TLS."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import EmbeddedRouter, environment, wampapp
from tests.support.tls import Authority, TlsDoor
from wampapp import connect


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def door(authority: Authority, embedded: EmbeddedRouter) -> Iterator[TlsDoor]:
    with TlsDoor(authority.issue("localhost"), embedded.port) as door:
        yield door


def publish(url: str, **env: str) -> tuple[int, str]:
    done = wampapp("publish", "com.url", "1", "--url", url, env=environment(**env))
    return done.returncode, done.stderr


@pytest.mark.parametrize("form", ["rss://localhost:{port}", "wss://localhost:{port}/ws"])
def test_a_verified_certificate_is_spoken_to(
    authority: Authority, door: TlsDoor, form: str
) -> None:
    trusting = {"SSL_CERT_FILE": str(authority.file)}
    assert publish(form.format(port=door.port), **trusting) == (0, "")


@pytest.mark.parametrize("form", ["rss://localhost:{port}", "wss://localhost:{port}/ws"])
def test_an_unknown_authority_is_refused(door: TlsDoor, form: str) -> None:
    code, said = publish(form.format(port=door.port))
    assert code == 3
    assert "certificate verify failed" in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("form", ["rss://127.0.0.1:{port}", "wss://127.0.0.1:{port}/ws"])
def test_a_certificate_of_another_host_is_refused(
    authority: Authority, door: TlsDoor, form: str
) -> None:
    code, said = publish(form.format(port=door.port), SSL_CERT_FILE=str(authority.file))
    assert code == 3
    assert "certificate" in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("form", ["rss://localhost:{port}", "wss://localhost:{port}/ws"])
def test_tls_to_a_plain_port_sends_nothing_in_the_clear(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        plain.settimeout(30)
        first: list[bytes] = []

        def accept() -> None:
            connection, _ = plain.accept()
            first.append(connection.recv(4096))
            connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        code, said = publish(form.format(port=plain.getsockname()[1]))
        thread.join()
    assert first[0][:2] == b"\x16\x03"  # a TLS handshake record, not WAMP and not HTTP
    assert code == 3
    assert len(said.splitlines()) == 1, said


def test_a_unix_socket(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    path = tmp_path / "router.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        door.settimeout(30)

        def serve() -> None:
            outside, _ = door.accept()
            with outside, socket.create_connection(("127.0.0.1", embedded.port)) as inside:
                back = threading.Thread(target=pump, args=(inside, outside))
                back.start()
                pump(outside, inside)
                back.join()

        thread = threading.Thread(target=serve)
        thread.start()
        with connect(f"unix://{path}", timeout=20) as client:
            assert client.publish("com.url") > 0
        thread.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until the source ends."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    code, said = publish(f"unix://{tmp_path}/nothing.sock")
    assert code == 3
    assert said.startswith(f"Error: No router answers at unix://{tmp_path}/nothing.sock: ")


def test_a_host_that_is_not_there() -> None:
    code, said = publish("rs://nowhere.invalid")
    assert code == 3
    assert "The host 'nowhere.invalid' of rs://nowhere.invalid has no address" in said
