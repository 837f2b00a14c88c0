"""An app's own pages: views, templates, sessions and files."""

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from tests.support.process import DEADLINE, ROOT, Wampapp, environment
from tests.support.site import Site
from wampapp import connect

pytestmark = pytest.mark.processes

FOLDER = ROOT / "tests" / "programs" / "web" / "shop"
KEY = "a key for a test"
HTML = "text/html,application/xhtml+xml"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module", params=[[], ["--workers", "2"], ["--reload"]], ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    env = environment(WAMPAPP_SECRET_KEY=KEY)
    with Wampapp("run", FOLDER / "shop.py", "--port", "0", *request.param, env=env) as service:
        yield Site(service)
        assert service.stop() == 0


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One process, with a secret key of its own making, in a folder that it may write to."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(FOLDER, folder)
    with Wampapp("run", folder / "shop.py", "--port", "0") as service:
        site = Site(service)
        site.folder = folder
        yield site
        assert service.stop() == 0


def test_a_view_calls_over_wamp_and_renders_a_template(site: Site) -> None:
    status, text, headers = site.ask("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>3 &lt;b&gt;Zoë&lt;/b&gt; " in text
    assert 'href="/orders/3?note=%C3%A4+b#top"' in text or "/orders/3?note=%C3%A4%20b#top" in text
    assert f"http://127.0.0.1:{site.port}/orders/3" in text
    version = re.search(r'href="(/static/shop\.css\?v=([0-9a-f]{12}))"', text)
    assert version is not None
    status, text, headers = site.ask(version[1])
    assert (status, text) == (200, "body { color: teal }\n")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"


def test_variables_query_and_request_reach_a_view(site: Site) -> None:
    status, text, _ = site.ask("/orders/7?note=%C3%BC&other=1")
    assert (status, json.loads(text)) == (200, {"number": 7, "note": "ü", "method": "GET"})
    assert site.ask("/orders/x")[0] == 404
    assert site.ask("/orders/7", method="HEAD")[:2] == (200, "")


def test_one_function_answers_over_wamp_and_over_http(site: Site) -> None:
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        assert client.call("com.shop.add", 2, 3) == 5
    assert site.ask("/add?a=2&b=3")[:2] == (200, "5")
    assert site.ask("/add", b'{"a": 2, "b": 3}', Content_Type="application/json")[1] == "5"
    assert site.ask("/add", b"a=2&b=3", Content_Type=FORM)[1] == "5"


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "sentence"),
    [
        ("/add?a=2&b=x", None, "", 422, "`b`: expected int, got str"),
        ("/add?a=2", None, "", 422, "`b`: missing"),
        ("/add", b'{"a": 2, "b": "3"}', "application/json", 422, "`b`: expected int, got str"),
        ("/items", b'{"item": {"count": 1}}', "application/json", 422, "`item`: "),
        ("/add", b'{"a": ', "application/json", 400, "The body is not valid JSON: "),
        ("/add", b"[1, 2]", "application/json", 400, "The body is JSON, but not an object."),
        ("/search?q=a&limit=many", None, "", 422, "`limit`: expected int, got str"),
        ("/upload", b"x" * 100_001, FORM, 413, "The body is larger than 100,000 octets."),
    ],
)
def test_what_does_not_fit_is_answered_as_over_wamp(
    site: Site, path: str, body: bytes | None, kind: str, status: int, sentence: str
) -> None:
    got, text, _ = site.ask(path, body, Content_Type=kind)
    assert got == status
    if "json" in kind:
        text = json.loads(text)["error"]["message"]
    assert text.startswith(sentence)


