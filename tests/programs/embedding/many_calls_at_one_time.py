"""Many calls at one time."""

import asyncio

from shared import WORDS, make, run

kind, url = WORDS


async def main():
    app = make()
    async with app.running(url):
        results = await asyncio.gather(
            *(
                app.call(name, number, 1)
                for number in range(200)
                for name in (".add", ".through", ".blocking")
            )
        )
    assert results == [number + 1 for number in range(200) for _ in range(3)]


run(main(), kind)
