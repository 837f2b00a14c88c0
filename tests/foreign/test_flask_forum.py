"""The Flask example, a forum as its members see it: in Chromium, each in a browser context."""

import queue
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import chromium
from tests.support.forum import AWAY, PASSWORD, sees_online, sees_post, sign_in, write
from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Process, environment
from tests.support.saving import save
from wampapp import ConnectedClient, InvalidArgument, NotAuthorized, connect
from wampapp.crossbar import Progress, cache_folder, install_once, run_installer

pytestmark = pytest.mark.processes

FORUM = Path("examples/flask_forum")
README = (ROOT / FORUM / "README.md").read_text("utf-8")
INSTALL, RUN = next(
    line.split(" && ") for line in README.splitlines() if line.startswith("npm install")
)

#: Opens the site in a browser context of its own.
Visit = Callable[..., Page]


class Site:
    """A copy of the forum, run by the README's command in the folder that stands for the clone."""

    def __init__(self, clone: Path, modules: Path | None) -> None:
        self.clone = clone
        self.http, self.wamp = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}/"
        self.router = f"ws://127.0.0.1:{self.wamp}/ws"
        left_out = shutil.ignore_patterns("node_modules", "instance", "__pycache__")
        shutil.copytree(ROOT / FORUM, clone / FORUM, ignore=left_out)
        if modules is not None:
            (clone / FORUM / "node_modules").symlink_to(modules)

    def start(self, *options: str) -> None:
        self.process = Process(
            *(sys.executable, "-m", *shlex.split(RUN), "--port", str(self.http), *options),
            cwd=self.clone,
            env=environment(FLASK_WAMP_PORT=str(self.wamp)),
            terminal=True,
        )
        self.process.until("Serving WAMP at")
        self.process.until("Running on http://")

    def stop(self) -> None:
        with self.process as process:
            process.stop()
        # Flask's reloader does not wait for its child, and is warned of that.
        trouble = "Traceback|Warning: (?!subprocess|Enable)|ERROR"
        assert not re.search(trouble, process.text), process.text


@pytest.fixture(scope="module")
def modules(progress: Progress) -> Path:
    """What the README's npm command installs, kept from one run of the tests to the next."""
    package = (ROOT / FORUM / "package.json").read_text("utf-8")
    version = re.search(r'"wampy": "([\d.]+)"', package)
    assert version, "the version is pinned"
    path = cache_folder() / f"forum-wampy-{version[1]}"

    def build(folder: Path) -> None:
        (folder / FORUM).mkdir(parents=True)
        (folder / FORUM / "package.json").write_text(package)
        run_installer([*shlex.split(INSTALL), "--no-audit", "--no-fund"], folder)

    installed = FORUM / "node_modules"
    proof = str(installed / "wampy/dist/browser/wampy.min.js")
    return install_once(path, f"wampy@{version[1]}", proof, build, progress) / installed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("clone"), modules)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def visit(url: str = site.url, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(f"a dialog says {dialog.message}"))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def caller(site: Site) -> Iterator[ConnectedClient]:
    """Whoever can reach the router."""
    with connect(site.router, "realm1", timeout=DEADLINE) as client:
        yield client


def test_members_see_each_other_come_write_and_leave(visit: Visit) -> None:
    ada, bob = visit(), visit()
    sign_in(ada, "Ada")
    sees_online(bob, "Ada")
    sign_in(bob, "Bob")
    for page in (ada, bob):
        sees_online(page, "Ada", "Bob")
    for writer, text in ((ada, "Hello, Bob!"), (bob, "Hello, Ada!")):
        write(writer, text)
        for page in (ada, bob):
            sees_post(page, text)
    bob.context.close()
    sees_online(ada, "Ada")


def test_a_member_with_two_tabs_leaves_with_the_last(visit: Visit, caller: ConnectedClient) -> None:
    visitor, first, second = visit(), visit(), visit()
    sign_in(first, "Tab")
    sees_online(visitor, "Tab")
    sign_in(second, "Tab")
    expect(second.get_by_text("Signed in as Tab")).to_be_visible()
    first.close()
    # An event that comes later shows that the router has told of the first tab.
    caller.call("com.example.forum.sign_in", "Ada", PASSWORD)
    sees_online(visitor, "Ada", "Tab")
    second.close()
    sees_online(visitor, "Ada")


