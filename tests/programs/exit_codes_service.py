import asyncio
import sys

from wampapp import App

app = App(prefix="com.exits")


@app.register
def one():
    return 1


@app.register
async def hang():
    print("hang was called", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
