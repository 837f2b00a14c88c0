"""A forum: Flask renders its pages, WAMP keeps them up to date. README.md has the command.

Signing in, writing and signing out are calls from the browser. Who is online and what is new are
events, which reach every page without a reload.
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
    WAMP_INLINE=True,  # this web process serves the procedures too, on a router of its own
    WAMP_HOST="127.0.0.1",
    WAMP_PORT=8080,
    WAMP_REALM="realm1",
    WAMP_PREFIX="com.example.forum",
    DATABASE=str(Path(app.instance_path, "forum.sqlite")),
)
app.config.from_prefixed_env()  # so that FLASK_WAMP_PORT=9000 in the environment counts
wamp = WAMP(app)

wampy = Path(app.root_path, "node_modules/wampy/dist/browser/wampy.min.js")
telling = threading.Lock()


def db() -> sqlite3.Connection:
    """Return the database connection of this request, call or event: of its app context."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"], isolation_level=None)
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    connection: sqlite3.Connection = g.db
    return connection


@app.teardown_appcontext
def close_db(_error: BaseException | None) -> None:
    """Close the connection with its app context, whatever that was for."""
    if "db" in g:
        g.pop("db").close()


Path(app.config["DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
with app.app_context(), app.open_resource("schema.sql", "rt") as schema:
    db().executescript(schema.read())  # makes what is not there yet


# The pages.


@app.get("/")
def index() -> str:
    """Render the page; reading it needs no JavaScript."""
    return render_template(
        "forum.html",
        posts=posts(),
        router=router_url(),
        longest=(LONGEST_NAME, LONGEST_POST),
        missing=None if wampy.exists() else os.path.relpath(app.root_path),
    )


@app.get("/wampy.js")
def client() -> Response:
    """Serve the browsers' WAMP client, which npm has installed."""
    return send_from_directory(wampy.parent, wampy.name)


def router_url() -> str:
    """Return the URL that browsers join."""
    config = app.config
    return str(config.get("WAMP_URL") or f"ws://{config['WAMP_HOST']}:{config['WAMP_PORT']}/ws")


@app.after_request
def protect(response: Response) -> Response:
    """Let a page load what is ours, talk to the router, and nothing else."""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {router_url()}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# What browsers call.


@wamp.register(".posts")
def posts(after: int = 0) -> list[dict[str, Any]]:
    """Return the latest posts, the newest first."""
    query = "SELECT id, name, text, at FROM post WHERE id > ? ORDER BY id DESC LIMIT ?"
    return [dict(row) for row in db().execute(query, (after, POSTS_ON_A_PAGE))]


@wamp.register(".sign_in", concurrency=2)  # hashing a password is slow on purpose
def sign_in(name: str, password: str, call: Invocation) -> dict[str, str]:
    """Sign in; the first time, that makes the account."""
    name = tidy(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidArgument(f"A name has 1 to {LONGEST_NAME} characters.")
    if not 8 <= len(password) <= 100:
        raise InvalidArgument("A password has 8 to 100 characters.")
    # Whoever is the first to give a name has it; for everybody else this changes nothing.
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
    """Sign in again, by the token of an earlier time; return the member's name."""
    db().execute("DELETE FROM token WHERE made < datetime('now', ?)", (f"-{TOKEN_DAYS} days",))
    row = db().execute("SELECT name FROM token WHERE hash = ?", (digest(token),)).fetchone()
    if row is None:
        raise NotAuthorized("Please sign in again.")
    enter(call, row["name"])
    return str(row["name"])


@wamp.register(".sign_out")
def sign_out(token: str, call: Invocation) -> None:
    """Sign out; the token is worth nothing any more."""
    db().execute("DELETE FROM token WHERE hash = ?", (digest(token),))
    leave(call.caller)


@wamp.register(".post")
def post(text: str, call: Invocation) -> None:
    """Write a post; every page gets it."""
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
    """Note whose the caller's session is."""
    db().execute("INSERT OR REPLACE INTO online VALUES (?, ?)", (call.caller, name))
    tell_who_is_online()


@wamp.subscribe("wamp.session.on_leave")
def leave(session: int | None, *_details: Any) -> None:
    """Note that a session is nobody's any more; the router tells when a tab is closed or lost."""
    if db().execute("DELETE FROM online WHERE session = ?", (session,)).rowcount:
        tell_who_is_online()


@wamp.on_join
def tell_who_is_online() -> None:
    """Publish the names. The router keeps the event for the pages that come later.

    Sessions that the router does not know are forgotten first: those of an earlier run, and one
    that left while its call to sign in was being answered.
    """
    with telling:  # one after the other, so that the last word is the latest
        there = json.dumps(g.wamp.call("wamp.session.list"))
        gone = "DELETE FROM online WHERE session NOT IN (SELECT value FROM json_each(?))"
        db().execute(gone, (there,))
        rows = db().execute("SELECT DISTINCT name FROM online ORDER BY name")
        g.wamp.topic(".online", retain=True).publish([row["name"] for row in rows])


def tidy(name: str) -> str:
    """Return a name as it is kept: what cannot be seen does not tell two names apart."""
    letters = unicodedata.normalize("NFKC", name)
    return " ".join("".join(c for c in letters if c.isprintable() or c.isspace()).split())


def digest(token: str) -> str:
    """Return what is kept of a token, so that who reads the database cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()