def test_json_becomes_what_the_annotations_ask_for(site: Site) -> None:
    body = json.dumps({"item": {"sku": "tea"}, "tags": ["a", "b"], "unknown": 1}).encode()
    status, text, headers = site.ask("/items", body, Content_Type="application/json")
    assert (status, json.loads(text)) == (200, {"sku": "tea", "count": 3})
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=a", ["a", 10, False, None]),
        ("q=7&limit=3&exact=true&tag=x&tag=y", ["7", 3, True, ["x", "y"]]),
        ("q=&limit=&exact=on&tag=x", ["", 10, True, ["x"]]),
    ],
)
def test_text_becomes_what_the_annotations_ask_for(
    site: Site, query: str, found: list[object]
) -> None:
    assert json.loads(site.ask(f"/search?{query}")[1]) == found


def test_a_form_is_posted_and_its_page_is_told(site: Site) -> None:
    status, _, headers = site.ask("/form", b"name=Zo%C3%AB&age=&news=on", Content_Type=FORM)
    assert (status, headers["location"]) == (302, "/form?name=Zo%C3%AB")
    cookie = headers["set-cookie"].partition(";")[0]
    text = site.ask("/form?name=Zo%C3%AB&age=3", Cookie=cookie)[1]
    assert json.loads(text) == ["Zoë", 3, False, [["good", "Thanks, Zoë"]]]


def test_a_file_is_uploaded(site: Site) -> None:
    parts = [
        b'Content-Disposition: form-data; name="note"\r\n\r\nhi',
        'Content-Disposition: form-data; name="file"; filename="ü.txt"\r\n\r\n'.encode()
        + b"x" * 90_000,
    ]
    body = b"".join(b"--frontier\r\n%s\r\n" % part for part in parts) + b"--frontier--\r\n"
    kind = "multipart/form-data; boundary=frontier"
    assert site.ask("/upload", body, Content_Type=kind)[:2] == (200, "ü.txt 90000 hi")


@pytest.mark.parametrize(
    ("what", "status", "text", "kind"),
    [
        ("text", 200, "Zoë", "text/html; charset=utf-8"),
        ("octets", 200, "\0\1", "text/html; charset=utf-8"),
        ("status", 201, "made", "text/html; charset=utf-8"),
        ("headers", 200, "kept", "text/html; charset=utf-8"),
        ("both", 202, '{"a":1}', "application/json"),
        ("dataclass", 200, '{"sku":"tea","count":1}', "application/json"),
        ("number", 200, "1.5", "application/json"),
        ("response", 299, "odd", "text/html; charset=utf-8"),
        ("rows", 200, "0\n1\n2\n", "text/html; charset=utf-8"),
        ("else", 404, "There is no 'else'.\n", "text/plain; charset=utf-8"),
    ],
)
def test_a_view_returns_what_a_view_of_flask_s_does(
    site: Site, what: str, status: int, text: str, kind: str
) -> None:
    got, body, headers = site.ask(f"/kinds/{what}")
    assert (got, body, headers["content-type"]) == (status, text, kind)
    assert ("x-kept" in headers) == (what == "headers")
    assert ("x-one" in headers) == (what == "both")


def test_files_are_sent(site: Site) -> None:
    own = (FOLDER / "shop.py").read_text(encoding="utf-8")
    status, text, headers = site.ask("/kinds/path")
    assert (status, text) == (200, own)
    assert site.ask("/kinds/path", If_None_Match=headers["etag"])[:2] == (304, "")
    status, text, headers = site.ask("/kinds/path", Range="bytes=0-9")
    assert (status, text) == (206, own[:10])
    assert "filename*=UTF-8''%C3%A9.py" in site.ask("/kinds/attachment")[2]["content-disposition"]


@pytest.mark.parametrize("path", ["/rows", "/ticks"])
def test_generators_stream_and_know_their_request(site: Site, path: str) -> None:
    status, text, headers = site.ask(path)
    assert (status, text) == (200, f"1 {path}\n2 {path}\n3 {path}\n")
    assert headers["transfer-encoding"] == "chunked"
    assert site.ask(path, method="HEAD")[:2] == (200, "")


