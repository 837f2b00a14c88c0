"""`wampapp.js`, the client for web pages: in Node against both routers, and in Chromium."""

import gzip
import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import chromium
from tests.support.credentials import REALM, SECRET, TICKET, guarded_file
from tests.support.node import node_package
from tests.support.process import (
    DEADLINE,
    ROOT,
    EmbeddedRouter,
    Process,
    Wampapp,
    environment,
)
from tests.support.site import Site
from wampapp import CallResult, ConnectedClient, Invocation, Ticket, WampError, connect
from wampapp.crossbar import Crossbar, Progress
from wampapp.router import TicketHash

pytestmark = pytest.mark.processes

CLIENT = ROOT / "wampapp" / "web" / "browser"
PROGRAMS = ROOT / "tests" / "programs" / "js"
#: Node has had a WebSocket of its own behind a flag since 20.10, and without since 22.
NODE = ["node", "--experimental-websocket", "--no-warnings"]


class Services:
    """What the page's client calls."""

    def __init__(self, client: ConnectedClient) -> None:
        self.client = client
        self.was_cancelled = threading.Event()
        for name in (
            "add",
            "nothing",
            "nul",
            "several",
            "echo",
            "fail",
            "count",
            "forever",
            "sleep",
            "announce",
        ):
            client.register(f"com.test.{name}", getattr(self, name))
        client.register("com.test.cancelled", lambda: self.was_cancelled.wait(DEADLINE))

    def add(self, a: int, b: int) -> int:
        return a + b

    def nothing(self) -> None: ...

    def nul(self) -> str:
        return "\0not base64!"

    def several(self) -> CallResult:
        return CallResult(1, "zwei", three=3)

    def echo(self, value: Any) -> Any:
        return value

    def fail(self, text: str, **kwargs: Any) -> None:
        raise WampError("com.test.error", text, **kwargs)

    def count(self, n: int) -> Iterator[int]:
        yield from range(n)
        return "counted"

    def forever(self, call: Invocation) -> None:
        n = 0
        while not call.cancelled:
            call.progress(n)
            n += 1
            time.sleep(0.001)
        self.was_cancelled.set()

    def sleep(self, call: Invocation) -> None:
        while not call.cancelled:
            time.sleep(0.001)

    def announce(self, topic: str, text: str) -> None:
        self.client.publish(topic, text, n=1)


@pytest.fixture
def services(router: EmbeddedRouter | Crossbar) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, router.realm, timeout=DEADLINE) as client:
        Services(client)
        yield client


def test_all_it_does(router: EmbeddedRouter | Crossbar, services: ConnectedClient) -> None:
    told: queue.Queue[Any] = queue.Queue()
    services.subscribe("com.test.told", lambda *args, **kwargs: told.put((args, kwargs)))
    words = [*NODE, PROGRAMS / "page_client.mjs", router.ws_url, router.realm]
    with Process(*map(str, words)) as node:
        node.until("registered")
        assert told.get(timeout=DEADLINE) == (("from the page",), {"ok": True})
        assert services.call("com.page.double", 21) == 42
        assert list(services.stream("com.page.steps", 3)) == [0, 1, 2, "done"]
        assert services.call("com.page.steps", 3) == "done"
        with pytest.raises(WampError) as raised:
            services.call("com.page.fail", "own")
        error = raised.value
        assert (error.uri, error.args, error.kwargs) == ("com.page.error", ("no", 1), {"left": 0})
        with pytest.raises(WampError) as raised:
            services.call("com.page.fail", "other")
        assert (raised.value.uri, raised.value.args) == ("wamp.error.runtime_error", ("plain",))
        with pytest.raises(WampError) as raised:
            services.procedure("com.page.steps", timeout=0.2)(0)
        while services.call("com.page.aborted") != [0]:
            pass
        services.call("com.page.withdraw")
        with pytest.raises(WampError) as raised:
            services.call("com.page.double", 21)
        assert raised.value.uri == "wamp.error.no_such_procedure"
        services.call("com.page.end")
        node.until("left")
        assert node.wait() == 0
        assert "joined again" not in node.text


