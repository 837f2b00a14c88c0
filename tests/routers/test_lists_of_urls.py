"""Several routers in one URL: the first that answers is joined, and stays the one."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_router import FakeRouter, Send
from tests.support.listener import Listener
from tests.support.ports import free_port
from tests.support.process import EmbeddedRouter, Wampapp, wampapp
from tests.support.running import running
from tests.support.tls import Authority
from wampapp import App, NotJoined, RouterRefused, RouterUnreachable, TlsFailed, connect
from wampapp.config.records import Config
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.runtime import get_runtime
from wampapp.loop.threads import ThreadPool
from wampapp.session.connection import Connection
from wampapp.transport.list_dialer import dialer_by

HELLO, WELCOME, ABORT = 1, 2, 3

logger = logging.getLogger("test.lists")


@pytest.fixture
def absent() -> str:
    """The URL of a router that is not there."""
    return f"rs://127.0.0.1:{free_port()}"


def keeps_silent(connection: socket.socket) -> None:
    with connection, contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
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
    passed = f"Joined {url}: {absent} did not answer. If that is another router, whoever is"
    assert [passed in line for line in said] == [True, True]


def test_one_that_is_frozen_does_not_take_all_the_time(embedded: EmbeddedRouter) -> None:
    with Listener(keeps_silent) as frozen:
        for scheme, path in (("rs", ""), ("ws", "/ws")):
            urls = f"{scheme}://127.0.0.1:{frozen.port}{path},{embedded.rs_url}"
            with connect(urls, connect_timeout=1.0) as client:
                assert client.publish("com.list.news", acknowledge=True)


def test_one_that_is_stopping_is_passed_over_once_it_is_gone(embedded: EmbeddedRouter) -> None:
    class Stopping(FakeRouter):
        def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
            next(messages)
            self.shut()
            send([ABORT, {}, "wamp.close.system_shutdown"])

    app = App(prefix="com.list")

    @app.register
    def ping() -> str:
        return "pong"

    with (
        Stopping() as stopping,
        running(app, f"{stopping.url},{embedded.rs_url}"),
        connect(embedded.rs_url) as client,
    ):
        assert client.call("com.list.ping") == "pong"


def test_sessions_that_share_the_way_join_the_same_router(embedded: EmbeddedRouter) -> None:
    """The first lets one in slowly, and the other must not go elsewhere meanwhile."""

    class Slow(FakeRouter):
        def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
            for message in messages:
                if message[0] == HELLO:
                    at_work.acquire()
                    joined.append(message)
                    send([WELCOME, len(joined), {"roles": {"broker": {}, "dealer": {}}}])

    at_work = threading.Semaphore(0)
    joined: list[Any] = []
    runtime = get_runtime()

    async def join_both(urls: str) -> str:
        config = Config(url=urls)
        dialer = dialer_by(urls, runtime.reactor)
        dispatcher = Dispatcher(asyncio.get_running_loop(), ThreadPool(1), logger)
        both = [Connection(dialer, config, dispatcher) for _ in range(2)]
        opening = asyncio.gather(*(connection.open() for connection in both))
        at_work.release(2)
        await opening
        await asyncio.gather(*(connection.close() for connection in both))
        return dialer.where

    with Slow() as slow:
        assert runtime.call(join_both(f"{slow.url},{embedded.rs_url}")) == slow.url
    assert len(joined) == 2


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


def test_one_that_is_not_trusted_is_not_passed_over(authority: Authority) -> None:
    words = ("router", "--port", "0", "--tls-cert", authority.issue("localhost"))
    with Wampapp(*words) as router:
        url = router.until(r"RawSocket +(rss://\S+)")[1]
        router.until("Press Ctrl-C")
        with pytest.raises(TlsFailed):
            connect(f"{url},{url}")
        assert router.stop() == 0


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
        ("rs://a,", "ends in a comma"),
        ("ws://a/ws, ", "ends in a comma"),
        ("rss://a,rs://b", "In a list with TLS, rs://b has none"),
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
