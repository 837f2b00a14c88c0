import asyncio

from wampapp import App, WampError

app = App(prefix="com.shell", grace=0)


@app.register
def add(a: int, b: int) -> int:
    return a + b


@app.register
def size(text: str) -> int:
    return len(text)


@app.register
def refuse() -> None:
    raise WampError("com.shell.refused", "not today", code=3)


@app.register
def count(to: int):
    yield from range(to)


@app.register
async def wait(name: str) -> None:
    app.log(f"{name} waits")
    try:
        await asyncio.Event().wait()
    finally:
        app.log(f"{name} is given up")


@app.subscribe
def on_news(text: str) -> None:
    app.log(f"heard {text}")
