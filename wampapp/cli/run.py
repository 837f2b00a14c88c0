"""``wampapp run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wampapp.cli.options import (
    VARIABLES,
    Command,
    allow_origin_option,
    give_up_after_option,
    handshake_timeout_option,
    host_option,
    log_format_option,
    log_level_option,
    port_option,
    router_options,
)

if TYPE_CHECKING:
    from wampapp.cli.options import Router


@click.command(cls=Command, epilog=VARIABLES)
@click.argument("target")
@router_options("App(url=…), else one of its own")
@host_option
@port_option
@allow_origin_option
@handshake_timeout_option
@give_up_after_option
@log_level_option
@log_format_option
@click.option("--debug", is_flag=True, default=None, help="Show callers what a handler raised.")
def run(
    target: str,
    router: Router,
    host: str | None,
    port: int | None,
    allow_origins: tuple[str, ...],
    handshake_timeout: float | None,
    give_up_after: float | None,
    log_level: str | None,
    log_format: str | None,
    debug: bool | None,
) -> None:
    """Run the service that TARGET names, until Ctrl-C.

    TARGET is module:app, module, path/file.py, path/file.py:app, or module:create_app() for a
    factory. Without a router's URL, one is started in the same process.
    """
    from wampapp import runner
    from wampapp.cli.target import load

    app = load(target)
    runner.run(
        app,
        runner.settle(
            app.config,
            url=router.url,
            realm=router.realm,
            auth=router.auth,
            tls=router.tls,
            host=host,
            port=port,
            debug=debug,
            allow_origins=allow_origins,
            handshake_timeout=handshake_timeout,
            give_up_after=give_up_after,
        ),
        log_level=log_level,
        log_format=log_format,
    )
