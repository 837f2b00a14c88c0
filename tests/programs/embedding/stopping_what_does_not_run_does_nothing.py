"""Stopping what does not run does nothing."""

from shared import WORDS, make, run


async def main():
    app = make()
    assert await app.stop() is None
    await app.start(WORDS[0])
    await app.stop()
    assert await app.stop() is None


run(main())
