"""`wampapp run --reload`: open pages are loaded anew when anything of theirs has changed."""

import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import chromium
from tests.support.process import DEADLINE, ROOT, Wampapp, environment
from tests.support.saving import save
from tests.support.site import Site

pytestmark = pytest.mark.processes

HTML = "text/html,application/xhtml+xml"
SERVICE = """
from typing import Any
from wampapp import App
from wampapp.web import make_response, render_template

app = App(prefix="com.shop")
app.static("/static", "static")

@app.route("/")
def index() -> Any:
    page = render_template("index.html", text="first")
    return make_response(page, {"Content-Security-Policy": "default-src 'self'"})

@app.route("/broken")
def broken() -> str:
    raise ValueError

@app.route("/json")
def json() -> list[int]:
    return [1]
"""
TEMPLATE = """
<!doctype html>
<title>Shop</title>
<link rel="stylesheet" href="/static/shop.css">
<p id="text">{{ text }}</p>
<a href="/json">on</a>
</html>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "static").mkdir()
    (tmp_path / "shop.py").write_text(SERVICE)
    (tmp_path / "templates" / "index.html").write_text(TEMPLATE)
    (tmp_path / "static" / "shop.css").write_text("p { color: rgb(1, 2, 3) }")
    return tmp_path


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


@contextmanager
def followed(page: Page) -> Iterator[None]:
    """What the block brings about is a page that waits for the next save."""
    with page.expect_response(re.compile("/_wampapp/alive")):
        yield


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=str)
def test_a_page_follows_each_save(folder: Path, page: Page, more: list[str]) -> None:
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda said: mistakes.append(said.text) if said.type == "error" else None)
    env = environment()
    with Wampapp("run", folder / "shop.py", "--port", "0", "--reload", *more, env=env) as service:
        site = Site(service)
        with followed(page):
            page.goto(f"http://127.0.0.1:{site.port}/")
        text = page.locator("#text")
        expect(text).to_have_text("first")
        template = folder / "templates" / "index.html"
        with followed(page):
            save(template, TEMPLATE.replace("{{ text }}", "{{ text }} and more"))
        expect(text).to_have_text("first and more")
        with followed(page):
            save(folder / "shop.py", SERVICE.replace("first", "second"))
        expect(text).to_have_text("second and more")
        with followed(page):
            save(folder / "static" / "shop.css", "p { color: rgb(4, 5, 6) }")
        expect(text).to_have_css("color", "rgb(4, 5, 6)")
        save(folder / "templates" / "new.html", "new")  # a file that was not there
        service.until("templates/new.html")
        last = re.search(r"of=\d+", site.ask("/", Accept=HTML)[1])
        assert last
        expect(page.locator(f"script[src$='{last[0]}']")).to_have_count(1)
        expect(text).to_have_text("second and more")
        page.get_by_role("link").click()
        expect(page.locator("pre")).to_have_text("[1]")
        assert service.stop() == 0
    assert [m for m in mistakes if "ERR_" not in m and "404" not in m] == []


def test_an_error_page_goes_once_its_cause_is_mended(folder: Path, page: Page) -> None:
    with Wampapp("run", folder / "shop.py", "--port", "0", "--reload") as service:
        site = Site(service)
        with followed(page):
            page.goto(f"http://127.0.0.1:{site.port}/broken")
        expect(page.locator("h1")).to_have_text("Internal Server Error")
        save(folder / "shop.py", SERVICE.replace("raise ValueError", "return '<h1>ok</h1>'"))
        expect(page.locator("h1")).to_have_text("ok")
        assert service.stop() == 0


def test_a_page_that_finds_no_process_tries_again(folder: Path, page: Page, free_port: int) -> None:
    waiting = """
import time
from pathlib import Path

@app.on_startup
def wait() -> None:
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.01)
"""
    (folder / "shop.py").write_text(SERVICE + waiting)
    words = ("run", folder / "shop.py", "--port", str(free_port), "--workers", "2")
    with Wampapp(*words) as service:
        url = f"http://127.0.0.1:{free_port}/"
        wait_for_port(free_port)
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 503
        expect(page.locator("body")).to_contain_text("try again")
        (folder / "go").touch()
        expect(page.locator("#text")).to_have_text("first")
        service.until("Press Ctrl-C")
        assert service.stop() == 0


def wait_for_port(port: int) -> None:
    """Wait until something listens at a port."""
    deadline = time.monotonic() + DEADLINE
    while True:
        assert time.monotonic() < deadline
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return


def test_without_reload_pages_are_left_as_they_are(folder: Path) -> None:
    with Wampapp("run", folder / "shop.py", "--port", "0") as service:
        site = Site(service)
        assert "reload.js" not in site.ask("/", Accept=HTML)[1]
        assert site.ask("/_wampapp/alive")[0] == 404
        assert service.stop() == 0


def test_only_pages_get_the_script(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(ROOT / "tests" / "programs" / "web" / "shop", shop)
    env = environment(WAMPAPP_SECRET_KEY="a key for a test")
    with Wampapp("run", shop / "shop.py", "--port", "0", "--reload", env=env) as service:
        site = Site(service)
        found = re.search(r"reload\.js\?of=(\d+)", site.ask("/", Accept=HTML)[1])
        assert found
        # The page waits for a later start; what has made it is none.
        assert site.ask(f"/_wampapp/alive?of={found[1]}", method="HEAD")[0] == 204
        assert site.ask("/_wampapp/alive?of=1", method="HEAD")[0] == 200
        assert "reload.js" not in site.ask("/")[1]
        for path in ("/kinds/both", "/rows", "/static/shop.css", "/static/deep/", "/flask/visits"):
            assert "reload.js" not in site.ask(path, Accept=HTML)[1]
        assert site.ask("/orders/3", method="HEAD")[0] == 200
        assert service.stop() == 0