def test_it_comes_back_with_what_it_has_registered_and_subscribed(free_port: int) -> None:
    program = """
        import { connect } from "%s";
        const wamp = connect("ws://127.0.0.1:%d/ws", { timeout: 60 });
        await wamp.register("com.page.double", (x) => 2 * x);
        await wamp.subscribe("com.test.news", (text) => console.log("news", text));
        wamp.addEventListener("leave", async () => {
            console.log("left");
            // What is asked for meanwhile waits.
            console.log("waited", await wamp.call("com.page.double", 4));
            await wamp.subscribe("com.test.late", (text) => console.log("late", text));
            console.log("all there");
        });
        console.log("ready");
    """
    words = [*NODE, "--input-type=module", "-e", program % (CLIENT / "wampapp.js", free_port)]
    with EmbeddedRouter(free_port) as router, Process(*words) as node:
        node.until("ready")
        assert router.stop() == 0
        node.until("left")
        with EmbeddedRouter(free_port) as again:
            node.until("waited 8")
            node.until("all there")
            with connect(again.rs_url, timeout=DEADLINE) as client:
                assert client.call("com.page.double", 21) == 42
                client.publish("com.test.news", "fresh")
                client.publish("com.test.late", "too")
                node.until("news fresh")
                node.until("late too")


def test_a_call_without_a_router_fails_in_time(free_port: int) -> None:
    program = """
        import { connect } from "%s";
        const wamp = connect("ws://127.0.0.1:%d/ws", { timeout: 0.5 });
        const cancelled = wamp.call("com.test.x");
        const answers = [cancelled, wamp.call("com.test.x"), wamp.publish("com.test.x")];
        cancelled.cancel();
        for (const { reason } of await Promise.allSettled(answers)) console.log(reason.uri);
        wamp.close();
        await wamp.call("com.test.x").catch((error) => console.log(error.uri));
    """
    words = [*NODE, "--input-type=module", "-e", program % (CLIENT / "wampapp.js", free_port)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "wamp.error.canceled",
        "wampapp.error.not_joined",
        "wampapp.error.not_joined",
        "wampapp.error.not_joined",
    ]


@pytest.mark.parametrize(("ticket", "joins"), [(TICKET, True), ("wrong", False)])
def test_it_proves_itself_by_a_ticket(
    gatekeeper: EmbeddedRouter | Crossbar, ticket: str, joins: bool
) -> None:
    program = PROGRAMS / "page_client_refused.mjs"
    words = [*NODE, str(program), gatekeeper.ws_url, REALM, "ticketed", ticket]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"fetched 1 session {str(joins).lower()}"
    assert ("refused" in done.stdout) is not joins


def test_a_realm_that_is_not_there_ends_it(crossbar: Crossbar) -> None:
    program = PROGRAMS / "page_client_refused.mjs"
    words = [*NODE, str(program), crossbar.ws_url, "no.such", "", ""]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.splitlines()[:2] == [
        "refused wamp.error.no_such_realm",
        "error wamp.error.no_such_realm",
    ]


def test_it_waits_for_the_app_that_knows_who_it_is(tmp_path: Path) -> None:
    file = guarded_file(tmp_path)
    file.write_text(f'[realms.{REALM}]\nauthenticator = "com.users.find"\n' + file.read_text())
    words = [*NODE, str(PROGRAMS / "page_client_refused.mjs")]
    env = environment(SHARED_SECRET=SECRET)
    with (
        EmbeddedRouter(0, "--config", file, env=env) as router,
        connect(router.ws_url, REALM, auth=Ticket("ticketed", TICKET)) as users,
        Process(*words, router.ws_url, REALM, "newcomer", TICKET) as page,
    ):
        router.until("com.users.find gave no answer: wamp.error.no_such_procedure")
        newcomer = {"role": "member", "ticket": TicketHash.of(TICKET).text}
        users.register("com.users.find", lambda *_args: newcomer)
        page.until("fetched 1 session true")
        assert "refused" not in page.text


def test_it_is_small() -> None:
    text = (CLIENT / "wampapp.js").read_bytes()
    assert len(gzip.compress(text, 9)) < 3 * 1024


