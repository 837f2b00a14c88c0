"""The configurations of the page on deploying, with the programs that they are for."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import chromium
from tests.support.debian import debian_program
from tests.support.https import Https
from tests.support.ports import free_port
from tests.support.process import ROOT, Process, Wampapp, environment
from tests.support.tls import Authority
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

PAGE = (ROOT / "docs/how-to/deploy.md").read_text("utf-8")
APP = """
from wampapp import App
from wampapp.web import Request, session, url_for

app = App(prefix="com.shop")
app.static("/static", "static")


@app.register
def add(a: int, b: int) -> int:
    return a + b


@app.get("/")
def index() -> str:
    return '<script type="module" src="static/page.js"></script><output></output>'


@app.post("/seen")
def seen(request: Request) -> list[str]:
    session["a"] = 1
    return [request.url, request.remote_addr or "", url_for("seen", _external=True)]
"""
SCRIPT = """
import { connect } from "../_wampapp/wampapp.js";
const wamp = connect();
document.querySelector("output").textContent = await wamp.call("com.shop.add", 2, 3);
"""


def block(language: str) -> str:
    found = re.search(f"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


class Deployed:
    """The app behind a proxy."""

    def __init__(self, port: int, trust: Path, prefix: str = "") -> None:
        self.port = port
        self.prefix = prefix
        self.https = Https(port, trust)
        self.url = f"https://localhost:{port}{prefix}/"


def command(port: int) -> list[str]:
    """That of the systemd unit, with the port of the proxy in its name."""
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block("ini"))
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[0].endswith("/wampapp")
    return [word.replace("shop.example", f"localhost:{port}") for word in words[1:]]


def nginx(folder: Path, text: str, progress: Progress) -> Process:
    program = debian_program("nginx", "nginx", "nginx-common", progress=progress)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr notice; events {{}}\n"
        f"http {{ access_log off;\n{places}{text} }}\n"
    )
    process = Process(program, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr")
    process.until("start worker process")
    return process


def caddy(folder: Path, text: str, progress: Progress) -> Process:
    program = debian_program("caddy", "caddy", progress=progress)
    (folder / "Caddyfile").write_text(text)
    env = environment(XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder), HOME=str(folder))
    process = Process(program, "run", "--config", folder / "Caddyfile", env=env)
    process.until("serving initial configuration")
    return process


@pytest.fixture(scope="module", params=["nginx", "nginx below a path", "caddy"])
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, progress: Progress
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APP)
    (folder / "static").mkdir()
    (folder / "static/page.js").write_text(SCRIPT)
    authority = Authority(folder)
    certificate, key = authority.issue_pair("localhost")
    port, inner = free_port(), free_port()
    prefix = ""
    if request.param == "caddy":
        text = block("caddyfile").replace("127.0.0.1:8080", f"127.0.0.1:{inner}")
        site = f"https://localhost:{port} {{\n    tls {certificate} {key}\n    bind 127.0.0.1"
        text = text.replace("shop.example {", site)
        assert site in text
        text = f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{text}"
        start = caddy
    else:
        start = nginx
        text = block("nginx").replace("127.0.0.1:8080", f"127.0.0.1:{inner}")
        for old, new in (
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("server_name shop.example", "server_name localhost"),
            ("/etc/ssl/shop.pem", str(certificate)),
            ("/etc/ssl/shop.key", str(key)),
        ):
            assert old in text
            text = text.replace(old, new)
        if "path" in request.param:
            prefix = "/shop"
            for pattern in (r"location (/shop/)", r"(proxy_pass \S+/);", r"(\S+-Prefix) /shop;"):
                assert re.search(pattern, PAGE), pattern
            text = text.replace("location /", "location /shop/")
            text = text.replace(f":{inner};", f":{inner}/;")
            text = text.replace('-Prefix ""', "-Prefix /shop")
    env = environment(WAMPAPP_PORT=str(inner))
    with Wampapp(*command(port), cwd=folder, env=env) as service:
        service.until("Press Ctrl-C")
        with start(folder, text, progress) as proxy:
            yield Deployed(port, authority.file, prefix)
            proxy.stop()
        assert service.stop() == 0


FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}


def test_pages_know_their_own_address(deployed: Deployed) -> None:
    status, text, headers = deployed.https.ask(f"{deployed.prefix}/seen", b"", FORGED)
    assert status == 200
    assert json.loads(text) == [f"{deployed.url}seen", "127.0.0.1", f"{deployed.url}seen"]
    assert "Secure" in re.split("; ?", headers["set-cookie"])


def test_a_page_calls_through_the_proxy(deployed: Deployed) -> None:
    with chromium() as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(deployed.url)
        expect(page.locator("output")).to_have_text("5")


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    text = block("ini").replace("/srv/shop/.venv/bin/wampapp", "/bin/true")
    (tmp_path / "shop.service").write_text(text.replace("/srv/shop", str(tmp_path)))
    done = subprocess.run(
        [program, "verify", "--man=no", tmp_path / "shop.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "shop.service" not in done.stderr, done.stderr
