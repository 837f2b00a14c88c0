"""What is looked at before a node starts: its configuration, its secrets, and what apps may do."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

from wampapp.crossbar.installation import clean_environ
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from wampapp.cli.crossbar.configuration import Offer

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|^\$([A-Z_][A-Z0-9_]*)$")
_FILES: Final = ("config.yaml", "config.json")


def config_file(folder: Path) -> Path:
    """Return the configuration in a node's folder.

    Raises:
        UsageError: there is none.
    """
    found = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if found is None:
        raise UsageError(
            f"There is no configuration in {str(folder)!r}; write one with 'wampapp crossbar init'."
        )
    return found


def check_variables(file: Path) -> None:
    """Check that the variables are set that a configuration names.

    Raises:
        UsageError: one is not, or is empty.
    """
    named = [
        found[1] or found[2]
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("#")
        for found in _VARIABLE.finditer(line.strip())
    ]
    missing = [name for name in dict.fromkeys(named) if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"{file} takes secrets from variables that are not set: {', '.join(missing)}."
        )


def check_by_crossbar(program: Path, folder: Path) -> None:
    """Have Crossbar.io check a configuration.

    Raises:
        UsageError: it is not valid; with what Crossbar.io says.
    """
    done = subprocess.run(  # noqa: S603 - the command is ours
        [program, "check", "--cbdir", folder],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=clean_environ(),
    )
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        why = next((line for line in said if "nvalid" in line or "rror" in line), "")
        raise UsageError(
            f"Crossbar.io says that the configuration is not valid: {why or ' '.join(said[-3:])}"
        )


def read(program: Path, file: Path) -> dict[str, Any]:
    """Return a configuration; YAML is read by the environment of Crossbar.io, which can."""
    python = program.parent / "python"
    code = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)"
    done = subprocess.run(  # noqa: S603 - the command is ours
        [python, "-c", code, file],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environ(),
    )
    if done.returncode:
        raise UsageError(f"{file} cannot be read: {done.stderr.strip().splitlines()[-1]}")
    import json

    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(config: dict[str, Any], offer: Offer) -> list[str]:
    """Return what no role may do that the apps do: a sentence each.

    Args:
        config: the configuration.
        offer: what the apps offer.
    """
    permissions = [
        permission
        for worker in config.get("workers", [])
        for realm in worker.get("realms", [])
        for role in realm.get("roles", [])
        for permission in role.get("permissions", [])
    ]
    found = [
        f"No role may register {uri}."
        for match, uri in offer.procedures
        if not _allows(permissions, match, uri, "register")
    ]
    found += [
        f"No role may subscribe to {uri}."
        for match, uri in offer.topics
        if not _allows(permissions, match, uri, "subscribe")
    ]
    return found


def _allows(permissions: list[dict[str, Any]], match: str, uri: str, verb: str) -> bool:
    return any(
        permission.get("allow", {}).get(verb) and _covers(permission, match, uri)
        for permission in permissions
    )


def _covers(permission: dict[str, Any], match: str, uri: str) -> bool:
    own, how = str(permission.get("uri", "")), permission.get("match", "exact")
    if own.endswith("*") and "match" not in permission:
        own, how = own[:-1], "prefix"
    if how == "exact":
        return own == uri and match == "exact"
    if how == "prefix":
        return uri.startswith(own)
    parts, its = own.split("."), uri.split(".")
    return len(parts) == len(its) and all(
        mine in ("", other) for mine, other in zip(parts, its, strict=True)
    )
