"""Every kind of URL reaches a router; those with TLS have tests of their own."""

import socket
import threading
from pathlib import Path

from tests.support.listener import join_sockets
from tests.support.process import EmbeddedRouter, wampapp
from wampapp import connect


def publish(url: str) -> tuple[int, str]:
    done = wampapp("publish", "com.url", "1", "--url", url)
    return done.returncode, done.stderr


def test_a_unix_socket(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    path = tmp_path / "router.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        door.settimeout(30)

        def serve() -> None:
            outside, _ = door.accept()
            with outside, socket.create_connection(("127.0.0.1", embedded.port)) as inside:
                join_sockets(outside, inside)

        thread = threading.Thread(target=serve)
        thread.start()
        with connect(f"unix://{path}", timeout=60) as client:
            assert client.publish("com.url") > 0
        thread.join()


def test_a_unix_socket_that_is_not_there(tmp_path: Path) -> None:
    code, said = publish(f"unix://{tmp_path}/nothing.sock")
    assert code == 3
    assert said.startswith(f"Error: No router answers at unix://{tmp_path}/nothing.sock: ")


def test_a_host_that_is_not_there() -> None:
    code, said = publish("rs://nowhere.invalid")
    assert code == 3
    assert "The host 'nowhere.invalid' of rs://nowhere.invalid has no address" in said
