"""What is said of a web server that a client takes for a router."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wampapp import RouterUnreachable, connect


@contextmanager
def answering(status: str) -> Iterator[str]:
    """The URL of a web server that answers one request with `status`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                while stream.readline().strip():
                    pass
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("path", ["", "/wamp", "/ws/"])
@pytest.mark.parametrize("status", ["404 Not Found", "200 OK", "302 Found", "405 Not Allowed"])
def test_another_path_is_suggested(status: str, path: str) -> None:
    with answering(status) as url, pytest.raises(RouterUnreachable) as caught:
        connect(f"{url}{path}")
    assert str(caught.value).endswith(" Is its WebSocket at another path, such as /ws?")


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "503 Unavailable"])
def test_what_has_another_reason_is_not_a_wrong_path(status: str) -> None:
    with answering(status) as url, pytest.raises(RouterUnreachable) as caught:
        connect(f"{url}/ws")
    assert str(caught.value).endswith(f"[{status[:3]}]: {status[4:]}.")
