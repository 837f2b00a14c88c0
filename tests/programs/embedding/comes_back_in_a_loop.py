"""It comes back when its router does, in a loop of asyncio."""

import asyncio

from shared import WORDS, make, others, run, threads, use

kind, url = WORDS
app = make()


@app.on_join
async def join():
    print("joined", flush=True)


@app.on_leave
async def leave():
    print("left", flush=True)


@app.subscribe(".end")
async def on_end(*_):
    end.set()


end = asyncio.Event()


async def main():
    async with app.running(url):
        await end.wait()
        await use(app)
    assert others() == []


run(main())
assert threads() == []
