"""Two that stop it at one time stop it once."""

import asyncio

from shared import MINE, WORDS, afails, holding, make, others, run

from wampapp import NoSuchProcedure, connect


async def main():

    app = make(grace=600)
    began, release = holding(app)

    await app.start(WORDS[0])

    def ask():
        with connect(WORDS[0], timeout=30) as client:
            return client.call(f"{MINE}.hold")

    asking = asyncio.create_task(asyncio.to_thread(ask))
    await began.wait()
    stopping = [asyncio.ensure_future(app.stop())]

    def gone():
        with connect(WORDS[0], timeout=30) as client:
            while True:
                client.call(f"{MINE}.add", 2, 3)

    await afails(NoSuchProcedure, asyncio.to_thread(gone))  # it waits for the handler
    stopping.append(asyncio.ensure_future(app.stop()))
    for _ in range(1000):  # so does the other by then, if it waits at all
        await asyncio.sleep(0)
    release.set()
    async with asyncio.timeout(20):
        assert await asyncio.gather(*stopping) == [None, None]
        assert await asking == "released"
    assert others() == []


run(main())