def test_a_stream_that_fails_is_cut_off_and_logged(site: Site) -> None:
    with site.open("/broken-stream") as link, link.makefile("rb") as file:
        answer = file.read()
    assert b"begun" in answer
    assert b"secret" not in answer
    assert not answer.endswith(b"0\r\n\r\n")
    site.process.until("in broken_stream")


@pytest.mark.parametrize("kind", ["plain", "waiting"])
def test_a_stream_ends_when_its_client_goes(single: Site, kind: str) -> None:
    link = single.open(f"/endless/{kind}")
    assert link.recv(16)
    link.close()
    with connect(f"rs://127.0.0.1:{single.port}", timeout=DEADLINE) as client:
        while kind not in client.call("com.shop.endings"):
            pass


def test_what_a_view_raises_is_logged_and_not_shown(site: Site) -> None:
    for path, sentence in (
        ("/broken", "ValueError: a secret of ours"),
        ("/kinds/nothing", "The view returned None; return what the page shows"),
        ("/kinds/set", "What the view returned cannot be sent as JSON: "),
        ("/missing-template", "There is no template 'nope.html' in "),
        ("/missing-view", "There is no URL for 'ordr' with these values; did you mean 'order'?"),
        ("/large-session", "of which browsers keep 4,093; keep less in it"),
    ):
        status, text, _ = site.ask(path)
        assert status == 500
        assert "secret" not in text
        if error_id := re.search(r"under the error id ([0-9a-f]{8})\.", text):
            site.process.until(rf"failed \(error id {error_id[1]}\)")
        site.process.until(re.escape(sentence))


def test_error_handlers_answer(site: Site) -> None:
    assert site.ask("/sold")[:2] == (409, "/sold is sold")
    assert site.ask("/gone")[:2] == (410, "gone: it was here")
    status, text, _ = site.ask("/teapot")
    assert status == 500
    assert text.startswith("The page failed; the service's log says why, under the error id ")
    site.process.until("RuntimeError: a secret of the error handler")


def test_an_error_is_html_for_browsers_and_json_for_programs(site: Site) -> None:
    status, text, headers = site.ask("/nowhere", Accept=HTML)
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Not Found</h1>" in text
    assert headers["content-security-policy"].startswith("default-src 'none'")
    status, text, headers = site.ask("/kinds/%3Cb%3E", Accept=HTML)
    assert "There is no &#39;&lt;b&gt;&#39;." in text
    status, text, headers = site.ask("/kinds/else", Accept="application/json")
    assert json.loads(text) == {
        "error": {"status": 404, "name": "Not Found", "message": "There is no 'else'."}
    }


def test_methods(site: Site) -> None:
    status, _, headers = site.ask("/items", method="GET")
    assert (status, headers["allow"]) == (405, "OPTIONS, POST") or status == 405
    status, _, headers = site.ask("/orders/1", method="OPTIONS")
    assert status == 204
    assert sorted(headers["allow"].split(", ")) == ["GET", "HEAD", "POST"]


def test_blueprints_have_their_paths_their_uris_and_their_error_handlers(site: Site) -> None:
    assert site.ask("/cart/")[1] == "/cart/remove/tea?back=%C3%BC"
    assert site.ask("/cart")[0] == 308
    assert site.ask("/cart/remove/tea", b"")[1] == "tea"
    assert site.ask("/cart/missing")[:2] == (404, "not in the cart")
    with connect(f"rs://127.0.0.1:{site.port}", timeout=DEADLINE) as client:
        assert client.call("com.shop.cart.remove", "tea") == "tea"


def test_middleware_is_around_views(site: Site) -> None:
    assert site.ask("/orders/3")[2]["x-middleware"] == "/orders/3 /orders/<int:number>"


