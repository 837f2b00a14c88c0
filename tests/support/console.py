"""The console of a running service, and what its users do there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.node import node_package
from tests.support.process import ROOT, Wampapp, environment
from wampapp.crossbar import Progress

SERVICE = ROOT / "tests" / "programs" / "console_service.py"
#: What would be markup, or would turn a line round, and how the console shows it.
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[2J"
SHOWN = "<img src=x onerror=alert(1)>\\u202e\\u001b[2J"
_AXE = "4.10.3"


class Console:
    """A running service, and its console."""

    def __init__(
        self,
        browser: Browser,
        port: int = 0,
        *options: str | Path,
        service: Path = SERVICE,
        cwd: Path = ROOT,
    ) -> None:
        self._browser = browser
        words = ("run", service, "--port", str(port), *options)
        self.service = Wampapp(*words, cwd=cwd, env=environment())
        self.port = int(self.service.until(r"rs://127\.0\.0\.1:(\d+)")[1])
        self.service.until("Press Ctrl-C")
        self.origin = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.origin}/_wampapp/"
        self.asked: list[str] = []
        self.trouble: list[str] = []

    @property
    def rs_url(self) -> str:
        return f"rs://127.0.0.1:{self.port}"

    @property
    def contexts(self) -> list[BrowserContext]:
        return list(self._browser.contexts)

    def visit(self, where: str = "", **options: Any) -> Page:
        context = self._browser.new_context(**options)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.goto(self.url + where)
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.trouble.append(text)


@contextmanager
def console_of(browser: Browser, service: Path, folder: Path) -> Iterator[Console]:
    """The console of a service that runs in a folder; the page reports no trouble."""
    console = Console(browser, service=service, cwd=folder)
    try:
        yield console
        assert not console.trouble
    finally:
        for context in console.contexts:
            context.close()
        console.service.stop()


def accessible(page: Page, progress: Progress) -> None:
    """Fail if axe-core has anything serious to say about the page as it is."""
    if not page.evaluate("'axe' in window"):
        package = node_package("axe-core", _AXE, progress)
        page.add_script_tag(path=package / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    bad = [
        (one["id"], node["html"], node["failureSummary"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not bad


def operation(page: Page, uri: str, kind: str = "procedure") -> Locator:
    page.goto(page.url.partition("#")[0] + f"#/api/{kind}/{uri}")
    expect(page.locator("h2.uri")).to_have_text(uri)
    return page.locator(".found")


def call(page: Page, verb: str = "Call") -> None:
    page.get_by_role("button", name=verb, exact=True).click()


def outcome(page: Page) -> Any:
    expect(page.locator(".outcome")).to_contain_text("Answered in")
    return json.loads(page.locator(".output pre").inner_text())


def rows(page: Page) -> Locator:
    return page.locator(".groups a:visible code")
