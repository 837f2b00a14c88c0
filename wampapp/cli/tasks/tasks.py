"""``wampapp tasks``: look after a task queue."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.component_client import component_options
from wampapp.cli.options import CommandGroup
from wampapp.cli.output import counted, json_line, printable, styled, table
from wampapp.cli.tasks.showing import (
    QUEUE_HEADER,
    STATES,
    TASK_HEADER,
    moment,
    queue_row,
    task_lines,
    task_row,
)

if TYPE_CHECKING:
    from wampapp.cli.component_client import Open

queue_options = component_options("tasks", "task queue", ("enqueue", "follow", "queues", "watch"))
_state = click.Choice(STATES)
_number = click.argument(
    "numbers", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1)
)


@click.group(cls=CommandGroup)
def tasks() -> None:
    """Look after a task queue: what waits, runs and failed."""


@tasks.command("list")
@click.option("--state", type=_state, help="Only those in this state.")
@click.option("--queue", metavar="NAME", help="Only those in this queue.")
@click.option("--name", metavar="NAME", help="Only those of this name.")
@click.option("--before", type=click.IntRange(1), metavar="ID", help="Only older ones.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    metavar="N",
    help="How many.",
)
@queue_options
def list_tasks(open_queue: Open, *, as_json: bool, **which: Any) -> None:
    """List tasks, the newest first."""
    _list(open_queue, as_json=as_json, **which)


@tasks.command()
@click.option("--queue", metavar="NAME", help="Only those in this queue.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    metavar="N",
    help="How many.",
)
@queue_options
def dead(open_queue: Open, *, as_json: bool, **which: Any) -> None:
    """List tasks that have failed for good."""
    _list(open_queue, as_json=as_json, state="dead", **which)


def _list(open_queue: Open, *, as_json: bool, **which: Any) -> None:
    with open_queue() as queue:
        found = queue.call("list", **which)
    if as_json:
        for task in found:
            click.echo(json_line(task))
        return
    for line in table([task_row(task) for task in found], ("name",), header=TASK_HEADER):
        click.echo(line)
    if not found:
        click.echo("There are no such tasks.", err=True)


@tasks.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@queue_options
def show(open_queue: Open, number: int, *, as_json: bool) -> None:
    """Show all that is known of a task."""
    with open_queue() as queue:
        task = queue.call("show", number)
    click.echo(json_line(task) if as_json else "\n".join(task_lines(task)))


@tasks.command()
@_number
@queue_options
def retry(open_queue: Open, numbers: tuple[int, ...], *, as_json: bool) -> None:
    """Have tasks tried again that are dead or cancelled."""
    _each(open_queue, "retry", numbers, "is tried again", "is neither dead nor cancelled", as_json)


@tasks.command()
@_number
@queue_options
def cancel(open_queue: Open, numbers: tuple[int, ...], *, as_json: bool) -> None:
    """Cancel tasks; those that run are told."""
    _each(open_queue, "cancel", numbers, "is cancelled", "has ended already", as_json)


def _each(
    open_queue: Open,
    name: str,
    numbers: tuple[int, ...],
    done: str,
    not_done: str,
    as_json: bool,
) -> None:
    with open_queue() as queue:
        for number in numbers:
            changed = queue.call(name, number)
            if as_json:
                click.echo(json_line({"id": number, "changed": changed}))
            else:
                click.echo(f"Task {number} {done if changed else not_done}.")


@tasks.command()
@queue_options
def queues(open_queue: Open, *, as_json: bool) -> None:
    """List the queues, and how many tasks are in each state."""
    with open_queue() as queue:
        _print_queues(queue.call("queues"), as_json=as_json)


def _print_queues(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    for line in table([queue_row(row) for row in rows], ("name",), header=QUEUE_HEADER):
        click.echo(line)


@tasks.command()
@queue_options
def stats(open_queue: Open, *, as_json: bool) -> None:
    """Show the queues, the workers and the schedules."""
    with open_queue() as queue:
        names = ("queues", "workers", "schedules")
        found = {name: queue.call(name) for name in names}
        prefix = queue.prefix
    if as_json:
        click.echo(json_line({"prefix": prefix, **found}))
        return
    click.echo(styled(printable(prefix), "title"))
    click.echo()
    _print_queues(found["queues"], as_json=False)
    click.echo()
    click.echo(styled(counted(len(found["workers"]), "worker"), "title"))
    rows = [
        (
            printable(worker["worker"]),
            f"{worker['running']} of {worker['slots']}",
            printable(", ".join(worker["queues"]) or "all"),
        )
        for worker in found["workers"]
    ]
    for line in table(rows, ("name",), header=("worker", "running", "queues")):
        click.echo(f"  {line}")
    if found["schedules"]:
        click.echo()
        click.echo(styled(counted(len(found["schedules"]), "schedule"), "title"))
        times = [
            (
                printable(one["name"]),
                printable(one["spec"]),
                printable(one.get("timezone", "UTC")),
                moment(one.get("next")),
            )
            for one in found["schedules"]
        ]
        for line in table(times, ("name",), header=("task", "when", "zone", "next")):
            click.echo(f"  {line}")


@tasks.command()
@click.argument("queue", default="default")
@queue_options
def pause(open_queue: Open, queue: str, *, as_json: bool) -> None:
    """Keep the tasks of a queue from starting; those that run go on."""
    _turn(open_queue, queue, "pause", "is paused", as_json=as_json)


@tasks.command()
@click.argument("queue", default="default")
@queue_options
def resume(open_queue: Open, queue: str, *, as_json: bool) -> None:
    """Let the tasks of a queue start again."""
    _turn(open_queue, queue, "resume", "goes on", as_json=as_json)


def _turn(open_queue: Open, queue: str, name: str, done: str, *, as_json: bool) -> None:
    with open_queue() as client:
        client.call(name, queue)
    click.echo(
        json_line({"queue": queue}) if as_json else f"The queue {printable(queue)!r} {done}."
    )


@tasks.command()
@click.argument("state", type=click.Choice([state for state in STATES if state != "running"]))
@click.option("--queue", metavar="NAME", help="Only those in this queue.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@queue_options
def purge(open_queue: Open, state: str, queue: str | None, *, yes: bool, as_json: bool) -> None:
    """Remove the tasks of a state for good."""
    where = f" in the queue {queue!r}" if queue else ""
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "Nobody can be asked here; to remove them all the same, add --yes."
            )
        click.confirm(f"Remove all tasks that are {state}{where}?", abort=True, err=True)
    with open_queue() as client:
        count = client.call("purge", state, queue=queue)
    click.echo(json_line({"removed": count}) if as_json else f"{counted(count, 'task')} removed.")


@tasks.command()
@queue_options
def watch(open_queue: Open, *, as_json: bool) -> None:
    """Show the queues, and the tasks as they change, until Ctrl-C."""
    from wampapp.cli.tasks.watching import watch as show_pictures

    with open_queue() as queue:
        show_pictures(queue, as_json=as_json, is_terminal=sys.stdout.isatty())


@tasks.command()
@click.argument("file")
@queue_options
def backup(open_queue: Open, file: str, *, as_json: bool) -> None:
    """Have the owner write a copy of its data, beside its own file."""
    with open_queue() as queue:
        queue.call("backup", file)
    click.echo(json_line({"file": file}) if as_json else f"The copy is in {printable(file)}.")
