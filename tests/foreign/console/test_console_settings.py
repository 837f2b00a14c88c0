"""The tab of live settings, in Chromium: a form of what services declare, and the way back."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.console import Console, accessible
from tests.support.process import DEADLINE
from tests.support.running import running
from tests.support.settings_tab import (
    PREFIX,
    SERVICE,
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
from wampapp import App, ConnectedClient, connect
from wampapp.components import Live
from wampapp.components.settings import BlockingLive
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes


def test_settings_are_changed(mill: Console, miller: ConnectedClient) -> None:
    page = mill.visit()
    page.locator("#tabs").get_by_role("link", name="Settings").click()
    ready(page, 0)
    expect(page.locator("ol.settings > li")).to_have_count(4)
    expect(field(page, "speed")).to_have_value("10")
    expect(field(page, "speed")).to_have_attribute("max", "100")
    expect(setting(page, "speed")).to_contain_text("turns a minute")
    expect(field(page, "speed")).to_have_accessible_description(
        "integer, at least 0, at most 100. The default is 10."
    )
    expect(field(page, "is_open")).to_be_checked()
    expect(field(page, "grains")).to_have_value('[\n  "rye"\n]')
    for name in ("speed", "banner", "grains", "is_open"):
        expect(source(page, name)).to_have_text("default")
    send(page)
    expect(outcome(page)).to_have_text("Nothing here differs from what there is.")

    # By keyboard, and only what differs.
    field(page, "banner").focus()
    page.keyboard.type("Back at noon")
    field(page, "speed").fill("12")
    field(page, "speed").fill("10")
    field(page, "grains").fill('["rye", "corn"]')
    field(page, "is_open").focus()
    page.keyboard.press("Space")
    page.get_by_label("Reason, for the history").fill("the miller is ill")
    page.keyboard.press("Enter")
    ready(page, 1)
    expect(outcome(page)).to_have_text("The settings have version 1 now.")
    expect(page.get_by_label("Reason, for the history")).to_have_value("")
    changed = {"banner": "Back at noon", "grains": ["rye", "corn"], "is_open": False}
    assert values(miller) == changed
    (entry,) = miller.call(f"{PREFIX}.history")
    assert entry["why"] == "the miller is ill"
    expect(source(page, "banner")).to_have_text("live")
    expect(source(page, "speed")).to_have_text("default")

    # The default is another thing than its value.
    page.get_by_label("Back to the default, true").check()
    expect(field(page, "is_open")).to_be_disabled()
    send(page)
    ready(page, 2)
    expect(source(page, "is_open")).to_have_text("default")
    expect(field(page, "is_open")).to_be_checked()
    expect(field(page, "is_open")).to_be_enabled()
    expect(setting(page, "is_open").get_by_role("checkbox")).to_have_count(1)
    del changed["is_open"]
    assert values(miller) == changed


def test_what_is_refused_is_said(mill: Console, miller: ConnectedClient) -> None:
    page = ready(mill.visit("#/settings"), 0)
    # What the browser knows to be wrong is not sent.
    field(page, "speed").fill("101")
    send(page)
    expect(field(page, "speed")).to_be_focused()
    field(page, "speed").fill("95")
    field(page, "grains").fill("[oops")
    send(page)
    expect(field(page, "grains")).to_be_focused()
    expect(trouble(page)).to_be_empty()

    field(page, "grains").fill('"oops"')
    send(page)
    expect(trouble(page)).to_contain_text("grains: expected array, got str")
    field(page, "grains").fill('["oats"]')
    send(page)
    expect(trouble(page)).to_contain_text("above 90 turns, the mill is closed")
    expect(field(page, "speed")).to_have_value("95")
    assert miller.call(f"{PREFIX}.snapshot")["version"] == 0

    field(page, "speed").fill("90")
    field(page, "banner").fill("bad")
    send(page)
    ready(page, 1)
    expect(trouble(page)).to_be_empty()
    expect(outcome(page)).to_contain_text("The change is made, but its handlers have failed:")
    expect(outcome(page)).to_contain_text("banner raised ValueError: bad instead of ")
    assert values(miller) == {"speed": 90, "grains": ["oats"], "banner": "bad"}


def test_changes_are_seen_as_they_come(mill: Console, live: BlockingLive) -> None:
    live.change(speed=20)
    page = mill.visit("#/settings")
    # It is the event that says so, and not the page that asks again after a while.
    page.add_init_script("window.setInterval = () => 0")
    page.reload()
    ready(page, 1)
    expect(field(page, "speed")).to_have_value("20")
    field(page, "speed").focus()
    live.change(speed=30, why="more rye", by="Ann")
    expect(field(page, "speed")).to_have_value("30")
    expect(field(page, "speed")).to_be_focused()
    expect(version(page, 2)).to_contain_text("more rye")
    expect(version(page, 2)).to_contain_text("Ann")
    live.reset("speed")
    expect(source(page, "speed")).to_have_text("default")
    expect(field(page, "speed")).to_have_value("10")

    # What somebody types stays, while others change something else, which is not a conflict.
    field(page, "banner").fill("Soon")
    live.change(speed=40)
    ready(page, 4)
    expect(field(page, "speed")).to_have_value("40")
    expect(field(page, "banner")).to_have_value("Soon")
    send(page)
    ready(page, 5)
    assert live.history(1)[0].changes == {"banner": {"after": "Soon"}}


def test_a_conflict_shows_what_there_is(
    mill: Console, live: BlockingLive, miller: ConnectedClient
) -> None:
    page = ready(mill.visit("#/settings"), 0)
    field(page, "speed").fill("50")
    field(page, "banner").fill("Mine")
    page.get_by_label("Reason, for the history").fill("because")
    live.change(speed=60, banner="Theirs", why="more rye", by="Ann")
    meanwhile = "It has changed meanwhile: it is 60 now."
    expect(setting(page, "speed")).to_contain_text(meanwhile)
    expect(field(page, "speed")).to_have_value("50")
    send(page)
    expect(trouble(page)).to_contain_text(
        "Conflict: the settings have version 1 now, by Ann (more rye), and not 0"
    )
    expect(trouble(page)).to_contain_text("“Change” sends what is typed here for version 1.")
    assert values(miller) == {"speed": 60, "banner": "Theirs"}
    expect(field(page, "speed")).to_have_value("50")
    expect(field(page, "banner")).to_have_value("Mine")
    expect(page.get_by_label("Reason, for the history")).to_have_value("because")
    expect(setting(page, "speed")).to_contain_text(meanwhile)

    setting(page, "banner").get_by_role("button", name="Take this value").click()
    expect(field(page, "banner")).to_have_value("Theirs")
    expect(field(page, "banner")).to_be_focused()
    # Once more, for a setting that is to be the default.
    page.get_by_label('Back to the default, ""').check()
    live.change(banner="Theirs again")
    expect(setting(page, "banner")).to_contain_text('it is "Theirs again" now')
    send(page)
    expect(trouble(page)).to_contain_text("and not 1")
    send(page)
    ready(page, 3)
    expect(trouble(page)).to_be_empty()
    expect(page.get_by_text("It has changed meanwhile")).to_have_count(0)
    assert values(miller) == {"speed": 50}


def test_the_way_back(
    mill: Console,
    live: BlockingLive,
    miller: ConnectedClient,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live.change(speed=20, why="more rye")
    live.change(speed=30, banner="Hello")
    page = ready(mill.visit("#/settings"), 2)
    expect(version(page, 0)).to_contain_text("the defaults")
    newest = opened(page, 2)
    expect(newest.locator("dd")).to_have_text(["20 → 30", 'the default → "Hello"'])
    expect(newest).to_contain_text("This is how the settings are now.")
    row = opened(page, 1)
    go = row.get_by_role("button", name="Go back to version 1")
    go.focus()
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="Leave them")).to_be_focused()
    expect(row.locator(".actions dd")).to_have_text(['"Hello" → the default', "30 → 20"])
    page.keyboard.press("Enter")
    expect(go).to_be_focused()
    assert miller.call(f"{PREFIX}.snapshot")["version"] == 2

    # What was agreed to is another thing by now.
    go.click()
    live.change(speed=40)
    ready(page, 3)
    row.get_by_role("button", name="Go back", exact=True).click()
    expect(row).to_contain_text("Conflict: the settings have version 3 now")
    go.click()
    expect(row.locator(".actions dd")).to_have_text(['"Hello" → the default', "40 → 20"])
    row.get_by_role("button", name="Go back", exact=True).click()
    expect(row).to_contain_text("The settings have version 4 now.")
    expect(go).to_be_focused()
    expect(field(page, "speed")).to_have_value("20")
    expect(version(page, 4)).to_contain_text("back to version 1")
    assert values(miller) == {"speed": 20}
    go.click()
    expect(row).to_contain_text("The settings are now as they were then.")

    # What a service refuses, it refuses here, too.
    with monkeypatch.context() as patch:
        patch.setenv("WAMPAPP_SETTINGS_BANNER", "Sieved")
        sieve = services.start("sieve", Sieve)
    row = opened(page, 3)
    row.get_by_role("button", name="Go back to version 3").click()
    row.get_by_role("button", name="Go back", exact=True).click()
    expect(row).to_contain_text("banner is pinned by WAMPAPP_SETTINGS_BANNER (sieve (")
    sieve.close()
    row = opened(page, 0)
    row.get_by_role("button", name="Go back to version 0").click()
    row.get_by_role("button", name="Go back", exact=True).click()
    ready(page, 5)
    assert values(miller) == {}


def test_a_long_history(mill: Console, live: BlockingLive) -> None:
    for number in range(1, 46):
        live.change(speed=number)
    page = ready(mill.visit("#/settings"), 45)
    rows = page.locator("ol.versions > li")
    expect(rows).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(40)
    expect(version(page, 25).locator("summary")).to_be_focused()
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(46)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    numbers = rows.evaluate_all("found => found.map((one) => Number(one.dataset.version))")
    assert numbers == [*range(45, -1, -1)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    mill: Console, live: BlockingLive, services: Services, scheme: Any, progress: Progress
) -> None:
    services.start("sieve", Sieve)
    live.change(speed=20, why="more rye")
    live.change(speed=30)
    page = ready(mill.visit("#/settings", color_scheme=scheme, bypass_csp=True), 2)
    page.get_by_label("Back to the default, 10").check()
    field(page, "banner").fill("Mine")
    live.change(banner="Theirs")
    expect(setting(page, "banner")).to_contain_text("It has changed meanwhile")
    send(page)
    expect(trouble(page)).to_contain_text("Conflict: ")
    opened(page, 1).get_by_role("button", name="Go back to version 1").click()
    expect(version(page, 1).get_by_role("button", name="Leave them")).to_be_focused()
    opened(page, 2)
    accessible(page, progress)


def test_it_fits_a_phone(mill: Console, live: BlockingLive) -> None:
    live.change(banner="w" * 4000, why="w" * 400, by="w" * 400, grains=["w" * 400])
    live.change(speed=3)
    page = ready(mill.visit("#/settings", viewport={"width": 360, "height": 740}), 2)
    opened(page, 1)
    version(page, 1).get_by_role("button", name="Go back to version 1").click()
    expect(version(page, 1).get_by_role("button", name="Leave them")).to_be_visible()
    field(page, "banner").fill("short")
    live.change(banner="x" * 4000)
    expect(setting(page, "banner")).to_contain_text("It has changed meanwhile")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_it_goes_on_after_a_restart(mill: Console, live: BlockingLive, tmp_path: Path) -> None:
    live.change(speed=20)
    page = ready(mill.visit("#/settings"), 1)
    field(page, "banner").fill("Mine")
    mill.service.stop()
    expect(page.locator("#state")).to_contain_text("Away")
    again = Console(mill._browser, mill.port, service=SERVICE, cwd=tmp_path)
    mill.service = again.service
    with connect(again.rs_url, timeout=DEADLINE) as client:
        Live(client, PREFIX).sync.change(speed=30)
        ready(page, 2)
        expect(field(page, "speed")).to_have_value("30")
        expect(field(page, "banner")).to_have_value("Mine")
        send(page)
        ready(page, 3)
        assert values(client) == {"speed": 30, "banner": "Mine"}
    # The browser says that the page could not be reached meanwhile.
    mill.trouble.clear()


def test_one_of_several_keepers(
    mill: Console, live: BlockingLive, miller: ConnectedClient, tmp_path: Path
) -> None:
    app = App(prefix="com.inn", name="inn")
    settings: Live[Any] = Live(app, Other, store=tmp_path / "inn.sqlite")
    app.include(settings)
    live.change(speed=20)
    with running(app, mill.rs_url):
        page = mill.visit("#/settings")
        status = page.locator(".tab.settings .bar").get_by_role("status")
        expect(status).to_have_text("com.inn.settings, version 0")
        expect(page.locator("ol.settings > li")).to_have_count(1)
        field(page, "speed").fill("1.5")
        send(page)
        expect(status).to_have_text("com.inn.settings, version 1")
        page.get_by_label("Live settings").select_option(PREFIX)
        ready(page, 1)
        expect(field(page, "speed")).to_have_value("20")
        expect(page.locator("ol.settings > li")).to_have_count(4)
        expect(page.locator("ol.versions > li")).to_have_count(2)
        settings.sync.change(speed=2.5)
        live.change(speed=30)
        ready(page, 2)
        expect(field(page, "speed")).to_have_value("30")
        assert miller.call("com.inn.settings.snapshot")["values"] == {"speed": 2.5}
