"""A start that is cancelled takes its router along."""

import asyncio

from shared import WORDS, afails, is_free, make, others, run, threads

port = int(WORDS[0])


async def main():
    app = make()
    began = asyncio.Event()

    @app.on_startup
    async def hook():
        began.set()
        await asyncio.Event().wait()

    starting = app.start(port=port)
    await began.wait()
    assert not is_free(port)
    starting.cancel()
    await afails(asyncio.CancelledError, starting)
    assert is_free(port)
    assert others() == []


run(main())
assert threads() == []
