"""A start that is cancelled leaves nothing."""

import asyncio
import logging

from shared import WORDS, afails, fails, make, others, run, threads, use

from wampapp import NotJoined

kind, url, way, port = WORDS
nowhere = f"rs://127.0.0.1:{port}"


class Waiting(logging.Handler):
    def emit(self, record):
        if "Trying again" in record.getMessage():
            asyncio.get_running_loop().call_soon(waits.set)


logging.getLogger("wampapp").addHandler(Waiting())
waits = asyncio.Event()


async def block():
    async with app.running(nowhere):
        raise AssertionError


async def main():
    if way == "timeout":
        await afails(TimeoutError, asyncio.wait_for(app.start(nowhere), 0.5))
        return
    if way == "no time":
        await afails(TimeoutError, asyncio.wait_for(app.start(nowhere), 0))
        return
    starting = app.start(nowhere) if "block" not in way else asyncio.create_task(block())
    if way == "block at once":
        await asyncio.sleep(0)
    elif way != "at once":
        await waits.wait()
    starting.cancel()
    await afails(asyncio.CancelledError, starting)


async def whole():
    await main()
    assert others() == []
    assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))
    async with app.running(url):
        await use(app)
    assert others() == []


app = make()
run(whole(), kind)
assert threads() == []
