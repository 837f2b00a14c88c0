"""``wampapp doctor``: find out, step by step, why something does not connect."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.doctor.report import Report
from wampapp.cli.options import (
    Command,
    connect_timeout_option,
    host_option,
    json_option,
    port_option,
)
from wampapp.cli.output import sentence
from wampapp.cli.router_options import RouterOptions, router_options
from wampapp.cli.target.argument import optional_target_argument
from wampapp.config.records import DEFAULT_ROUTER
from wampapp.errors import (
    EXIT_FAILED,
    EXIT_USAGE,
    InvalidUrl,
    WampappError,
)

if TYPE_CHECKING:
    from wampapp.app import App
    from wampapp.config.records import Config

#: The steps that follow the URL's; skipped where that fails.
_LATER: Final = ("DNS", "TCP", "handshake", "realm", "clock", "router", "round trip")


@click.command(cls=Command)
@optional_target_argument
@router_options(f"that of TARGET, else {DEFAULT_ROUTER}")
@host_option
@port_option
@connect_timeout_option
@json_option
@click.pass_context
def doctor(
    ctx: click.Context,
    target: str | None,
    router: RouterOptions,
    *,
    host: str | None,
    port: int | None,
    connect_timeout: float,
    as_json: bool,
) -> None:
    """Find out, step by step, why something does not connect.

    With TARGET, as in 'wampapp run', its app is imported but not run, and the doctor looks at its
    router and credential. The first step that fails is the last one, and the exit code is the one
    that 'run' or 'call' would have.
    """
    from wampapp.cli.doctor import local_checks

    report = begin(as_json=as_json)
    app = None
    if target is not None:
        app = _load(report, target)
        report.found("target", local_checks.describe_app(app))
    config, by = _settle(
        report, ctx, app, router, host=host, port=port, handshake_timeout=connect_timeout
    )
    examine(report, config, by, own=app is not None)


def begin(*, as_json: bool) -> Report:
    """Begin a report, with the versions of what matters.

    Args:
        as_json: whether it is printed as JSON.
    """
    from wampapp.cli.doctor import local_checks

    report = Report(as_json=as_json)
    report.found("versions", local_checks.check_versions())
    return report


def examine(report: Report, config: Config, by: str, *, own: bool) -> None:
    """Look at the router, step by step; the first step that fails ends the process.

    Args:
        report: what the steps are reported to.
        config: the settled configuration.
        by: what named the router.
        own: whether an app starts its own router where none is named; else it is searched.
    """
    from wampapp.loop.runtime import get_runtime

    if config.url is None and not own:
        config = dataclasses.replace(config, url=get_runtime().call(_search(config)))
    _report_url(report, config, by)
    get_runtime().call(_run_steps(report, config))


def _load(report: Report, target: str) -> App:
    from wampapp.cli.target.loading import load
    from wampapp.cli.target.user_code import UserCodeFailed

    later = ("URL", *_LATER)
    try:
        return load(target)
    except UserCodeFailed as error:
        error.show()
        last = error.message.strip().splitlines()[-1]
        report.fail("target", f"it raised {last}", EXIT_FAILED, later)
    except WampappError as error:
        report.fail("target", sentence(error), error.exit_code, later)


def _settle(
    report: Report, ctx: click.Context, app: App | None, router: RouterOptions, **others: Any
) -> tuple[Config, str]:
    """Settle which router is looked at; return what named it too."""
    from click.core import ParameterSource

    from wampapp.config.records import Config
    from wampapp.config.settle import FINDING, settle

    base = Config() if app is None else app.config
    by = {
        ParameterSource.COMMANDLINE: "given by --url",
        ParameterSource.ENVIRONMENT: "given by WAMPAPP_URL",
    }.get(ctx.get_parameter_source("url") or ParameterSource.DEFAULT, "given by the settings")
    if not router.url:
        by = "the default" if app is None else "given by App(url=…)"
    try:
        return settle(base, variables=FINDING, **vars(router), **others), by
    except WampappError as error:
        if isinstance(error, InvalidUrl):
            report.fail("URL", f"{error} It is {by}.", error.exit_code, _LATER)
        raise


def _report_url(report: Report, config: Config, by: str) -> None:
    from wampapp.cli.doctor.finding import Finding
    from wampapp.config.url import parse_urls

    if config.url is None:
        report.found("URL", Finding("none is given, so the app starts its own router"))
        return
    parts, *others = parse_urls(config.url)
    if others:
        several = f"{config.url}, {by}: {len(others) + 1} routers, of which one can be looked at"
        report.fail("URL", several, EXIT_USAGE, _LATER)
    spoken = "WebSocket" if parts.websocket else "RawSocket"
    where = parts.path if parts.scheme == "unix" else f"{parts.host}, port {parts.port}"
    report.found(
        "URL",
        Finding(
            f"{config.url}, {by}: {spoken}{' over TLS' if parts.secure else ''} to {where}",
            facts={"url": config.url, "source": by},
        ),
    )


async def _search(config: Config) -> str:
    """Return the URL of the router on the port; where there is none, the one that should work."""
    from wampapp.config.url import urls_at
    from wampapp.errors import RouterUnreachable
    from wampapp.loop.runtime import get_runtime
    from wampapp.runner.reach import running_router

    try:
        return await running_router(config, get_runtime())
    except RouterUnreachable:
        return urls_at(config.host, config.port)[0]


async def _run_steps(report: Report, config: Config) -> None:
    from wampapp.cli.doctor.router_checks import RouterChecks
    from wampapp.loop.runtime import get_runtime

    checks = RouterChecks(config, get_runtime())
    steps = checks.steps()
    if config.url is None:
        steps.append(("port", checks.own_router))
    try:
        while steps:
            name, step = steps.pop(0)
            try:
                report.found(name, await step())
            except WampappError as error:
                later = [later for later, _ in steps] or (_LATER if name == "port" else [])
                report.fail(name, sentence(error), error.exit_code, later)
            if name == "port":
                steps = checks.steps()
    finally:
        await checks.close()
