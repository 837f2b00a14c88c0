"""The tabs of components whose owners come back after the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.console import Console, console_of
from tests.support.process import ROOT, Wampapp, environment

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs"
#: An app without components.
HELLO = ROOT / "examples" / "hello.py"


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    with console_of(browser, HELLO, tmp_path) as console:
        yield console


@pytest.mark.parametrize(
    ("tab", "program", "nobody"),
    [
        ("kv", "kv/service.py", "Nobody serves a store."),
        ("search", "search/owner.py", "Nobody serves a search."),
        ("tasks", "tasks/console_service.py", "Nobody serves a queue."),
        ("telemetry", "telemetry/shop.py", "Nobody collects."),
    ],
)
def test_a_tab_finds_an_owner_that_comes_after_the_page(
    console: Console, tab: str, program: str, nobody: str, tmp_path: Path
) -> None:
    words = ("run", PROGRAMS / program, "--url", console.rs_url)
    with Wampapp(*words, cwd=tmp_path, env=environment()) as owner:
        owner.until("Press Ctrl-C")
        page = console.visit(f"#/{tab}")
        status = page.locator(f".tab.{tab} .bar").get_by_role("status")
        expect(status).to_contain_text(f".{tab}")
        assert owner.stop() == 0
    console.service.stop()
    expect(page.locator("#state")).to_contain_text("Away")
    console.service = Console(console._browser, console.port, service=HELLO, cwd=tmp_path).service
    expect(status).to_have_text(nobody)
    with Wampapp(*words, cwd=tmp_path, env=environment()) as owner:
        owner.until("Press Ctrl-C")
        expect(status).to_contain_text(f".{tab}")
        assert owner.stop() == 0
    console.trouble.clear()  # what the browser says of the router's absence
