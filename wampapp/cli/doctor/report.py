"""What ``wampapp doctor`` prints: a line for each step, and advice where one failed."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from wampapp.cli.output import json_line, printable, styled
from wampapp.errors import EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.cli.doctor.finding import Finding

_STYLES: Final = {"ok": "good", "warning": "doubtful", "failed": "bad", "skipped": "note"}
_NAME_WIDTH: Final = len("round trip")  # the longest
_STATUS_WIDTH: Final = max(map(len, _STYLES))
#: What to do when a step has failed; where an exit code stands behind it, with that one.
_ADVICE: Final = {
    "URL": "name one router with --url rs://host:port or --url ws://host:port/path",
    "target": "correct TARGET, or the code that it names",
    "port": "choose another port, or stop the program that holds this one",
    "socket": "start the router, or correct the path in --url",
    "DNS": "correct the host in --url, or find out why its name is not known",
    "TCP": "start the router, or correct host and port in --url; a firewall may be in between",
    "TLS": "name the authority that you trust with --ca, have the router's certificate renewed, or "
    "use the host name that it is for",
    f"TLS {EXIT_USAGE}": "correct the name of the file, or what is in it",
    f"TLS {EXIT_UNREACHABLE}": "find out what listens there; without TLS, write ws:// or rs://",
    "handshake": "find out what listens there, and check scheme, port and path in --url",
    f"handshake {EXIT_REFUSED}": "if the router asks for our certificate, give it with --cert",
    "realm": "correct --realm, or --authmethod and its options",
    f"realm {EXIT_UNREACHABLE}": "the router's log may say why",
}


class _StepFailed(click.ClickException):
    """A step failed; the exit code is the one that other commands would have."""

    def __init__(self, step: str, advice: str, exit_code: int) -> None:
        super().__init__(f"The step {step!r} failed; {advice}.")
        self.exit_code = exit_code  # type: ignore[misc]  # Click reads the instance's


class Report:
    """What is printed: a line for each step, as text or as JSON.

    Args:
        as_json: whether each is a JSON object.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def found(self, name: str, finding: Finding) -> None:
        """Print what a step found."""
        self._line(name, finding.status, finding.detail, finding.more, finding.facts)

    def fail(self, name: str, why: str, code: int, later: Sequence[str]) -> NoReturn:
        """Print that a step failed, and that the later ones are skipped.

        Raises:
            click.ClickException: always.
        """
        general = _ADVICE.get(name, "the router's log may say why")
        advice = _ADVICE.get(f"{name} {code}", general)
        self._line(name, "failed", why, [], {"advice": advice, "exit_code": code})
        for skipped in later:
            self._line(skipped, "skipped", "", [], {})
        raise _StepFailed(name, advice, code)

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
