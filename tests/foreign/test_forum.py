"""The forum example, as its members see it: in Chromium, each in a browser context of their own."""

import io
import json
import queue
import re
import shlex
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.support.browser import chromium
from tests.support.forum import AWAY, PASSWORD, sees_online, sees_post, sign_in, write
from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Wampapp, environment
from tests.support.saving import save
from wampapp import ConnectedClient, NotAuthorized, connect

pytestmark = pytest.mark.processes

FORUM = Path("examples/forum")
README = (ROOT / FORUM / "README.md").read_text("utf-8")
RUN = next(line for line in README.splitlines() if line.startswith("wampapp run"))
#: One pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000000000500015e0bfd240000000049454e44ae426082"
)

#: Opens the site in a browser context of its own.
Visit = Callable[..., Page]


class Site:
    """A copy of the forum, run by the README's command in the folder that stands for the clone."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.router = f"ws://127.0.0.1:{self.port}/ws"
        left_out = shutil.ignore_patterns("instance", "__pycache__")
        shutil.copytree(ROOT / FORUM, clone / FORUM, ignore=left_out)

    def start(self, *options: str) -> None:
        words = shlex.split(RUN)[1:]
        env = environment(WAMPAPP_PORT=str(self.port))
        self.process = Wampapp(*words, *options, cwd=self.clone, env=env, terminal=True)
        self.process.until("Press Ctrl-C")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        with self.process as process:
            process.stop(number)
        trouble = "Traceback|Warning|ERROR"
        assert not re.search(trouble, process.text), process.text

    def query(self, statement: str, *values: object) -> None:
        """Change the database behind the forum's back."""
        db = sqlite3.connect(self.clone / FORUM / "instance/forum.sqlite")
        with db:
            db.execute(statement, values)
        db.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("clone"))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def asked(url: str, port: int | None) -> None:
        if urlsplit(url).hostname != "127.0.0.1" or urlsplit(url).port != port:
            trouble.append(f"{url} is asked for")

    def visit(url: str = site.url, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        port = urlsplit(url).port
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(f"a dialog says {dialog.message}"))
        page.on("request", lambda request: asked(request.url, port))
        page.on("websocket", lambda link: asked(link.url, port))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert trouble == []


