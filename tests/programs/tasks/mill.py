"""Owns a task queue, and works on it."""

from pathlib import Path

from wampapp import App
from wampapp.components import Tasks

app = App(prefix="com.mill")
tasks = Tasks(app)
app.include(tasks)


@tasks.task
def double(number: int) -> int:
    return 2 * number


@tasks.task
def hold(path: str) -> str:
    """Wait until somebody writes into a pipe; return that."""
    return Path(path).read_text()
