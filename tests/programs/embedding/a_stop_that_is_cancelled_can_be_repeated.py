"""A stop that is cancelled can be repeated."""

import asyncio

from shared import WORDS, afails, holding, is_free, make, others, run, threads, use

port = int(WORDS[0])


async def main():

    app = make(grace=600)
    began, release = holding(app)

    await app.start(port=port)
    asking = app.call(".hold")
    await began.wait()
    await afails(TimeoutError, asyncio.wait_for(app.stop(), 0.2))
    release.set()
    await app.stop()
    assert is_free(port)
    await asyncio.gather(asking, return_exceptions=True)
    assert others() == []
    async with app.running(port=port):
        await use(app)


run(main())
assert threads() == []
