"""The console in Chromium: finding procedures, reading about them, and calling them."""

import gzip
import json
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.console import SERVICE, Console, call, operation, outcome, rows
from tests.support.process import ROOT, serving
from wampapp import App, ConnectedClient
from wampapp.describe.asyncapi import to_document
from wampapp.describe.describing import describe

pytestmark = pytest.mark.processes

CONSOLE = ROOT / "wampapp" / "describe" / "console"


def test_it_is_small() -> None:
    files = [
        *(ROOT / "wampapp" / "describe" / "console").iterdir(),
        ROOT / "wampapp" / "web" / "browser" / "wampapp.js",
    ]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) < 40 * 1024


def test_nothing_in_it_is_made_of_text() -> None:
    """What a Content-Security-Policy cannot see: text that is read as markup or as code."""
    text = "".join(file.read_text() for file in CONSOLE.glob("*.js"))
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "://"):
        assert word not in text, word


def test_finding_by_keyboard_and_going_back(console: Console) -> None:
    page = console.visit()
    expect(page.get_by_role("status").first).to_have_text("Connected to realm1")
    expect(rows(page)).to_have_count(11)
    expect(page.locator(".groups")).to_contain_text("Order an article.")
    expect(page.locator(".groups")).to_contain_text("deprecated")

    page.keyboard.press("/")
    page.keyboard.type("something was")
    expect(rows(page)).to_have_text(["com.shop.announce", "com.shop.sold", "com.shop.ordered"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".groups a:focus code")).to_have_text("com.shop.sold")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("h2.uri")).to_have_text("com.shop.announce")
    expect(page).to_have_url(re.compile(r"#/api/procedure/com\.shop\.announce$"))
    expect(page.locator(".groups a[aria-current] code")).to_have_text("com.shop.announce")

    page.keyboard.press("Escape")
    expect(page.locator("h2.uri")).to_have_count(0)
    expect(page.locator(".groups a:focus code")).to_have_text("com.shop.announce")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(11)

    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.locator("h2.uri")).to_have_text("com.shop.announce")


def test_reading(console: Console) -> None:
    found = operation(console.visit(), "com.shop.order")
    for text in (
        "Procedure of Shop 1.4",
        "Order an article.",
        "unless that is a holiday. What is ordered after six in the evening",
        "quantity: integer = 1",
        "to: Address | null = null",
        ") → Order",
        "at least 1, at most 10, default 1",
        "where it goes; to the shop without an address.",
        "com.shop.error.sold_out",
        "the order as it was taken.",
        '"street": "Main Street 1"',
    ):
        expect(found).to_contain_text(text)
    to = found.locator(".entries > li", has_text="where it goes")
    to.locator("summary").click()
    expect(to).to_contain_text("the street and the number.")
    page = found.page
    expect(operation(page, "com.shop.buy")).to_contain_text("Deprecated. Use com.shop.order.")
    expect(operation(page, "com.shop.<sku>.price")).to_contain_text("In the URI")
    expect(operation(page, "com.shop.bake")).to_contain_text("Each progressive result")
    sold = operation(page, "com.shop.sold", "subscribed")
    expect(sold).to_contain_text("Topic that Shop 1.4 listens to")
    ordered = operation(page, "com.shop.ordered", "published")
    expect(ordered).to_contain_text("Topic that Shop 1.4 publishes")


