"""What the commands of telemetry have in common: how it is found, and how times are written."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.component_client import component_options

if TYPE_CHECKING:
    from collections.abc import Callable

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)")
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def telemetry_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which it finds who collects; see :func:`component_options`."""
    decorate = component_options("telemetry", "collector", ("points", "attach", "report", "logs"))
    return decorate(command)


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A time: ``90s``, ``30m``, ``2h`` and ``1d`` ago, ``14:30``, or ``2026-03-01T14:30``.

    It is converted to seconds since 1970.
    """

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert what was typed."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        if found := _SPAN.fullmatch(text):
            return time.time() - float(found[1]) * _SECONDS[found[2]]
        try:
            if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text):
                today = datetime.now().astimezone().date().isoformat()
                text = f"{today}T{text.zfill(5 if text.count(':') == 1 else 8)}"
            return datetime.fromisoformat(text).astimezone().timestamp()
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is not a time; write 90s, 30m, 2h or 1d for so long ago, 14:30, or "
                "2026-03-01T14:30.",
                param,
                ctx,
            )
