"""What running apps tell of themselves: to `docs --url`, to `inspect`, and to the console."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import DEADLINE, ROOT, EmbeddedRouter, Wampapp, environment, wampapp
from wampapp import connect

pytestmark = pytest.mark.processes

SHOP = ROOT / "tests" / "unit" / "describe" / "shop.py"
OTHER = """
import msgspec
from wampapp import App

app = App(prefix="com.other", title="Another", describe={describe})

class Order(msgspec.Struct):
    number: int

@app.register
def take(order: Order) -> None:
    "Take an order."
"""

PROCEDURE = "@app.register('com.x')\ndef x() -> None: ...\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with Wampapp("run", SHOP, "--port", "0") as process:
        port = int(process.until(r"rs://127.0.0.1:(\d+)")[1])
        process.until("Press Ctrl-C")
        yield port
        assert process.stop() == 0


def operations(port: int, *options: str) -> dict[str, str]:
    done = wampapp("docs", "--url", f"rs://127.0.0.1:{port}", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    return {one["x-wamp"]["uri"]: one.get("summary", "") for one in document["operations"].values()}


def test_docs_of_what_runs(port: int) -> None:
    found = operations(port)
    assert found["com.shop.order"] == "Order something."
    assert found["com.shop.<sku>.price"] == "Return what something costs."
    assert "com.shop.secret" not in found  # it is hidden
    assert not any(uri.startswith("wampapp.") for uri in found)
    done = wampapp("docs", "--url", f"rs://127.0.0.1:{port}")
    assert json.loads(done.stdout)["info"]["title"] == "The shop"


def test_texts_of_what_runs_are_plain(port: int) -> None:
    done = wampapp("docs", "--url", f"rs://127.0.0.1:{port}", "--format", "markdown")
    assert "```text\nIt is sent on the same day." in done.stdout


def test_docs_of_several_apps_and_of_strangers(port: int, tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text(OTHER.format(describe=None))
    url = f"rs://127.0.0.1:{port}"
    with (
        Wampapp("run", path, "--url", url) as other,
        connect(url, timeout=DEADLINE) as stranger,
    ):
        stranger.register("com.stranger.hello", lambda: None)
        other.until("Press Ctrl-C")
        found = operations(port)
        assert found["com.other.take"] == "Take an order."
        assert found["com.stranger.hello"] == ""
        done = wampapp("docs", "--url", url)
        document = json.loads(done.stdout)
        assert {"Order", "Order_2"} <= document["components"]["schemas"].keys()
        [call] = [
            channel["messages"]["call"]["payload"]["properties"]["order"]
            for channel in document["channels"].values()
            if channel["address"] == "com.other.take"
        ]
        name = call["$ref"].rpartition("/")[2]
        assert "number" in document["components"]["schemas"][name]["properties"]
        other.stop()


def test_an_app_that_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "silent.py"
    path.write_text(OTHER.format(describe=False))
    with Wampapp("run", path, "--port", "0") as process:
        port = int(process.until(r"rs://127.0.0.1:(\d+)")[1])
        process.until("Press Ctrl-C")
        assert operations(port) == {"com.other.take": ""}
        process.stop()


def test_every_worker_tells_the_same(tmp_path: Path) -> None:
    with Wampapp("run", SHOP, "--port", "0", "--workers", "2") as process:
        port = int(process.until(r"rs://127.0.0.1:(\d+)")[1])
        process.until("Press Ctrl-C")
        assert operations(port)["com.shop.order"] == "Order something."
        process.stop()


def test_a_router_that_does_not_allow_it_is_no_trouble(tmp_path: Path) -> None:
    rules = tmp_path / "router.toml"
    rules.write_text(
        '[realms.realm1]\nanonymous = "member"\n[realms.realm1.roles.member]\n'
        'permissions = [{ uri = "com.other.", match = "prefix", allow = ["register", "call"] }]\n'
    )
    rules.chmod(0o600)
    path = tmp_path / "other.py"
    path.write_text(OTHER.format(describe=True))
    with (
        EmbeddedRouter(0, "--config", rules, env=environment()) as router,
        Wampapp("run", path, "--url", router.rs_url) as process,
    ):
        process.until("Press Ctrl-C")
        with connect(router.rs_url, timeout=DEADLINE) as client:
            assert client.call("com.other.take", {"number": 1}) is None
        assert process.stop() == 0
        assert "describe" not in process.text


HIDING = """
from wampapp import App
app = App(prefix="com.hiding", describe={describe})

@app.register(hidden=True)
def secret() -> None: ...

