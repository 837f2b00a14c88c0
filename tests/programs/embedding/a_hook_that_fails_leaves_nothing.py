"""A hook that fails leaves nothing."""

import logging

from shared import WORDS, afails, is_free, make, others, run, threads, use

from wampapp import HookFailed

moment, port = WORDS[0], int(WORDS[1])
logging.disable()


async def main():
    app = make()
    fail = True

    @getattr(app, f"on_{moment}")
    async def hook():
        if fail:
            raise ZeroDivisionError("so much")

    assert "so much" in await afails(HookFailed, app.start(port=port))
    assert is_free(port)
    assert others() == []
    fail = False
    async with app.running(port=port):
        await use(app)


run(main())
assert threads() == []
