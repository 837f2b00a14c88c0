"""The console of a running service, and what its users do there."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.process import ROOT, Wampapp, environment

SERVICE = ROOT / "tests" / "programs" / "console_service.py"


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
