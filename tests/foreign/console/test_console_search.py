"""The tab of a search, in Chromium: finding, choosing, and following what changes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.console import Console, accessible, console_of
from tests.support.process import ROOT
from wampapp import connect
from wampapp.components import Search
from wampapp.components.search import BlockingSearch
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "search" / "owner.py"
HOSTILE = "<img src=x onerror=alert(1)> &lt;\u202e"
SHOWN = "<img src=x onerror=alert(1)> &lt;\\u202e"


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    with console_of(browser, SERVICE, tmp_path) as console:
        yield console


@pytest.fixture
def search(console: Console) -> Iterator[BlockingSearch]:
    with connect(console.rs_url, timeout=30) as client:
        yield Search(client, "com.mill.search").sync


def documents(page: Page) -> Locator:
    return page.locator("ol.found > li")


def opened(console: Console) -> Page:
    page = console.visit()
    page.locator("#tabs").get_by_role("link", name="Search").click()
    expect(page.locator(".tab.search .bar").get_by_role("status")).to_have_text("com.mill.search")
    return page


def test_documents_are_found_while_they_change(console: Console, search: BlockingSearch) -> None:
    search["posts"].rebuild()
    page = opened(console)
    expect(page.get_by_text("299 documents", exact=True)).to_be_visible()
    expect(documents(page)).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(documents(page)).to_have_count(100)
    page.get_by_label("What to find").fill("wmap handlres")
    expect(page.get_by_text("1 document, for wamp handlers")).to_be_visible()
    expect(documents(page).locator("mark")).to_have_text(["Wamp", "handlers"])
    expect(documents(page)).to_contain_text("They answer <calls>")
    documents(page).locator("summary").click()
    expect(documents(page).locator("pre")).to_contain_text('"tag": "python"')
    # It is a live query: what is put comes by itself, and what is open stays open.
    search["posts"].put({"id": 700, "title": f"Wamp handlers {HOSTILE}", "tag": HOSTILE})
    expect(documents(page)).to_have_count(2)
    expect(documents(page).filter(has_text=SHOWN)).to_have_count(1)
    expect(page.locator(".facets label").filter(has_text=SHOWN)).to_have_count(1)
    expect(page.locator("details[open]")).to_have_count(1)
    search["posts"].delete(700)
    expect(documents(page)).to_have_count(1)


def test_facets_choose(console: Console, search: BlockingSearch) -> None:
    search["posts"].rebuild()
    page = opened(console)
    page.get_by_label("t03 (15)").check()
    expect(page.get_by_text("15 documents", exact=True)).to_be_visible()
    page.get_by_label("What to find").fill("filler 23")
    expect(page.get_by_text("1 document", exact=True)).to_be_visible()
    page.get_by_label("t03 (1)").uncheck()
    page.get_by_label("What to find").fill("filler zzzz")
    expect(page.get_by_text("297 documents, none with all the words")).to_be_visible()
    page.get_by_label("Index").select_option("grains")
    expect(page.get_by_text("0 documents", exact=True)).to_be_visible()


def test_an_index_is_rebuilt(console: Console, search: BlockingSearch) -> None:
    page = opened(console)
    search["posts"].rebuild()
    search["posts"].put({"id": 999, "title": "Not in the source"})
    expect(page.get_by_text("300 documents", exact=True)).to_be_visible()
    page.get_by_role("button", name="Rebuild the index").click()
    expect(page.get_by_text("Built of 299 documents.")).to_be_visible()
    expect(page.get_by_text("299 documents", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    console: Console, search: BlockingSearch, scheme: Any, progress: Progress
) -> None:
    search["posts"].rebuild()
    page = console.visit("#/search", color_scheme=scheme, bypass_csp=True)
    page.get_by_label("What to find").fill("wmap handlres")
    expect(page.get_by_text("1 document, for wamp handlers")).to_be_visible()
    documents(page).locator("summary").click()
    accessible(page, progress)
