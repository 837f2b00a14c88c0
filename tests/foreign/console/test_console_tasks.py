"""The tab of a task queue, in Chromium: what waits, what runs, what failed, and what is done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.programs.tasks.console_service import HOSTILE
from tests.support.console import Console, accessible, console_of, rows
from tests.support.process import ROOT
from wampapp import ConnectedClient, connect
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "tasks" / "console_service.py"


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    with console_of(browser, SERVICE, tmp_path) as console:
        yield console


@pytest.fixture
def client(console: Console) -> Iterator[ConnectedClient]:
    with connect(console.rs_url, timeout=30) as client:
        yield client


def row(page: Page, number: int) -> Any:
    return page.locator(f"li[data-task='{number}']")


def test_a_task_is_followed_and_ended(console: Console, client: ConnectedClient) -> None:
    page = console.visit()
    page.locator("#tabs").get_by_role("link", name="Tasks").click()
    expect(page.get_by_role("row", name="default")).to_contain_text("1")  # worker
    first = client.call("com.mill.tasks.enqueue", "grind", ["corn"])
    second = client.call("com.mill.tasks.enqueue", "grind", ["rye"])
    third = client.call("com.mill.tasks.enqueue", "grind", ["oats"])
    expect(row(page, first)).to_contain_text("running")
    expect(row(page, first)).to_contain_text("grinding corn")
    expect(row(page, first).get_by_role("progressbar")).to_have_attribute("value", "0.25")
    expect(row(page, third)).to_contain_text("ready")

    row(page, second).locator("summary").click()
    expect(row(page, second)).to_contain_text('"rye"')
    row(page, second).get_by_role("button", name="Cancel").click()
    expect(row(page, second)).to_contain_text("cancelled")
    expect(row(page, third)).to_contain_text("running")
    client.call("com.mill.open_gate", "corn")
    expect(row(page, first)).to_contain_text("done")

    # Only what was asked for, also when it changes.
    page.get_by_label("Show tasks").select_option("running")
    expect(page.locator("ol.tasks > li")).to_have_count(1)
    client.call("com.mill.open_gate", "oats")
    expect(page.locator("ol.tasks > li")).to_have_count(0)


def test_what_failed_is_tried_again(console: Console, client: ConnectedClient) -> None:
    page = console.visit("#/tasks")
    number = client.call("com.mill.tasks.enqueue", "fails", [HOSTILE])
    expect(row(page, number)).to_contain_text("dead")
    row(page, number).locator("summary").click()
    expect(row(page, number)).to_contain_text("ValueError: <img src=x onerror=alert(1)>\\u202e")
    assert page.locator("img").count() == 0

    page.get_by_role("button", name="Pause other").click()
    expect(page.get_by_role("button", name="Resume other")).to_be_focused()
    row(page, number).get_by_role("button", name="Try again").click()
    expect(row(page, number)).to_contain_text("ready")
    client.call("com.mill.open_gate", HOSTILE)
    page.get_by_role("button", name="Resume other").click()
    expect(row(page, number)).to_contain_text("done")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    console: Console, client: ConnectedClient, scheme: Any, progress: Progress
) -> None:
    page = console.visit("#/tasks", color_scheme=scheme, bypass_csp=True)
    numbers = [
        client.call("com.mill.tasks.enqueue", "grind", ["corn"]),
        client.call("com.mill.tasks.enqueue", "fails", ["a reason"]),
    ]
    expect(row(page, numbers[0]).get_by_role("progressbar")).to_be_visible()
    expect(row(page, numbers[1])).to_contain_text("dead")
    for number in numbers:
        row(page, number).locator("summary").click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    accessible(page, progress)


def test_it_fits_a_phone(console: Console, client: ConnectedClient) -> None:
    client.call("com.mill.tasks.enqueue", "fails", ["a reason"])
    page = console.visit("#/tasks", viewport={"width": 360, "height": 740})
    expect(row(page, 1)).to_contain_text("dead")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_tab_comes_with_the_queue(browser: Browser) -> None:
    console = Console(browser)
    try:
        page = console.visit()
        expect(rows(page).first).to_be_visible()
        link = page.locator("#tabs").get_by_role("link", name="Tasks")
        expect(link).to_have_count(0)
        with connect(console.rs_url, timeout=30) as client:
            for name in ("follow", "queues", "watch", "enqueue"):
                client.register(f"com.late.tasks.{name}", lambda: None)
            expect(link).to_have_count(1)
    finally:
        for context in console.contexts:
            context.close()
        console.service.stop()
