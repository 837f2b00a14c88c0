"""Several routers in one URL: the first that answers is joined, and stays the one."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_router import FakeRouter, Send
from tests.support.listener import Listener
from tests.support.ports import free_port
from tests.support.process import EmbeddedRouter, wampapp
from tests.support.running import running
from wampapp import App, NotJoined, RouterRefused, RouterUnreachable, TlsFailed, connect

WELCOME, ABORT = 2, 3


@pytest.fixture
def absent() -> str:
    """The URL of a router that is not there."""
    return f"rs://127.0.0.1:{free_port()}"


def keeps_silent(connection: socket.socket) -> None:
    with connection, contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
            pass


class Draining(FakeRouter):
    """Lets nobody join any more."""

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        next(messages)
        send([ABORT, {}, "wamp.close.system_shutdown"])


class Forgetful(FakeRouter):
    """Takes each HELLO, and never answers one."""

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        for _ in messages:
            pass


def test_the_first_that_answers_is_joined(
    absent: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.list")

    @app.register
    async def add(a: int, b: int) -> int:
        return a + b

    with (
        running(app, f"{absent}, {url}"),
        connect(f"{absent},{url}") as client,
        connect(f"{url},{absent}") as straight,
    ):
        assert client.call("com.list.add", 1, 2) == 3
        assert straight.call("com.list.add", 3, 4) == 7
    said = [line for line in caplog.messages if line.startswith("Joined")]
    passed = f"Joined {url}: {absent} did not answer. Whoever is there cannot be reached"
    assert [passed in line for line in said] == [True, True]


def test_one_that_is_frozen_does_not_take_all_the_time(embedded: EmbeddedRouter) -> None:
    with Listener(keeps_silent) as frozen:
        for scheme, path in (("rs", ""), ("ws", "/ws")):
            urls = f"{scheme}://127.0.0.1:{frozen.port}{path},{embedded.rs_url}"
            with connect(urls, connect_timeout=1.0) as client:
                assert client.publish("com.list.news", acknowledge=True)


@pytest.mark.parametrize("kind", [Draining, Forgetful])
def test_one_that_lets_nobody_join_is_passed_over(
    kind: type[FakeRouter], embedded: EmbeddedRouter
) -> None:
    with kind() as strange:
        app = App(prefix="com.list")

        @app.register
        def ping() -> str:
            return "pong"

        urls = f"{strange.url},{embedded.rs_url}"
        with running(app, urls, handshake_timeout=1.0), connect(embedded.rs_url) as client:
            assert client.call("com.list.ping") == "pong"


def test_nothing_answers() -> None:
    ports = free_port(), free_port()
    first, second = (f"rs://127.0.0.1:{port}" for port in ports)
    with pytest.raises(RouterUnreachable) as caught:
        connect(f"{first},{second}")
    assert str(caught.value) == (
        f"No router answers at {first}: the connection was refused. "
        f"No router answers at {second}: the connection was refused."
    )


def test_one_that_hangs_is_named() -> None:
    with Listener(keeps_silent) as frozen, pytest.raises(RouterUnreachable) as caught:
        url = f"rs://127.0.0.1:{frozen.port}"
        connect(f"{url},rs://127.0.0.1:{free_port()}", connect_timeout=1.0)
    assert f"{url} did not answer within 0.5 s. No router answers at" in str(caught.value)


def test_a_refusal_is_not_passed_over(embedded: EmbeddedRouter, absent: str) -> None:
    class Refusing(FakeRouter):
        def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
            next(messages)
            send([ABORT, {}, "wamp.error.no_such_realm"])

    with Refusing() as refusing, pytest.raises(RouterRefused):
        connect(f"{absent},{refusing.url},{embedded.rs_url}")


def test_one_that_is_not_trusted_is_not_passed_over(embedded: EmbeddedRouter) -> None:
    # What listens there does not speak TLS: somebody may be in between.
    with pytest.raises((TlsFailed, RouterUnreachable)):
        connect(f"{embedded.rs_url.replace('rs:', 'rss:')},rss://127.0.0.1:{free_port()}")


def test_it_stays_with_the_one_that_it_joined() -> None:
    port, other_port = free_port(), free_port()
    first = EmbeddedRouter(port)
    try:
        urls = f"rs://127.0.0.1:{port},rs://127.0.0.1:{other_port}"
        with EmbeddedRouter(other_port), connect(urls, rejoin_timeout=2.0) as client:
            first.stop(signal.SIGKILL)
            with pytest.raises(NotJoined, match=f"no session with rs://127.0.0.1:{port}, and"):
                client.publish("com.list.news", acknowledge=True)
            first = EmbeddedRouter(port)
            client.publish("com.list.news", acknowledge=True)
    finally:
        first.stop()


@pytest.mark.parametrize(
    ("urls", "sentence"),
    [
        ("rs://a:1,b:2", "has a comma in its host; in a list, write each URL in full"),
        ("rs://a,", "has a comma in its host"),
        ("rs://a,http://b", "The router URL 'http://b' has no known scheme"),
        ("rs://a,rs://ada:secret@b", "A router URL cannot carry a user name or a password"),
    ],
)
def test_a_mistake_in_a_list_is_told(urls: str, sentence: str) -> None:
    done = wampapp("call", "com.list.add", "--url", urls)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_doctor_looks_at_one_router(absent: str) -> None:
    done = wampapp("doctor", "--url", f"{absent},rs://127.0.0.1:9")
    assert done.returncode == 2
    assert f"{absent},rs://127.0.0.1:9, given by --url: 2 routers, of which one can" in done.stdout
    assert "name one router with --url" in done.stderr
