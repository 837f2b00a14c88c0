"""``wampapp run``."""

from __future__ import annotations

import click

from wampapp.cli.options import (
    allow_origin_option,
    handshake_timeout_option,
    host_option,
    port_option,
    realm_option,
    url_option,
)


@click.command()
@click.argument("target")
@url_option("App(url=…), else a router is started in this process")
@realm_option
@host_option
@port_option
@allow_origin_option
@handshake_timeout_option
@click.option("--debug", is_flag=True, default=None, help="Show callers what a handler raised.")
def run(
    target: str,
    url: str | None,
    realm: str | None,
    host: str | None,
    port: int | None,
    allow_origins: tuple[str, ...],
    handshake_timeout: float | None,
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
            url=url,
            realm=realm,
            host=host,
            port=port,
            debug=debug,
            allow_origins=allow_origins,
            handshake_timeout=handshake_timeout,
        ),
    )