def test_a_session_is_a_signed_cookie_that_a_mounted_flask_app_shares(site: Site) -> None:
    _, text, headers = site.ask("/visits")
    cookie = headers["set-cookie"]
    assert text == "1 1"
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
    }
    assert headers["vary"] == "Cookie"
    value = cookie.partition(";")[0]
    _, text, headers = site.ask("/visits", Cookie=value)
    assert text == "2 2"  # also what is deep inside is kept
    value = headers["set-cookie"].partition(";")[0]
    assert site.ask("/flask/visits", Cookie=value)[1] == "2"
    assert site.ask("/g")[2].get("set-cookie") is None
    assert site.ask("/visits", Cookie=value[:-1] + "!")[1] == "1 1"
    assert "Expires=Thu, 01 Jan 1970" in site.ask("/forget", Cookie=value)[2]["set-cookie"]


def test_a_session_is_flask_s(site: Site) -> None:
    flask = Flask("other")
    flask.secret_key = KEY
    signer = SecureCookieSessionInterface().get_signing_serializer(flask)
    assert signer is not None
    _, _, headers = site.ask("/remember")
    assert "Expires=" in headers["set-cookie"]
    value = headers["set-cookie"].partition(";")[0].removeprefix("session=")
    assert signer.loads(value) == {"_permanent": True, "when": (1, b"2")}
    theirs = signer.dumps({"visits": 41, "deep": {"list": []}})
    assert site.ask("/visits", Cookie=f"session={theirs}")[1] == "42 1"


def test_the_secret_key_is_made_once_and_only_its_user_reads_it(single: Site) -> None:
    cookie = single.ask("/visits")[2]["set-cookie"].partition(";")[0]
    secret = single.folder / "instance" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text()) > 64
    assert (single.folder / "instance" / ".gitignore").read_text() == "*\n"
    with Wampapp("run", single.folder / "shop.py", "--port", "0") as second:
        assert Site(second).ask("/visits", Cookie=cookie)[1] == "2 2"
        assert second.stop() == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_key_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(FOLDER, folder)
    folder.chmod(0o500)
    with Wampapp("run", folder / "shop.py", "--port", "0") as service:
        assert Site(service).ask("/visits")[0] == 500
        service.until("set WAMPAPP_SECRET_KEY")


def test_a_key_whose_folder_is_a_file_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(FOLDER, folder)
    (folder / "instance").write_text("")
    with Wampapp("run", folder / "shop.py", "--port", "0") as service:
        assert Site(service).ask("/visits")[0] == 500
        service.until(
            "Sessions need a secret key, which cannot be kept in .*set WAMPAPP_SECRET_KEY"
        )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_the_pages_of_other_sites_change_nothing(
    site: Site, headers: dict[str, str], status: int
) -> None:
    got, text, _ = site.ask("/add", b"a=1&b=2", Content_Type=FORM, **headers)
    assert got == status
    assert status == 200 or "another site" in text
    assert site.ask("/add?a=1&b=2", **headers)[0] == 200


def test_its_own_pages_and_those_that_are_let_in_change_something() -> None:
    env = environment(WAMPAPP_SECRET_KEY=KEY)
    options = ("--port", "0", "--allow-origin", "https://shop.example")
    with Wampapp("run", FOLDER / "shop.py", *options, env=env) as service:
        site = Site(service)
        own = f"http://127.0.0.1:{site.port}"
        for origin in (own, "https://shop.example"):
            asked = site.ask("/add", b"a=1&b=2", Content_Type=FORM, Origin=origin)
            assert asked[:2] == (200, "3")
        assert service.stop() == 0


def test_pages_have_the_router_s_names(site: Site) -> None:
    assert site.ask("/orders/3", Host="evil.example")[0] == 421
    assert site.ask("/static/shop.css", Host="evil.example")[0] == 421


