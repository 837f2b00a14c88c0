"""The web page at the router's port, and what it makes of other requests."""

import http.client
import re
from collections.abc import Iterator

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter
from tests.support.raw import Raw


@pytest.fixture
def site(embedded: EmbeddedRouter) -> Iterator[http.client.HTTPConnection]:
    link = http.client.HTTPConnection("127.0.0.1", embedded.port, timeout=DEADLINE)
    yield link
    link.close()


@pytest.fixture
def raw(embedded: EmbeddedRouter) -> Iterator[Raw]:
    raw = Raw(embedded)
    yield raw
    raw.close()


def test_the_page_names_the_router_s_urls(
    site: http.client.HTTPConnection, embedded: EmbeddedRouter
) -> None:
    site.request("GET", "/?from=somewhere")
    answer = site.getresponse()
    text = answer.read().decode()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert f"<code>ws://127.0.0.1:{embedded.port}/ws</code>" in text
    assert f"<code>rs://127.0.0.1:{embedded.port}</code>" in text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8080", 200),
        ("LocalHost", 200),
        ("[::1]:8080", 200),
        ("10.1.2.3", 200),
        ("shop.example", 200),
        ("shop.example:8080", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_the_page_is_not_shown_under_a_foreign_name(host: str, status: int) -> None:
    """A page of that name could read ours, once the name points at this machine."""
    with EmbeddedRouter(0, "--allow-origin", "https://shop.example") as router:
        link = http.client.HTTPConnection("127.0.0.1", router.port, timeout=DEADLINE)
        link.request("GET", "/", headers={"Host": host})
        assert link.getresponse().status == status
        link.close()
        link.request("GET", "/healthz", headers={"Host": host})  # which tells nothing
        assert link.getresponse().status == 200
        link.close()
        router.stop()


def test_head_has_the_headers_and_no_body(site: http.client.HTTPConnection) -> None:
    site.request("HEAD", "/")
    answer = site.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", answer.headers["Date"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/favicon.ico", 404),
        ("GET", "//", 404),
        ("POST", "/", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "*", 405),
    ],
)
def test_nothing_else_is_there(
    site: http.client.HTTPConnection, method: str, path: str, status: int
) -> None:
    site.request(method, path)
    answer = site.getresponse()
    assert answer.status == status
    assert answer.read().decode() == f"{answer.reason}\n"
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "request_line", ["GET /", "GET  / HTTP/1.1", "GET / HTTP/2.0", "GET / HTTP/1.1 x", "get"]
)
def test_a_malformed_request_is_said_to_be_one(raw: Raw, request_line: str) -> None:
    raw.socket.sendall(f"{request_line}\r\nHost: x\r\n\r\n".encode())
    assert raw.stream.readline() == b"HTTP/1.1 400 Bad Request\r\n"
    assert raw.ended()


def test_a_head_that_does_not_end_is_cut_off(raw: Raw) -> None:
    raw.socket.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000)
    assert raw.stream.readline() == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    assert raw.ended()


def test_of_many_requests_in_a_row_the_first_is_answered(raw: Raw) -> None:
    raw.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    assert raw.stream.read().count(b"HTTP/1.1 200 OK") == 1


def test_a_body_is_not_read(raw: Raw) -> None:
    raw.socket.sendall(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    assert raw.stream.readline() == b"HTTP/1.1 405 Method Not Allowed\r\n"
    with pytest.raises(ConnectionError):
        while True:  # until the router has had enough of it
            raw.socket.sendall(b"x" * 65536)


@pytest.fixture
def impatient() -> Iterator[EmbeddedRouter]:
    with EmbeddedRouter(0, "--handshake-timeout", "0.5") as router:
        yield router
        router.stop()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_request_has_the_time_of_a_handshake(impatient: EmbeddedRouter, sent: bytes) -> None:
    """However slowly it goes on."""
    slow = Raw(impatient)
    try:
        with pytest.raises(ConnectionError):
            slow.socket.sendall(sent)
            while True:
                slow.socket.settimeout(0.05)
                try:
                    assert slow.socket.recv(1) == b""
                    raise ConnectionResetError
                except TimeoutError:
                    slow.socket.sendall(b"y" if sent else b"G")
        impatient.until("has not joined within the handshake timeout")
    finally:
        slow.close()
