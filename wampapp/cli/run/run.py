"""``wampapp run``."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import (
    VARIABLES,
    Command,
    component_prefix_option,
    exit_with_stdin_option,
    give_up_after_option,
    handshake_timeout_option,
    listening_options,
    log_options,
    router_config_option,
    store_option,
    was_typed,
)
from wampapp.cli.router_options import router_options
from wampapp.cli.target.argument import targets_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.cli.router_options import RouterOptions


@click.command(cls=Command, epilog=VARIABLES)
@targets_argument
@router_options("App(url=…)")
@listening_options
@router_config_option("--router-config")
@handshake_timeout_option
@give_up_after_option
@log_options
@click.option("--debug", is_flag=True, default=None, help="Show callers what a handler raised.")
@click.option("--http", metavar="ADDRESS", help="Serve web pages at HOST:PORT.")
@click.option(
    "--trust-proxy", is_flag=True, default=None, help="Believe a proxy's X-Forwarded-… headers."
)
@component_prefix_option
@store_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Serve in N processes.",
)
@click.option("--reload", is_flag=True, help="Restart whenever a file is saved.")
@click.option(
    "--watch",
    multiple=True,
    metavar="PATH",
    help="Also a file, folder or '*.html'. Repeatable.",
)
@click.option(
    "--guest",
    "guests",
    multiple=True,
    metavar="COMMAND",
    help="Run this program too. Repeatable.",
)
@exit_with_stdin_option
def run(
    targets: tuple[str, ...],
    router: RouterOptions,
    prefix: str | None,
    store: str | None,
    log_level: str | None,
    log_format: str | None,
    workers: int | None,
    reload: bool,
    watch: tuple[str, ...],
    guests: tuple[str, ...],
    exit_with_stdin: bool,
    **options: Any,
) -> None:
    """Run the service that each TARGET names, until Ctrl-C.
    TARGET is module:app, module, path/file.py, module:create_app() or the
    module of a component.
    """  # noqa: D205 - one paragraph, so that the help fits a screen
    options |= vars(router)
    if was_typed("watch") and not reload:
        raise click.UsageError("--watch says what --reload looks at; add --reload.")
    for option in ("router_config", "tls_cert"):
        if was_typed(option) and router.url:
            raise click.UsageError(
                f"--{option.replace('_', '-')} is about the router in the box, and --url names "
                "another; leave one of them out."
            )
    from wampapp.runner.notify import Notifier

    # First, so that whatever the app's modules start does not inherit its variables.
    notifier = Notifier.from_environment()
    beside: contextlib.AbstractContextManager[Callable[[], None] | None] = contextlib.nullcontext()
    if guests:
        from wampapp.supervisor.guests import guests as run_guests

        # The services, or the workers of the only one, have the colours before theirs.
        beside = run_guests(guests, _url(options), first_colour=max(len(targets), workers or 1))
    if reload or workers is not None:
        if len(targets) > 1:
            raise click.UsageError(
                f"{'--reload' if reload else '--workers'} is for one TARGET; run each in a command "
                "of its own."
            )
        from wampapp.cli.run.targets import load_one
        from wampapp.cli.target.notation import folder_of
        from wampapp.supervisor.supervise import supervise
        from wampapp.supervisor.watcher import Watcher

        with beside as notifier.on_ready:
            supervise(
                targets[0],
                functools.partial(load_one, prefix=prefix, store=store),
                options,
                workers=workers or 1,
                watcher=Watcher(folder_of(targets[0]), watch) if reload else None,
                exit_with_stdin=exit_with_stdin,
                notifier=notifier,
                log_level=log_level,
                log_format=log_format,
            )
        return
    from wampapp.cli.run.targets import load_all
    from wampapp.config.settle import settle
    from wampapp.runner import foreground as runner

    parts = [
        runner.Part(app, settle(app.config, **options), comes_first=is_component)
        for app, is_component in load_all(targets, prefix=prefix, store=store)
    ]
    # They start when everything else has: what is wrong is found before.
    with beside as notifier.on_ready:
        runner.run_together(
            parts,
            notifier,
            exit_with_stdin=exit_with_stdin,
            log_level=log_level,
            log_format=log_format,
        )


def _url(options: dict[str, Any]) -> str:
    """Return where guests find the router.

    Raises:
        UsageError: its port is any free one.
    """
    from wampapp.config.records import DEFAULT_PORT
    from wampapp.config.url import urls_at
    from wampapp.errors import UsageError

    if options.get("url"):
        return str(options["url"])
    if options.get("port") == 0:
        raise UsageError("Guests have to know the router's port; give one with --port.")
    return urls_at(options.get("host") or "127.0.0.1", options.get("port") or DEFAULT_PORT)[1]