@app.subscribe(".whisper", hidden=True)
def whisper(text: str) -> None: ...

@app.on_join
async def more() -> None:
    await app.register_now(".late", secret, hidden=True)
"""


def test_what_an_app_hides_is_left_out_of_docs_alone(tmp_path: Path) -> None:
    path = tmp_path / "hiding.py"
    for describe, expected in ((False, {"secret", "whisper", "late"}), (True, set())):
        path.write_text(HIDING.format(describe=describe))
        with Wampapp("run", path, "--port", "0") as process:
            port = int(process.until(r"rs://127.0.0.1:(\d+)")[1])
            process.until("Press Ctrl-C")
            assert operations(port).keys() == {f"com.hiding.{name}" for name in expected}
            done = wampapp("inspect", "--url", f"rs://127.0.0.1:{port}")
            for name in ("secret", "whisper", "late"):
                assert f"com.hiding.{name}" in done.stdout
            if describe:
                # Its numbers tell nobody what it hides who may not ask the router.
                with connect(f"rs://127.0.0.1:{port}", timeout=DEADLINE) as client:
                    [uri] = [
                        client.call("wamp.registration.get", number)["uri"]
                        for number in client.call("wamp.registration.list")["exact"]
                        if "describe" in client.call("wamp.registration.get", number)["uri"]
                    ]
                    told = client.call(uri)
                    assert len(told["x-wamp"]["hidden"]["procedures"]) == 2
                    assert "com.hiding." not in json.dumps(told)
            process.stop()


def test_inspect_shows_arguments(port: int) -> None:
    done = wampapp("inspect", "--url", f"rs://127.0.0.1:{port}")
    [order] = [line for line in done.stdout.splitlines() if "com.shop.order" in line]
    assert order.endswith("(sku: string, quantity: integer = 1, *, rush: boolean = false) → Order")
    assert "wampapp.describe" not in done.stdout


def test_who_hangs_or_lies_holds_up_nobody(port: int) -> None:
    url = f"rs://127.0.0.1:{port}"
    held = threading.Event()
    lies: list[Any] = [None, {}, [], "x", {"asyncapi": "3.0.0"}, {"asyncapi": "3.0.0", "info": 5}]
    lies.append(json.loads(wampapp("docs", SHOP).stdout) | {"x-wamp": {"hidden": "com.shop.order"}})
    with connect(url, timeout=DEADLINE) as liar:
        liar.register("wampapp.describe.hangs", lambda: held.wait(DEADLINE))
        for number, lie in enumerate(lies):
            liar.register(f"wampapp.describe.lie{number}", lambda lie=lie: lie)
        try:
            done = wampapp("inspect", "--url", url)
            assert (done.returncode, done.stderr) == (0, "")
            assert "sku: string, quantity: integer = 1" in done.stdout
            assert operations(port)["com.shop.order"] == "Order something."
        finally:
            held.set()


def test_nobody_speaks_for_others(port: int) -> None:
    """What a session says of a procedure counts only if it has it."""
    url = f"rs://127.0.0.1:{port}"
    told = json.loads(wampapp("docs", SHOP).stdout)
    for one in told["operations"].values():
        one["summary"] = "A lie."
    with connect(url, timeout=DEADLINE) as liar:
        everything = liar.call("wamp.registration.list")["exact"]
        told["x-wamp"] = {"hidden": {"procedures": everything}}
        liar.register("wampapp.describe.0", lambda: told)
        liar.register("com.stranger.own", lambda: None)
        found = operations(port)
    assert found["com.shop.order"] == "Order something."
    assert found["com.stock.<path:rest>"] == "Note what is left in the stock."


# The console's files.


def get(port: int, path: str, host: str | None = None) -> tuple[int, str, str, bytes]:
    link = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    link.request("GET", path, headers={} if host is None else {"Host": host})
    answer = link.getresponse()
    body = answer.read()
    link.close()
    policy = answer.headers["Content-Security-Policy"] or ""
    return answer.status, answer.headers["Content-Type"], policy, body


def test_the_console_is_served(port: int) -> None:
    status, kind, policy, body = get(port, "/_wampapp/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert policy.startswith("default-src 'self'; frame-ancestors 'none'")
    assert b'name="wampapp-realm" content="realm1"' in body
    for name in ("wampapp.js", "console.js"):
        status, kind, policy, body = get(port, f"/_wampapp/{name}")
        assert (status, kind) == (200, "text/javascript; charset=utf-8")
    assert get(port, "/_wampapp/", "evil.example")[0] == 421


def test_its_folder_leads_to_it(port: int, tmp_path: Path) -> None:
    assert redirected(port) == (307, "/_wampapp/")
    path = tmp_path / "pages.py"
    path.write_text(
        "from wampapp import App\napp = App()\n@app.get('/')\ndef index() -> str: return 'hi'\n"
    )
    with Wampapp("run", path, "--port", "0") as process:
        pages = int(process.until(r"console +http://127.0.0.1:(\d+)/_wampapp/")[1])
        process.until("Press Ctrl-C")
        assert redirected(pages) == (307, "/_wampapp/")
        process.stop()


def redirected(port: int) -> tuple[int, str | None]:
    link = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    link.request("GET", "/_wampapp")
    answer = link.getresponse()
    answer.read()
    link.close()
    return answer.status, answer.headers["Location"]


@pytest.mark.parametrize(
    "path",
    [
        "/_wampapp/..%2f",
        "/_wampapp/../errors.py",
        "/_wampapp/none.js",
        f"/_wampapp/{'a' * 300}.js",
    ],
)
def test_nothing_else_is_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_the_console_names_its_realm() -> None:
    path = ROOT / "examples" / "hello.py"
    with Wampapp("run", path, "--port", "0", "--realm", "shop") as process:
        port = int(process.until(r"console +http://127.0.0.1:(\d+)/_wampapp/")[1])
        process.until("Press Ctrl-C")
        assert b'name="wampapp-realm" content="shop"' in get(port, "/_wampapp/")[3]
        process.stop()


def test_beside_web_pages_there_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pages.py"
    path.write_text(
        "from wampapp import App\napp = App()\n@app.get('/')\ndef index() -> str: return 'hi'\n"
    )
    with Wampapp("run", path, "--port", "0") as process:
        port = int(process.until(r"console +http://127.0.0.1:(\d+)/_wampapp/")[1])
        process.until("Press Ctrl-C")
        assert get(port, "/")[3] == b"hi"
        assert b"wampapp-realm" in get(port, "/_wampapp/")[3]
        assert get(port, "/_wampapp/wampapp.js")[0] == 200
        process.stop()


@pytest.mark.parametrize("options", [("--reload",), ("--workers", "2")], ids=" ".join)
@pytest.mark.parametrize("has_pages", [True, False], ids=["pages", "no pages"])
def test_other_processes_have_it_too(
    tmp_path: Path, options: tuple[str, ...], has_pages: bool
) -> None:
    path = tmp_path / "shop.py"
    view = "@app.get('/')\ndef index() -> str: return 'hi'\n" if has_pages else ""
    path.write_text(f"from wampapp import App\napp = App(realm='shop')\n{view}" + PROCEDURE)
    with Wampapp("run", path, "--port", "0", *options) as process:
        port = int(process.until(r"console +http://127.0.0.1:(\d+)/_wampapp/")[1])
        process.until("Press Ctrl-C")
        status, _, policy, body = get(port, "/_wampapp/")
        assert status == 200
        assert policy.startswith("default-src 'self'")
        assert b'name="wampapp-realm" content="shop"' in body
        assert get(port, "/_wampapp/wampapp.js")[0] == 200
        process.stop()


def test_a_further_listener_beyond_this_machine_counts(tmp_path: Path) -> None:
    rules = tmp_path / "router.toml"
    rules.write_text('open_realms = true\n[[listeners]]\nhost = "0.0.0.0"\nport = 0\n')
    rules.chmod(0o600)
    path = ROOT / "examples" / "hello.py"
    options = ("--router-config", rules, "--allow-anonymous")
    with Wampapp("run", path, "--port", "0", *options) as process:
        port = int(process.until(r"rs://127.0.0.1:(\d+)")[1])
        process.until("Press Ctrl-C")
        assert "/_wampapp/" not in process.text
        assert get(port, "/_wampapp/")[0] == 404
        assert operations(port)["com.example.add"] == ""
        process.stop()


def test_beyond_this_machine_there_is_none() -> None:
    path = ROOT / "examples" / "hello.py"
    options = ("--host", "0.0.0.0", "--allow-anonymous")
    with Wampapp("run", path, "--port", "0", *options) as process:
        port = int(process.until(r"rs://\S+:(\d+)")[1])
        process.until("Press Ctrl-C")
        assert "console" not in process.text
        assert get(port, "/_wampapp/", "127.0.0.1")[0] == 404
        assert get(port, "/_wampapp", "127.0.0.1")[0] == 404
        assert list(operations(port)) == ["com.example.add", "com.example.hello"]
        assert operations(port)["com.example.add"] == ""
        process.stop()
