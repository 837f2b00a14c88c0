"""Web pages at a port of their own, beside an app on any router; and behind a proxy."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect as open_websocket

from tests.support.process import DEADLINE, ROOT, EmbeddedRouter, Wampapp, environment, wampapp
from tests.support.site import Site
from wampapp import ConnectedClient
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes

SHOP = ROOT / "tests" / "programs" / "web" / "shop" / "shop.py"
MOUNTS = ROOT / "tests" / "programs" / "web" / "site.py"
ENV = environment(WAMPAPP_SECRET_KEY="a key for a test")


class PageSite(Site):
    """A service whose pages have a port of their own."""

    def __init__(self, process: Wampapp) -> None:
        self.process = process
        self.port = int(process.until(r"  pages       http://127\.0\.0\.1:(\d+)/  ")[1])
        process.until("Press Ctrl-C")


MORE = pytest.mark.parametrize("more", [[], ["--workers", "2"], ["--reload"]], ids=str)


@MORE
@pytest.mark.both_routers
def test_an_app_on_any_router_has_pages(
    router: EmbeddedRouter | Crossbar, peer: ConnectedClient, more: list[str]
) -> None:
    options = ("--url", router.rs_url, "--realm", router.realm, "--http", "127.0.0.1:0", *more)
    with Wampapp("run", SHOP, *options, env=ENV) as service:
        site = PageSite(service)
        assert "<p>3 &lt;b&gt;" in site.ask("/")[1]
        assert site.ask("/rows")[1] == "1 /rows\n2 /rows\n3 /rows\n"
        assert site.ask("/static/shop.css")[1] == "body { color: teal }\n"
        assert site.ask("/nowhere")[0] == 404
        assert site.ask("/", Host="evil.example")[0] == 421
        assert peer.call("com.shop.add", 2, 3) == 5
        assert service.stop() == 0
        assert "not served" not in service.text


def test_mounted_apps_have_their_websockets_there(embedded: EmbeddedRouter) -> None:
    options = ("--url", embedded.rs_url, "--http", "127.0.0.1:0")
    with Wampapp("run", MOUNTS, *options) as service:
        site = PageSite(service)
        url = f"ws://127.0.0.1:{site.port}/api/echo"
        with open_websocket(url, open_timeout=DEADLINE) as link:
            link.send("abc")
            assert link.recv() == "abc 4"
        assert service.stop() == 0


@MORE
def test_the_router_in_the_box_leaves_its_pages_to_that_port(more: list[str]) -> None:
    options = ("--port", "0", "--http", "127.0.0.1:0", *more)
    with Wampapp("run", SHOP, *options, env=ENV) as service:
        pages = PageSite(service)
        port = int(service.until(r"rs://127\.0\.0\.1:(\d+)")[1])
        assert port != pages.port
        assert pages.ask("/add?a=1&b=2")[1] == "3"
        pages.port = port
        assert pages.ask("/add?a=1&b=2")[0] == 404
        assert service.stop() == 0


CALLING = """
from wampapp import App

app = App(prefix="com.shop", rejoin_timeout=0.2)

@app.route("/calls")
async def calls() -> str:
    return str(await app.call("com.other.add"))

@app.route("/")
def rests() -> str:
    return "here"
"""


def test_while_the_router_is_away_pages_are_shown_and_calls_are_not_available(
    tmp_path: Path,
) -> None:
    file = tmp_path / "shop.py"
    file.write_text(CALLING)
    with EmbeddedRouter() as router:
        with Wampapp("run", file, "--url", router.rs_url, "--http", "127.0.0.1:0") as service:
            site = PageSite(service)
            assert router.stop() == 0
            service.until("The session ended")
            assert site.ask("/")[1] == "here"
            status, text, headers = site.ask("/calls")
            assert (status, headers["retry-after"]) == (503, "1")
            assert text == "The service is not available just now; try again.\n"
            assert service.stop() == 0


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=str)
def test_a_port_that_is_taken_is_one_sentence(embedded: EmbeddedRouter, more: list[str]) -> None:
    http = f"127.0.0.1:{embedded.port}"
    done = wampapp("run", SHOP, "--url", embedded.rs_url, "--http", http, *more)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert f"Port {embedded.port} on 127.0.0.1 is taken; choose another with --http." in last


@pytest.mark.parametrize("text", ["nonsense", "127.0.0.1:", ":8000", "127.0.0.1:99999", "1:2:x"])
def test_an_address_that_is_none_is_one_sentence(text: str) -> None:
    done = wampapp("run", SHOP, "--port", "0", "--http", text)
    assert done.returncode == 2
    assert f"'{text}' does not say where to serve web pages" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_connection_that_says_nothing_is_closed(embedded: EmbeddedRouter) -> None:
    options = ("--url", embedded.rs_url, "--http", "127.0.0.1:0", "--handshake-timeout", "2")
    with Wampapp("run", SHOP, *options, env=ENV) as service:
        site = PageSite(service)
        with socket.create_connection(("127.0.0.1", site.port), DEADLINE) as link:
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""
        assert service.stop() == 0


ECHO = """
from typing import Any
from wampapp import App
from wampapp.web import Request, session, url_for

app = App(prefix="com.shop")

@app.route("/seen", methods=["GET", "POST"])
def seen(request: Request) -> Any:
    session["a"] = 1
    return [request.url, request.remote_addr, request.script_root, url_for("seen")]
"""


@pytest.fixture(scope="module", params=[[], ["--trust-proxy"]], ids=str)
def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, bool]]:
    file: Path = tmp_path_factory.mktemp("proxy") / "shop.py"
    file.write_text(ECHO)
    options = ("--port", "0", "--allow-origin", "https://shop.example")
    with Wampapp("run", file, *options, *request.param, env=ENV) as service:
        yield Site(service), bool(request.param)
        assert service.stop() == 0


FORWARDED = {
    "X_Forwarded_For": "6.6.6.6, 203.0.113.7",
    "X_Forwarded_Proto": "https",
    "X_Forwarded_Host": "shop.example",
    "X_Forwarded_Prefix": "/shop",
}


def test_what_a_proxy_says_counts_only_if_it_is_trusted(behind: tuple[Site, bool]) -> None:
    site, is_trusted = behind
    status, text, headers = site.ask("/seen", **FORWARDED)
    assert status == 200
    url, address, root, own = json.loads(text)
    if is_trusted:
        assert url == "https://shop.example/shop/seen"
        assert (address, root, own) == ("203.0.113.7", "/shop", "/shop/seen")
    else:
        assert url == f"http://127.0.0.1:{site.port}/seen"
        assert (address, root, own) == ("127.0.0.1", "", "/seen")
    assert ("Secure" in re.split("; ?", headers["set-cookie"])) is is_trusted


def test_a_page_behind_a_proxy_has_the_proxy_s_origin(behind: tuple[Site, bool]) -> None:
    site, is_trusted = behind
    more = {**FORWARDED, "X_Forwarded_Host": "other.example"}
    if is_trusted:
        assert site.ask("/seen", b"", **more)[0] == 421
    own = {**FORWARDED, "Origin": "https://shop.example"}
    assert site.ask("/seen", b"", **own)[0] == 200


@pytest.mark.parametrize("prefix", ["//evil.example", "shop", "/"])
def test_a_prefix_that_is_not_a_path_is_ignored(behind: tuple[Site, bool], prefix: str) -> None:
    site, _ = behind
    assert json.loads(site.ask("/seen", X_Forwarded_Prefix=prefix)[1])[3] == "/seen"
