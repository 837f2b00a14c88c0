"""Owns a task queue, and has no task of its own."""

from wampapp import App
from wampapp.components import Tasks

app = App(prefix="com.mill")
app.include(Tasks(app))
