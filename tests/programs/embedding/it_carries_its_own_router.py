"""It carries its own router."""

import asyncio

from shared import MINE, WORDS, is_free, make, others, run, use

from wampapp import connect

kind, port = WORDS[0], int(WORDS[1])
app = make()


def visit():
    with connect(f"ws://127.0.0.1:{port}/ws", timeout=20) as client:
        return client.call(f"{MINE}.blocking", 2, 3)


async def main():
    async with app.running(port=port):
        await use(app)
        assert await asyncio.to_thread(visit) == 5
    assert is_free(port)
    assert others() == []


for _ in range(3):
    run(main(), kind)
