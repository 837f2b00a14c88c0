"""The console's tab of live settings, and services that have them, for its tests."""

from contextlib import ExitStack
from typing import Annotated, Any, Literal

from msgspec import Meta
from playwright.sync_api import Locator, Page, expect

from tests.support.console import Console
from tests.support.process import ROOT
from tests.support.running import running
from wampapp import App, ConnectedClient
from wampapp.components import Live, Settings

SERVICE = ROOT / "tests" / "programs" / "settings" / "service.py"
PREFIX = "com.mill.settings"


class Sieve(Settings):
    """What another service has."""

    mesh: Annotated[Literal["fine", "coarse"], Meta(description="the sieve that is in")] = "fine"
    angle: Annotated[float, Meta(gt=0, le=45)] = 1.5
    note: str | None = None
    serial: int = 1
    banner: str = "Sieved"


class Other(Settings):
    """A service of another version."""

    speed: float = 10.0


class Services:
    """Services that follow the settings which the mill keeps."""

    def __init__(self, console: Console, client: ConnectedClient, stack: ExitStack) -> None:
        self._console = console
        self._client = client
        self._stack = stack

    def start(self, name: str, kind: type[Any]) -> ExitStack:
        """Start one, and return what ends it."""
        app = App(prefix="com.mill", name=name)
        Live(app, kind)
        stack = ExitStack()
        stack.enter_context(running(app, self._console.rs_url))
        self._stack.push(stack)
        return stack

    def odd(self, service: str, schema: Any, defaults: dict[str, Any]) -> None:
        """Have one joined that says what it likes, and answers nothing."""
        about = {"service": service, "names": [*defaults], "pinned": []}
        told = self._client.stream(
            f"{PREFIX}.attach", {**about, "schema": schema, "defaults": defaults}
        )
        next(told)  # it is joined
        self._stack.callback(told.close)  # type: ignore[attr-defined]


def setting(page: Page, name: str) -> Locator:
    return page.locator(f"ol.settings > li[data-setting='{name}']")


def field(page: Page, name: str) -> Locator:
    return setting(page, name).get_by_label(name, exact=True)


def source(page: Page, name: str) -> Locator:
    return setting(page, name).locator(".source")


def version(page: Page, number: int) -> Locator:
    return page.locator(f"ol.versions > li[data-version='{number}']")


def opened(page: Page, number: int) -> Locator:
    version(page, number).locator("summary").click()
    return version(page, number)


def send(page: Page) -> None:
    page.get_by_role("button", name="Change", exact=True).click()


def ready(page: Page, number: int) -> Page:
    status = page.locator(".tab.settings .bar").get_by_role("status")
    expect(status).to_have_text(f"{PREFIX}, version {number}")
    return page


def outcome(page: Page) -> Locator:
    return page.locator(".tab.settings form > [role=status]")


def trouble(page: Page) -> Locator:
    return page.locator(".tab.settings form > [role=alert]")


def values(client: ConnectedClient) -> Any:
    return client.call(f"{PREFIX}.snapshot")["values"]