def test_signing_out_and_in_again(visit: Visit) -> None:
    page, visitor = visit(), visit()
    sign_in(page, "Ada")
    sees_online(visitor, "Ada")
    page.get_by_role("button", name="Sign out").click()
    sees_online(visitor)
    expect(page.get_by_label("Your post")).to_be_hidden()
    page.reload()
    sign_in(page, "Ada")
    sees_online(visitor, "Ada")


def test_a_reload_keeps_a_member_signed_in(visit: Visit) -> None:
    page = visit()
    sign_in(page, "Ada")
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()
    sees_online(page, "Ada")


def test_what_is_wrong_is_told_in_the_page(visit: Visit, caller: ConnectedClient) -> None:
    caller.call("com.example.forum.sign_in", "Ada", PASSWORD)
    page = visit()
    for name, password, sentence in (
        ("Ada", "something else", "That is not the password of Ada."),
        ("Eve", "short", "A password has 8 to 100 characters."),
        ("   ", PASSWORD, "A name has 1 to 30 characters."),
    ):
        sign_in(page, name, password)
        expect(page.get_by_role("alert")).to_have_text(sentence)
    sign_in(page, "Ada")
    expect(page.get_by_text("Signed in as Ada")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_members_write_stays_text(visit: Visit) -> None:
    page, visitor = visit(), visit()
    name, text = (
        "<img src=x onerror=a()>",
        "<script>alert(1)</script>\n<img src=x onerror=alert(2)>",
    )
    sign_in(page, name)
    sees_online(visitor, name)
    write(page, text)
    for reader in (page, visitor):
        sees_post(reader, text)
    for reader in (page, visitor, visit(java_script_enabled=False)):
        newest = reader.locator("#posts > li").first
        expect(newest.locator("bdi")).to_have_text(name)
        assert newest.locator(".text").inner_text() == text
        expect(reader.locator("img")).to_have_count(0)


def test_names_of_all_scripts(visit: Visit, caller: ConnectedClient) -> None:
    page = visit()
    sign_in(page, "Ζωή")
    for name in ("علی", "李小龍", "🦊 Fox"):
        caller.call("com.example.forum.sign_in", name, PASSWORD)
        sees_online(page, *sorted(["Ζωή", name]))


def test_posts_are_read_without_javascript(visit: Visit, caller: ConnectedClient) -> None:
    caller.call("com.example.forum.sign_in", "Ada", PASSWORD)
    caller.call("com.example.forum.post", "A post for everybody")
    page = visit(java_script_enabled=False)
    sees_post(page, "A post for everybody")
    assert "signing in and writing do" in (page.locator("noscript").text_content() or "")
    expect(page.get_by_role("button")).to_have_count(0)


def test_pages_talk_to_the_site_and_the_router_alone(visit: Visit, site: Site) -> None:
    page = visit()
    response = page.goto(site.url)
    assert response
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert f"connect-src {site.router};" in policy
    assert "unsafe" not in policy


@pytest.mark.slow
def test_pages_come_back_with_the_forum(visit: Visit, site: Site) -> None:
    ada, bob, visitor = visit(), visit(), visit()
    sign_in(ada, "Ada")
    sign_in(bob, "Bob")
    sees_online(visitor, "Ada", "Bob")
    site.stop()
    for page in (ada, bob, visitor):
        expect(page.get_by_role("status")).to_contain_text(AWAY)
        expect(page.get_by_role("button", disabled=False)).to_have_count(0)
    bob.context.close()  # leaves while nobody looks
    site.start()
    with connect(site.router, "realm1", timeout=DEADLINE) as member:
        member.call("com.example.forum.sign_in", "Eve", PASSWORD)
        member.call("com.example.forum.post", "While you were away")
    for page in (ada, visitor):
        sees_post(page, "While you were away")
        expect(page.get_by_role("status")).to_be_empty()
        sees_online(page, "Ada")
    write(ada, "Here again")
    sees_post(visitor, "Here again")
    site.stop()
    ada.context.close()
    sees_online(visitor, "Ada")  # the last that it knows
    site.start()
    sees_online(visitor)


# What a browser would not send.


def test_who_has_not_signed_in_does_not_write(caller: ConnectedClient) -> None:
    with pytest.raises(NotAuthorized, match="Please sign in first"):
        caller.call("com.example.forum.post", "Hello")


def test_a_token_ends_with_signing_out(caller: ConnectedClient) -> None:
    token = caller.call("com.example.forum.sign_in", "Ada", PASSWORD)["token"]
    assert caller.call("com.example.forum.resume", token) == "Ada"
    caller.call("com.example.forum.sign_out", token)
    for useless in (token, "", "made up"):
        with pytest.raises(NotAuthorized, match="Please sign in again"):
            caller.call("com.example.forum.resume", useless)
    with pytest.raises(NotAuthorized, match="Please sign in first"):
        caller.call("com.example.forum.post", "Hello")


def test_lengths_are_bounded(caller: ConnectedClient) -> None:
    for name, password in (("a" * 31, PASSWORD), ("Ada", "a" * 101), ("\u200b\u202e", PASSWORD)):
        with pytest.raises(InvalidArgument, match="characters"):
            caller.call("com.example.forum.sign_in", name, password)
    caller.call("com.example.forum.sign_in", "Ada", PASSWORD)
    for text in ("", " \n ", "a" * 1001):
        with pytest.raises(InvalidArgument, match="A post has 1 to 1000 characters"):
            caller.call("com.example.forum.post", text)


def test_names_that_look_the_same_are_the_same(caller: ConnectedClient) -> None:
    for name in (
        *("Grace Hopper", "  Grace\t Hopper ", "\uff27race Hopper"),
        *("Gr\u200bace Hopper", "Grace \u200b Hopper", "\u202eGrace Hopper"),
    ):
        assert caller.call("com.example.forum.sign_in", name, PASSWORD)["name"] == "Grace Hopper"


def test_events_carry_what_is_public(site: Site, caller: ConnectedClient) -> None:
    online: queue.Queue[list[str]] = queue.Queue()
    posted: queue.Queue[dict[str, object]] = queue.Queue()
    caller.subscribe("com.example.forum.online", online.put)
    caller.subscribe("com.example.forum.posted", posted.put)
    with connect(site.router, "realm1", timeout=DEADLINE) as member:
        member.call("com.example.forum.sign_in", "Public", PASSWORD)
        member.call("com.example.forum.post", "Hello")
        post = posted.get(timeout=DEADLINE)
        assert post.keys() == {"id", "name", "text", "at"}
        assert (post["name"], post["text"]) == ("Public", "Hello")
        while "Public" not in online.get(timeout=DEADLINE):
            pass  # members of the test before may be leaving
    while "Public" in online.get(timeout=DEADLINE):
        pass


# Developing.


def test_a_changed_file_is_loaded_and_the_pages_come_back(
    visit: Visit, tmp_path: Path, modules: Path
) -> None:
    site = Site(tmp_path, modules)
    site.start("--debug")
    try:
        page = visit(site.url)
        sign_in(page, "Ada")
        sees_online(page, "Ada")
        page.evaluate(
            """sentence => {
              const state = document.querySelector("[role=status]");
              const note = () => {
                if (state.textContent.startsWith(sentence)) state.dataset.wasAway = "yes";
              };
              new MutationObserver(note).observe(state, { childList: true });
            }""",
            AWAY,
        )
        source = tmp_path / FORUM / "app.py"
        save(source, source.read_text("utf-8").replace("A post has", "Every post has"))
        expect(page.get_by_role("status")).to_have_attribute("data-was-away", "yes")
        expect(page.get_by_role("status")).to_be_empty()
        sees_online(page, "Ada")
        write(page, " ")
        expect(page.get_by_role("alert")).to_have_text("Every post has 1 to 1000 characters.")
    finally:
        site.stop()


def test_a_missing_client_is_told_in_one_sentence(visit: Visit, tmp_path: Path) -> None:
    site = Site(tmp_path, modules=None)
    site.start()
    try:
        page = visit(site.url)
        expect(page.get_by_text("The browser's WAMP client is not installed")).to_have_text(
            f"The browser's WAMP client is not installed; run {INSTALL}, then reload this page."
        )
        expect(page.get_by_role("heading", name="Posts")).to_be_visible()
    finally:
        site.stop()
