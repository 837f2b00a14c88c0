"""The connection is closed when the stop is done."""

from shared import WORDS, connections, make, run, use

kind, url = WORDS
app = make()


async def main():
    for _ in range(3):
        async with app.running(url):
            await use(app)
            assert connections(url) == 1
        assert connections(url) == 0


run(main(), kind)
