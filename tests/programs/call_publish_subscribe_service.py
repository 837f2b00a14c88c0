import asyncio
import sys

from wampapp import App, CallResult, WampError

app = App(prefix="com.verbs")
calls = 0


@app.register(run="loop")
def add(a, b):
    return a + b


@app.register
async def numbers(most, final=None):
    for number in range(most):
        yield number


@app.register
def parts():
    yield 1
    return CallResult(1, 2, key="ß 🎈")


@app.register
async def endless():
    try:
        yield "begun"
        await asyncio.Event().wait()
    finally:
        print("endless was cancelled", file=sys.stderr, flush=True)


@app.register
async def hang():
    print("hang was called", file=sys.stderr, flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("hang was cancelled", file=sys.stderr, flush=True)


@app.register
def sometimes():
    global calls
    calls += 1
    if calls % 3 == 0:
        raise WampError("com.verbs.odd", "not this one")


@app.register
async def stall():
    # The first call holds the others up, where they are made one after the other.
    global stalled
    if not stalled:
        stalled = True
        await asyncio.sleep(0.5)


@app.register(run="loop")
def forget():
    global stalled
    stalled = False
