"""A logged-in page joins a real Crossbar.io, by a ticket from the site that it came from."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import chromium
from tests.support.ports import free_port
from tests.support.process import Wampapp, environment
from wampapp.crossbar import Crossbar, Progress, node_configuration

pytestmark = [pytest.mark.processes, pytest.mark.crossbar]

APP = """
from wampapp import App, Invocation
from wampapp.web import PageTickets, session

app = App(prefix="com.shop")
app.static("/static", "static")
tickets = PageTickets(app, ".authenticate")


@app.register
def me(call: Invocation) -> str:
    return f"{call.caller_authid} is a {call.caller_authrole}"


@app.get("/")
def index(name: str) -> str:
    session["name"] = name
    return '<script type="module" src="/static/page.js"></script><output></output>'


@app.post("/ticket")
def ticket() -> str:
    return tickets.issue(session["name"], "member")
"""
SCRIPT = """
import { connect } from "/_wampapp/wampapp.js";

const answer = await fetch("/ticket", { method: "POST" });
const once = await answer.text();
const fresh = async () => (await fetch("/ticket", { method: "POST" })).text();
const show = (text) => (document.querySelector("output").textContent += `${text}; `);

for (const ticket of [once, once, fresh]) {
  const wamp = connect(ROUTER, { authid: "page", ticket });
  wamp.addEventListener("refused", ({ detail }) => show(detail.message));
  await wamp.call("com.shop.me").then(show, () => {});
}
"""


def test_each_ticket_lets_one_page_in(tmp_path: Path, progress: Progress) -> None:
    config = node_configuration("realm1", "127.0.0.1")
    [worker] = config["workers"]
    [realm] = worker["realms"]
    [trusted] = realm["roles"]
    member = json.loads(json.dumps({**trusted, "name": "member"}))
    for verb in ("register", "publish"):
        member["permissions"][0]["allow"][verb] = False
    realm["roles"].append(member)
    [transport] = worker["transports"]
    transport["rawsocket"]["auth"] = {"anonymous": {"type": "static", "role": "anonymous"}}
    transport["websocket"]["ws"]["auth"] = {
        "ticket": {
            "type": "dynamic",
            "authenticator": "com.shop.authenticate",
            "authenticator-realm": "realm1",
            "authenticator-role": "trusted",
        }
    }
    with Crossbar(config=config, progress=progress) as crossbar:
        (tmp_path / "shop.py").write_text(APP)
        (tmp_path / "static").mkdir()
        script = SCRIPT.replace("ROUTER", json.dumps(crossbar.ws_url))
        (tmp_path / "static/page.js").write_text(script)
        port = free_port()
        env = environment(WAMPAPP_URL=crossbar.rs_url, WAMPAPP_HTTP=f"127.0.0.1:{port}")
        with Wampapp("run", tmp_path / "shop.py", env=env) as service, chromium() as browser:
            service.until("Press Ctrl-C")
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/?name=Zo%C3%AB")
            expect(page.locator("output")).to_have_text(
                "Zoë is a member; "
                "wamp.error.not_authorized: The ticket has been used already.; "
                "Zoë is a member; "
            )
            assert service.stop() == 0
        assert "Traceback" not in service.text
