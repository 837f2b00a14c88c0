"""``wampapp docs``: what an app offers, as AsyncAPI, Markdown or an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from wampapp.cli.options import (
    Command,
    connect_timeout_option,
    output_option,
    timeout_option,
    was_typed,
)
from wampapp.cli.output import printable, write_out
from wampapp.cli.router_options import RouterOptions, router_options
from wampapp.cli.target.argument import optional_target_argument, require_target
from wampapp.describe.files import FORMATS, Format
from wampapp.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from wampapp.describe.api import Api


@click.command(cls=Command)
@optional_target_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(Format)),
    metavar="FORMAT",
    help="json, yaml, markdown or html. Default: as FILE ends, else json.",
)
@output_option
@click.option(
    "--check",
    "earlier",
    type=click.Path(),
    metavar="FILE",
    help="Compare with FILE instead; list the breaking changes.",
)
@router_options("none; TARGET is looked at")
@timeout_option
@connect_timeout_option
@click.pass_context
def docs(
    ctx: click.Context,
    target: str | None,
    form: Format | None,
    output: str | None,
    earlier: str | None,
    router: RouterOptions,
    *,
    timeout: float,
    connect_timeout: float,
) -> None:
    """Write down what an app offers, without running it.

    TARGET names the app as in 'wampapp run'. Without one, --url names a router, and the apps that
    have joined it are asked; of others, only the URIs are known.

    JSON and YAML are AsyncAPI 3.0 documents; an HTML page needs no other file. With --check, FILE
    is what this command wrote before: each change that breaks callers or subscribers is a line, and
    the exit code is 1 if there is any.
    """
    from wampapp.describe import files

    if target is not None and was_typed("url"):
        raise UsageError(
            "--url asks the apps that run, and TARGET names one that is looked at without running; "
            "give one of the two."
        )
    if earlier is not None and (was_typed("form") or was_typed("output")):
        raise UsageError(
            "--check compares and writes nothing, so it goes with neither --format nor --output; "
            "run the command twice."
        )
    api = _described(target, router, timeout, connect_timeout)
    if earlier is not None:
        _check(ctx, files.read(earlier), api)
        return
    if form is None:
        form = FORMATS.get(Path(output).suffix.lower(), "json") if output else "json"
    write_out(files.write(api, form, is_strange=target is None), output)


def _described(
    target: str | None,
    router: RouterOptions,
    timeout: float,
    connect_timeout: float,
) -> Api:
    if target is None and router.url is not None:
        from wampapp.cli.docs.live import describe_realm
        from wampapp.config.records import Config
        from wampapp.config.settle import FINDING, settle

        joining = {**vars(router), "handshake_timeout": connect_timeout}
        config = settle(Config(), variables=FINDING, **joining)
        return describe_realm(config, timeout or None)
    from wampapp.cli.target.loading import load
    from wampapp.describe.describing import describe_app

    return describe_app(load(require_target(target)))


def _check(ctx: click.Context, before: Api, now: Api) -> None:
    from wampapp.describe.changes.breaking import breaking_changes

    found = breaking_changes(before, now)
    for line in found:
        click.echo(printable(line))
    if found:
        ctx.exit(EXIT_FAILED)
