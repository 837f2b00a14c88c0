"""`@app.identify`: the router in the box asks an app who its web pages are."""

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import TICKET
from tests.support.process import EmbeddedRouter, Wampapp, environment
from tests.support.programs import program
from tests.support.raw import Raw, status, upgrade
from wampapp.protocol.hashes import TicketHash

pytestmark = pytest.mark.processes

SERVICE = program("identifying_service.py")


class At:
    """A router on this machine's loopback, by its port."""

    def __init__(self, port: int) -> None:
        self.port = port


class Page(Raw):
    """A web page's WebSocket, whose browser sends cookies with its request."""

    def __init__(self, port: int, cookie: str | None, path: str = "/ws") -> None:
        router: Any = At(port)
        super().__init__(router)
        headers = {"Origin": "http://localhost:3000", "Cookie": cookie}
        self.socket.sendall(upgrade(router, path, **headers))
        assert status(self) == 101
        while self.stream.readline() != b"\r\n":
            pass

    def frame(self, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(octet ^ mask[n % 4] for n, octet in enumerate(payload))
        assert len(payload) < 126
        self.socket.sendall(bytes([0x81, 0x80 | len(payload)]) + mask + masked)

    def receive(self) -> list[Any]:
        _, length = self.stream.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", self.stream.read(2))
        message: list[Any] = json.loads(self.stream.read(length))
        return message


@contextmanager
def page(port: int, cookie: str | None = "session=s1") -> Iterator[list[Any]]:
    """Open a page's WebSocket, and yield what HELLO is answered with."""
    opened = Page(port, cookie)
    opened.send([1, "realm1", {"roles": {"caller": {}}}])
    yield opened.receive()
    opened.close()


def who(port: int, cookie: str | None = "session=s1") -> tuple[str, str]:
    with page(port, cookie) as (code, _, details):
        assert code == 2, details
        return details["authid"], details["authmethod"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "shop.py"
    file.write_text(SERVICE)
    return file


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--reload"]], ids=str)
def test_the_app_s_own_router_asks_it(script: Path, options: list[str]) -> None:
    with Wampapp("run", script, "--port", "0", *options) as service:
        port = int(service.until(r"rs://127\.0\.0\.1:(\d+)")[1])
        service.until("Press Ctrl-C")
        assert who(port) == ("alice", "cookie")
        assert who(port, "a=b; session=s1; session=s2") == ("alice", "cookie")
        for stranger in (None, "session=other", "session", "session=\u00e4"):
            assert who(port, stranger)[1] == "anonymous"
        assert service.stop() == 0
        assert "session=s1" not in service.text


def test_a_save_may_bring_it(script: Path) -> None:
    script.write_text(SERVICE.replace("@app.identify", "@app.register"))
    with Wampapp("run", script, "--port", "0", "--reload") as service:
        port = int(service.until(r"rs://127\.0\.0\.1:(\d+)")[1])
        service.until("Press Ctrl-C")
        assert who(port)[1] == "anonymous"
        new = script.with_name("new")
        new.write_text(SERVICE)
        new.replace(script)
        service.until("Reloaded")
        assert who(port) == ("alice", "cookie")


def test_a_router_by_itself_asks_whom_its_file_names(script: Path, tmp_path: Path) -> None:
    rules = tmp_path / "router.toml"
    ticket = f"ticket = '{TicketHash.of(TICKET).text}'\n"
    rules.write_text(
        '[realms.realm1]\nidentifier = "com.shop.who"\nanonymous = "guest"\n'
        "[realms.realm1.roles.guest]\n"
        "[realms.realm1.roles.service]\n"
        'permissions = [{ uri = "", match = "prefix", allow = ["register"] }]\n'
        "[realms.realm1.roles.member]\n"
        f"[realms.realm1.principals.shop]\nrole = 'service'\n{ticket}"
        f"[realms.realm1.principals.alice]\nrole = 'member'\n{ticket}"
    )
    rules.chmod(0o600)
    with EmbeddedRouter(0, "--config", rules) as router:
        with page(router.port) as (code, _, reason):
            assert (code, reason) == (3, "wamp.error.unavailable")
        env = environment(WAMPAPP_AUTHMETHOD="ticket", WAMPAPP_AUTHID="shop", WAMPAPP_SECRET=TICKET)
        with Wampapp("run", script, "--url", router.ws_url, env=env) as service:
            service.until("Press Ctrl-C")
            with page(router.port) as (code, _, details):
                found = details["authid"], details["authrole"], details["authmethod"]
                assert (code, *found) == (2, "alice", "member", "cookie")
            assert service.stop() == 0
        with page(router.port) as (code, _, reason):
            assert (code, reason) == (3, "wamp.error.unavailable")
