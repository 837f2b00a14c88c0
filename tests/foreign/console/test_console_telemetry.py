"""The tab of logs and numbers, in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.console import HOSTILE, SHOWN, Console, accessible, console_of
from tests.support.process import ROOT
from wampapp import ConnectedClient, WampError, connect
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "telemetry" / "shop.py"


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    with console_of(browser, SERVICE, tmp_path) as console:
        yield console


@pytest.fixture
def client(console: Console) -> Iterator[ConnectedClient]:
    with connect(console.rs_url, timeout=30) as client:
        yield client


def ready(page: Page) -> Page:
    status = page.locator(".tab.telemetry .bar").get_by_role("status")
    expect(status).to_have_text("com.shop.telemetry")
    return page


def lines(page: Page, text: str = "ordered") -> Locator:
    return page.locator("ol.logs > li").filter(has_text=text)


def show(page: Page) -> None:
    page.get_by_role("button", name="Show", exact=True).click()


def test_records_come_as_they_are_written(console: Console, client: ConnectedClient) -> None:
    client.call("com.shop.order", "apple")
    page = ready(console.visit("#/telemetry"))
    expect(lines(page)).to_have_count(1)
    client.call("com.shop.order", HOSTILE)
    expect(lines(page)).to_have_count(2)
    newest = lines(page).first
    expect(newest.locator(".message")).to_have_text(f"ordered {SHOWN}")
    newest.locator("summary").click()
    expect(newest.locator("dl")).to_contain_text("shop.orders")
    expect(newest.locator("dl")).to_contain_text('card_token"***"')


def test_records_are_looked_for(console: Console, client: ConnectedClient) -> None:
    for sku in ("apple", "pear"):
        client.call("com.shop.order", sku)
    with pytest.raises(WampError):
        client.call("com.shop.refuse", "no money")
    page = ready(console.visit("#/telemetry"))
    expect(lines(page)).to_have_count(2)
    page.get_by_label("Words").fill("pear")
    show(page)
    expect(lines(page, "")).to_have_count(1)
    client.call("com.shop.order", "plum")
    client.call("com.shop.order", "pear")
    expect(lines(page, "")).to_have_count(2)
    page.get_by_label("Words").fill("")
    page.get_by_label("From level").select_option("error")
    show(page)
    expect(lines(page, "")).to_have_count(1)
    failed = lines(page, "refuse failed")
    failed.locator("summary").click()
    expect(failed.locator("pre")).to_contain_text("ValueError: no money")
    page.get_by_label("Service").select_option("shop")
    page.get_by_label("Trace").fill("none")
    show(page)
    expect(lines(page, "")).to_have_text(["There are no such log records yet."])


def test_numbers(console: Console, client: ConnectedClient) -> None:
    for _ in range(3):
        client.call("com.shop.order", "apple")
    with pytest.raises(WampError):
        client.call("com.shop.refuse", "no money")
    page = ready(console.visit("#/telemetry"))
    row = page.get_by_role("row").filter(has_text="com.shop.order")
    expect(row.get_by_role("cell").nth(5)).to_have_text("3")
    expect(row.get_by_role("img", name="Calls of com.shop.order over 10 minutes")).to_be_visible()
    refused = page.get_by_role("row").filter(has_text="com.shop.refuse")
    expect(refused.get_by_role("cell").nth(6)).to_have_text("1")
    expect(page.get_by_role("table", name="Processes")).to_contain_text("MiB")
    first = page.get_by_role("table", name="Handlers").get_by_role("rowheader").first
    page.get_by_role("button", name="Errors/s").click()
    expect(first).to_have_text("com.shop.refuse")
    page.get_by_role("button", name="Procedure or topic").click()
    expect(first).to_have_text("com.shop.order")
    expect(page.get_by_role("columnheader", name="Procedure or topic")).to_have_attribute(
        "aria-sort", "ascending"
    )


def test_it_goes_on_after_a_restart(
    console: Console, client: ConnectedClient, tmp_path: Path
) -> None:
    client.call("com.shop.order", "apple")
    page = ready(console.visit("#/telemetry"))
    expect(lines(page)).to_have_count(1)
    console.service.stop()
    expect(page.locator("#state")).to_contain_text("Away")
    again = Console(console._browser, console.port, service=SERVICE, cwd=tmp_path)
    console.service = again.service
    ready(page)
    client.call("com.shop.order", "pear")
    expect(lines(page)).to_have_count(2)
    console.trouble.clear()  # what the browser says of the router's absence


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    console: Console, client: ConnectedClient, scheme: Any, progress: Progress
) -> None:
    with pytest.raises(WampError):
        client.call("com.shop.refuse", "no money")
    page = ready(console.visit("#/telemetry", color_scheme=scheme, bypass_csp=True))
    lines(page, "refuse failed").locator("summary").click()
    expect(page.get_by_role("row").filter(has_text="com.shop.refuse")).to_be_visible()
    accessible(page, progress)


def test_it_fits_a_phone(console: Console, client: ConnectedClient) -> None:
    client.call("com.shop.order", "a" * 400)
    page = ready(console.visit("#/telemetry", viewport={"width": 360, "height": 740}))
    expect(lines(page).first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="com.shop.order")).to_have_text(
        re.compile("com.shop.order")
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
