"""A forum: Flask renders the pages, and WAMP keeps them up to date. README.md shows how to run it.

The browser calls procedures to sign in, write and sign out. Events tell every page who is online
and what is new, without a reload.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import unicodedata
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, render_template, send_from_directory
from werkzeug.security import check_password_hash, generate_password_hash

from wampapp import InvalidArgument, Invocation, NotAuthorized
from wampapp.flask import WAMP

LONGEST_NAME = 30
LONGEST_POST = 1000
POSTS_ON_A_PAGE = 50
TOKEN_DAYS = 7

app = Flask(__name__)
app.config.from_mapping(
    WAMP_INLINE=True,  # this web process also serves the procedures, and runs the router
    WAMP_HOST="127.0.0.1",
    WAMP_PORT=8080,
    WAMP_REALM="realm1",
    WAMP_PREFIX="com.example.forum",
    DATABASE=str(Path(app.instance_path, "forum.sqlite")),
)
app.config.from_prefixed_env()  # reads variables such as FLASK_WAMP_PORT=9000
wamp = WAMP(app)

wampy = Path(app.root_path, "node_modules/wampy/dist/browser/wampy.min.js")
telling = threading.Lock()


def db() -> sqlite3.Connection:
    """Return the database connection of this app context: of a request, a call or an event."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"], isolation_level=None)
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    connection: sqlite3.Connection = g.db
    return connection


@app.teardown_appcontext
def close_db(_error: BaseException | None) -> None:
    """Close the connection when its app context ends."""
    if "db" in g:
        g.pop("db").close()


Path(app.config["DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
with app.app_context(), app.open_resource("schema.sql", "rt") as schema:
    db().executescript(schema.read())  # creates missing tables


# The pages.


@app.get("/")
def index() -> str:
    """Render the page, which can be read without JavaScript."""
    return render_template(
        "forum.html",
        posts=posts(),
        router=router_url(),
        longest=(LONGEST_NAME, LONGEST_POST),
        missing=None if wampy.exists() else os.path.relpath(app.root_path),
    )


@app.get("/wampy.js")
def client() -> Response:
    """Serve the WAMP client for browsers, which npm has installed."""
    return send_from_directory(wampy.parent, wampy.name)


def router_url() -> str:
    """Return the URL of the router that browsers join."""
    config = app.config
    return str(config.get("WAMP_URL") or f"ws://{config['WAMP_HOST']}:{config['WAMP_PORT']}/ws")


@app.after_request
def protect(response: Response) -> Response:
    """Allow a page to load only our own files and to talk only to the router."""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {router_url()}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# What browsers call.


@wamp.register(".posts")
def posts(after: int = 0) -> list[dict[str, Any]]:
    """Return the latest posts, newest first."""
    query = "SELECT id, name, text, at FROM post WHERE id > ? ORDER BY id DESC LIMIT ?"
    return [dict(row) for row in db().execute(query, (after, POSTS_ON_A_PAGE))]


@wamp.register(".sign_in", concurrency=2)  # hashing a password is slow on purpose
def sign_in(name: str, password: str, call: Invocation) -> dict[str, str]:
    """Sign in; the first time, create the account."""
    name = tidy(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidArgument(f"A name has 1 to {LONGEST_NAME} characters.")
    if not 8 <= len(password) <= 100:
        raise InvalidArgument("A password has 8 to 100 characters.")
    # The first to use a name owns it; after that, this changes nothing.
    account = (name, generate_password_hash(password))
    db().execute("INSERT OR IGNORE INTO member (name, password) VALUES (?, ?)", account)
    member = db().execute("SELECT password FROM member WHERE name = ?", (name,)).fetchone()
    if not check_password_hash(member["password"], password):
        raise NotAuthorized(f"That is not the password of {name}.")
    token = secrets.token_urlsafe()
    db().execute("INSERT INTO token (hash, name) VALUES (?, ?)", (digest(token), name))
    enter(call, name)
    return {"name": name, "token": token}


@wamp.register(".resume")
def resume(token: str, call: Invocation) -> str:
    """Sign in again with a token from an earlier time; return the member's name."""
    db().execute("DELETE FROM token WHERE made < datetime('now', ?)", (f"-{TOKEN_DAYS} days",))
    row = db().execute("SELECT name FROM token WHERE hash = ?", (digest(token),)).fetchone()
    if row is None:
        raise NotAuthorized("Please sign in again.")
    enter(call, row["name"])
    return str(row["name"])


@wamp.register(".sign_out")
def sign_out(token: str, call: Invocation) -> None:
    """Sign out, and invalidate the token."""
    db().execute("DELETE FROM token WHERE hash = ?", (digest(token),))
    leave(call.caller)


@wamp.register(".post")
def post(text: str, call: Invocation) -> None:
    """Write a post, and publish it to every page."""
    row = db().execute("SELECT name FROM online WHERE session = ?", (call.caller,)).fetchone()
    if row is None:
        raise NotAuthorized("Please sign in first.")
    text = text.strip()
    if not 0 < len(text) <= LONGEST_POST:
        raise InvalidArgument(f"A post has 1 to {LONGEST_POST} characters.")
    command = "INSERT INTO post (name, text) VALUES (?, ?) RETURNING id, name, text, at"
    g.wamp.publish(".posted", dict(db().execute(command, (row["name"], text)).fetchone()))


# Who is online.


def enter(call: Invocation, name: str) -> None:
    """Remember which member the caller's session belongs to."""
    db().execute("INSERT OR REPLACE INTO online VALUES (?, ?)", (call.caller, name))
    tell_who_is_online()


@wamp.subscribe("wamp.session.on_leave")
def leave(session: int | None, *_details: Any) -> None:
    """Forget a session; the router publishes its end, also when a tab is closed or lost."""
    if db().execute("DELETE FROM online WHERE session = ?", (session,)).rowcount:
        tell_who_is_online()


@wamp.on_join
def tell_who_is_online() -> None:
    """Publish the names. The router retains the event for pages that are opened later.

    First, sessions that the router does not know are deleted: those of an earlier run, and those
    that ended while their call to sign in was being answered.
    """
    with telling:  # one at a time, so that the last event is the latest state
        there = json.dumps(g.wamp.call("wamp.session.list"))
        gone = "DELETE FROM online WHERE session NOT IN (SELECT value FROM json_each(?))"
        db().execute(gone, (there,))
        rows = db().execute("SELECT DISTINCT name FROM online ORDER BY name")
        g.wamp.topic(".online", retain=True).publish([row["name"] for row in rows])


def tidy(name: str) -> str:
    """Return a name as it is stored: names that look the same are the same."""
    letters = unicodedata.normalize("NFKC", name)
    return " ".join("".join(c for c in letters if c.isprintable() or c.isspace()).split())


def digest(token: str) -> str:
    """Return the hash of a token, so that a leaked database does not help to sign in."""
    return hashlib.sha256(token.encode()).hexdigest()
