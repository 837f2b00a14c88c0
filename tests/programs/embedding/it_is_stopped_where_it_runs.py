"""It is stopped where it runs."""

import asyncio
from functools import partial

from shared import WORDS, fails, make, run, use

from wampapp import UsageError, WrongThread

kind, url = WORDS


async def elsewhere(app):
    return fails(WrongThread, app.stop)


async def main():
    app = make()
    async with app.running(url):
        sentence = await asyncio.to_thread(fails, UsageError, app.stop)
        assert sentence.startswith("No event loop runs in this thread"), sentence
        sentence = await asyncio.to_thread(run, elsewhere(app), kind)
        assert sentence == f"{app!r} runs in another event loop; stop it there."
        for verb in ("call", "publish"):
            work = partial(getattr(app, verb), ".add", 2, 3)
            sentence = await asyncio.to_thread(fails, WrongThread, work)
            assert f"app.sync.{verb}()" in sentence
        await use(app)


run(main(), kind)
