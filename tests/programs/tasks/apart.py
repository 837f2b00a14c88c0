"""A service whose tasks run in processes of their own."""

import os
import time

from wampapp import App
from wampapp.components import Tasks
from wampapp.components.tasks import Task
from wampapp.observe.tracing import current_trace_id

app = App(prefix="com.apart")
tasks = Tasks(app)
app.include(tasks)


class Odd(Exception):
    """One that cannot be put together again from its arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@tasks.task(isolate=True)
def where(task: Task, text: str = "") -> tuple[int, int, int, str]:
    task.progress(0.5, text)
    return os.getpid(), task.id, task.attempt, text


@tasks.task(isolate=True, timeout=0.5)
def spins() -> None:
    while True:
        pass


@tasks.task(isolate=True)
def sleeps(seconds: float) -> None:
    time.sleep(seconds)


@tasks.task(isolate=True)
def raises(kind: str) -> None:
    if kind == "odd":
        raise Odd(1, 2)
    if kind == "exit":
        raise SystemExit(3)
    if kind == "dies":
        os._exit(1)
    raise ValueError(kind)


@tasks.task(memory="400M")
def takes(size: int) -> int:
    return len(bytearray(size))


@tasks.task(isolate=True)
def traced(task: Task) -> tuple[str, str | None]:
    return task.trace_id, current_trace_id()
