"""Tasks and queues as people read them."""

from __future__ import annotations

import time
from typing import Any, Final

from wampapp.cli.output import json_line, printable, styled

#: The styles of the states.
STYLES: Final = {
    "running": "name",
    "done": "good",
    "dead": "bad",
    "cancelled": "note",
    "scheduled": "doubtful",
}
#: The states, in the order in which a task goes through them.
STATES: Final = ("waiting", "scheduled", "ready", "running", "done", "dead", "cancelled")
TASK_HEADER: Final = ("id", "task", "state", "queue", "enqueued", "attempts", "progress", "error")
_BAR: Final = 20
_MAX_ERROR: Final = 60


def task_row(task: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a task."""
    error = printable(task.get("error") or "")
    return (
        str(task["id"]),
        printable(task["name"]) or "(group)",
        task["state"],
        printable(task["queue"]),
        moment(task["created"]),
        str(task.get("attempt", 0) or ""),
        progress(task),
        error if len(error) <= _MAX_ERROR else f"{error[: _MAX_ERROR - 1]}…",
    )


def progress(task: dict[str, Any]) -> str:
    """Return how far a running task is, as a bar; empty for others."""
    fraction = task.get("progress")
    if task["state"] != "running" or fraction is None:
        return ""
    full = round(fraction * _BAR)
    note = printable(task.get("note") or "")
    return f"{'█' * full}{'░' * (_BAR - full)} {fraction:4.0%} {note}".rstrip()


def moment(seconds: float | None) -> str:
    """Return a time in this machine's zone; only the hour if it is of today."""
    if seconds is None:
        return ""
    then, now = time.localtime(seconds), time.localtime()
    form = "%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M"
    return time.strftime(form, then)


def task_lines(task: dict[str, Any]) -> list[str]:
    """Return all that is known of a task, a line for each fact."""
    facts = {
        "state": styled(task["state"], STYLES.get(task["state"], "title")),
        "queue": f"{printable(task['queue'])}, priority {task.get('priority', 0)}",
        "enqueued": moment(task["created"]),
        "due": moment(task["due"]) if task["due"] > task["created"] else "",
        "started": moment(task.get("started")),
        "ended": moment(task.get("finished")),
        "attempts": f"{task.get('attempt', 0)}, {task.get('failures', 0)} failed"
        + (f", {task['crashes']} times its worker died" if task.get("crashes") else ""),
        "worker": printable(task.get("worker") or ""),
        "progress": progress(task),
        "error": printable(task.get("error") or ""),
        "key": printable(task.get("key") or ""),
        "unique": printable(task.get("unique") or ""),
        "after": f"task {task['after']}" if task.get("after") else "",
        "group": f"task {task['group']}" if task.get("group") else "",
        "args": json_line(task["args"]) if task.get("args") else "",
        "kwargs": json_line(task["kwargs"]) if task.get("kwargs") else "",
    }
    title = f"Task {task['id']}  {printable(task['name']) or '(group)'}"
    width = max(map(len, facts))
    return [
        styled(title, "title"),
        *(f"  {name:<{width}}  {text}" for name, text in facts.items() if text),
    ]


def queue_row(queue: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a queue."""
    return (
        printable(queue["name"]),
        *(f"{queue[state]:,}" for state in STATES),
        str(queue["workers"]),
        "paused" if queue["paused"] else "",
    )


QUEUE_HEADER: Final = ("queue", *STATES, "workers", "")
