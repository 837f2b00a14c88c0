"""What ``wampapp doctor`` finds out without a router."""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp._version import __version__
from wampapp.cli.terminal import counted

if TYPE_CHECKING:
    from wampapp.app import App

OK: Final = "ok"
WARNING: Final = "warning"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

#: A socket's state in Linux's tables.
_LISTENING: Final = "0A"
_SHOWN: Final = {
    "autobahn": "Autobahn",
    "twisted": "Twisted",
    "msgspec": "msgspec",
    "uvloop": "uvloop",
}


@dataclass
class Finding:
    """What a step found.

    Attributes:
        detail: one line for people.
        status: ``ok``, ``warning``, or ``skipped`` where there is nothing to find.
        facts: the same for programs.
        more: further lines.
    """

    detail: str
    status: str = OK
    facts: dict[str, Any] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)


def versions() -> Finding:
    """Tell what wampapp runs on, and what of that is too old for it."""
    found = {"Python": sys.version.partition(" ")[0], "wampapp": __version__}
    for package, name in _SHOWN.items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(package)
    parts = [f"{name} {version}" for name, version in found.items()]
    if "uvloop" not in found:
        parts.append("no uvloop, which is faster: pip install 'wampapp[fast]'")
    old = _too_old()
    if old:
        wanted = " ".join(f"'{package}>={least}'" for package, least, _ in old)
        parts = [f"{package} {has} is older than {least}" for package, least, has in old]
        detail = f"{', '.join(parts)}; pip install --upgrade {wanted}"
        return Finding(detail, WARNING, {"versions": found})
    return Finding(", ".join(parts), OK, {"versions": found})


def _too_old() -> list[tuple[str, str, str]]:
    """Return the packages that are older than wampapp asks for: name, least version, version."""
    try:
        requirements = metadata.requires("wampapp") or []
    except metadata.PackageNotFoundError:
        return []
    old = []
    for requirement in requirements:
        found = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*>=\s*([\d.]+)", requirement)
        if found is None:
            continue
        package, least = found.groups()
        with contextlib.suppress(metadata.PackageNotFoundError):
            has = metadata.version(package)
            if _numbers(has) < _numbers(least) and (package, least, has) not in old:
                old.append((package, least, has))
    return old


def _numbers(version: str) -> list[int]:
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(part) for part in found[0].split(".")] if found else []


def about(app: App) -> Finding:
    """Tell how much an app declares."""
    procedures, topics = app.registry.registrations, app.registry.subscriptions
    return Finding(
        f"{app.name}: {counted(len(procedures), 'procedure')}, {counted(len(topics), 'topic')}",
        facts={"procedures": len(procedures), "topics": len(topics)},
    )


def holder(port: int) -> str:
    """Return who listens on a TCP port of this machine: a program's name and process id.

    Linux tells it, of this user's processes or to root; else the result is empty.
    """
    sockets = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{words[9]}]")
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in sockets:
                        name = (process / "comm").read_text().strip()
                        return f"{name}, process {process.name}"
    return ""
