"""It can be stopped while offline."""

import asyncio
import logging

from shared import WORDS, afails, fails, make, others, run, threads

from wampapp import NotJoined


async def main():
    app = make()
    left = asyncio.Event()

    @app.on_leave
    async def leave():
        left.set()

    async with app.running(WORDS[0]):
        print("joined", flush=True)
        await left.wait()
        calling = asyncio.ensure_future(app.call(".add", 2, 3))
        await asyncio.sleep(0)
    assert "stop" in await afails(NotJoined, calling)
    assert others() == []
    assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))


logging.getLogger("wampapp").setLevel(logging.ERROR)  # that the router went away
run(main())
assert threads() == []
