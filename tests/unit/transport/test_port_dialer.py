"""Finding the router that nobody has named, at a port of this machine."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.ports import free_port
from tests.support.process import EmbeddedRouter
from wampapp import PortInUse, RouterUnreachable, connect
from wampapp.config.records import Config
from wampapp.loop.runtime import get_runtime
from wampapp.runner.reach import find_router

RAWSOCKET = b"\x7f"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def listening(router: EmbeddedRouter | None, *, silent: bool) -> Iterator[int]:
    """The port of a web server that passes WebSockets on to `router`, if there is one.

    On RawSocket it hangs up, or with `silent` it waits for more.
    """
    loop = asyncio.new_event_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        if first == RAWSOCKET:
            if silent:
                await reader.read()
        elif router is not None:
            inner, outer = await asyncio.open_connection("127.0.0.1", router.port)
            outer.write(first)
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        elif first:
            writer.write(NOT_FOUND)
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def is_joined() -> bool:
    """Whether a client finds a router that it is not told the URL of."""
    with connect(timeout=60) as client:
        return client.publish("com.found") > 0


@pytest.fixture(autouse=True)
def no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAMPAPP_URL", raising=False)


def test_a_client_without_a_url_finds_the_embedded_router(
    embedded: EmbeddedRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAMPAPP_PORT", str(embedded.port))
    assert is_joined()


@pytest.mark.parametrize("silent", [False, True])
def test_a_client_without_a_url_finds_a_router_that_speaks_only_websocket(
    embedded: EmbeddedRouter, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    with listening(embedded, silent=silent) as port:
        monkeypatch.setenv("WAMPAPP_PORT", str(port))
        monkeypatch.setenv("WAMPAPP_HOST", "0.0.0.0")
        assert is_joined()


@pytest.mark.parametrize("silent", [False, True])
def test_an_app_without_a_url_finds_it_too(embedded: EmbeddedRouter, silent: bool) -> None:
    runtime = get_runtime()
    with listening(embedded, silent=silent) as port:
        found = runtime.call(find_router(Config(port=port), runtime))
        assert found.url == f"ws://127.0.0.1:{port}/ws"
        runtime.call(found.close())


@pytest.mark.parametrize("silent", [False, True])
def test_a_web_server_is_not_a_router(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    runtime = get_runtime()
    with listening(None, silent=silent) as port:
        monkeypatch.setenv("WAMPAPP_PORT", str(port))
        with pytest.raises(RouterUnreachable) as caught:
            connect(connect_timeout=60)
        assert str(caught.value) == (
            f"What listens at 127.0.0.1:{port} is not a WAMP router: it answers neither to "
            f"rs://127.0.0.1:{port} nor to ws://127.0.0.1:{port}/ws."
        )
        with pytest.raises(PortInUse, match="is taken by something that is not a WAMP router"):
            runtime.call(find_router(Config(port=port), runtime))


def test_where_nothing_listens_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("WAMPAPP_PORT", str(port))
    with pytest.raises(RouterUnreachable) as caught:
        connect()
    assert str(caught.value) == (
        f"No router answers at rs://127.0.0.1:{port}: the connection was refused."
    )
