"""The program's log and warnings stay its own."""

import asyncio
import logging
import sys
import threading

from shared import WORDS, make, run, use

root, before = logging.getLogger(), logging.getLogger().level
output = sys.stdout, sys.stderr, sys.excepthook, threading.excepthook


async def main():
    handler = asyncio.get_running_loop().get_exception_handler()
    async with make().running(WORDS[0]) as app:
        await use(app)
        assert asyncio.get_running_loop().get_exception_handler() is handler


run(main())
assert (root.handlers, root.level) == ([], before)
assert (sys.stdout, sys.stderr, sys.excepthook, threading.excepthook) == output
