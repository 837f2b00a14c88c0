"""Web apps of other frameworks at the router's own port: `app.mount`."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect as open_websocket

from tests.support.process import DEADLINE, ROOT, Wampapp, wampapp
from tests.support.site import Site
from tests.support.tls import Authority
from wampapp import Tls, connect

pytestmark = pytest.mark.processes

FOLDER = ROOT / "tests" / "programs" / "web"
LARGE = 1600 * 65536


@pytest.fixture(scope="module", params=[[], ["--workers", "2"], ["--reload"]], ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with Wampapp("run", FOLDER / "site.py", "--port", "0", *request.param) as service:
        yield Site(service)
        assert service.stop() == 0


@pytest.fixture(scope="module")
def single() -> Iterator[Site]:
    with Wampapp("run", FOLDER / "site.py", "--port", "0") as service:
        yield Site(service)
        assert service.stop() == 0
        assert "the api is down" in service.text


def test_the_banner_names_them(site: Site) -> None:
    where = rf"  pages       http://127\.0\.0\.1:{site.port}/  "
    site.process.until(rf"{where}/admin \(Flask\), /api \(FastAPI\), / \(Starlette\)")


def test_a_wsgi_app_calls_over_wamp_and_has_its_session(site: Site) -> None:
    status, text, headers = site.ask("/admin/")
    assert (status, text) == (200, "3 1 /admin")
    assert "date" in headers
    cookie = headers["set-cookie"].partition(";")[0]
    assert site.ask("/admin/", Cookie=cookie)[1] == "3 2 /admin"
    assert site.ask("/admin/rows")[1] == "0\n1\n2\n"
    assert site.ask("/admin")[0] == 308  # Flask's own redirect to the path with a slash


def test_an_asgi_app_has_its_lifespan_and_its_state(site: Site) -> None:
    site.process.until("the api is up")
    assert site.ask("/api/sum/4?b=3")[:2] == (200, "7")
    assert site.ask("/api/greeting")[1] == '"hello /api"'
    assert site.ask("/api/ticks")[1] == "0\n1\n2\n"
    assert json.loads(site.ask("/api/openapi.json")[1])["info"]["title"] == "FastAPI"


def test_the_longest_path_counts_and_the_rest_is_the_root_s(site: Site) -> None:
    assert site.ask("/")[1] == "home /"
    assert site.ask("/about")[1] == "home /about"
    assert site.ask("/administrator")[0] == 404
    assert site.ask("/apis")[0] == 404


def test_wamp_is_at_the_same_port(site: Site) -> None:
    for url in (f"rs://127.0.0.1:{site.port}", f"ws://127.0.0.1:{site.port}/ws"):
        with connect(url, timeout=DEADLINE) as client:
            assert client.call("com.shop.add", 2, 3) == 5


@pytest.mark.parametrize("path", ["/admin/upload", "/api/upload"])
def test_uploads_come_whole(site: Site, path: str) -> None:
    body = b"x" * 5_000_000
    assert site.ask(path, body)[1] == "5000000"
    chunked = b"".join(b"%x\r\n%s\r\n" % (100_000, b"y" * 100_000) for _ in range(20))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    request = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked + b"0\r\n\r\n"
    assert b"2000000" in site.raw(request)
    patient = f"{head}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode()
    assert b"100 Continue" in site.raw(patient + b"abc")


@pytest.mark.parametrize("path", ["/admin/large", "/api/large"])
def test_downloads_come_whole(site: Site, path: str) -> None:
    assert len(site.ask(path)[1]) == LARGE


def test_a_websocket_of_a_mounted_app(site: Site) -> None:
    url = f"ws://127.0.0.1:{site.port}/api/echo"
    before = site.process.text.count("uvicorn")  # in the traceback of another test
    with open_websocket(url, open_timeout=DEADLINE) as link:
        for text in ("a", "xyz"):
            link.send(text)
            assert link.recv() == f"{text} {1 + len(text)}"
    assert site.process.text.count("uvicorn") == before


def test_requests_on_one_connection_are_answered_in_order(site: Site) -> None:
    request = b"GET /api/sum/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
    last = b"Connection: close\r\n"
    answers = site.raw(request % (1, b"") + request % (2, b"") + request % (3, last))
    assert [part.rpartition(b"\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"2", b"3", b"4"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/admin/broken", "ValueError: on purpose"),
        ("/api/broken", "ValueError: the API fails on purpose"),
    ],
)
def test_a_view_that_raises_is_500_and_in_the_log(site: Site, path: str, error: str) -> None:
    assert site.ask(path)[0] == 500
    site.process.until(error)
    assert site.ask("/api/sum/1")[1] == "2"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Host: evil.example\r\n", b"421"),
        (b"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", b"400"),
        (b"", b"400"),
        (b"Host: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"400"),
        (b"Host: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n", b"431"),
    ],
    ids=["another name", "two hosts", "no host", "two lengths", "long head"],
)
def test_what_parsers_read_in_two_ways_is_refused(site: Site, head: bytes, status: bytes) -> None:
    answer = site.raw(b"GET /api/sum/1 HTTP/1.1\r\nConnection: close\r\n" + head + b"\r\n")
    assert answer[9:12] == status, answer[:200]


# With the router in the app's own process.


def test_views_that_wait_do_not_starve_the_pool(single: Site) -> None:
    """There are two worker threads; each view calls a procedure that needs one too."""
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(single.ask("/admin/")[1][:1]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert found == ["3"] * 20


def test_a_client_that_vanishes_in_the_middle_leaves_nothing(single: Site) -> None:
    for path in ("/admin/large", "/api/large"):
        with socket.create_connection(("127.0.0.1", single.port), DEADLINE) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            link.recv(1000)
    for path in ("/admin/upload", "/api/upload"):
        with socket.create_connection(("127.0.0.1", single.port), DEADLINE) as link:
            link.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode())
            link.sendall(b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
    assert single.ask("/admin/")[0] == 200
    assert "Traceback" not in single.process.text.replace("ValueError: on purpose", "")


def test_a_head_that_does_not_end_is_cut_off() -> None:
    """Also behind a request that was answered."""
    options = ("--port", "0", "--handshake-timeout", "3")
    with Wampapp("run", FOLDER / "site.py", *options) as service:
        site = Site(service)
        assert site.raw(b"GET /api/sum/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n") == b""
        whole = b"GET /api/sum/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        answer = site.raw(whole + b"GET /api/sum/2 HTTP/1.1\r\nHost: 127.")
        assert answer.count(b"HTTP/1.1") == 1
        assert service.stop() == 0


def test_over_tls(authority: Authority) -> None:
    certificate = authority.issue("127.0.0.1")
    options = ("--port", "0", "--tls-cert", certificate)
    with Wampapp("run", FOLDER / "site.py", *options) as service:
        port = Site(service).port
        context = ssl.create_default_context(cafile=authority.file)
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=context)
        for path in ("/api/large", "/admin/large"):
            link.request("GET", path)
            assert len(link.getresponse().read()) == LARGE
        link.close()
        tls = Tls(ca=authority.file)
        with connect(f"rss://127.0.0.1:{port}", tls=tls, timeout=DEADLINE) as client:
            assert client.call("com.shop.add", 1, 1) == 2
        assert service.stop() == 0


def test_a_save_may_change_what_is_mounted(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    text = "from wampapp import App\napp = App(prefix='com.shop')\n"
    view = (
        "async def view(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'new'})\n"
        "app.mount('/new', view)\n"
    )
    file.write_text(text + "app.register('com.shop.f')(lambda: 1)\n")
    with Wampapp("run", file, "--port", "0", "--reload") as service:
        site = Site(service)
        assert site.ask("/new")[0] == 404
        new = tmp_path / "new"
        new.write_text(text + view)
        new.replace(file)
        service.until("Reloaded")
        assert site.ask("/new")[:2] == (200, "new")


# Mistakes.


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("app.mount('admin', site)", "The path 'admin' of a mount does not start with '/'."),
        ("app.mount('/ws', site)", "/ws is the router's own; put '/ws' somewhere else."),
        ("app.mount('/a/', site)", "ends with '/', or has an empty part"),
        ("app.mount('/a', 7)", "What is mounted at /a is 7; give an ASGI or WSGI app, or where"),
        ("app.mount('/a', site); app.mount('/a', site)", "Something is mounted at /a already"),
        ("app.mount('/a', 'nowhere:app')", "/a mounts 'nowhere:app', and there is no module"),
        ("app.mount('/a', 'json:site')", "/a mounts 'json:site', and json has no 'site'."),
        ("app.mount('/a', 'json:__name__')", "/a mounts str, which is neither an ASGI nor a"),
        ("app.mount('/a', fails)", "The app that is mounted at /a could not start: no database."),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    file = tmp_path / "shop.py"
    file.write_text(
        "from wampapp import App\n"
        "app = App(prefix='com.shop')\n"
        "def site(environ, start_response): return []\n"
        "async def fails(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
        f"{line}\n"
    )
    done = wampapp("run", file, "--port", "0")
    assert done.returncode in (1, 2), done.stderr
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no database')", "no database"),
        ("import nowhere", "No module named 'nowhere'"),
        ("None.attribute", "'NoneType' object has no attribute 'attribute'"),
    ],
)
def test_an_app_that_cannot_be_imported_is_said(tmp_path: Path, code: str, reason: str) -> None:
    (tmp_path / "broken_site.py").write_text(f"{code}\n")
    (tmp_path / "shop.py").write_text(
        "from wampapp import App\napp = App()\napp.mount('/a', 'broken_site:app')\n"
    )
    done = wampapp("run", "shop.py", "--port", "0", cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: /a mounts 'broken_site:app', which cannot be imported: ")
    assert reason in last
    assert f'broken_site.py", line 1, in <module>\n    {code}' in done.stderr


def test_an_app_whose_router_is_elsewhere_says_that_its_pages_are_not_served(
    tmp_path: Path,
) -> None:
    with Wampapp("router", "--port", "0") as router:
        url = router.until(r"(rs://\S+)")[1]
        with Wampapp("run", FOLDER / "site.py", "--url", url) as service:
            service.until("The web pages at /admin, /api, / are not served: the router at rs://")
            service.until("Press Ctrl-C")
            assert service.stop() == 0


def test_without_uvicorn_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(
        "import importlib.util\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'uvicorn' else real(name)\n"
        "from wampapp import App\n"
        "app = App(prefix='com.shop')\n"
        "app.mount('/a', lambda environ, start_response: [])\n"
    )
    done = wampapp("run", file, "--port", "0")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: A web page needs uvicorn, which is missing; run: pip install 'wampapp[web]'\n"
    )
