"""Visitors who stop in the midst of a request, or send it octet by octet: nothing of it stays."""

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, Wampapp
from tests.support.site import Site
from wampapp import ConnectedClient, connect

pytestmark = pytest.mark.processes

APP = """
import asyncio
import os
import sys

from flask import Flask
from flask import request as flask_request

from wampapp import App
from wampapp.web import request

app = App(prefix="com.shop", threads=4)
admin = Flask("admin")
app.mount("/admin", admin)
app.static("/static", "static")


@app.register
async def held() -> list[int]:
    return [len(asyncio.all_tasks()), busy(), len(os.listdir("/proc/self/fd"))]


def busy() -> int:
    # How many threads answer a request; others wait for one.
    count = 0
    for frame in sys._current_frames().values():
        while frame is not None and not frame.f_code.co_filename.endswith(("wsgi.py", "shop.py")):
            frame = frame.f_back
        count += frame is not None
    return count


@app.get("/")
def index() -> str:
    return "here"


@app.post("/upload")
def upload() -> str:
    return str(len(request.get_data()))


@app.get("/rows")
def rows():
    while True:
        yield b"x" * 65536


@app.get("/ticks")
async def ticks():
    while True:
        yield b"x" * 65536


counted = []


@app.post("/count")
async def count() -> str:
    counted.append(1)
    return "counted"


@app.get("/counted")
async def how_many() -> str:
    return str(len(counted))


@admin.post("/upload")
def admin_upload() -> str:
    return str(len(flask_request.get_data()))


@admin.get("/rows")
def admin_rows():
    return (b"x" * 65536 for _ in iter(int, 1))
"""
HEAD = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APP)
    (folder / "static").mkdir()
    (folder / "static/large").write_bytes(bytes(50_000_000))
    options = ("--port", "0", "--handshake-timeout", "3")
    with Wampapp("run", folder / "shop.py", *options) as service:
        yield Site(service)
        assert service.stop() == 0
        assert "Traceback" not in service.text


@pytest.fixture
def client(site: Site) -> Iterator[ConnectedClient]:
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        yield client


@contextlib.contextmanager
def nothing_stays(client: ConnectedClient) -> Iterator[None]:
    """Tasks, busy threads and descriptors are as many as before, soon after the block."""
    before = settled(client)
    yield
    deadline = time.monotonic() + DEADLINE
    while any(now > then for now, then in zip(client.call("com.shop.held"), before, strict=True)):
        assert time.monotonic() < deadline, (client.call("com.shop.held"), before)


def settled(client: ConnectedClient) -> list[int]:
    """What is held once only the call itself and the service's own tasks are left."""
    deadline = time.monotonic() + DEADLINE
    lowest = client.call("com.shop.held")
    seen = 0
    while seen < 200 and time.monotonic() < deadline:
        now = client.call("com.shop.held")
        seen = 0 if any(map(int.__lt__, now, lowest)) else seen + 1
        lowest = list(map(min, now, lowest))
    return list(lowest)


def open_request(site: Site, octets: bytes) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", site.port), DEADLINE)
    link.sendall(octets)
    return link


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /",
        b"GET /" + HEAD,
        b"POST /upload" + HEAD + b"Content-Length: 100\r\n\r\nhalf",
        b"POST /admin/upload" + HEAD + b"Content-Length: 100\r\n\r\nhalf",
        b"POST /upload" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf",
    ],
    ids=["no line", "half a head", "half a body", "half a body for Flask", "half a chunk"],
)
def test_500_requests_that_do_not_end(site: Site, client: ConnectedClient, octets: bytes) -> None:
    """Meanwhile pages and calls are answered; afterwards nothing is left of them."""
    with nothing_stays(client):
        links = [open_request(site, octets) for _ in range(500)]
        try:
            for _ in range(10):
                assert site.ask("/")[:2] == (200, "here")
                assert site.ask("/upload", b"whole")[:2] == (200, "5")
                assert site.ask("/admin/upload", b"whole")[:2] == (200, "5")
                assert len(client.call("com.shop.held")) == 3
            assert client.call("com.shop.held")[1] < 10
        finally:
            for link in links:
                link.close()


def test_a_head_that_comes_octet_by_octet_is_cut_off(site: Site, client: ConnectedClient) -> None:
    with nothing_stays(client):
        links = [open_request(site, b"GET /" + HEAD) for _ in range(50)]
        left, sent = set(links), 0
        deadline = time.monotonic() + DEADLINE
        while left:
            assert time.monotonic() < deadline
            sent += 1
            for link in list(left):
                try:
                    link.sendall(b"X" if sent % 10 else b": y\r\n")
                except ConnectionError:
                    left.remove(link)
                    link.close()
            assert client.call("com.shop.held")


@pytest.mark.parametrize("path", ["/rows", "/ticks", "/admin/rows", "/static/large"])
def test_a_visitor_who_goes_in_the_midst_of_a_download(
    site: Site, client: ConnectedClient, path: str
) -> None:
    with nothing_stays(client):
        for _ in range(30):
            link = open_request(site, f"GET {path}".encode() + HEAD + b"\r\n")
            assert link.recv(1000)
            link.close()


@pytest.mark.parametrize("path", ["/rows", "/ticks", "/admin/rows", "/static/large"])
def test_visitors_who_do_not_read_take_no_memory(
    site: Site, client: ConnectedClient, path: str
) -> None:
    with nothing_stays(client):
        site.ask("/")
        before = resident(site)
        links = [open_request(site, f"GET {path}".encode() + HEAD + b"\r\n") for _ in range(30)]
        try:
            for link in links:
                assert link.recv(1000)
            for _ in range(100):
                assert site.ask("/")[:2] == (200, "here")
                assert client.call("com.shop.held")
            assert resident(site) < before + 100_000_000
        finally:
            for link in links:
                link.close()


@pytest.mark.parametrize("path", ["/upload", "/admin/upload"])
def test_a_visitor_who_goes_in_the_midst_of_an_upload(
    site: Site, client: ConnectedClient, path: str
) -> None:
    with nothing_stays(client):
        for _ in range(30):
            head = f"POST {path}".encode() + HEAD + b"Content-Length: 1000000\r\n\r\n"
            open_request(site, head + b"x" * 500_000).close()


@pytest.mark.parametrize("path", ["/upload", "/admin/upload"])
def test_uploads_come_whole_while_calls_come_first(
    site: Site, client: ConnectedClient, path: str
) -> None:
    """Pages take turns then, and what has come of them waits."""
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            client.call("com.shop.held")

    def upload() -> None:
        sent = secrets.randbelow(3_000_000) + 3_000_000
        found.append(site.ask(path, bytes(sent))[1] == str(sent))

    found: list[bool] = []
    caller = threading.Thread(target=call)
    visitors = [threading.Thread(target=upload) for _ in range(8)]
    caller.start()
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    stop.set()
    caller.join()
    assert found == [True] * 8


def test_a_request_counts_whose_visitor_does_not_wait(site: Site, client: ConnectedClient) -> None:
    before = int(site.ask("/counted")[1])
    request = b"POST /count" + HEAD + b"Content-Length: 0\r\n\r\n"
    for _ in range(50):
        client.call("com.shop.held")
        open_request(site, request).close()
    deadline = time.monotonic() + DEADLINE
    while int(site.ask("/counted")[1]) < before + 50:
        assert time.monotonic() < deadline


def resident(site: Site) -> int:
    """The octets of memory that the service has."""
    pages = Path(f"/proc/{site.process.pid}/statm").read_text("ascii").split()[1]
    return int(pages) * 4096