def test_a_form(console: Console) -> None:
    page = console.visit()
    operation(page, "com.shop.order")
    page.get_by_label("sku", exact=True).fill("apple")
    page.get_by_label("Give quantity").check()
    expect(page.get_by_label("quantity", exact=True)).to_have_value("1")
    page.get_by_label("quantity", exact=True).fill("11")
    call(page)
    assert page.get_by_label("quantity", exact=True).evaluate("one => one.validity.rangeOverflow")
    expect(page.locator(".output .error")).to_be_visible()
    page.get_by_label("quantity", exact=True).fill("3")
    page.get_by_label("Give to").check()
    page.get_by_label("street", exact=True).fill("Main Street 1")
    page.get_by_label("Give size").check()
    page.get_by_label("size", exact=True).select_option("large")
    page.get_by_label("Give pay").check()
    page.get_by_label("Type of pay").select_option("Card")
    page.get_by_label("number", exact=True).fill("4111")
    page.get_by_label("Give tags").check()
    page.get_by_role("button", name="Add item to tags").click()
    page.keyboard.type("ripe")
    page.get_by_role("button", name="Add item to tags").click()
    page.get_by_role("button", name="Remove this item of tags").nth(1).click()
    page.get_by_label("Give colour").check()
    page.get_by_label("colour", exact=True).select_option("green")
    page.get_by_label("Give gift").check()
    page.get_by_label("gift", exact=True).check()
    page.get_by_label("Give labels").check()
    page.get_by_role("button", name="Add entry to labels").click()
    page.get_by_label("Name of an entry of labels").fill("shelf")
    page.get_by_label("Value of an entry of labels").fill("7")
    page.keyboard.press("Enter")
    assert outcome(page) == {
        "sku": "apple",
        "quantity": 3,
        "given": {
            "to": {"street": "Main Street 1", "city": "Berlin"},
            "size": "large",
            "pay": {"type": "card", "number": "4111"},
            "tags": ["ripe"],
            "gift": True,
            "labels": {"shelf": 7},
            "colour": "green",
        },
    }


def test_json_examples_and_captures(console: Console) -> None:
    page = console.visit()
    operation(page, "com.shop.order")
    page.get_by_role("button", name="Fill in the example").click()
    page.get_by_label("JSON", exact=True).check()
    expect(page.get_by_label("Arguments, a JSON list")).to_have_value('["apple"]')
    named = page.get_by_label("Named arguments, a JSON object")
    assert json.loads(named.input_value()) == {
        "quantity": 2,
        "to": {"street": "Main Street 1"},
        "tags": ["ripe"],
    }
    named.fill("{")
    call(page)
    assert "JSON object" in named.evaluate("one => one.validationMessage")
    named.fill('{"quantity": 4}')
    named.press("Control+Enter")
    assert outcome(page)["quantity"] == 4
    page.get_by_label("Form", exact=True).check()
    expect(page.get_by_label("quantity", exact=True)).to_have_value("4")
    expect(page.get_by_label("Give to")).not_to_be_checked()

    operation(page, "com.shop.<sku>.price")
    page.get_by_label("sku", exact=True).fill("plum")
    for amount in ("2", "3"):
        page.get_by_role("button", name="Add item to amounts").click()
        page.keyboard.type(amount)
    call(page)
    assert outcome(page) == 20

    operation(page, "com.shop.buy")
    page.get_by_label("sku", exact=True).fill("[1]")
    page.get_by_label("Give note").check()
    page.get_by_label("note", exact=True).fill("two\nlines")
    call(page)
    assert outcome(page) == [[1], 1, "two\nlines"]


def test_what_no_document_describes(console: Console, client: ConnectedClient) -> None:
    page = console.visit()
    expect(rows(page)).to_have_count(11)
    expect(page.locator(".groups")).not_to_contain_text("com.shop.hidden")
    expect(page.get_by_role("heading", name="Without a description")).to_have_count(0)
    client.register("com.stranger.add", lambda a, b=1: a + b)
    expect(page.get_by_role("heading", name="Without a description")).to_be_visible()
    operation(page, "com.stranger.add")
    page.get_by_label("Arguments, a JSON list").fill("[1]")
    page.get_by_label("Named arguments, a JSON object").fill('{"b": 41}')
    call(page)
    assert outcome(page) == 42

    page.get_by_label("Search procedures and topics").fill("wamp.session.count")
    page.get_by_role("link", name="Call wamp.session.count").click()
    expect(page.locator("h2.uri")).to_have_text("wamp.session.count")
    call(page)
    assert outcome(page) >= 2


