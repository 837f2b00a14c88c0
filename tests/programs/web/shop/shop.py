"""An app with pages of its own: views, templates, sessions, files."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask import session as flask_session
from shop_blueprint import shop

from wampapp import App, Call
from wampapp.web import (
    Request,
    Response,
    abort,
    flash,
    g,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    render_template_string,
    request,
    send_file,
    session,
    url_for,
)

app = App(prefix="com.shop", threads=4)
app.include(shop, prefix="com.shop.cart", url_prefix="/cart")
app.static("/static", "static")


@dataclass
class Item:
    sku: str
    count: int = 1


@app.middleware
async def marked(call: Call, following: Callable[[], Awaitable[Any]]) -> Any:
    result = await following()
    if isinstance(result, Response):
        result.headers["X-Middleware"] = f"{call.uri} {call.pattern}"
    return result


@app.route("/")
async def index() -> str:
    orders = await app.call(".add", 1, 2)
    return render_template("index.html", orders=orders, name="<b>Zoë</b>")


@app.route("/orders/<int:number>", methods=["GET", "POST"])
def order(number: int, request: Request, note: str = "") -> dict[str, Any]:
    return {"number": number, "note": note, "method": request.method}


@app.register
@app.route("/add", methods=["GET", "POST"])
def add(a: int, b: int) -> int:
    return a + b


@app.post("/items")
async def items(item: Item, tags: list[str] | None = None) -> Item:
    return Item(item.sku, item.count + len(tags or []))


@app.get("/search")
def search(q: str, limit: int = 10, exact: bool = False, tag: list[str] | None = None) -> list[Any]:
    return [q, limit, exact, tag]


@app.route("/form", methods=["GET", "POST"])
def form(name: str = "", age: int | None = None, news: bool = False) -> Any:
    if request.method == "POST":
        flash(f"Thanks, {name}", "good")
        return redirect(url_for("form", name=name))
    return [name, age, news, get_flashed_messages(with_categories=True)]


@app.post("/upload", max_body=100_000)
def upload() -> str:
    file = request.files["file"]
    return f"{file.filename} {len(file.read())} {request.form['note']}"


@app.get("/kinds/<what>")
def kinds(what: str) -> Any:
    match what:
        case "text":
            return "Zoë"
        case "octets":
            return b"\x00\x01"
        case "status":
            return "made", 201
        case "headers":
            return "kept", {"X-Kept": "yes"}
        case "both":
            return {"a": 1}, 202, [("X-One", "1")]
        case "dataclass":
            return Item("tea")
        case "number":
            return 1.5
        case "response":
            return make_response("odd", 299)
        case "path":
            return Path(__file__)
        case "attachment":
            return send_file(__file__, as_attachment=True, download_name="é.py")
        case "nothing":
            return None
        case "set":
            return object()
        case "rows":
            return (f"{n}\n" for n in range(3))
        case _:
            return abort(404, f"There is no {what!r}.")


@app.get("/rows")
def rows() -> Iterator[str]:
    for n in range(3):
        yield f"{app.sync.call('.add', n, 1)} {request.path}\n"


@app.get("/ticks")
async def ticks() -> AsyncIterator[str]:
    for n in range(3):
        yield f"{await app.call('.add', n, 1)} {request.path}\n"


ended: list[str] = []


@app.get("/endless/<kind>")
def endless(kind: str) -> Any:
    def plain() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            ended.append("plain")

    async def waiting() -> AsyncIterator[str]:
        try:
            while True:
                yield "tick\n"
                await asyncio.sleep(3600)
        finally:
            ended.append("waiting")

    return plain() if kind == "plain" else waiting()


@app.register
def endings() -> list[str]:
    return ended


@app.get("/visits")
def visits() -> str:
    session["visits"] = session.get("visits", 0) + 1
    session.setdefault("deep", {"list": []})["list"].append(1)
    return f"{session['visits']} {len(session['deep']['list'])}"


@app.get("/remember")
def remember() -> str:
    session.permanent = True
    session["when"] = (1, b"2")
    return "yes"


@app.get("/forget")
def forget() -> str:
    session.clear()
    return "forgotten"


@app.get("/large-session")
def large_session() -> str:
    session["all"] = os.urandom(4000).hex()
    return "?"


@app.get("/g")
async def local() -> str:
    g.count = getattr(g, "count", 0) + 1
    return str(g.count)


@app.get("/inline")
def inline() -> str:
    return render_template_string("{{ request.path }} {{ x }}", x="<i>")


@app.get("/missing-template")
def missing_template() -> str:
    return render_template("nope.html")


@app.get("/missing-view")
def missing_view() -> str:
    return url_for("ordr", number=1)


@app.get("/broken")
def broken() -> str:
    raise ValueError("a secret of ours")


@app.get("/broken-stream")
def broken_stream() -> Iterator[str]:
    yield "begun"
    raise ValueError("a secret of ours")


class Sold(Exception):
    pass


@app.get("/sold")
def sold() -> str:
    raise Sold


@app.errorhandler(Sold)
def when_sold(_error: Sold) -> tuple[str, int]:
    return f"{request.path} is sold", 409


@app.errorhandler(410)
async def gone(error: Any) -> tuple[str, int]:
    return f"gone: {error.description}", 410


@app.get("/gone")
def was_there() -> str:
    abort(410, "it was here")


@app.errorhandler(418)
def teapot(_error: Any) -> str:
    raise RuntimeError("a secret of the error handler")


@app.get("/teapot")
def is_teapot() -> str:
    abort(418)


other = Flask(__name__)
other.secret_key = os.environ.get("WAMPAPP_SECRET_KEY", "none")


@other.route("/visits")
def flask_visits() -> str:
    return str(flask_session.get("visits"))


app.mount("/flask", other)
