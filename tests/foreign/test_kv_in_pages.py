"""A key/value store from JavaScript: our page's client in Node, and in Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import chromium
from tests.support.process import ROOT, Process, Wampapp, environment
from tests.support.site import Site
from wampapp import ConnectedClient, connect
from wampapp.components import KV

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs" / "kv"
#: Node has had a WebSocket of its own behind a flag since 20.10, and without since 22.
NODE = ["node", "--experimental-websocket", "--no-warnings"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    words = ("run", PROGRAMS / "site.py", "--port", "0")
    with Wampapp(*words, cwd=tmp_path, env=environment()) as process:
        yield Site(process)
        process.stop()


@pytest.fixture
def client(site: Site) -> Iterator[ConnectedClient]:
    with connect(f"rs://127.0.0.1:{site.port}", timeout=60) as client:
        yield client


def test_what_a_script_does(site: Site, client: ConnectedClient) -> None:
    kv = KV(client, "com.shop.kv").sync
    words = [*NODE, str(PROGRAMS / "page.mjs"), f"ws://127.0.0.1:{site.port}/ws"]
    with Process(*words) as node:
        node.until("^holds number$")
        node.until(r"^set user\.1 3$")
        node.until("^current  null$")
        assert kv.get("online.me") is True
        kv.set("user.2", {"name": "Bob"})
        node.until(r'^set user\.2 {"name":"Bob"}$')
        kv.delete("user.1")
        node.until(r"^deleted user\.1 null$")
        kv.set("user.2", "the end")
        node.until("^waits$")
        # Somebody else sets it: it is not the page's any longer.
        kv.set("online.me", False)
        node.until("^lost$")
        assert node.wait() == 0, node.text
    assert kv.get("online.me") is False


def test_presence_in_a_browser(site: Site, client: ConnectedClient) -> None:
    """Who is online: a key that each page holds, and all of them watched."""
    kv = KV(client, "com.shop.kv").sync
    with chromium() as browser:
        page = browser.new_page()
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"http://127.0.0.1:{site.port}/?ann")
        expect(page.get_by_role("listitem")).to_have_text(["ann"])
        other = browser.new_page()
        other.goto(f"http://127.0.0.1:{site.port}/?bob")
        expect(page.get_by_role("listitem")).to_have_text(["ann", "bob"])
        expect(other.get_by_role("listitem")).to_have_text(["ann", "bob"])
        assert [entry.key for entry in kv.scan("online.")] == ["online.ann", "online.bob"]
        # The key goes with the page, however it ends.
        other.close()
        expect(page.get_by_role("listitem")).to_have_text(["ann"])
        assert [entry.key for entry in kv.scan("online.")] == ["online.ann"]
        assert trouble == []
        changes = kv.watch("online.")
        assert next(changes).key == "online.ann"
        page.close()
        change = next(changes)
        assert (change.kind, change.key) == ("deleted", "online.ann")
