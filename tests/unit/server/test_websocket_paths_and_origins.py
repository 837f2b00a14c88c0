"""At which path, and to which web pages, the embedded router opens a WebSocket."""

from collections.abc import Iterator

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import Raw, status, upgrade
from wampapp import RouterUnreachable, connect


@pytest.fixture
def raw(embedded: EmbeddedRouter) -> Iterator[Raw]:
    connection = Raw(embedded)
    yield connection
    connection.close()


def answer(router: EmbeddedRouter, **headers: str | None) -> int:
    """The status that a request for a WebSocket is answered with."""
    raw = Raw(router)
    raw.socket.sendall(upgrade(router, **headers))
    try:
        return status(raw)
    finally:
        raw.close()


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws?a=1", "/ws/?a=1", "/ws?a=/b/"])
def test_a_slash_and_a_query_change_nothing(embedded: EmbeddedRouter, path: str) -> None:
    with connect(f"ws://127.0.0.1:{embedded.port}{path}", timeout=60) as client:
        assert client.publish("com.path") > 0


@pytest.mark.parametrize("path", ["", "/", "/wamp", "/ws/more", "/WS"])
def test_at_another_path_the_client_and_the_log_name_ours(path: str) -> None:
    with EmbeddedRouter() as router:
        url = f"ws://127.0.0.1:{router.port}{path}"
        with pytest.raises(RouterUnreachable) as caught:
            connect(url)
        assert str(caught.value) == (
            f"What answers at {url} is not a WAMP router: WebSocket connection upgrade failed "
            "[404]: Not Found; the WebSocket is at /ws."
        )
        router.until(f"A WebSocket client asked for {path or '/'}; it must connect to /ws")


def test_the_answer_at_another_path_names_ours(raw: Raw, embedded: EmbeddedRouter) -> None:
    raw.socket.sendall(upgrade(embedded, "/wamp", Connection="Upgrade, close"))
    head, _, body = raw.stream.read().decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 404 Not Found; the WebSocket is at /ws\r\n")
    assert body == "Not Found; the WebSocket is at /ws\n"


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://localhost:3000", None, 101),
        ("http://127.0.0.1:5173", None, 101),
        ("https://[::1]:8443", None, 101),
        ("http://app.localhost", None, 101),
        ("https://evil.example", None, 403),
        ("http://localhost.evil.example", None, 403),
        ("null", None, 403),
        ("file://", None, 403),
        # A name that the attacker has pointed at 127.0.0.1 is its own origin.
        ("http://evil.example:8080", "evil.example:8080", 403),
        ("http://192.168.7.7:8080", "192.168.7.7:8080", 101),
        ("http://192.168.7.7:8080", "192.168.7.7:9090", 403),
    ],
)
def test_the_page_that_opens_a_websocket_must_be_ours(
    raw: Raw, embedded: EmbeddedRouter, origin: str, host: str | None, expected: int
) -> None:
    host = host or f"127.0.0.1:{embedded.port}"
    raw.socket.sendall(upgrade(embedded, Origin=origin, Host=host))
    assert status(raw) == expected


def test_an_origin_can_be_let_in() -> None:
    with EmbeddedRouter(0, "--allow-origin", "https://shop.example") as router:
        for origin, expected in (("https://shop.example", 101), ("https://evil.example", 403)):
            raw = Raw(router)
            raw.socket.sendall(upgrade(router, Origin=origin))
            assert status(raw) == expected
            raw.close()
        router.until("evil.example; --allow-origin lets it in")


@pytest.mark.parametrize("origin", ["null", "file://"])
def test_a_page_from_disk_is_refused_and_the_log_says_how_to_let_it_in(origin: str) -> None:
    with EmbeddedRouter() as router:
        assert answer(router, Origin=origin) == 403
        router.until("the web page at a file .its origin is 'null'.; --allow-origin lets it in")


def test_whatever_refuses_a_websocket_is_logged() -> None:
    with EmbeddedRouter() as router:
        assert answer(router, Origin="shop") == 400
        router.until("Refused a WebSocket: HTTP Origin header invalid: No host part")
        assert answer(router, Sec_WebSocket_Protocol="mqtt") == 400
        router.until("Refused a WebSocket: .*subprotocol")


@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        ("null", "null", 101),
        ("null", "file://", 101),
        ("null", "https://evil.example", 403),
        ("*", "https://shop.example", 101),
        ("*", "null", 101),
        ("*", "http://evil.example:8080", 101),
        ("https://shop.example/", "https://shop.example", 101),
        ("https://Shop.Example:443", "https://shop.example", 101),
        ("http://shop.example", "http://shop.example:80", 101),
        ("http://shop.example", "https://shop.example", 403),
        ("http://shop.example", "http://shop.example:8080", 403),
        ("app://desktop", "app://desktop", 101),
    ],
)
def test_what_allow_origin_lets_in(allowed: str, origin: str, expected: int) -> None:
    with EmbeddedRouter(0, "--allow-origin", allowed) as router:
        assert answer(router, Origin=origin) == expected


@pytest.mark.parametrize(
    ("allowed", "meaning"),
    [
        ("*", r"'\*' lets every web page that somebody opens call, publish and register here"),
        ("null", "'null' lets every page that is opened from disk, and every website"),
    ],
)
def test_what_an_origin_for_all_means_is_said_once(allowed: str, meaning: str) -> None:
    with EmbeddedRouter(0, "--allow-origin", allowed) as router:
        assert answer(router, Origin="null") == answer(router, Origin="file://") == 101
        router.until(meaning)
        assert router.text.count("--allow-origin") == 1
