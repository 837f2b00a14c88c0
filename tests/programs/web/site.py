"""An app with web apps of three frameworks beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from flask import Flask, request, session
from flask import Response as FlaskResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from wampapp import App

app = App(prefix="com.shop", threads=2)
site = Flask(__name__)
site.secret_key = "only a test"


@app.register
def add(a: int, b: int) -> int:
    return a + b


@site.route("/")
def index() -> str:
    session["visits"] = session.get("visits", 0) + 1
    return f"{app.sync.call('.add', 1, 2)} {session['visits']} {request.script_root}"


@site.route("/upload", methods=["POST"])
def upload() -> str:
    return str(len(request.get_data()))


@site.route("/rows")
def rows() -> FlaskResponse:
    def generate() -> Iterator[str]:
        for number in range(3):
            yield f"{app.sync.call('.add', number, 0)}\n"

    return FlaskResponse(generate(), mimetype="text/plain")


@site.route("/large")
def large() -> FlaskResponse:
    return FlaskResponse((b"x" * 65536 for _ in range(1600)), mimetype="text/plain")


@site.route("/broken")
def broken() -> str:
    raise ValueError("on purpose")


@asynccontextmanager
async def lifespan(_api: FastAPI) -> AsyncIterator[dict[str, Any]]:
    print("the api is up", flush=True)
    yield {"greeting": "hello"}
    print("the api is down", flush=True)


api = FastAPI(lifespan=lifespan)


@api.get("/sum/{a}")
async def total(a: int, b: int = 1) -> int:
    result: int = await app.call(".add", a, b)
    return result


@api.get("/greeting")
async def greeting(of: Request) -> str:
    return f"{of.state.greeting} {of.scope['root_path']}"


@api.get("/ticks")
async def ticks() -> StreamingResponse:
    async def generate() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(generate(), media_type="text/plain")


@api.post("/upload")
async def size(of: Request) -> int:
    return sum([len(chunk) async for chunk in of.stream()])


@api.get("/large")
async def much() -> StreamingResponse:
    return StreamingResponse((b"x" * 65536 for _ in range(1600)), media_type="text/plain")


@api.get("/broken")
async def fails() -> None:
    raise ValueError("the API fails on purpose")


@api.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{text} {await app.call('.add', 1, len(text))}")


async def home(of: Request) -> PlainTextResponse:
    return PlainTextResponse(f"home {of.url.path}")


root = Starlette(routes=[Route("/", home), Route("/about", home)])

app.mount("/admin", site)
app.mount("/api", api)
app.mount("/", root)
