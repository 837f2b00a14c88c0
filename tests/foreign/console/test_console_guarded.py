"""Hostile text in the console, and who can use it: by eye, by keyboard, on a phone."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.programs import console_service
from tests.programs.console_service import CONTROL, MARKUP
from tests.support.console import Console, accessible, call, operation, outcome, rows
from tests.support.process import DEADLINE
from wampapp import ConnectedClient, connect
from wampapp.crossbar import Progress
from wampapp.describe.asyncapi import to_document
from wampapp.describe.describing import describe_app
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}


def hostile_document() -> dict[str, Any]:
    loop = {"$ref": "#/components/schemas/Loop"}
    schema = {"title": MARKUP, "type": "object", "properties": {MARKUP: {"description": CONTROL}}}
    again = {"$ref": "#/components/schemas/Node"}
    node = {"title": "Node", "type": "object", "properties": {"next": again}, "required": ["next"]}

    def written(uri: str, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "title": MARKUP,
            "summary": MARKUP + CONTROL,
            "description": MARKUP,
            "channel": {"$ref": f"#/channels/{uri}"},
            "x-wamp": {"kind": "procedure", "uri": uri, **more},
        }

    error = {"uri": MARKUP, "description": CONTROL}
    parameters = {
        MARKUP: schema,
        "__proto__": {"type": "string"},
        "loop": loop,
        "node": again,
        "odd": {"anyOf": 7, "enum": None, "type": 5, "items": [None, 3], "minimum": "x"},
    }
    call = {"payload": {"type": "object", "properties": parameters, "required": "none"}}
    odd = f"com.{MARKUP.replace(' ', '_')}.{CONTROL[:3]}"
    return {
        "info": {"title": MARKUP + CONTROL, "version": {"a": 1}, "description": MARKUP},
        "channels": {odd: {"messages": {"call": call, "result": {"payload": loop}}}, "com.bad": 7},
        "operations": {
            "a": written(odd, {"deprecated": MARKUP, "errors": [error, 3]}),
            "b": written("com.bad", {"captures": 5, "errors": "x", "kinds": [], "rest": 3}),
            "c": 5,
            "d": {"x-wamp": {"kind": "topic"}},
        },
        "components": {"schemas": {"Loop": loop, "Node": node}},
    }


def test_hostile_text_does_nothing(console: Console, client: ConnectedClient) -> None:
    document = hostile_document()
    for uri in document["channels"]:
        # As it is: our own client would take it for a pattern.
        record = Registration(uri, lambda: 1 / 0)
        client.on_loop(lambda peer, record=record: peer.announce(record, endpoint_for(record)))
    client.register("wampapp.describe.hostile", lambda: document)
    client.register("wampapp.describe.number", lambda: 5)
    client.register("wampapp.describe.fails", lambda: 1 / 0)
    page = console.visit()
    expect(page.locator(".groups a", has_text="onerror").first).to_be_visible()
    expect(
        page.locator(".notice", has_text="Session fails did not describe itself")
    ).to_be_visible()
    page.locator(".groups a", has_text="com.<img").click()
    expect(page.locator(".found")).to_contain_text("<script>")
    for box in page.locator('[aria-label^="Give "]').all():
        box.check()
    page.get_by_label("JSON", exact=True).check()
    page.goto(console.url + "#/api/procedure/com.bad")
    expect(page.locator("h2")).to_contain_text(["com.bad"])
    call(page)
    expect(page.locator(".outcome")).to_contain_text("Failed after")

    operation(page, "com.shop.markup")
    call(page)
    assert outcome(page) == {MARKUP: CONTROL, "value": MARKUP}
    operation(page, "com.shop.fail")
    call(page)
    expect(page.locator(".output .error")).to_contain_text("com.shop.<b>error</b>")
    expect(page.locator(".output .error")).to_contain_text("<script>")
    page.goto(console.url + "#/events/prefix/com.shop")
    expect(page.locator(".chips li")).to_have_count(1)  # subscribed
    client.call("com.shop.announce_markup")
    event = page.locator(".tail li", has_text="<script>")
    event.locator("summary").click()
    expect(event.locator("pre").first).to_contain_text("\\u202e")
    page.goto(console.url + f"#/api/procedure/{MARKUP.replace('/', '%2F')}%")
    page.goto(console.url + "#/sessions")
    expect(page.locator(".people > li")).to_have_count(3)

    assert "broken in" not in page.title()
    assert page.locator("img, script:not([src])").count() == 0
    shown = page.locator("body").evaluate("body => body.textContent")
    assert not set(CONTROL) - set("[2Jgnp") & set(shown)


def test_nobody_speaks_for_others(console: Console, client: ConnectedClient) -> None:
    told = to_document(describe_app(console_service.app))
    told["info"]["title"] = "Liar"
    for one in told["operations"].values():
        one["summary"] = "A lie."
    told["x-wamp"] = {"hidden": {"procedures": client.call("wamp.registration.list")["exact"]}}
    client.register("com.liar.own", lambda: None)
    client.subscribe("com.liar.heard", lambda: None)
    for uri, kind in (("com.liar.own", "procedure"), ("com.liar.heard", "topic")):
        told["operations"][uri] = {
            "summary": "The truth.",
            "channel": {"$ref": ""},
            "x-wamp": {"kind": kind, "uri": uri},
        }
    client.register("wampapp.describe.0", lambda: told)
    page = console.visit()
    expect(page.get_by_role("heading", name="Liar")).to_be_visible()
    own = page.locator(".groups a", has_text="com.liar")
    expect(own).to_have_count(2)
    expect(own.first).to_contain_text("The truth.")
    # What it publishes is known only from what it says.
    lies = page.locator(".groups a", has_text="A lie.")
    expect(lies).to_have_count(1)
    expect(lies).to_contain_text("com.shop.ordered")
    expect(rows(page)).to_have_count(14)
    expect(page.locator(".groups")).to_contain_text("Order an article.")
    expect(page.get_by_role("heading", name="Without a description")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(console: Console, scheme: Any, progress: Progress) -> None:
    page = console.visit(color_scheme=scheme, bypass_csp=True)

    expect(rows(page)).to_have_count(11)
    accessible(page, progress)
    operation(page, "com.shop.order")
    page.get_by_role("button", name="Fill in the example").click()
    for box in page.locator('[aria-label^="Give "]').all():
        box.check()
    accessible(page, progress)
    page.get_by_label("JSON", exact=True).check()
    call(page)
    expect(page.locator(".output pre")).to_be_visible()
    page.get_by_role("button", name="Python").click()
    accessible(page, progress)
    operation(page, "com.shop.fail")
    call(page)
    expect(page.locator(".output .error")).to_be_visible()
    accessible(page, progress)
    operation(page, "com.shop.bake")
    page.get_by_label("steps", exact=True).fill("2")
    call(page, "Stream")
    expect(page.locator(".outcome")).to_contain_text("complete")
    accessible(page, progress)
    page.goto(console.url + "#/events/prefix/com.shop")
    expect(page.locator(".chips li")).to_have_count(1)
    with connect(console.rs_url, timeout=DEADLINE) as client:
        client.publish("com.shop.sold", "apple")
        expect(page.locator(".tail li")).to_have_count(1)
        page.locator(".tail summary").click()
        page.get_by_text("Publish an event").click()
        accessible(page, progress)
        page.goto(console.url + "#/sessions")
        expect(page.locator(".people > li")).to_have_count(3)
        page.locator(".people summary").first.click()
        accessible(page, progress)
        page.get_by_role("button", name="End this session").click()
        accessible(page, progress)


@pytest.mark.parametrize("where", ["", "#/api/procedure/com.shop.order", "#/events", "#/sessions"])
def test_on_a_phone(console: Console, where: str) -> None:
    page = console.visit(where, viewport=PHONE)
    expect(page.locator("#state")).to_have_text("Connected to realm1")
    expect(page.locator("main .tab:visible")).to_have_count(1)
    if "order" in where:
        page.get_by_role("button", name="Fill in the example").click()
        call(page)
        outcome(page)
        page.get_by_role("link", name="All procedures and topics").click()
    if "sessions" not in where and "events" not in where:
        expect(rows(page)).to_have_count(11)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
