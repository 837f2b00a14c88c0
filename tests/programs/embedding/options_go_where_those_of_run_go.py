"""Options go where those of run go."""

import asyncio
import logging

from shared import WORDS, fails, make, run

from wampapp import HandlerFailed, connect


async def main():
    app = make("com.options", realm="realm.app")

    @app.register
    def fail():
        raise ZeroDivisionError("so much")

    def visit():
        with connect(WORDS[0], "realm.asked", timeout=20) as client:
            assert client.call("com.options.add", 2, 3) == 5
            return fails(HandlerFailed, lambda: client.call("com.options.fail"))

    logging.getLogger("com.options").setLevel(logging.CRITICAL)
    async with app.running(WORDS[0], realm="realm.asked", debug=True):
        assert "ZeroDivisionError: so much" in await asyncio.to_thread(visit)


run(main())
