"""The program's signals stay its own."""

import os
import signal

from shared import WORDS, make, run, use
from signal_handlers import came, check, setup


async def main():
    setup()
    app = make()
    async with app.running(url):
        check()
        await use(app)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        await use(app)
        check()
    check()
    assert sorted(came) == [signal.SIGINT, signal.SIGTERM]


url = WORDS[1]
run(main(), WORDS[0])
