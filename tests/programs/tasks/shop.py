"""A service that uses a task queue, and does not own it."""

import os

from wampapp import App
from wampapp.components import Tasks
from wampapp.components.tasks import Task

app = App(prefix="com.mill", grace=5)
tasks = Tasks(app, slots=1)


@app.on_startup
async def begin() -> None:
    app.log("the shop's process begins")


@tasks.task
def where(task: Task) -> int:
    return os.getpid()


@tasks.task(queue="mail")
def mail() -> int:
    return os.getpid()


@tasks.task
def waits(task: Task, seconds: float) -> str:
    print(f"waits begins {task.attempt}", flush=True)
    task.sleep(seconds)
    return "waited"


@app.register
async def order() -> int:
    handle = await where.enqueue()
    return await handle.result(timeout=60)
