"""Ctrl-C ends the program, and the app stops first."""

import asyncio
import os
import signal

from shared import WORDS, fails, make, run, threads

kind, url = WORDS
moments = []
app = make()


@app.on_shutdown
async def end():
    moments.append("shutdown")


async def main():
    async with app.running(url):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()


fails(KeyboardInterrupt, lambda: run(main(), kind))
assert moments == ["shutdown"]
assert threads() == []
