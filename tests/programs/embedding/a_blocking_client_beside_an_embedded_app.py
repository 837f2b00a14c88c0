"""A blocking client beside an embedded app."""

import asyncio
import queue

from shared import MINE, WORDS, fails, make, others, run, use

from wampapp import WrongThread, connect

kind, url = WORDS


def visit():
    with connect(url, timeout=20) as client:
        heard = queue.SimpleQueue()
        client.subscribe(f"{MINE}.said", heard.put)
        assert client.call(f"{MINE}.says", "hello") == "said"
        assert heard.get(timeout=20) == "hello"
        return client.call(f"{MINE}.blocking", 2, 3)


async def main():
    app = make()

    @app.register
    async def says(text):
        await app.topic(".said", acknowledge=True).publish(text)
        return "said"

    async with app.running(url):
        results = await asyncio.gather(*(asyncio.to_thread(visit) for _ in range(4)))
        assert results == [5] * 4
        sentence = fails(WrongThread, lambda: app.sync.call(".add", 2, 3))
        assert "await app.call" in sentence
        await use(app)
    assert others() == []


for _ in range(2):
    run(main(), kind)
