"""A running handler may finish when the app stops."""

import asyncio
import threading

from shared import MINE, WORDS, make, run

from wampapp import connect

kind, url = WORDS


async def main():
    app = make(grace=600)
    began, release = threading.Event(), threading.Event()

    @app.register
    def hold():
        began.set()
        assert release.wait(20)
        return app.sync.call("com.helping.add", 2, 3)

    def ask():
        with connect(url, timeout=30) as client:
            return client.call(f"{MINE}.hold")

    async with app.running(url):
        asking = asyncio.create_task(asyncio.to_thread(ask))
        assert await asyncio.to_thread(began.wait, 20)
        stopping = asyncio.ensure_future(app.stop())
        await asyncio.sleep(0)
        release.set()
        await stopping
    assert await asking == 5


async def whole():
    async with make("com.helping").running(url):
        await main()


run(whole(), kind)
