"""Web apps are served in a loop."""

import asyncio

from shared import WORDS, is_free, others, run
from web_apps import visit, with_web_apps

kind, port = WORDS[0], int(WORDS[1])


async def main():
    async with with_web_apps().running(port=port):
        await asyncio.to_thread(visit, port)
    assert is_free(port)
    assert others() == []


for _ in range(2):
    run(main(), kind)
