"""A service with a task queue, as its console shows it."""

import asyncio

from wampapp import App
from wampapp.components import Tasks
from wampapp.components.tasks import Task

HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[2J"

app = App(prefix="com.mill")
tasks = Tasks(app, store="tasks.sqlite", slots=2)
gates: dict[str, asyncio.Event] = {}


@tasks.task
async def grind(task: Task, what: str) -> str:
    """Grind until the gate is opened."""
    gate = gates.setdefault(what, asyncio.Event())
    task.progress(0.25, f"grinding {what}")
    await gate.wait()
    return what


@tasks.task(queue="other")
async def fails(why: str) -> None:
    if why not in gates:
        raise ValueError(why)


@app.register
async def open_gate(what: str) -> None:
    gates.setdefault(what, asyncio.Event()).set()


app.include(tasks)
