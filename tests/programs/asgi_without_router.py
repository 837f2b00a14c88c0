"""A FastAPI site whose router may be away."""

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

import wampapp.asgi
from wampapp import App, NotJoined

wamp = App(prefix="com.asgi")
site = FastAPI(lifespan=wampapp.asgi.lifespan(wamp, wait=0.2))


@site.middleware("http")
async def pass_on(request: Request, call_next):
    return await call_next(request)


@site.get("/sum")
async def total() -> int:
    return await wamp.call("com.other.add", 2, 3)


@site.get("/blocking")
def blocking() -> int:
    return wamp.sync.call("com.other.add", 2, 3)


@site.get("/own")
async def own() -> JSONResponse:
    try:
        return JSONResponse(await wamp.call("com.other.add", 2, 3))
    except NotJoined as error:
        return JSONResponse({"own": str(error)})
