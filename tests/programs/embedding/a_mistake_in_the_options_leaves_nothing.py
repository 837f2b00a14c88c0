"""A mistake in the options leaves nothing."""

from shared import WORDS, fails, make, run, use

from wampapp import InvalidUrl, UsageError


async def main():
    app = make()
    fails(InvalidUrl, lambda: app.start("http://127.0.0.1"))
    fails(UsageError, lambda: app.start(realm="no realm"))
    fails(UsageError, lambda: app.start(port=-1))
    async with app.running(WORDS[0]):
        await use(app)


run(main())
