"""``wampapp doctor``: find out, step by step, why something does not connect."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from wampapp.cli.options import (
    Command,
    Router,
    connect_timeout_option,
    host_option,
    json_line,
    json_option,
    port_option,
    router_options,
    sentence,
)
from wampapp.cli.project import any_target_argument
from wampapp.cli.terminal import printable, styled
from wampapp.config.records import DEFAULT_URL
from wampapp.errors import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    InvalidUrl,
    WampappError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.app import App
    from wampapp.cli.doctor.checks import Finding
    from wampapp.config.records import Config

_STYLES: Final = {"ok": "good", "warning": "doubtful", "failed": "bad", "skipped": "note"}
_NAME_WIDTH: Final = len("round trip")
_STATUS_WIDTH: Final = max(map(len, _STYLES))
#: What to do when a step has failed, or has failed with an exit code.
_ADVICE: Final = {
    "URL": "write it as rs://host:port or ws://host:port/path",
    "target": "correct TARGET, or what it says",
    "port": "choose another port, or stop what holds this one",
    "socket": "start the router, or correct the path in --url",
    "DNS": "correct the host in --url, or see why its name is not known",
    "TCP": "start the router, or correct host and port in --url; a firewall may be in between",
    "TLS": "name the authority that you trust with --ca, have the router's certificate renewed, or "
    "use the host name that it is for",
    f"TLS {EXIT_USAGE}": "correct the name of the file, or what is in it",
    f"TLS {EXIT_UNREACHABLE}": "see what listens there; if it is no TLS, write ws:// or rs://",
    "handshake": "see what listens there, and whether scheme, port and path in --url are right",
    f"handshake {EXIT_REFUSED}": "if the router asks for a certificate of ours, give it by --cert",
    "realm": "correct --realm, or --authmethod and what goes with it",
    f"realm {EXIT_UNREACHABLE}": "the router's log may tell why",
}
_LATER: Final = ("DNS", "TCP", "handshake", "realm", "clock", "router", "round trip")


class _Ill(click.ClickException):
    """A step failed; the exit code is the one that other commands would end with."""

    def __init__(self, step: str, advice: str, exit_code: int) -> None:
        super().__init__(f"The step {step!r} failed; {advice}.")
        self.exit_code = exit_code  # type: ignore[misc]  # Click reads it of the instance


@click.command(cls=Command)
@any_target_argument
@router_options(f"that of TARGET, else {DEFAULT_URL}")
@host_option
@port_option
@connect_timeout_option
@json_option
@click.pass_context
def doctor(
    ctx: click.Context,
    target: str | None,
    router: Router,
    *,
    host: str | None,
    port: int | None,
    connect_timeout: float,
    as_json: bool,
) -> None:
    """Find out, step by step, why something does not connect.

    With TARGET, as in 'wampapp run', its app is imported but not run, and its router and
    credential are what is looked at. The first step that fails ends it; the exit code is the one
    that 'run' or 'call' would end with.
    """
    from wampapp.cli.doctor import checks
    from wampapp.loop.runtime import get_runtime

    report = _Report(as_json=as_json)
    report.tell("versions", checks.versions())
    app = None
    if target is not None:
        app = _load(report, target)
        report.tell("target", checks.about(app))
    config = _settle(
        report, ctx, app, router, host=host, port=port, handshake_timeout=connect_timeout
    )
    get_runtime().call(_visit(report, config))


def _load(report: _Report, target: str) -> App:
    from wampapp.cli.target import UserCodeFailed, load

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
    report: _Report, ctx: click.Context, app: App | None, router: Router, **others: Any
) -> Config:
    """Settle where to go, and say by what."""
    from click.core import ParameterSource

    from wampapp.cli.doctor.checks import Finding
    from wampapp.config.records import Config
    from wampapp.config.settle import settle
    from wampapp.config.url import parse_url

    base = Config(url=DEFAULT_URL) if app is None else app.config
    by = {
        ParameterSource.COMMANDLINE: "given by --url",
        ParameterSource.ENVIRONMENT: "given by WAMPAPP_URL",
    }.get(ctx.get_parameter_source("url") or ParameterSource.DEFAULT, "given by the settings")
    if not router.url:
        by = "the default" if app is None else "given by App(url=…)"
    try:
        config = settle(base, **vars(router), **others)
    except WampappError as error:
        if isinstance(error, InvalidUrl):
            report.fail("URL", f"{error} It is {by}.", error.exit_code, _LATER)
        raise
    if config.url is None:
        report.tell("URL", Finding("none is given, so the app has a router of its own"))
        return config
    parts = parse_url(config.url)
    spoken = "WebSocket" if parts.websocket else "RawSocket"
    where = parts.path if parts.scheme == "unix" else f"{parts.host}, port {parts.port}"
    report.tell(
        "URL",
        Finding(
            f"{config.url}, {by}: {spoken}{' over TLS' if parts.secure else ''} to {where}",
            facts={"url": config.url, "source": by},
        ),
    )
    return config


async def _visit(report: _Report, config: Config) -> None:
    from wampapp.cli.doctor.steps import Visit
    from wampapp.loop.runtime import get_runtime

    visit = Visit(config, get_runtime())
    steps = visit.steps()
    if config.url is None:
        steps.append(("port", visit.own_router))
    try:
        while steps:
            name, step = steps.pop(0)
            try:
                report.tell(name, await step())
            except WampappError as error:
                later = [later for later, _ in steps] or (_LATER if name == "port" else [])
                report.fail(name, sentence(error), error.exit_code, later)
            if name == "port":
                steps = visit.steps()
    finally:
        await visit.close()


class _Report:
    """What is printed: a line for each step, as text or as JSON.

    Args:
        as_json: whether each is a JSON object.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def tell(self, name: str, finding: Finding) -> None:
        """Print what a step found."""
        self._line(name, finding.status, finding.detail, finding.more, finding.facts)

    def fail(self, name: str, why: str, code: int, later: Sequence[str]) -> NoReturn:
        """Print that a step failed, and that the later ones are skipped.

        Raises:
            click.ClickException: always.
        """
        general = _ADVICE.get(name, "the router's log may tell why")
        advice = _ADVICE.get(f"{name} {code}", general)
        self._line(name, "failed", why, [], {"advice": advice, "exit_code": code})
        for skipped in later:
            self._line(skipped, "skipped", "", [], {})
        raise _Ill(name, advice, code)

    def _line(
        self, name: str, status: str, detail: str, more: list[str], facts: dict[str, Any]
    ) -> None:
        if self._as_json:
            row = {"step": name, "status": status, "detail": detail, **facts}
            click.echo(json_line(row))
            return
        shown = styled(f"{status:<{_STATUS_WIDTH}}", _STYLES[status])
        click.echo(f"{name:<{_NAME_WIDTH}}  {shown}  {printable(detail)}".rstrip())
        indent = " " * (_NAME_WIDTH + _STATUS_WIDTH + 4)
        for line in more:
            for part in textwrap.wrap(line, max(40, _columns() - len(indent) - 2)) or [""]:
                click.echo(indent + styled(part, "note"))


def _columns() -> int:
    return shutil.get_terminal_size().columns