def test_its_types(tmp_path: Path, progress: Progress) -> None:
    modules = node_package("typescript", "5.9.3", progress) / "node_modules"
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "wampapp").symlink_to(CLIENT)
    (tmp_path / "page.mts").write_text(
        """
        import { connect, WampError, type Invocation } from "wampapp";
        const wamp = connect("ws://127.0.0.1:8080/ws", { ticket: async () => "secret" });
        const sum: number = await wamp.call<number>("com.shop.add", 2, { b: 3 });
        const answer = wamp.call("com.shop.slow");
        answer.cancel();
        for await (const step of wamp.stream<string>("com.shop.steps")) step.toUpperCase();
        wamp.stream("com.shop.steps").cancel();
        const stop = await wamp.subscribe("com.shop.ordered", (sku: string) => console.log(sku));
        await stop();
        await wamp.register("com.page.ask", (q: string, _: object, call: Invocation) => {
            call.progress(1);
            return call.signal.aborted ? null : q + sum;
        });
        wamp.addEventListener("leave", () => wamp.close());
        // @ts-expect-error: there is no such option
        connect(undefined, { retries: 3 });
        // @ts-expect-error: a procedure has a name
        wamp.call(1);
        export const error: string = new WampError("com.shop.error").uri;
        """
    )
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    words = ["node", modules / "typescript" / "bin" / "tsc", *options, "page.mts"]
    done = subprocess.run(
        [str(word) for word in words], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout


def test_its_version_is_ours() -> None:
    import wampapp

    about = json.loads((CLIENT / "package.json").read_text())
    assert about["version"] == wampapp.__version__
    assert all((CLIENT / name).is_file() for name in about["files"])


PAGE = """
<!doctype html>
<title>Live</title>
<ul id="list"></ul>
<script type="module" src="/static/page.js"></script>
"""
SCRIPT = """
import { connect } from "/_wampapp/wampapp.js";
const wamp = connect();
wamp.addEventListener("join", () => { document.title = "joined"; });
wamp.addEventListener("leave", () => { document.title = "away"; });
await wamp.subscribe("com.shop.ordered", (sku) => {
  list.append(Object.assign(document.createElement("li"), { textContent: sku }));
});
document.body.append(await wamp.call("com.shop.who"));
document.body.onclick = () => wamp.call("com.shop.order", "pear");
document.body.dataset.ready = "yes";
"""
SERVICE = """
from typing import Any
from wampapp import App, PageRequest
from wampapp.web import Response, make_response, redirect

app = App(prefix="com.shop")
app.static("/static", "static")

@app.route("/")
def index() -> Any:
    return make_response(PAGE, {"Content-Security-Policy": "default-src 'self'"})

@app.register
async def order(sku: str) -> None:
    app.publish(".ordered", sku)

@app.register
def who() -> str:
    return "a visitor"

PAGE = '''%s'''
"""


def have_subscribed(site: Site, pages: int) -> None:
    """Wait until so many pages are told of what is ordered."""
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        found = 0
        while found < pages:
            topic = client.call("wamp.subscription.lookup", "com.shop.ordered")
            found = client.call("wamp.subscription.count_subscribers", topic) if topic else 0


def test_pages_in_a_browser(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "shop.py").write_text(SERVICE % PAGE)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "page.js").write_text(SCRIPT)
    words = ("run", tmp_path / "shop.py", "--port", str(free_port))
    asked: list[str] = []
    with chromium() as browser:

        def open_page() -> Page:
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("websocket", lambda socket: asked.append(socket.url))
            page.goto(f"http://127.0.0.1:{free_port}/")
            expect(page.locator("body[data-ready=yes]")).to_contain_text("a visitor")
            return page

        with Wampapp(*words, env=environment()) as service:
            Site(service)
            pages = [open_page(), open_page()]
            pages[0].locator("body").click()
            for page in pages:
                expect(page.locator("#list li")).to_have_text(["pear"])
            service.send(signal.SIGKILL)
            for page in pages:
                expect(page).to_have_title("away")
        with Wampapp(*words, env=environment()) as service:
            site = Site(service)
            for page in pages:
                expect(page).to_have_title("joined")
            have_subscribed(site, len(pages))
            pages[1].locator("body").click()
            for page in pages:
                expect(page.locator("#list li")).to_have_text(["pear", "pear"])
            assert service.stop() == 0
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{free_port}"}
    assert any(url.startswith("ws:") for url in asked)
