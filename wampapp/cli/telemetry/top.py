"""``wampapp top``: what all services are doing, live."""

from __future__ import annotations

import contextlib
import select
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import Command, Finite
from wampapp.cli.output import json_line, styled
from wampapp.cli.telemetry.options import telemetry_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.cli.component_client import Open

_HOME: Final = "\x1b[H\x1b[2J"
#: What a table may be sorted by, and the key that does it.
_SORTED: Final = {
    "rate": "r",
    "errors": "e",
    "p50": "5",
    "p99": "9",
    "total": "t",
    "name": "n",
}
#: The lines of a screen that are not the handlers'.
_OTHERS: Final = 8


@click.command(cls=Command)
@click.option(
    "--interval",
    type=Finite(0.5, 60),
    default=2,
    metavar="SECONDS",
    help="How often. Default: 2.",
)
@click.option(
    "--sort",
    type=click.Choice(list(_SORTED)),
    default="rate",
    help="What comes first. Default: rate.",
)
@telemetry_options
def top(open_telemetry: Open, *, interval: float, sort: str, as_json: bool) -> None:
    """Show what all services are doing, until Ctrl-C or q.

    On a terminal, the keys r, e, 5, 9, t and n sort by rate, errors, p50, p99, total and name. To
    a file or a pipe, one picture is printed.
    """
    seconds = max(2.0, 2 * interval)
    with open_telemetry() as telemetry:
        if as_json or not sys.stdout.isatty():
            found = telemetry.call("stats", seconds)
            _sort(found, sort)
            click.echo(json_line(found) if as_json else "\n".join(_lines(found, sort, None)))
            return
        with _keys() as keys:
            while True:
                found = telemetry.call("stats", seconds)
                due = time.monotonic() + interval
                while True:
                    _sort(found, sort)
                    rows = shutil.get_terminal_size().lines
                    most = max(3, rows - _OTHERS - len(found["instances"]))
                    click.echo(_HOME + "\n".join(_lines(found, sort, most)))
                    key = keys.wait(due - time.monotonic())
                    if key is None:
                        break
                    if key == "q":
                        return
                    sort = next((name for name, one in _SORTED.items() if one == key), sort)


def _lines(found: dict[str, Any], sort: str, most: int | None) -> list[str]:
    from wampapp.cli.telemetry.showing import stats_lines

    keys = "  ".join(f"{key} {name}" for name, key in _SORTED.items())
    head = f"{time.strftime('%H:%M:%S')}  by {sort}"
    first = head if most is None else f"{head}{styled(f'    {keys}  q quit', 'note')}"
    return [first, "", *stats_lines(found, most=most)]


def _sort(found: dict[str, Any], by: str) -> None:
    def key(one: dict[str, Any]) -> Any:
        if by == "name":
            return one["uri"], one["service"]
        value = one[{"errors": "error_rate"}.get(by, by)]
        return -(value or 0.0), one["uri"]

    found["handled"].sort(key=key)


class _Keys:
    """The keys that are typed, one at a time."""

    def wait(self, seconds: float) -> str | None:
        """Return the next key; None if none comes for some time."""
        ready, _, _ = select.select([sys.stdin], [], [], max(0.0, seconds))
        if not ready:
            return None
        # At the end of what is typed, there is nothing more to wait for.
        return sys.stdin.read(1) or "q"


class _NoKeys(_Keys):
    """No keyboard."""

    def wait(self, seconds: float) -> str | None:
        """Wait."""
        time.sleep(max(0.0, seconds))
        return None


@contextlib.contextmanager
def _keys() -> Iterator[_Keys]:
    """Take each key as it is typed, without showing it."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield _NoKeys()
        return
    if not sys.stdin.isatty():
        yield _NoKeys()
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield _Keys()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
