"""Progress on a reactor's loop comes before the result."""

from on_reactor import deferred, react, url
from shared import MINE

from wampapp import App, Invocation


async def main(_):
    app = App(prefix=MINE)

    @app.register(run="loop")
    def work(call: Invocation):
        call.progress(1)
        call.progress(2)
        return 3

    @app.register
    async def collect():
        return [item async for item in app.stream(".work")]

    await app.start(url)
    assert await deferred(app.call(".collect")) == [1, 2, 3]
    await app.stop()


react(main)
