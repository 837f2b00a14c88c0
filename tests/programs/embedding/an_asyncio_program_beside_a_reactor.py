"""An asyncio program beside a reactor."""

import asyncio

from on_reactor import make_twisted, react, twisted_threads, url, use_twisted
from shared import make, use

inside = make()


async def aside():
    async with inside.running(url):
        await use(inside)
    return "done"


async def main(_):
    app = make_twisted(prefix="com.outside")
    await app.start(url)
    assert await twisted_threads.deferToThread(asyncio.run, aside()) == "done"
    await use_twisted(app)
    await app.stop()


react(main)
