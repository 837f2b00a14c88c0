"""The tab of live settings, in Chromium: services that join, leave, disagree and misbehave."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.console import HOSTILE, SHOWN, Console
from tests.support.settings_tab import (
    Other,
    Services,
    Sieve,
    field,
    opened,
    outcome,
    ready,
    send,
    setting,
    source,
    trouble,
    values,
    version,
)
from wampapp import ConnectedClient
from wampapp.components.settings import BlockingLive

pytestmark = pytest.mark.processes


def test_settings_that_have_gone(mill: Console, live: BlockingLive, services: Services) -> None:
    sieve = services.start("sieve", Sieve)
    live.change(mesh="coarse", speed=20)
    live.change(mesh="fine", speed=30)
    sieve.close()
    page = ready(mill.visit("#/settings"), 2)
    row = opened(page, 1)
    row.get_by_role("button", name="Go back to version 1").click()
    row.get_by_role("button", name="Go back", exact=True).click()
    expect(row).to_contain_text("Nobody has these settings any longer, so they were left out:mesh")
    expect(field(page, "speed")).to_have_value("20")


def test_all_that_services_declare(
    mill: Console, miller: ConnectedClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("WAMPAPP_SETTINGS_SERIAL", "7")
        sieve = services.start("sieve", Sieve)
    page = ready(mill.visit("#/settings"), 0)
    expect(page.locator("ol.settings > li")).to_have_count(8)
    expect(field(page, "mesh").locator("option")).to_have_text(["coarse", "fine"])
    expect(setting(page, "mesh")).to_contain_text("the sieve that is in")
    expect(field(page, "angle")).to_have_value("1.5")
    expect(field(page, "note")).to_have_value("null")
    # Pinned by the only service that has it; two services have a banner, and not the same default.
    expect(source(page, "serial")).to_have_text("pinned")
    expect(setting(page, "serial")).to_contain_text("Pinned by the environment of sieve (")
    expect(setting(page, "serial").locator("input:visible, textarea, select")).to_have_count(0)
    expect(setting(page, "banner")).to_contain_text(
        re.compile(r'The default is "" \(.+\); "Sieved" \(sieve \(.+\)\)\.')
    )
    field(page, "mesh").select_option("coarse")
    field(page, "note").fill('"new"')
    send(page)
    ready(page, 1)
    assert values(miller) == {"mesh": "coarse", "note": "new"}
    expect(field(page, "mesh")).to_have_value("0")

    # Its live values stay when it goes, and so does what somebody types.
    field(page, "angle").fill("0.75")
    sieve.close()
    expect(setting(page, "mesh")).to_contain_text("No service that is joined has this setting.")
    expect(setting(page, "mesh").locator("code")).to_have_text('"coarse"')
    expect(setting(page, "serial")).to_have_count(0)
    expect(field(page, "angle")).to_have_value("0.75")
    send(page)
    expect(trouble(page)).to_contain_text("there is no setting 'angle'")
    with monkeypatch.context() as patch:
        patch.setenv("WAMPAPP_SETTINGS_MESH", "fine")
        services.start("sieve", Sieve)
    expect(source(page, "mesh")).to_have_text("pinned")
    send(page)
    ready(page, 2)
    assert values(miller)["angle"] == 0.75


def test_services_that_do_not_agree(
    mill: Console, miller: ConnectedClient, services: Services
) -> None:
    services.start("other", Other)
    page = ready(mill.visit("#/settings"), 0)
    expect(setting(page, "speed")).to_contain_text("number (other (")
    field(page, "speed").fill("12.5")
    send(page)
    expect(trouble(page)).to_contain_text("speed: expected int, got float")
    field(page, "speed").fill("12")
    send(page)
    ready(page, 1)
    assert values(miller) == {"speed": 12}


def test_a_service_that_does_not_answer(
    mill: Console, miller: ConnectedClient, services: Services
) -> None:
    services.odd("sleepy", {"properties": {"speed": {"type": "integer"}}}, {"speed": 1})
    page = ready(mill.visit("#/settings"), 0)
    field(page, "banner").fill("Hello")
    send(page)
    expect(outcome(page)).to_contain_text(
        "These services did not answer, and were not waited for:sleepy"
    )
    assert values(miller) == {"banner": "Hello"}


def test_what_is_hostile_is_text(
    mill: Console, miller: ConnectedClient, live: BlockingLive, services: Services
) -> None:
    properties = {
        "evil": {"type": "string", "description": HOSTILE},
        HOSTILE: {"type": HOSTILE, "enum": [HOSTILE]},
        "odd": {"$ref": "#/$defs/odd", "minimum": [HOSTILE]},
        "worse": None,
    }
    schema = {"properties": properties, "$defs": {"odd": {"anyOf": [{"$ref": "#/$defs/odd"}]}}}
    defaults = {"evil": HOSTILE, HOSTILE: HOSTILE, "odd": {HOSTILE: 1}, "worse": 2**63}
    services.odd(HOSTILE, schema, defaults)
    live.change(banner=HOSTILE, why=HOSTILE, by=HOSTILE)
    page = ready(mill.visit("#/settings"), 1)
    expect(page.locator("ol.settings > li")).to_have_count(8)
    # A field of one line would not show all of it.
    expect(field(page, "banner")).to_have_value(f'"{SHOWN}"')
    expect(setting(page, "evil").locator(".prose")).to_have_text(SHOWN)
    expect(page.locator("ol.settings .head label").filter(has_text=SHOWN)).to_have_count(1)
    expect(version(page, 1).locator("bdi").first).to_have_text(SHOWN)
    expect(opened(page, 1).locator("dd")).to_have_text(f'the default → "{SHOWN}"')
    # A number that JavaScript rounds is not set by accident.
    expect(setting(page, "worse")).to_contain_text("A page rounds the numbers of this value")
    expect(field(page, "worse")).not_to_be_editable()

    field(page, "banner").fill(field(page, "banner").input_value().replace('2J"', '2J!"'))
    send(page)
    expect(outcome(page)).to_contain_text(SHOWN)  # it is silent
    assert values(miller) == {"banner": f"{HOSTILE}!"}
    text = page.locator(".tab.settings").inner_text()
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert page.locator("img").count() == 0
