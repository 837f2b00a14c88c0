"""A FastAPI site with a service."""

from fastapi import FastAPI, Request

from wampapp import App
from wampapp.asgi import lifespan

wamp = App(prefix="com.asgi")


@wamp.register
async def add(a: int, b: int) -> int:
    return a + b


@wamp.register
def blocking(a: int, b: int) -> int:
    return wamp.sync.call(".add", a, b)


site = FastAPI(lifespan=lifespan(wamp, wait=0.2))


@site.get("/sum")
async def total(request: Request) -> int:
    return await request.app.state.wamp.call(".blocking", 2, 3)
