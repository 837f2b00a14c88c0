"""Settings and their versions as people read them."""

from __future__ import annotations

from typing import Any, Final

from wampapp.cli.output import json_line, printable
from wampapp.cli.tasks.showing import moment

HEADER: Final = ("setting", "value", "from", "about")
HISTORY_HEADER: Final = ("version", "at", "by", "why", "changes")
DIFF_HEADER: Final = ("setting", "before", "after")
#: How a default is shown where only what was changed is known.
_DEFAULT: Final = "(default)"
_LONGEST: Final = 60


def setting_rows(snapshot: dict[str, Any], services: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings of the services that are joined.

    Args:
        snapshot: the live values.
        services: the services, with what they have.
    """
    rows: dict[str, dict[str, Any]] = {}
    for service in services:
        properties = service["schema"].get("properties", {})
        for name in service["names"]:
            value, where = service["defaults"].get(name), "default"
            if name in snapshot["values"]:
                value, where = snapshot["values"][name], "live"
            if name in service["pinned"]:
                where = f"pinned in {service['service']}"
            schema = properties.get(name, {})
            rows.setdefault(
                name,
                {
                    "name": name,
                    "value": value,
                    "shown": _short(json_line(value)),
                    "from": printable(where),
                    "about": schema.get("description", ""),
                },
            )
    return [rows[name] for name in sorted(rows)]


def version_row(version: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a version."""
    changes = ", ".join(
        f"{name} = {json_line(both['after'])}" if "after" in both else f"{name} = {_DEFAULT}"
        for name, both in version["changes"].items()
    )
    return (
        str(version["version"]),
        moment(version["at"]),
        printable(version["by"]),
        printable(version["why"]),
        _short(printable(changes)),
    )


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what differs: the setting, and its values before and after, as JSON."""
    rows = []
    for name in sorted(before.keys() | after.keys()):
        old = json_line(before[name]) if name in before else _DEFAULT
        new = json_line(after[name]) if name in after else _DEFAULT
        if old != new:
            rows.append((name, old, new))
    return rows


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
