"""The tab of live settings, in Chromium: a form of what services declare, and the way back."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.console import Console
from tests.support.node import node_package
from tests.support.process import DEADLINE, ROOT
from tests.support.running import running
from wampapp import App, ConnectedClient, connect
from wampapp.components import Live, Settings
from wampapp.components.settings import BlockingLive
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "settings" / "service.py"
PREFIX = "com.mill.settings"
AXE = "4.10.3"
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[2J"
SHOWN = "<img src=x onerror=alert(1)>\\u202e\\u001b[2J"


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


@pytest.fixture
def console(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    monkeypatch.chdir(tmp_path)  # where services here note what they have seen
    console = Console(browser, service=SERVICE, cwd=tmp_path)
    try:
        yield console
        assert not console.trouble
    finally:
        for context in console.contexts:
            context.close()
        console.service.stop()


@pytest.fixture
def client(console: Console) -> Iterator[ConnectedClient]:
    with connect(console.rs_url, timeout=DEADLINE) as client:
        yield client


@pytest.fixture
def live(client: ConnectedClient) -> BlockingLive:
    return Live(client, PREFIX).sync


@pytest.fixture
def services(console: Console, client: ConnectedClient) -> Iterator["Services"]:
    with ExitStack() as stack:
        yield Services(console, client, stack)


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


def test_settings_are_changed(console: Console, client: ConnectedClient) -> None:
    page = console.visit()
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
    assert values(client) == changed
    (entry,) = client.call(f"{PREFIX}.history")
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
    assert values(client) == changed


def test_what_is_refused_is_said(console: Console, client: ConnectedClient) -> None:
    page = ready(console.visit("#/settings"), 0)
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
    assert client.call(f"{PREFIX}.snapshot")["version"] == 0

    field(page, "speed").fill("90")
    field(page, "banner").fill("bad")
    send(page)
    ready(page, 1)
    expect(trouble(page)).to_be_empty()
    expect(outcome(page)).to_contain_text("The change is made, but its handlers have failed:")
    expect(outcome(page)).to_contain_text("banner raised ValueError: bad instead of ")
    assert values(client) == {"speed": 90, "grains": ["oats"], "banner": "bad"}


def test_changes_are_seen_as_they_come(console: Console, live: BlockingLive) -> None:
    live.change(speed=20)
    page = console.visit("#/settings")
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
    console: Console, live: BlockingLive, client: ConnectedClient
) -> None:
    page = ready(console.visit("#/settings"), 0)
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
    assert values(client) == {"speed": 60, "banner": "Theirs"}
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
    assert values(client) == {"speed": 50}


def test_the_way_back(
    console: Console,
    live: BlockingLive,
    client: ConnectedClient,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live.change(speed=20, why="more rye")
    live.change(speed=30, banner="Hello")
    page = ready(console.visit("#/settings"), 2)
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
    assert client.call(f"{PREFIX}.snapshot")["version"] == 2

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
    assert values(client) == {"speed": 20}
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
    assert values(client) == {}


def test_settings_that_have_gone(console: Console, live: BlockingLive, services: Services) -> None:
    sieve = services.start("sieve", Sieve)
    live.change(mesh="coarse", speed=20)
    live.change(mesh="fine", speed=30)
    sieve.close()
    page = ready(console.visit("#/settings"), 2)
    row = opened(page, 1)
    row.get_by_role("button", name="Go back to version 1").click()
    row.get_by_role("button", name="Go back", exact=True).click()
    expect(row).to_contain_text("Nobody has these settings any longer, so they were left out:mesh")
    expect(field(page, "speed")).to_have_value("20")


def test_one_of_several_keepers(
    console: Console, live: BlockingLive, client: ConnectedClient, tmp_path: Path
) -> None:
    app = App(prefix="com.inn", name="inn")
    settings: Live[Any] = Live(app, Other, store=tmp_path / "inn.sqlite")
    app.include(settings)
    live.change(speed=20)
    with running(app, console.rs_url):
        page = console.visit("#/settings")
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
        assert client.call("com.inn.settings.snapshot")["values"] == {"speed": 2.5}


def test_a_long_history(console: Console, live: BlockingLive) -> None:
    for number in range(1, 46):
        live.change(speed=number)
    page = ready(console.visit("#/settings"), 45)
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


def test_all_that_services_declare(
    console: Console, client: ConnectedClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("WAMPAPP_SETTINGS_SERIAL", "7")
        sieve = services.start("sieve", Sieve)
    page = ready(console.visit("#/settings"), 0)
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
    assert values(client) == {"mesh": "coarse", "note": "new"}
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
    assert values(client)["angle"] == 0.75


def test_services_that_do_not_agree(
    console: Console, client: ConnectedClient, services: Services
) -> None:
    services.start("other", Other)
    page = ready(console.visit("#/settings"), 0)
    expect(setting(page, "speed")).to_contain_text("number (other (")
    field(page, "speed").fill("12.5")
    send(page)
    expect(trouble(page)).to_contain_text("speed: expected int, got float")
    field(page, "speed").fill("12")
    send(page)
    ready(page, 1)
    assert values(client) == {"speed": 12}


def test_a_service_that_does_not_answer(
    console: Console, client: ConnectedClient, services: Services
) -> None:
    services.odd("sleepy", {"properties": {"speed": {"type": "integer"}}}, {"speed": 1})
    page = ready(console.visit("#/settings"), 0)
    field(page, "banner").fill("Hello")
    send(page)
    expect(outcome(page)).to_contain_text(
        "These services did not answer, and were not waited for:sleepy"
    )
    assert values(client) == {"banner": "Hello"}


def test_what_is_hostile_is_text(
    console: Console, client: ConnectedClient, live: BlockingLive, services: Services
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
    page = ready(console.visit("#/settings"), 1)
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
    assert values(client) == {"banner": f"{HOSTILE}!"}
    text = page.locator(".tab.settings").inner_text()
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    console: Console, live: BlockingLive, services: Services, scheme: Any, progress: Progress
) -> None:
    axe = node_package("axe-core", AXE, progress) / "node_modules" / "axe-core" / "axe.min.js"
    services.start("sieve", Sieve)
    live.change(speed=20, why="more rye")
    live.change(speed=30)
    page = ready(console.visit("#/settings", color_scheme=scheme, bypass_csp=True), 2)
    page.add_script_tag(path=axe)
    page.get_by_label("Back to the default, 10").check()
    field(page, "banner").fill("Mine")
    live.change(banner="Theirs")
    expect(setting(page, "banner")).to_contain_text("It has changed meanwhile")
    send(page)
    expect(trouble(page)).to_contain_text("Conflict: ")
    opened(page, 1).get_by_role("button", name="Go back to version 1").click()
    expect(version(page, 1).get_by_role("button", name="Leave them")).to_be_focused()
    opened(page, 2)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    bad = [
        (one["id"], node["html"], node["failureSummary"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not bad


def test_it_fits_a_phone(console: Console, live: BlockingLive) -> None:
    live.change(banner="w" * 4000, why="w" * 400, by="w" * 400, grains=["w" * 400])
    live.change(speed=3)
    page = ready(console.visit("#/settings", viewport={"width": 360, "height": 740}), 2)
    opened(page, 1)
    version(page, 1).get_by_role("button", name="Go back to version 1").click()
    expect(version(page, 1).get_by_role("button", name="Leave them")).to_be_visible()
    field(page, "banner").fill("short")
    live.change(banner="x" * 4000)
    expect(setting(page, "banner")).to_contain_text("It has changed meanwhile")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_it_goes_on_after_a_restart(console: Console, live: BlockingLive, tmp_path: Path) -> None:
    live.change(speed=20)
    page = ready(console.visit("#/settings"), 1)
    field(page, "banner").fill("Mine")
    console.service.stop()
    expect(page.locator("#state")).to_contain_text("Away")
    again = Console(console._browser, console.port, service=SERVICE, cwd=tmp_path)
    console.service = again.service
    with connect(again.rs_url, timeout=DEADLINE) as client:
        Live(client, PREFIX).sync.change(speed=30)
        ready(page, 2)
        expect(field(page, "speed")).to_have_value("30")
        expect(field(page, "banner")).to_have_value("Mine")
        send(page)
        ready(page, 3)
        assert values(client) == {"speed": 30, "banner": "Mine"}
    # The browser says that the page could not be reached meanwhile.
    console.trouble.clear()
