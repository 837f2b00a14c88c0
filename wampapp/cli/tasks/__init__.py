"""``wampapp tasks``: look after a task queue."""
