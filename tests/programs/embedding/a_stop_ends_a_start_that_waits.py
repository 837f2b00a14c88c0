"""A stop ends a start that waits."""

import asyncio
import logging

from shared import WORDS, make, others, run, threads, use

from wampapp import WampappError

url, port, way = WORDS


async def main():
    app = make()
    waits = asyncio.Event()

    class Waiting(logging.Handler):
        def emit(self, record):
            if "Trying again" in record.getMessage():
                asyncio.get_running_loop().call_soon(waits.set)

    logging.getLogger("wampapp").addHandler(Waiting())
    starting = asyncio.ensure_future(app.start(f"rs://127.0.0.1:{port}"))
    if way == "waiting":
        await waits.wait()
    await app.stop()
    async with asyncio.timeout(10):
        await asyncio.wait([starting])
    assert starting.cancelled() or isinstance(starting.exception(), WampappError)
    assert others() == []
    async with app.running(url):
        await use(app)


run(main())
assert threads() == []
