"""Starting twice is told."""

from shared import MINE, WORDS, afails, fails, make, run, use

from wampapp import UsageError

sentence = f"<App {MINE!r}> runs already; it runs once at a time."


async def main():
    app = make()
    starting = app.start(WORDS[0])
    assert fails(UsageError, app.start) == sentence
    await starting
    assert fails(UsageError, app.start) == sentence
    assert await afails(UsageError, app.running().__aenter__()) == sentence
    await use(app)
    await app.stop()
    async with app.running(WORDS[0]):
        await use(app)


run(main())
