"""A forum: its pages, what keeps them live, and the service behind them; see README.md.

Forms sign members in and out. The rest is WAMP: browsers call procedures to write posts and to pack
an archive, and events tell every page who is online and what is new.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
import unicodedata
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from werkzeug.security import check_password_hash, generate_password_hash

from wampapp import App, Call, InvalidArgument, Invocation, NotAuthorized, PageRequest, WampError
from wampapp.web import Request, Response, flash, open_session, redirect, render_template, session

LONGEST_NAME, LONGEST_POST, LARGEST_PICTURE = 30, 1000, 512 * 1024
POSTS = "SELECT id, name, text, at, picture FROM post JOIN member USING (name)"
PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}

data = Path(os.environ.get("FORUM_DATA", Path(__file__).with_name("instance")))
files = data / "files"
files.mkdir(parents=True, exist_ok=True)

app = App(prefix="com.example.forum")
app.static("/static", "static")
app.static("/files", files, endpoint="files")

db = sqlite3.connect(data / "forum.sqlite", isolation_level=None, check_same_thread=False)
db.row_factory = sqlite3.Row
db.executescript(Path(__file__).with_name("schema.sql").read_text("utf-8"))
using = threading.Lock()  # one thread at a time uses the connection
hashing = threading.Semaphore(2)  # a password's hash is slow on purpose


def query(statement: str, *values: object) -> list[dict[str, Any]]:
    """Return the rows of a statement."""
    with using:
        return [dict(row) for row in db.execute(statement, values)]


# The pages.


@app.route("/")
def index() -> str:
    """Render the page, which can be read without JavaScript."""
    longest = LONGEST_NAME, LONGEST_POST
    return render_template("forum.html", me=session.get("name"), posts=posts(), longest=longest)


@app.post("/sign-in")
def sign_in(name: str, password: str) -> Response:
    """Sign in; the first time, create the account."""
    name = tidy(name)
    if not 0 < len(name) <= LONGEST_NAME:
        flash(f"A name has 1 to {LONGEST_NAME} characters.")
    elif not 8 <= len(password) <= 100:
        flash("A password has 8 to 100 characters.")
    else:
        # The first to use a name owns it; after that, this changes nothing.
        new = "INSERT INTO member (name, password) VALUES (?, ?) ON CONFLICT DO NOTHING"
        with hashing:
            query(new, name, generate_password_hash(password))
            [member] = query("SELECT password FROM member WHERE name = ?", name)
            is_right = check_password_hash(member["password"], password)
        if is_right:
            session["name"] = name
        else:
            flash(f"That is not the password of {name}.")
    return redirect("/")


@app.post("/sign-out")
def sign_out() -> Response:
    """Sign out. The page is loaded anew, and its WebSocket is nobody's."""
    session.clear()
    return redirect("/")


@app.post("/picture", max_body=LARGEST_PICTURE + 4096)
def picture(request: Request) -> Response:
    """Take a member's picture, and show it on every page."""
    name, octets = session.get("name"), request.files["picture"].read()
    ending = next((PICTURES[magic] for magic in PICTURES if octets.startswith(magic)), None)
    if name is None:
        flash("Please sign in first.")
    elif ending is None or len(octets) > LARGEST_PICTURE:
        flash("A picture is a PNG, a JPEG or a GIF of at most 512 KB.")
    else:
        file = hashlib.sha256(octets).hexdigest() + ending
        (files / file).write_bytes(octets)
        query("UPDATE member SET picture = ? WHERE name = ?", file, name)
        app.sync.publish(".pictured", name, file)
    return redirect("/")


@app.middleware
async def protect(_call: Call, following: Callable[[], Awaitable[Any]]) -> Any:
    """Allow pages to load only what is ours."""
    answer = await following()
    if isinstance(answer, Response):
        answer.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    return answer


# What browsers call.


@app.register
def posts(after: int = 0) -> list[dict[str, Any]]:
    """Return the latest posts, newest first."""
    return query(f"{POSTS} WHERE id > ? ORDER BY id DESC LIMIT 50", after)


@app.register
def post(text: str, call: Invocation) -> None:
    """Write a post, and publish it to every page."""
    name, text = member(call), text.strip()
    if not 0 < len(text) <= LONGEST_POST:
        raise InvalidArgument(f"A post has 1 to {LONGEST_POST} characters.")
    [new] = query("INSERT INTO post (name, text) VALUES (?, ?) RETURNING id", name, text)
    app.sync.publish(".posted", *query(f"{POSTS} WHERE id = ?", new["id"]))


@app.register(concurrency=1)
def archive(call: Invocation) -> Iterator[int | str]:
    """Pack all posts; yield how many percent are done, and at the end the file's path."""
    member(call)
    new, done = files / f".{os.getpid()}.zip", 0
    rows = query(f"{POSTS} ORDER BY id")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as file:
        for number, row in enumerate(rows, 1):
            file.writestr("{id:08}.txt".format(**row), "{name}, {at}\n\n{text}\n".format(**row))
            if number * 100 // len(rows) > done:
                yield (done := number * 100 // len(rows))
    new.replace(files / "forum.zip")
    yield "/files/forum.zip"


def member(call: Invocation) -> str:
    """Return the name of the member whose page calls."""
    if call.caller_authrole != "member" or call.caller_authid is None:
        raise NotAuthorized("Please sign in first.")
    return call.caller_authid


# Who is online.

online: dict[int, str] = {}  # the members, by the sessions of their pages


@app.identify
def who(request: PageRequest) -> dict[str, str] | None:
    """Tell the router which member a page belongs to, by its cookie."""
    name = open_session(app, request).get("name")
    return {"authid": name, "role": "member"} if name else None


@app.on_join
async def look() -> None:
    """Find the pages that were open before."""
    online.clear()
    for number in await app.call("wamp.session.list"):
        with contextlib.suppress(WampError):  # it has left since
            await joined(await app.call("wamp.session.get", number))
    await tell()


@app.subscribe("wamp.session.on_join")
async def joined(details: dict[str, Any]) -> None:
    """Note a member's page."""
    if details["authrole"] == "member":
        online[details["session"]] = details["authid"]
        await tell()


@app.subscribe("wamp.session.on_leave")
async def left(number: int, *_details: object) -> None:
    """Forget a page; the router publishes its end, also when a tab is closed or lost."""
    if online.pop(number, None):
        await tell()


async def tell() -> None:
    """Publish the names; the router retains the event for pages that are opened later."""
    app.topic(".online", retain=True).publish(sorted(set(online.values())))


def tidy(name: str) -> str:
    """Return a name as it is stored: names that look the same are the same."""
    letters = unicodedata.normalize("NFKC", name)
    return " ".join("".join(c for c in letters if c.isprintable() or c.isspace()).split())