def signing_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Send the form, and wait for the page that answers."""
    with page.expect_navigation():
        sign_in(page, name, password)


def signed_in(page: Page, name: str) -> None:
    signing_in(page, name)
    expect(page.get_by_text(f"Signed in as {name}")).to_be_visible()


def upload(page: Page, octets: bytes) -> None:
    """Send a picture, and wait for the page that answers."""
    file: FilePayload = {"name": "me.png", "mimeType": "image/png", "buffer": octets}
    page.get_by_label("Your picture").set_input_files(file)
    with page.expect_navigation():
        page.get_by_role("button", name="Upload").click()


def picture(page: Page) -> str | None:
    """That of the newest post."""
    return page.locator("#posts > li").first.locator("img").get_attribute("src")


def test_members_see_each_other_come_write_and_leave(visit: Visit) -> None:
    ada, bob = visit(), visit()
    signed_in(ada, "Ada")
    sees_online(bob, "Ada")
    signed_in(bob, "Bob")
    for page in (ada, bob):
        sees_online(page, "Ada", "Bob")
    for writer, text in ((ada, "Hello, Bob!"), (bob, "Hello, Ada!")):
        write(writer, text)
        for page in (ada, bob):
            sees_post(page, text)
    bob.context.close()
    sees_online(ada, "Ada")


def test_a_member_with_two_tabs_leaves_with_the_last(visit: Visit) -> None:
    visitor, first = visit(), visit()
    signed_in(first, "Tab")
    sees_online(visitor, "Tab")
    second = first.context.new_page()
    second.goto(first.url)
    sees_online(second, "Tab")
    first.close()
    # An event that comes later shows that the router has told of the first tab.
    other = visit()
    signed_in(other, "Ada")
    sees_online(visitor, "Ada", "Tab")
    second.close()
    sees_online(visitor, "Ada")


def test_signing_out_and_in_again(visit: Visit) -> None:
    page, visitor = visit(), visit()
    signed_in(page, "Ada")
    sees_online(visitor, "Ada")
    page.get_by_role("button", name="Sign out").click()
    sees_online(visitor)
    expect(page.get_by_label("Your post")).to_have_count(0)
    signed_in(page, "Ada")
    sees_online(visitor, "Ada")
    page.reload()
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()
    sees_online(page, "Ada")


def test_what_is_wrong_is_told_in_the_page(visit: Visit) -> None:
    page = visit()
    signed_in(page, "Ada")
    write(page, " ")
    expect(page.get_by_role("alert")).to_have_text("A post has 1 to 1000 characters.")
    page.get_by_role("button", name="Sign out").click()
    for name, password, sentence in (
        ("Ada", "something else", "That is not the password of Ada."),
        ("Eve", "short", "A password has 8 to 100 characters."),
        ("   ", PASSWORD, "A name has 1 to 30 characters."),
        ("\u200b\u202e", PASSWORD, "A name has 1 to 30 characters."),
    ):
        signing_in(page, name, password)
        expect(page.get_by_role("alert")).to_have_text(sentence)
    signed_in(page, "Ada")
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_members_write_stays_text(visit: Visit) -> None:
    page, visitor = visit(), visit()
    name, text = "<img src=x onerror=a()>", "<script>alert(1)</script>\n<img src=x onerror=b()>"
    signed_in(page, name)
    sees_online(visitor, name)
    write(page, text)
    for reader in (page, visitor):
        sees_post(reader, text)
    for reader in (page, visitor, visit(java_script_enabled=False)):
        newest = reader.locator("#posts > li").first
        expect(newest.locator("bdi")).to_have_text(name)
        assert newest.locator(".text").inner_text() == text
        expect(reader.locator("img[src=x]")).to_have_count(0)


def test_names_of_all_scripts(visit: Visit) -> None:
    page = visit()
    for name in ("علی", "李小龍", "🦊 Fox"):
        signed_in(page, name)
        sees_online(page, name)
        page.get_by_role("button", name="Sign out").click()


@pytest.mark.parametrize("name", ["  Grace\t Hopper ", "\uff27race Hopper", "Gr\u200bace Hopper"])
def test_names_that_look_the_same_are_the_same(visit: Visit, name: str) -> None:
    page = visit()
    signing_in(page, name)
    expect(page.get_by_text("Signed in as Grace Hopper")).to_be_visible()


def test_posts_are_read_and_members_known_without_javascript(visit: Visit) -> None:
    writer = visit()
    signed_in(writer, "Ada")
    write(writer, "A post for everybody")
    sees_post(writer, "A post for everybody")
    page = visit(java_script_enabled=False)
    sees_post(page, "A post for everybody")
    signed_in(page, "Ada")
    assert "writing does" in (page.locator("noscript").text_content() or "")


def test_a_picture_shows_on_every_page_at_once(visit: Visit) -> None:
    ada, visitor = visit(), visit()
    signed_in(ada, "Painted")
    write(ada, "Look at me")
    sees_post(visitor, "Look at me")
    sees_online(visitor, "Painted")  # the last that it has subscribed to
    assert "nobody" in (picture(visitor) or "")
    upload(ada, PNG)
    shown = visitor.locator("#posts > li").first.locator("img")
    expect(shown).to_have_attribute("src", re.compile(r"^/files/[0-9a-f]{64}\.png$"))
    expect(shown).to_have_js_property("naturalWidth", 1)
    sees_post(ada, "Look at me")
    assert picture(ada) == picture(visitor)
    write(ada, "And again")
    for page in (ada, visitor):
        sees_post(page, "And again")
    assert picture(ada) == picture(visitor)


def test_what_is_no_picture_is_refused(visit: Visit, site: Site) -> None:
    page = visit()
    signed_in(page, "Ada")
    for octets in (b"<script>alert(1)</script>", PNG + bytes(512 * 1024)):
        upload(page, octets)
        expect(page.get_by_role("alert")).to_contain_text("at most 512 KB")
    upload(page, PNG + bytes(1024 * 1024))
    expect(page.get_by_text("Request Entity Too Large")).to_be_visible()
    assert not [*(site.clone / FORUM / "instance/files").glob("*.html")]


def test_an_archive_is_packed_while_its_progress_shows(visit: Visit, site: Site) -> None:
    page = visit()
    signed_in(page, "Ada")
    site.query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO post (name, text) SELECT 'Ada', 'Post ' || i FROM n"
    )
    page.evaluate(
        """() => {
          const bar = document.querySelector("progress");
          window.seen = [];
          const note = () => window.seen.push([bar.value, bar.hidden]);
          new MutationObserver(note).observe(bar, { attributes: true });
        }"""
    )
    page.get_by_role("button", name="Pack an archive").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download it").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as file:
        texts = [file.read(name).decode() for name in file.namelist()]
    assert len([text for text in texts if re.search(r"\n\nPost \d+\n", text)]) == 2000
    seen = page.evaluate("window.seen")
    assert seen[0][1] is False
    assert seen[-1] == [100, True]
    assert len({value for value, _ in seen}) > 10, json.dumps(seen)


def test_pages_load_nothing_from_elsewhere(visit: Visit, site: Site) -> None:
    response = visit().goto(site.url)
    assert response
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


def test_pages_come_back_when_the_forum_was_killed(visit: Visit, site: Site) -> None:
    ada, bob, visitor = visit(), visit(), visit()
    signed_in(ada, "Ada")
    signed_in(bob, "Bob")
    sees_online(visitor, "Ada", "Bob")
    site.stop(signal.SIGKILL)
    for page in (ada, bob, visitor):
        expect(page.get_by_role("status")).to_contain_text(AWAY)
        expect(page.locator("button:enabled")).to_have_count(0)
    bob.context.close()  # leaves while nobody looks
    site.query("INSERT INTO post (name, text) VALUES ('Ada', 'While you were away')")
    site.start()
    for page in (ada, visitor):
        expect(page.get_by_role("status")).to_be_empty()
        sees_post(page, "While you were away")
        sees_online(page, "Ada")
    write(ada, "Here again")
    sees_post(visitor, "Here again")


# What a browser would not send.


@pytest.fixture
def caller(site: Site) -> Iterator[ConnectedClient]:
    """Whoever can reach the router."""
    with connect(site.router, "realm1", timeout=DEADLINE) as client:
        yield client


def test_who_has_not_signed_in_may_only_read(caller: ConnectedClient) -> None:
    caller.call("com.example.forum.posts")
    for name, args in (("post", ["Hello"]), ("archive", []), ("who", [{}])):
        with pytest.raises(NotAuthorized, match="visitor"):
            caller.call(f"com.example.forum.{name}", *args)
    with pytest.raises(NotAuthorized):
        caller.publish("com.example.forum.posted", {"id": 1})


def test_events_carry_what_is_public(visit: Visit, caller: ConnectedClient) -> None:
    online: queue.Queue[list[str]] = queue.Queue()
    posted: queue.Queue[dict[str, object]] = queue.Queue()
    caller.subscribe("com.example.forum.online", online.put)
    caller.subscribe("com.example.forum.posted", posted.put)
    page = visit()
    signed_in(page, "Public")
    write(page, "Hello")
    post = posted.get(timeout=DEADLINE)
    assert post.keys() == {"id", "name", "text", "at", "picture"}
    assert (post["name"], post["text"]) == ("Public", "Hello")
    while "Public" not in online.get(timeout=DEADLINE):
        pass  # members of the test before may be leaving


# Developing.


def test_a_changed_file_reloads_the_pages(visit: Visit, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.start("--reload")
    try:
        page = visit(site.url)
        signed_in(page, "Ada")
        sees_online(page, "Ada")
        template = tmp_path / FORUM / "templates/forum.html"
        save(template, template.read_text("utf-8").replace("<h1>Forum", "<h1>Agora"))
        expect(page.get_by_role("heading", name="Agora")).to_be_visible()
        sees_online(page, "Ada")
        source = tmp_path / FORUM / "forum.py"
        with page.expect_navigation():
            save(source, source.read_text("utf-8").replace("A post has", "Every post has"))
        write(page, " ")
        expect(page.get_by_role("alert")).to_have_text("Every post has 1 to 1000 characters.")
    finally:
        site.stop()


def test_it_runs_without_roles_too(visit: Visit, tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / FORUM / "router.toml").write_text("open_realms = true\n")
    site.start()
    try:
        page = visit(site.url)
        signed_in(page, "Ada")
        write(page, "Hello")
        sees_post(page, "Hello")
    finally:
        site.stop()
