"""Works on a task queue; what it does is seen in a file."""

import os
import time
from pathlib import Path

from wampapp import App
from wampapp.components import Tasks
from wampapp.components.tasks import Task

app = App(prefix="com.mill", grace=5)
tasks = Tasks(app, slots=4)


def note(path: str, *words: object) -> None:
    """Append a line, whole: what is killed has written it or not."""
    line = " ".join(map(str, words)) + "\n"
    with Path(path).open("ab", buffering=0) as file:
        file.write(line.encode())


@tasks.task
def grind(task: Task, path: str, number: int, seconds: float) -> int:
    note(path, "starts", number, task.attempt, f"{time.time():.4f}", os.getpid())
    time.sleep(seconds)
    note(path, "ends", number, task.attempt, f"{time.time():.4f}", os.getpid())
    return number


@tasks.task
def poison(path: str) -> None:
    note(path, "poison", os.getpid())
    os._exit(9)
