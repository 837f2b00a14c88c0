"""Flask and ASGI sites. A line that ends in "# wrong" must not pass a type checker."""

from contextlib import AbstractAsyncContextManager
from typing import Any, assert_type

from flask import Flask

from wampapp import App
from wampapp.asgi import lifespan
from wampapp.flask import WAMP, Peer

site = Flask(__name__)
wamp = WAMP(site)
WAMP().init_app(site)
WAMP().init_app("site")  # wrong


@site.route("/hello")
@wamp.register("com.example.hello", concurrency=2)
def hello() -> str:
    return "Hello!"


@wamp.callee
def mul(a: int, b: int) -> int:
    return a * b


@wamp.consume("com.example.news")
def news(text: str) -> None: ...


@wamp.subscribe("com.example.weather")
def weather(text: str) -> None: ...


assert_type(hello(), str)
assert_type(mul(2, 3), int)
mul("2", 3)  # wrong
news(5)  # wrong
wamp.consume(5)  # wrong
wamp.call("com.example.hello")  # wrong


def view(peer: Peer) -> str:
    assert_type(peer.publish("com.example.news", "hello"), int)
    peer.register("com.example.mul", mul)  # wrong
    return str(peer.call("com.example.hello"))


app = App()
entered: AbstractAsyncContextManager[None] = lifespan(app, wait=5, url="rs://127.0.0.1:8080")(site)
lifespan("app")  # wrong
lifespan(app, wait="5 s")  # wrong


async def run(scope: dict[str, Any]) -> None:
    async with entered:
        print(scope)
