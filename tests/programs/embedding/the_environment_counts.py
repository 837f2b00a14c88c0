"""The environment counts."""

import asyncio
import os

from shared import MINE, WORDS, make, run

from wampapp import connect

os.environ["WAMPAPP_URL"] = WORDS[0]
os.environ["WAMPAPP_REALM"] = "realm.environment"


def visit():
    with connect(timeout=20) as client:
        return client.call(f"{MINE}.add", 2, 3)


async def main():
    async with make().running():
        assert await asyncio.to_thread(visit) == 5


run(main())