def test_files_of_a_folder(site: Site) -> None:
    status, text, headers = site.ask("/static/shop.css")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    etag, changed = headers["etag"], headers["last-modified"]
    for asked in ({"If_None_Match": etag}, {"If_Modified_Since": changed}):
        status, text, headers = site.ask("/static/shop.css", **asked)
        assert (status, text, headers["etag"]) == (304, "", etag)
    other = {"If_None_Match": '"other"', "If_Modified_Since": changed}
    assert site.ask("/static/shop.css", **other)[0] == 200
    status, text, headers = site.ask("/static/shop.css", Range="bytes=7-11")
    assert (status, text, headers["content-range"]) == (206, "color", "bytes 7-11/21")
    assert site.ask("/static/shop.css", Range="bytes=-5")[1] == "eal }\n"[-5:]
    assert site.ask("/static/shop.css", Range="bytes=50-60")[0] == 416
    stale = {"Range": "bytes=0-3", "If_Range": '"other"'}
    assert site.ask("/static/shop.css", **stale)[0] == 200
    status, text, headers = site.ask("/static/shop.css", method="HEAD")
    assert (status, text, headers["content-length"]) == (200, "", "21")
    assert site.ask("/static/shop.css", b"", method="POST")[0] == 405
    assert site.ask("/static/shop.css?v=1")[2]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../shop.py",
        "/static/%2e%2e/shop.py",
        "/static/..%2fshop.py",
        "/static/deep/../../shop.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/.env",
        "/static/deep%5c..%5c..%5cshop.py",
        "/static/nothing",
        "/static/shop.css/",
        "/static/" + "a" * 5000,
        "/static",
        "/static/",
    ],
)
def test_what_is_not_in_the_folder_is_not_there(site: Site, path: str) -> None:
    assert site.ask(path)[0] == 404


def test_a_folder_in_the_folder_shows_its_index(site: Site) -> None:
    status, _, headers = site.ask("/static/deep")
    assert (status, headers["location"]) in [(301, "deep/"), (308, "deep/")]
    assert site.ask("/static/deep/")[1] == "<p>deep</p>\n"


def test_compressed_siblings_are_sent_to_those_who_take_them(single: Site) -> None:
    css = single.folder / "static" / "shop.css"
    (css.with_name("shop.css.gz")).write_bytes(b"gzipped")
    (css.with_name("shop.css.br")).write_bytes(b"brotli")
    _, plain, headers = single.ask("/static/shop.css")
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding"
    for takes, encoding, text in (
        ("gzip", "gzip", "gzipped"),
        ("gzip, br", "br", "brotli"),
        ("br;q=0, gzip", "gzip", "gzipped"),
    ):
        _, got, found = single.ask("/static/shop.css", Accept_Encoding=takes)
        assert (found["content-encoding"], got) == (encoding, text)
        assert found["content-type"] == "text/css; charset=utf-8"
        assert found["etag"] != headers["etag"]
    _, part, found = single.ask("/static/shop.css", Accept_Encoding="gzip", Range="bytes=0-3")
    assert part == plain[:4]
    assert "content-encoding" not in found
    os.utime(css.with_name("shop.css.br"), (1, 1))  # of an earlier state
    assert single.ask("/static/shop.css", Accept_Encoding="br")[1] == plain


def test_a_large_file_comes_in_pieces(single: Site) -> None:
    (single.folder / "static" / "large").write_bytes(os.urandom(30_000_000))
    status, _, headers = single.ask("/static/large")
    assert (status, headers["content-length"]) == (200, "30000000")
    status, _, headers = single.ask("/static/large", Range="bytes=29999990-")
    assert (status, headers["content-length"]) == (206, "10")


def test_what_watches_a_service_still_finds_its_pages(site: Site) -> None:
    assert site.ask("/healthz")[:2] == (200, "ok\n")
    assert site.ask("/readyz")[:2] == (200, "ok\n")


def test_the_banner_names_them(site: Site) -> None:
    where = rf"  pages       http://127\.0\.0\.1:{site.port}/  "
    site.process.until(rf"{where}/ \(\d+ views\), /static \(files\), /flask \(Flask\)")
