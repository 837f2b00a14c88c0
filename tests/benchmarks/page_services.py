"""The web apps that the benchmark of pages serves, by wampapp and by their own servers."""

from pathlib import Path

from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from wampapp import App


async def bare(scope, receive, send):  # type: ignore[no-untyped-def]
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"5")],
        }
    )
    await send({"type": "http.response.body", "body": b"hello"})


async def hello(_request):  # type: ignore[no-untyped-def]
    return PlainTextResponse("hello")


starlette = Starlette(routes=[Route("/hello", hello)])

flask = Flask(__name__)


@flask.route("/hello")
def flask_hello() -> str:
    return "hello"


app = App(prefix="com.benchmark")


@app.register
def add(a: int, b: int) -> int:
    return a + b


@app.register
async def add_on_loop(a: int, b: int) -> int:
    return a + b


@app.route("/view")
def view() -> str:
    return "hello"


@app.route("/async-view")
async def async_view() -> str:
    return "hello"


app.mount("/bare", bare)
app.mount("/starlette", starlette)
app.mount("/flask", flask)
app.static("/static", Path(__file__).parent)
