"""What ``wampapp doctor`` finds out on this machine, without a router."""

from __future__ import annotations

import contextlib
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wampapp._version import __version__
from wampapp.cli.doctor.finding import OK, WARNING, Finding
from wampapp.cli.output import counted

if TYPE_CHECKING:
    from wampapp.app import App

#: The state of a listening socket in Linux's tables.
_LISTENING: Final = "0A"
#: The packages whose versions are shown, by the names that they are shown by.
_SHOWN: Final = {
    "autobahn": "Autobahn",
    "twisted": "Twisted",
    "msgspec": "msgspec",
    "uvloop": "uvloop",
}


def check_versions() -> Finding:
    """Return the versions of what wampapp runs on; a warning if one is too old for it."""
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


def describe_app(app: App) -> Finding:
    """Return how many procedures and topics an app declares."""
    procedures, topics = app.registry.registrations, app.registry.subscriptions
    return Finding(
        f"{app.name}: {counted(len(procedures), 'procedure')}, {counted(len(topics), 'topic')}",
        facts={"procedures": len(procedures), "topics": len(topics)},
    )


def port_holder(port: int) -> str:
    """Return which program listens on a TCP port of this machine: its name and process id.

    Found on Linux, for the processes of this user, or of all users as root; else empty.
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
