"""Handlers on a reactor's loop find a running loop."""

import asyncio

from on_reactor import deferred, react, url
from shared import MINE

from wampapp import App


async def main(_):
    app = App(prefix=MINE)

    @app.register(run="loop")
    def where():
        return asyncio.get_running_loop().__class__.__name__

    @app.register(run="loop")
    def starts_a_task():
        async def work():
            return 7

        return asyncio.create_task(work())

    @app.register(run="loop")
    def calls():
        return app.call(".where")

    await app.start(url)
    name = type(app._service.runtime.loop).__name__
    assert await deferred(app.call(".where")) == name
    assert await deferred(app.call(".starts_a_task")) == 7
    assert await deferred(app.call(".calls")) == name
    await app.stop()


react(main)
