"""``wampapp worker``: runs the tasks of an app, and serves nothing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import (
    VARIABLES,
    Command,
    exit_with_stdin_option,
    give_up_after_option,
    handshake_timeout_option,
    log_options,
)
from wampapp.cli.router_options import router_options
from wampapp.cli.target.argument import target_argument
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from wampapp.app import App
    from wampapp.cli.router_options import RouterOptions


def _queues(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").replace(",", " ").split() if part)


@click.command("worker", cls=Command, epilog=VARIABLES)
@target_argument
@router_options("App(url=…), or the router on port 8080")
@handshake_timeout_option
@give_up_after_option
@log_options
@click.option(
    "--queues",
    callback=_queues,
    metavar="NAMES",
    help="Only these, the preferred first, such as mail,default.",
)
@click.option(
    "--slots", type=click.IntRange(1), metavar="N", help="N tasks at a time. Default: the app's."
)
@click.option("--processes", type=click.IntRange(1), metavar="N", help="Work in N processes.")
@click.option("--isolate", is_flag=True, help="Run plain functions in processes of their own.")
@exit_with_stdin_option
def worker(
    target: str,
    router: RouterOptions,
    log_level: str | None,
    log_format: str | None,
    queues: tuple[str, ...],
    slots: int | None,
    processes: int | None,
    isolate: bool,
    exit_with_stdin: bool,
    **options: Any,
) -> None:
    """Run the tasks of the app that TARGET names, until Ctrl-C.

    TARGET is as for run; nothing else of it is served. On Ctrl-C and SIGTERM, tasks that run may
    finish; the rest is given back.
    """
    options |= vars(router)
    load = functools.partial(load_worker, queues=queues, slots=slots, isolate=isolate)
    from wampapp.runner.notify import Notifier

    # First, so that whatever the app's modules start does not inherit its variables.
    notifier = Notifier.from_environment()
    if processes is not None:
        from wampapp.supervisor.supervise import supervise

        supervise(
            target,
            load,
            options,
            workers=processes,
            search=True,
            exit_with_stdin=exit_with_stdin,
            notifier=notifier,
            log_level=log_level,
            log_format=log_format,
        )
        return
    from wampapp.config.settle import FINDING, settle
    from wampapp.runner import foreground as runner

    app = load(target)
    config = settle(app.config, variables=FINDING, **options)
    runner.run(
        app,
        config,
        log_level=log_level,
        log_format=log_format,
        search=True,
        exit_with_stdin=exit_with_stdin,
        notifier=notifier,
    )


def load_worker(target: str, *, queues: tuple[str, ...], slots: int | None, isolate: bool) -> App:
    """Return the app of a target, of which only the tasks are run.

    Args:
        target: as in ``wampapp run TARGET``.
        queues: the queues that tasks are taken from; none for all.
        slots: how many tasks at a time; None for what the app says.
        isolate: whether plain functions run in processes of their own.

    Raises:
        UsageError: it cannot be run, or has no tasks.
        UserCodeFailed: the module's own code raised.
    """
    from wampapp.cli.target.loading import load

    app = load(target)
    tasks = app.extensions.get("tasks")
    if tasks is None or not tasks.functions:
        raise UsageError(
            f"{target} has no tasks; an app has them by 'tasks = Tasks(app)' and '@tasks.task'."
        )
    # WAMPAPP_TASKS_SLOTS=0 is for the service, whose variables this process may share.
    tasks.work_on(queues, slots or tasks.slots, isolate=isolate)
    app.only_work()
    return app
