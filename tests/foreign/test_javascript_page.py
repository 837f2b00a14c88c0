"""The programs of the page on browsers and JavaScript: in Node, and in Chromium."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import chromium
from tests.support.node import node_package
from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Process, Wampapp, environment
from tests.support.programs import program
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

PAGE = (ROOT / "docs" / "how-to" / "javascript.md").read_text("utf-8")
#: The programs, by the file names in their first lines.
FILES = {
    name: block
    for block, name in re.findall(
        r"^```\w+\n((?:#|//|<!--) ([\w.]+)\b.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )
}
OUTPUT = re.search(r"^```\nnode till\.cjs\n```\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def installed(package: str, progress: Progress) -> Path:
    """The modules that the page's npm command installs."""
    version = re.search(rf"^npm install {package}@([\d.]+)$", PAGE, re.MULTILINE)
    assert version
    return node_package(package, version[1], progress) / "node_modules"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with the page's files, whose service runs."""
    port = free_port()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.replace("8080", str(port)))
    with Wampapp("run", "shop.py", "--port", str(port), cwd=tmp_path, env=environment()) as service:
        service.until("Press Ctrl-C")
        yield tmp_path
        assert service.stop() == 0, service.text


def test_the_program_for_node(folder: Path, progress: Progress) -> None:
    (folder / "node_modules").symlink_to(installed("autobahn", progress))
    done = subprocess.run(
        ["node", "till.cjs"], cwd=folder, capture_output=True, text=True, timeout=DEADLINE
    )
    assert OUTPUT
    # On standard error, AutobahnJS says that it has left.
    assert (done.returncode, done.stdout) == (0, OUTPUT[1]), done.stderr


def test_the_web_page(folder: Path, progress: Progress) -> None:
    (folder / "node_modules").symlink_to(installed("wampy", progress))
    command = re.search(r"^python3 (-m http.server .*)$", PAGE, re.MULTILINE)
    assert command
    words = command[1].replace("8000", "0").split()
    with Process(sys.executable, "-u", *words, cwd=folder, env=environment()) as site:
        url = site.until(r"\((http://127.0.0.1:\d+/)\)")[1]
        with chromium() as browser:
            buyer, other = browser.new_page(), browser.new_page()
            for page in (buyer, other):
                page.goto(url)
                expect(page.locator("#price")).to_have_text("10")
            buyer.click("#order")
            for page in (buyer, other):
                expect(page.locator("#ordered li")).to_have_text("pear, 7 left")


#: What a page does to find out who it is.
ASK = """() => new Promise((found) => {
  document.cookie = "session=s1"
  const socket = new WebSocket(`ws://${location.host}/ws`, "wamp.2.json")
  socket.onopen = () => socket.send(JSON.stringify([1, "realm1", {roles: {caller: {}}}]))
  socket.onmessage = (event) => found(JSON.parse(event.data)[2])
})"""


def test_a_page_is_known_by_its_cookie(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(program("identifying_service.py"))
    with Wampapp("run", tmp_path / "shop.py", "--port", "0") as service:
        port = service.until(r"rs://127\.0\.0\.1:(\d+)")[1]
        service.until("Press Ctrl-C")
        with chromium() as browser:
            page = browser.new_page(bypass_csp=True)
            page.goto(f"http://127.0.0.1:{port}/")
            details = page.evaluate(ASK)
        assert (details["authid"], details["authmethod"]) == ("alice", "cookie")
