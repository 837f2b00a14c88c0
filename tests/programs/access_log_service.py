import asyncio
import sys
import threading

from wampapp import App, WampError

app = App(prefix="com.access", grace=0.1)
began, release = threading.Event(), threading.Event()


@app.register
def add(a: int, b: int) -> int:
    print("adding", a, b, flush=True)
    return a + b


@app.register
async def add_async(a: int, b: int) -> int:
    return a + b


@app.register(run="loop")
def add_on_loop(a: int, b: int) -> int:
    return a + b


@app.register
def count(most: int):
    yield from range(most)


@app.register
async def count_async(most: int):
    for number in range(most):
        yield number


@app.register
def refuse():
    raise WampError("com.access.error.refused", "no")


@app.register
def crash():
    raise ZeroDivisionError("so much\n12:00:00  forged")


@app.register
def unfit():
    return object()


@app.register(timeout=0.05)
async def late():
    await asyncio.Event().wait()


@app.register
async def held():
    print("held", flush=True)
    await asyncio.Event().wait()


@app.register
def shout(text: str):
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    app.log("shouted", text)


@app.register(".part.<name>")
def part(name: str) -> str:
    return name


@app.subscribe(".news")
def on_news(item):
    print("news", item, flush=True)
    if item == "fail":
        raise LookupError(item)
