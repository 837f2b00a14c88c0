"""``wampapp tasks watch``: the queues and the tasks that change, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.output import json_line, printable, say, table
from wampapp.cli.tasks.showing import QUEUE_HEADER, TASK_HEADER, queue_row, task_row

if TYPE_CHECKING:
    from wampapp.cli.component_client import ComponentClient

#: How many tasks are on the screen.
_ROWS: Final = 15
_HOME: Final = "\x1b[H\x1b[2J"


def watch(queue: ComponentClient, *, as_json: bool, is_terminal: bool) -> None:
    """Show pictures of a queue until Ctrl-C, or until its owner ends.

    Args:
        queue: the queue.
        as_json: whether to print each picture as JSON.
        is_terminal: whether a picture may take the place of the one before; otherwise each task
            that has changed is a line.
    """
    recent: dict[int, dict[str, Any]] = {}
    is_first = True
    for picture in queue.stream("watch"):
        if as_json:
            click.echo(json_line(picture))
            continue
        for task in reversed(picture["tasks"]) if is_first else picture["tasks"]:
            recent.pop(task["id"], None)
            recent[task["id"]] = task
            if not is_terminal and not is_first:
                click.echo("  ".join(cell for cell in task_row(task) if cell))
        if is_first and not is_terminal:
            say(f"Watching {printable(queue.prefix)}; Ctrl-C ends it.")
        is_first = False
        while len(recent) > _ROWS:
            del recent[next(iter(recent))]
        if is_terminal:
            lines = [
                *table(
                    [queue_row(one) for one in picture["queues"]], ("name",), header=QUEUE_HEADER
                ),
                "",
                *table([task_row(one) for one in [*recent.values()][::-1]], header=TASK_HEADER),
            ]
            click.echo(_HOME + "\n".join(lines))
