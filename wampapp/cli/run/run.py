"""``wampapp run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import (
    VARIABLES,
    Command,
    give_up_after_option,
    handshake_timeout_option,
    listening_options,
    log_options,
    router_config_option,
    was_typed,
)
from wampapp.cli.router_options import router_options
from wampapp.cli.target.argument import target_argument

if TYPE_CHECKING:
    from wampapp.cli.router_options import RouterOptions


@click.command(cls=Command, epilog=VARIABLES)
@target_argument
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
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Serve in N processes.")
@click.option("--reload", is_flag=True, help="Restart whenever a file is saved.")
@click.option(
    "--watch",
    multiple=True,
    metavar="PATH",
    help="Also a file, folder or '*.html'. Repeatable.",
)
def run(
    target: str,
    router: RouterOptions,
    log_level: str | None,
    log_format: str | None,
    workers: int | None,
    reload: bool,
    watch: tuple[str, ...],
    **options: Any,
) -> None:
    """Run the service that TARGET names, until Ctrl-C.

    TARGET is module:app, module, path/file.py, path/file.py:app, or module:create_app() for a
    factory. Without a URL, it has its own router.
    """
    options |= vars(router)
    if was_typed("watch") and not reload:
        raise click.UsageError("--watch says what --reload looks at; add --reload.")
    for option in ("router_config", "tls_cert"):
        if was_typed(option) and router.url:
            raise click.UsageError(
                f"--{option.replace('_', '-')} is about the router in the box, and --url names "
                "another; leave one of them out."
            )
    if reload or (workers or 1) > 1:
        from wampapp.cli.target.notation import folder_of
        from wampapp.supervisor.supervise import supervise
        from wampapp.supervisor.watcher import Watcher

        supervise(
            target,
            options,
            workers=workers or 1,
            watcher=Watcher(folder_of(target), watch) if reload else None,
            log_level=log_level,
            log_format=log_format,
        )
        return
    from wampapp.cli.target.loading import load
    from wampapp.config.settle import settle
    from wampapp.runner import foreground as runner

    app = load(target)
    runner.run(
        app,
        settle(app.config, **options),
        log_level=log_level,
        log_format=log_format,
    )
