"""HTTP for those who have no WAMP: calls, events and server-sent events by a mounted bridge."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import SECRET, TICKET, WRONG, guarded_file
from tests.support.process import DEADLINE, ROOT, EmbeddedRouter, Wampapp, environment
from tests.support.site import Site
from wampapp import UsageError, connect
from wampapp.crossbar import Crossbar
from wampapp.web import bridge

pytestmark = pytest.mark.processes

PROGRAM = ROOT / "tests" / "programs" / "web" / "bridged.py"
BEARER = f"Bearer ticketed:{TICKET}".encode().decode("latin-1")
BASIC = f"Basic {base64.b64encode(f'ticketed:{TICKET}'.encode()).decode()}"


def post(site: Site, path: str, value: Any = None, **headers: str) -> tuple[int, Any]:
    """Post JSON; return the status and what the answer holds."""
    body = b"" if value is None else json.dumps(value).encode()
    status, text, _ = site.ask(f"/rpc/{path}", body, Content_Type="application/json", **headers)
    return status, json.loads(text) if text else None


@pytest.fixture(scope="module", params=[[], ["--workers", "2"]], ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    options = ("--port", "0", "--allow-origin", "https://shop.example", *request.param)
    with Wampapp("run", PROGRAM, *options) as service:
        yield Site(service)
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("uri", "body", "result"),
    [
        ("com.shop.add", [2, 3], 5),
        ("com.shop.add", {"a": 2, "b": 3}, 5),
        ("com.shop.add", {"args": [2], "kwargs": {"b": 3}}, 5),
        ("com.shop.add", {"args": [2]}, 3),
        ("com.shop.several", None, {"args": [1, "zwei"], "kwargs": {"three": 3}}),
        ("com.shop.named", {"args": "text"}, {"args": "text"}),
        ("com.shop.count", [3], [0, 1, 2]),
    ],
)
def test_calls(site: Site, uri: str, body: Any, result: Any) -> None:
    assert post(site, f"call/{uri}", body) == (200, result)


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("call/com.shop.add", [1, "x"], 422, "wamp.error.invalid_argument"),
        ("call/com.shop.nothing", [], 404, "wamp.error.no_such_procedure"),
        ("call/not%20a%20uri", [], 400, "wamp.error.invalid_uri"),
        ("call/com.shop.fail", ["sold"], 409, "com.shop.error.sold_out"),
        ("call/com.shop.fail", ["app"], 400, "com.shop.error.other"),
        ("call/com.shop.fail", ["broken"], 500, "wamp.error.runtime_error"),
        ("call/", [], 404, "Not Found"),
        ("other/com.shop.add", [], 404, "Not Found"),
        ("call/com.shop.add", 5, 400, "Bad Request"),
        ("call/com.shop.add", ["x" * 100_000], 413, "Request Entity Too Large"),
    ],
)
def test_errors_have_a_status(site: Site, path: str, body: Any, status: int, error: str) -> None:
    got, answer = post(site, path, body)
    assert (got, answer["error"]) == (status, error)
    assert answer["message"]
    assert "secret" not in json.dumps(answer)


def test_an_error_keeps_what_it_carries(site: Site) -> None:
    assert post(site, "call/com.shop.fail", ["sold"])[1] == {
        "error": "com.shop.error.sold_out",
        "message": "no tea",
        "args": ["no tea"],
        "kwargs": {"left": 0},
    }


def test_a_body_that_is_not_json_is_refused(site: Site) -> None:
    for kind, status in (("text/plain", 415), ("application/json", 400)):
        got, text, _ = site.ask("/rpc/call/com.shop.add", b"[1, ", Content_Type=kind)
        assert (got, "JSON" in text) == (status, True)
    status, text, headers = site.ask("/rpc/call/com.shop.add")
    assert (status, headers["allow"]) == (405, "POST")


def test_events_are_published(site: Site) -> None:
    assert post(site, "publish/com.shop.told", {"args": ["ü"], "kwargs": {"n": 1}}) == (204, None)
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        while [["ü"], {"n": 1}] not in client.call("com.shop.told"):
            pass


class Stream:
    """A stream of server-sent events."""

    def __init__(self, site: Site, path: str, *headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", site.port), DEADLINE)
        lines = [f"GET /rpc/events/{path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() != b"\r\n":
            pass

    def event(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            self.file.readline()  # the chunk's size
            for line in iter(self.file.readline, b"\n"):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                found[name] = value
            self.file.readline()  # the chunk's end
            if "data" in found:
                return found

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def test_a_topic_is_a_stream_of_events(site: Site) -> None:
    stream = Stream(site, "com.shop.news")
    many = Stream(site, "com.shop?match=prefix")
    assert (stream.status, many.status) == (200, 200)
    assert post(site, "call/com.shop.announce", ["hi\nthere"]) == (200, None)
    event = stream.event()
    assert (json.loads(event["data"]), "event" in event) == ("hi\nthere", False)
    assert int(event["id"]) > 0
    assert json.loads(stream.event()["data"]) == {"args": ["hi\nthere"], "kwargs": {"n": 1}}
    assert many.event()["event"] == "com.shop.news"
    stream.close()
    many.close()


def test_a_subscription_ends_with_its_stream(site: Site) -> None:
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        stream = Stream(site, "com.shop.watched")
        found = client.call("wamp.subscription.lookup", "com.shop.watched")
        assert client.call("wamp.subscription.count_subscribers", found) == 1
        stream.close()
        while client.call("wamp.subscription.lookup", "com.shop.watched") is not None:
            pass


@pytest.mark.parametrize("topic", ["not%20a%20topic", "com.shop.news?match=other", "a.%3Cb%3E"])
def test_a_topic_that_is_none_is_refused(site: Site, topic: str) -> None:
    assert site.ask(f"/rpc/events/{topic}")[0] == 400


def test_the_pages_of_other_sites_can_neither_call_nor_listen(site: Site) -> None:
    evil = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    assert post(site, "call/com.shop.add", [1, 2], **evil)[0] == 403
    assert site.ask("/rpc/events/com.shop.news", Origin="https://evil.example")[0] == 403
    friend = {"Origin": "https://shop.example", "Sec_Fetch_Site": "cross-site"}
    body = b"[1, 2]"
    kind = "application/json"
    status, text, headers = site.ask("/rpc/call/com.shop.add", body, Content_Type=kind, **friend)
    assert (status, text) == (200, "3")
    assert headers["access-control-allow-origin"] == "https://shop.example"
    status, _, headers = site.ask("/rpc/call/com.shop.add", method="OPTIONS", **friend)
    assert (status, headers["access-control-allow-methods"]) == (204, "GET, POST")


def check_credentials(site: Site, *, anonymous: bool) -> None:
    assert post(site, "call/com.shop.who", Authorization=BEARER) == (200, ["ticketed", "member"])
    assert post(site, "call/com.shop.who", Authorization=BASIC) == (200, ["ticketed", "member"])
    for wrong in (f"Bearer ticketed:{WRONG}", "Bearer nobody:1"):
        header = wrong.encode().decode("latin-1")
        status, answer = post(site, "call/com.shop.who", Authorization=header)
        assert status == 401
        assert answer["error"].startswith("wamp.error.")
    for malformed in ("Bearer nonsense", "Basic !", "Digest a:b"):
        assert post(site, "call/com.shop.who", Authorization=malformed)[0] == 400
    assert post(site, "call/com.shop.who")[0] == (200 if anonymous else 401)


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=str)
def test_who_asks_may_do_what_the_router_allows_them(more: list[str], tmp_path: Path) -> None:
    file = guarded_file(tmp_path)
    env = environment(SHARED_SECRET=SECRET)
    options = ("--port", "0", "--router-config", file, *more)
    with Wampapp("run", PROGRAM, *options, env=env) as service:
        check_credentials(Site(service), anonymous=False)
        assert service.stop() == 0


def test_on_a_router_elsewhere(gatekeeper: EmbeddedRouter | Crossbar) -> None:
    env = environment(WAMPAPP_AUTHMETHOD="ticket", WAMPAPP_SECRET=TICKET)
    options = ("--url", gatekeeper.rs_url, "--authid", "ticketed", "--http", "127.0.0.1:0")
    with Wampapp("run", PROGRAM, *options, env=env) as service:
        port = int(service.until(r"  pages       http://127\.0\.0\.1:(\d+)/  ")[1])
        site = Site.__new__(Site)
        site.process, site.port = service, port
        check_credentials(site, anonymous=False)
        assert service.stop() == 0


def test_a_status_that_is_not_of_an_error_is_refused() -> None:
    app: Any = None
    with pytest.raises(UsageError, match="com.x has the status 200"):
        bridge(app, statuses={"com.x": 200})
