"""It runs in one loop after another."""

from shared import WORDS, make, others, run, threads, use

kind, url = WORDS
app = make()


async def main():
    async with app.running(url) as same:
        assert same is app
        await use(app)
    assert others() == []


async def by_hand():
    assert await app.start(url) is None
    await use(app)
    assert await app.stop() is None
    assert others() == []


for _ in range(2):
    run(main(), kind)
    run(by_hand(), kind)
    assert threads() == []
