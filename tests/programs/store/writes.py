"""Owns a store, and writes notes until it is killed; each that was acknowledged is printed."""

import asyncio
import sys

from tests.support.stores import NOTES, note
from wampapp.components.store import make_store


async def main(url: str) -> None:
    store = make_store(url, NOTES)
    await store.open()
    for number in range(1_000_000):
        await store.do(note(f"{number}"))
        print(number, flush=True)


asyncio.run(main(sys.argv[1]))
