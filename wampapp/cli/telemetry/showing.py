"""Log records and numbers as people read them."""

from __future__ import annotations

import time
from typing import Any, Final

from wampapp.cli.output import counted, json_line, printable, styled, table

HEADER: Final = ("procedure", "service", "calls/s", "errors/s", "p50", "p99", "calls", "errors")
_INSTANCE_HEADER: Final = ("process", "memory", "threads", "running", "waiting", "lag", "up")
_STYLES: Final = {"debug": "note", "warning": "doubtful", "error": "bad", "critical": "bad"}
#: So many digits of a trace's id are shown; --trace takes them, and --json has all.
_TRACE: Final = 8
_MIB: Final = 1024 * 1024
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def record_lines(record: dict[str, Any]) -> list[str]:
    """Return a log record as a line, and its traceback as more of them."""
    then, now = time.localtime(record["t"]), time.localtime()
    form = "%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M:%S"
    worker = f"[{record['worker']}]" if record["worker"] > 1 else ""
    service = printable(record["service"])
    parts = [styled(time.strftime(form, then), "note"), styled(f"{service}{worker}", "name")]
    if record["logger"] != record["service"]:
        parts.append(printable(record["logger"]))
    first, *rest = record["message"].split("\n")
    text = printable(first)
    level = record["level"]
    if level != "info":
        text = f"{styled(level.upper(), _STYLES[level])}: {text}"
    parts.append(text)
    data = dict(record.get("data") or {})
    blocks = [data.pop(name, None) for name in ("exception", "stack")]
    facts = [f"{printable(str(name))}={json_line(value)}" for name, value in data.items()]
    if record.get("trace"):
        facts.append(f"trace={printable(record['trace'][:_TRACE])}")
    if facts:
        parts.append(styled(" ".join(facts), "note"))
    lines = ["  ".join(parts)]
    lines += [f"    {printable(line)}" for line in rest]
    for block in blocks:
        if isinstance(block, str):
            lines += [f"    {printable(line)}" for line in block.rstrip("\n").split("\n")]
    return lines


def stats_lines(stats: dict[str, Any], *, most: int | None = None) -> list[str]:
    """Return what all services did lately, as tables.

    Args:
        stats: what the collector says.
        most: how many handlers are shown at most; None for all.
    """
    handled = stats["handled"][:most]
    lines = table([_handler_row(one) for one in handled], ("name",), header=HEADER)
    if not handled:
        lines = ["Nothing was called yet."]
    elif len(stats["handled"]) > len(handled):
        lines.append(styled(f"and {len(stats['handled']) - len(handled)} more", "note"))
    rows = [_instance_row(one) for one in stats["instances"]]
    lines += ["", *table(rows, ("name",), header=_INSTANCE_HEADER)]
    if stats["backlogs"]:
        unread = [
            (one["session"], printable(one["app"]), f"{one['unread'] / _MIB:,.2f} MiB")
            for one in stats["backlogs"]
        ]
        lines += ["", *table(unread, ("name",), header=("session", "app", "unread"))]
    dropped = f", {stats['dropped']:,} dropped" if stats["dropped"] else ""
    size = f"{stats['bytes'] / _MIB:,.1f} MiB"
    lines += ["", f"{counted(stats['records'], 'log record')} kept{dropped}, {size}"]
    return lines


def _handler_row(one: dict[str, Any]) -> tuple[str, ...]:
    errors = rate(one["error_rate"])
    return (
        printable(one["uri"]) + (" (events)" if one["is_event"] else ""),
        printable(one["service"]),
        rate(one["rate"]),
        styled(errors, "bad") if one["error_rate"] else errors,
        span(one["p50"]),
        span(one["p99"]),
        f"{one['total']:,}",
        f"{one['errors']:,}",
    )


def _instance_row(one: dict[str, Any]) -> tuple[str, ...]:
    gauges = one["gauges"]

    def whole(name: str) -> str:
        value = gauges.get(f"wampapp_{name}")
        return "" if value is None else f"{value:,.0f}"

    worker = f"[{one['worker']}]" if one["worker"] > 1 else ""
    where = f" at {printable(one['host'])}:{one['pid']}" if one["host"] else ""
    memory = gauges.get("wampapp_memory_bytes")
    return (
        f"{printable(one['service'])}{worker}{where}",
        "" if memory is None else f"{memory / _MIB:,.0f} MiB",
        whole("threads"),
        whole("calls_running"),
        whole("events_waiting"),
        span(gauges.get("wampapp_loop_lag_seconds")),
        duration(time.time() - one["started"]),
    )


def rate(number: float) -> str:
    """Return a rate with as many digits as mean something."""
    if number == 0:
        return "0"
    return (
        f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.1f}"
    )


def span(seconds: float | None) -> str:
    """Return a short time; a dash for None."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def duration(seconds: float) -> str:
    """Return how long a process has run."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} days"
