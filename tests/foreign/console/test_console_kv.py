"""The tab of a key/value store, in Chromium: finding, changing and watching keys."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.console import HOSTILE, SHOWN, Console, accessible, console_of
from tests.support.process import ROOT
from wampapp import connect
from wampapp.components import KV
from wampapp.components.kv.blocking import BlockingKV
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "kv" / "service.py"


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    with console_of(browser, SERVICE, tmp_path) as console:
        yield console


@pytest.fixture
def kv(console: Console) -> Iterator[BlockingKV]:
    with connect(console.rs_url, timeout=30) as client:
        yield KV(client, "com.shop.kv").sync


def row(page: Page, key: str) -> Locator:
    return page.locator("ol.keys > li").filter(has=page.locator("summary code", has_text=key))


def rows(page: Page) -> Locator:
    return page.locator("ol.keys > li[data-key]")


def opened(page: Page, key: str) -> Locator:
    row(page, key).locator("summary").click()
    return row(page, key)


def ready(page: Page) -> Page:
    expect(page.locator(".tab.kv .bar").get_by_role("status")).to_have_text("com.shop.kv")
    return page


def test_keys_are_found_page_by_page(console: Console, kv: BlockingKV) -> None:
    for number in range(250):
        kv.set(f"item.{number:03}", {"number": number})
    kv.set("user.1", "Ann", ttl=3600)
    page = console.visit()
    page.locator("#tabs").get_by_role("link", name="Keys").click()
    ready(page)
    expect(rows(page)).to_have_count(100)
    expect(page.get_by_text("251 keys, ")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(200)
    # One that comes after what is shown is for the next page; one in between is shown.
    kv.set("item.2495", 1)
    kv.set("item.0005", 2)
    expect(rows(page)).to_have_count(201)
    expect(rows(page).nth(1)).to_contain_text("item.0005")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(253)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()

    page.get_by_label("Keys that begin with").fill("user.")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text('user.1"Ann"revision 251until ')
    kv.set("item.000", 3)
    kv.set("user.2", "Bob")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Keys that begin with").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There are no such keys.")).to_be_visible()


def test_a_key_is_created_set_and_deleted(console: Console, kv: BlockingKV) -> None:
    page = ready(console.visit("#/kv"))
    page.get_by_text("Create a key").click()
    page.get_by_label("Key", exact=True).fill("user.7")
    value = page.locator("details.box").get_by_label("Value, as JSON")
    value.fill("{oops")
    page.get_by_role("button", name="Create", exact=True).click()
    assert kv.get("user.7") is None
    value.fill('{"octets": "\\u0000AQI=", "size": 3}')
    page.locator("details.box").get_by_label("Seconds until it expires").fill("3600")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(row(page, "user.7")).to_contain_text("until ")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    entry = kv.entry("user.7")
    assert entry is not None
    assert entry.value == {"octets": b"\x01\x02", "size": 3}
    assert entry.expires is not None

    mine = opened(page, "user.7")
    expect(mine.get_by_label("Value, as JSON")).to_have_value(
        '{\n  "octets": "\\u0000AQI=",\n  "size": 3\n}'
    )
    mine.get_by_label("Value, as JSON").fill('"new"')
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine.get_by_text("It is set.")).to_be_visible()
    after = kv.entry("user.7")
    assert after is not None
    assert (after.value, after.expires) == ("new", entry.expires)

    mine.get_by_role("button", name="Never expire").click()
    expect(mine.get_by_text("The time is set.")).to_be_visible()
    after = kv.entry("user.7")
    assert after is not None
    assert after.expires is None
    mine.get_by_label("Seconds until it expires").fill("60")
    mine.get_by_role("button", name="Set the time only").click()
    expect(mine.get_by_role("button", name="Never expire")).to_be_visible()
    touched = kv.entry("user.7")
    assert touched is not None
    assert touched.expires is not None
    assert touched.revision == after.revision
    mine.get_by_label("Value, as JSON").fill("5")
    mine.get_by_label("Seconds until it expires").fill("60")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine.get_by_text("It is set.")).to_be_visible()
    expect(mine).to_contain_text("until ")
    assert kv.get("user.7") == 5

    mine.get_by_role("button", name="Delete", exact=True).click()
    expect(mine.get_by_role("button", name="Keep it")).to_be_focused()
    mine.get_by_role("button", name="Keep it").click()
    expect(mine.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    mine.get_by_role("button", name="Delete", exact=True).click()
    mine.get_by_role("button", name="Delete it for good").click()
    expect(rows(page)).to_have_count(0)
    assert kv.entry("user.7") is None
    expect(page.get_by_label("Keys that begin with")).to_be_focused()


def test_changes_are_seen_as_they_come(console: Console, kv: BlockingKV) -> None:
    for key in ("a", "b", "c"):
        kv.set(key, f"{key} 1")
    page = ready(console.visit("#/kv"))
    expect(rows(page)).to_have_count(3)
    row(page, "b").locator("summary").focus()
    kv.set("b", "b 2")
    expect(row(page, "b")).to_contain_text('"b 2"')
    expect(row(page, "b")).to_have_class("changed")
    expect(row(page, "b").locator("summary")).to_be_focused()
    # What is open and not edited follows.
    page.keyboard.press("Enter")
    kv.set("b", "b 3")
    expect(row(page, "b").get_by_label("Value, as JSON")).to_have_value('"b 3"')
    row(page, "b").get_by_label("Value, as JSON").focus()
    kv.delete("a")
    kv.set("0", 0)
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(0)).to_contain_text("0")
    expect(row(page, "b").get_by_label("Value, as JSON")).to_be_focused()
    kv.delete("b")
    expect(rows(page)).to_have_count(2)
    expect(row(page, "c").locator("summary")).to_be_focused()
    kv.set("brief", 1, ttl=0.2)
    expect(page.get_by_text("4 keys, ").or_(page.get_by_text("2 keys, "))).to_be_visible()
    expect(row(page, "brief")).to_have_count(0)


def test_a_conflict_shows_what_there_is(console: Console, kv: BlockingKV) -> None:
    kv.set("a", 1)
    page = ready(console.visit("#/kv"))
    mine = opened(page, "a")
    field = mine.get_by_label("Value, as JSON")
    field.fill("10")
    kv.set("a", 2)
    expect(mine.locator("summary")).to_contain_text("revision 2")
    expect(field).to_have_value("10")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine).to_contain_text("Conflict: somebody else has set it; it is at revision 2 now:")
    expect(mine.locator("pre")).to_have_text("2")
    assert kv.get("a") == 2
    mine.get_by_role("button", name="Take this value").click()
    expect(field).to_have_value("2")

    field.fill("11")
    kv.set("a", 3)
    expect(mine.locator("summary")).to_contain_text("revision 4")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine).to_contain_text("revision 4 now:")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine.get_by_text("It is set.")).to_be_visible()
    assert kv.get("a") == 11

    field.fill("12")
    kv.delete("a")
    expect(mine.locator("summary")).to_contain_text("has gone")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine).to_contain_text("Conflict: it has gone meanwhile.")
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine.get_by_text("It is set.")).to_be_visible()
    assert kv.get("a") == 12

    page.get_by_text("Create a key").click()
    page.get_by_label("Key", exact=True).fill("a")
    page.locator("details.box").get_by_label("Value, as JSON").fill("13")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("'a' is there already")
    assert kv.get("a") == 12


def test_what_is_hostile_is_text(console: Console, kv: BlockingKV) -> None:
    kv.set(HOSTILE, {HOSTILE: [HOSTILE]})
    kv.set("large", 2**63)
    page = ready(console.visit("#/kv"))
    mine = opened(page, "onerror")
    expect(mine.locator("summary code")).to_have_text(SHOWN)
    field = mine.get_by_label("Value, as JSON")
    expect(field).to_have_value(re.compile(re.escape(SHOWN)))
    assert "\u202e" not in field.input_value()
    field.fill(field.input_value().replace("]", ', "more"]'))
    mine.get_by_role("button", name="Set", exact=True).click()
    expect(mine.get_by_text("It is set.")).to_be_visible()
    assert kv.get(HOSTILE) == {HOSTILE: [HOSTILE, "more"]}
    mine.get_by_role("button", name="Delete", exact=True).click()
    mine.get_by_role("button", name="Delete it for good").click()
    expect(rows(page)).to_have_count(1)
    assert page.locator("img").count() == 0

    # A number that JavaScript rounds is not set by accident.
    large = opened(page, "large")
    expect(large).to_contain_text("A page rounds the numbers of this value")
    expect(large.get_by_role("button", name="Set", exact=True)).to_be_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(console: Console, kv: BlockingKV, scheme: Any, progress: Progress) -> None:
    kv.set("a", {"size": 3}, ttl=3600)
    kv.set("b", 1)
    page = ready(console.visit("#/kv", color_scheme=scheme, bypass_csp=True))
    page.get_by_text("Create a key").click()
    field = opened(page, "b").get_by_label("Value, as JSON")
    field.fill("2")
    kv.set("b", 3)
    expect(row(page, "b").locator("summary")).to_contain_text("revision 3")
    row(page, "b").get_by_role("button", name="Set", exact=True).click()
    expect(row(page, "b")).to_contain_text("Conflict: ")
    opened(page, "a").get_by_role("button", name="Delete", exact=True).click()
    accessible(page, progress)


def test_it_fits_a_phone(console: Console, kv: BlockingKV) -> None:
    kv.set("a" * 400, "w" * 4000, ttl=3600)
    page = ready(console.visit("#/kv", viewport={"width": 360, "height": 740}))
    opened(page, "aaa")
    expect(page.get_by_role("button", name="Set", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_it_goes_on_after_a_restart(console: Console, kv: BlockingKV, tmp_path: Path) -> None:
    kv.set("a", 1)
    page = ready(console.visit("#/kv"))
    expect(rows(page)).to_have_count(1)
    console.service.stop()
    expect(page.locator("#state")).to_contain_text("Away")
    again = Console(console._browser, console.port, service=SERVICE, cwd=tmp_path)
    console.service = again.service
    with connect(again.rs_url, timeout=30) as client:
        KV(client, "com.shop.kv").sync.set("b", 2)
    expect(rows(page)).to_have_count(2)
    # The browser says that the page could not be reached meanwhile.
    console.trouble.clear()
