"""A shop that is deployed."""

import asyncio
import os

from wampapp import App

app = App(prefix="com.shop", name="shop")


@app.register
async def slow(seconds: float) -> str:
    """Take some time."""
    await asyncio.sleep(seconds)
    return "done"


@app.register
async def process() -> int:
    """Return the process's id."""
    return os.getpid()


@app.health("cellar")
async def cellar() -> None:
    """Look whether the cellar is dry."""
