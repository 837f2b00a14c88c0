"""Progressive results: the values of a generator reach the caller one by one.

Run it with ``wampapp run examples/progress.py``. A caller that does not ask for progressive results
gets one list: ``wampapp call com.example.count 3``.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from wampapp import App, Invocation

app = App(prefix="com.example")


@app.register
def count(upto: int) -> Iterator[int]:
    """Count from 0, in a worker thread."""
    yield from range(upto)


@app.register
async def ticks(upto: int, seconds: float = 1.0) -> AsyncIterator[int]:
    """Count slowly, on the event loop."""
    for number in range(upto):
        yield number
        await asyncio.sleep(seconds)


@app.register
def copy(files: list[str], invocation: Invocation) -> str:
    """Report each step, and return a result at the end."""
    for done, name in enumerate(files, 1):
        if invocation.cancelled:
            return "stopped"
        invocation.progress(name, done=done)
    return f"{len(files)} files copied"


@app.register
async def total(procedure: str, upto: int) -> int:
    """Add up the progressive results of another procedure."""
    return sum([number async for number in app.stream(procedure, upto)])


if __name__ == "__main__":
    app.run()
