"""A Starlette site with a service."""

from starlette.applications import Starlette

from wampapp import App
from wampapp.asgi import lifespan

wamp = App(prefix="com.asgi")


@wamp.register
async def add(a: int, b: int) -> int:
    return a + b


@wamp.register
def blocking(a: int, b: int) -> int:
    return wamp.sync.call(".add", a, b)


from starlette.responses import JSONResponse
from starlette.routing import Route


async def total(request):
    return JSONResponse(await request.app.state.wamp.call(".blocking", 2, 3))


site = Starlette(routes=[Route("/sum", total)], lifespan=lifespan(wamp, wait=0.2))
