"""The console in Chromium: events and sessions."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.console import Console, call, operation, outcome, rows
from tests.support.process import DEADLINE
from wampapp import ConnectedClient, connect

pytestmark = pytest.mark.processes

ROLES = """
[realms.realm1]
anonymous = "guest"

[realms.realm1.roles.guest]
permissions = [
  { uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] },
  { uri = "wamp.", match = "prefix", allow = ["call", "subscribe"] },
]
"""


def test_events(console: Console, client: ConnectedClient) -> None:
    page = console.visit("#/events")
    expect(page.get_by_text("Nothing is watched.")).to_be_visible()
    page.get_by_label("Topic", exact=True).fill("com.shop")
    page.get_by_label("Match").select_option("prefix")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("button", name="Stop watching com.shop")).to_have_count(1)

    tail = page.get_by_role("list", name="Events, the newest first").get_by_role("listitem")
    client.publish("com.shop.sold", "apple", number=7)
    client.publish("com.shop.news", "pear")
    expect(tail).to_have_count(2)
    expect(tail.nth(0)).to_contain_text("com.shop.news")
    expect(tail.nth(1)).to_contain_text('"apple" number=7')
    tail.nth(1).locator("summary").click()
    expect(tail.nth(1)).to_contain_text("Publication ")

    page.get_by_label("Filter the events").fill("PEAR")
    expect(page.locator(".tail li:visible")).to_have_count(1)
    page.get_by_label("Filter the events").fill("")

    page.get_by_role("button", name="Pause").click()
    client.publish("com.shop.late", 1)
    expect(page.get_by_text("2 events; paused, 1 waiting")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(tail).to_have_count(3)

    client.call("com.shop.announce", "plum", 520)
    client.publish("com.shop.last", 1)
    expect(tail.nth(0)).to_contain_text("com.shop.last")
    expect(tail).to_have_count(500)
    page.get_by_role("button", name="Clear").click()
    expect(tail).to_have_count(0)

    page.get_by_role("button", name="Stop watching com.shop").click()
    page.goto(console.url + "#/events/wildcard/com..here")
    expect(page.get_by_role("button", name="Stop watching com..here")).to_be_visible()
    client.publish("com.shop.unseen")
    client.publish("com.is.here")
    expect(tail).to_have_count(1)

    # Another tab does not end it.
    page.get_by_role("link", name="API").click()
    expect(rows(page).first).to_be_visible()
    client.publish("com.was.here")
    page.get_by_role("link", name="Events").click()
    expect(tail).to_have_count(2)

    page.get_by_label("Topic", exact=True).fill("com..bad")
    page.get_by_label("Match").select_option("exact")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("wamp.error.invalid_uri")


def test_publishing(console: Console, client: ConnectedClient) -> None:
    told: list[Any] = []
    client.subscribe("com.shop.told", lambda *args, **kwargs: told.append((args, kwargs)))
    client.subscribe("com.shop.sold", lambda *args, **kwargs: told.append((args, kwargs)))
    page = console.visit("#/events")
    page.get_by_text("Publish an event").click()
    page.get_by_label("Topic to publish to").fill("com.shop.told")
    page.get_by_label("Arguments, a JSON list").fill('[1, {"a": 2}]')
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published.")).to_be_visible()

    found = operation(page, "com.shop.sold", "subscribed")
    page.get_by_label("sku", exact=True).fill("apple")
    found.locator("form").get_by_role("button", name="Publish").click()
    expect(page.locator(".outcome")).to_contain_text("Published in")
    while len(told) < 2:  # the router has acknowledged both
        client.call("com.shop.echo")
    assert told == [((1, {"a": 2}), {}), (("apple",), {})]
    page.get_by_role("link", name="Watch its events").click()
    expect(page.get_by_role("button", name="Stop watching com.shop.sold")).to_be_visible()


def test_sessions(console: Console) -> None:
    page = console.visit("#/sessions")
    everyone = page.locator(".people > li")
    expect(everyone).to_have_count(2)
    expect(everyone.nth(0)).to_contain_text("com.shop")
    expect(everyone.nth(1)).to_contain_text("This console")
    everyone.nth(1).locator("summary").click()
    expect(everyone.nth(1)).to_contain_text("json")
    expect(page.get_by_role("button", name="End this session")).to_have_count(0)

    everyone.nth(0).evaluate("row => { row.isTheSame = true; }")
    with connect(console.rs_url, timeout=DEADLINE) as guest:
        expect(everyone).to_have_count(3)
        assert everyone.nth(0).evaluate("row => row.isTheSame")  # it is not made anew
        guest.register("com.guest.hello", lambda: "hi")
        guest.subscribe("com.guest", print, match="prefix")
        newcomer = everyone.filter(has_text="Without a name")
        expect(newcomer).to_contain_text("1 registered · 1 subscribed")
        newcomer.locator("summary").click()
        expect(newcomer).to_contain_text("com.guest.hello")
        expect(newcomer).to_contain_text("com.guest (prefix)")
        expect(newcomer).not_to_contain_text("before this page looked")

        page.get_by_role("button", name="End this session").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        page.get_by_role("button", name="End this session").click()
        dialog.get_by_role("button", name="End it").click()
        expect(dialog.get_by_role("alert")).to_contain_text("does not let pages end sessions")
        dialog.get_by_role("button", name="Keep it").click()
        expect(everyone).to_have_count(3)
    expect(everyone).to_have_count(2)


def test_ending_a_session(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text(ROLES)
    console = Console(browser, 0, "--router-config", tmp_path / "router.toml")
    with console.service:
        page = console.visit("#/sessions")
        with connect(console.rs_url, timeout=DEADLINE) as guest:
            session = guest.call("wamp.session.list")
            row = page.locator(".people > li", has_text="Without a name")
            row.locator("summary").click()
            ended = row.get_attribute("data-session")
            assert int(ended or "") in session
            page.get_by_role("button", name="End this session").click()
            page.get_by_role("dialog").get_by_role("button", name="End it").click()
            expect(page.get_by_role("dialog")).to_have_count(0)
            expect(page.locator(f'[data-session="{ended}"]')).to_have_count(0)
        page.context.close()
        assert console.service.stop() == 0


def test_a_role_that_may_not_ask(browser: Browser, tmp_path: Path) -> None:
    permitted = ROLES.replace(
        '{ uri = "wamp.", match = "prefix", allow = ["call", "subscribe"] },', ""
    )
    (tmp_path / "router.toml").write_text(permitted)
    console = Console(browser, 0, "--router-config", tmp_path / "router.toml")
    with console.service:
        page = console.visit()
        expect(page.locator(".notice")).to_contain_text("wamp.error.not_authorized")
        page.get_by_label("Search procedures and topics").fill("com.shop.hidden")
        page.get_by_role("link", name="Call com.shop.hidden").click()
        page.get_by_label("Arguments, a JSON list").fill("[1]")
        call(page)
        assert outcome(page) == 2
        page.get_by_role("link", name="Sessions").click()
        expect(page.locator(".people")).to_contain_text("wamp.error.not_authorized")
        page.context.close()
        assert console.service.stop() == 0