def test_progressive_results(console: Console) -> None:
    page = console.visit()
    operation(page, "com.shop.bake")
    page.get_by_label("steps", exact=True).fill("3")
    call(page, "Stream")
    expect(page.locator(".outcome")).to_contain_text("3 results, complete after")
    expect(page.locator(".items li")).to_have_text(['"step 0"', '"step 1"', '"step 2"'])
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()

    # It waits for the second one when it is cancelled.
    page.get_by_label("Give pause").check()
    page.get_by_label("pause", exact=True).fill("3600")
    call(page, "Stream")
    expect(page.locator(".items li")).to_have_text(['"step 0"'])
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".outcome")).to_contain_text("Cancelled after")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_focused()
    call(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".outcome")).to_contain_text("Cancelled after")


def test_errors(console: Console) -> None:
    page = console.visit()
    operation(page, "com.shop.order")
    page.get_by_label("sku", exact=True).fill("pear")
    call(page)
    expect(page.locator(".outcome")).to_contain_text("Failed after")
    error = page.locator(".output .error")
    expect(error.locator(".uri")).to_have_text("com.shop.error.sold_out")
    expect(error).to_contain_text("There is no pear left.")
    assert json.loads(error.locator("pre").inner_text()) == {"sku": "pear", "left": 0}


def large_document() -> dict[str, Any]:
    large = App(prefix="com.large")
    for number in range(1000):

        def handler(a: int, b: str = "x") -> int:
            """Do something."""
            return a

        large.add_registration(handler, f".procedure{number}")
    return to_document(describe(large.registry, title="Large", version="1"))


def test_a_thousand_procedures(console: Console, client: ConnectedClient) -> None:
    document = large_document()
    for number in range(1000):
        client.register(f"com.large.procedure{number}", lambda: None)
    client.register("wampapp.describe.large", lambda: document)
    page = console.visit()
    links = page.locator(".groups a", has_text="com.large")
    expect(links).to_have_count(1000)
    # The last one is not drawn until it is scrolled to.
    is_drawn = "one => one.checkVisibility({ contentVisibilityAuto: true })"
    page.wait_for_function(is_drawn, arg=links.first.element_handle())
    assert not links.last.locator("code").evaluate(is_drawn)
    page.keyboard.press("/")
    page.keyboard.type("procedure 77")
    expect(page.get_by_text("19 of 1011")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("h2.uri")).to_have_text("com.large.procedure77")
    page.get_by_label("Search procedures and topics").fill("")
    links.first.focus()
    page.keyboard.press("End")
    expect(page.locator(".groups a:focus code")).to_have_text("com.shop.ordered")


def test_it_comes_back_and_keeps_what_was_typed(browser: Browser, free_port: int) -> None:
    first = Console(browser, free_port)
    with first.service as service:
        page = first.visit()
        operation(page, "com.shop.bake")
        page.get_by_label("steps", exact=True).fill("1")
        page.keyboard.press("Escape")
        expect(page.locator("h2.uri")).to_be_focused()
        page.get_by_role("link", name="Events").click()
        page.get_by_role("link", name="API").click()
        state = page.locator("#state")
        expect(state).to_have_text("Connected to realm1")
        service.send(signal.SIGKILL)
        expect(state).to_have_text("Away; trying again")
    with serving(SERVICE, "--port", str(free_port)):
        expect(state).to_have_text("Connected to realm1")
        expect(page.get_by_label("steps", exact=True)).to_have_value("1")
        call(page)
        assert outcome(page) == ["step 0"]
        page.goto(f"{first.url}?realm=realm2")
        expect(state).to_have_text("Connected to realm2")
        expect(page.get_by_text("Nothing is registered yet.")).to_be_visible()
        page.context.close()
